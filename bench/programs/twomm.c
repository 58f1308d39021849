// D = A*B*C + D: two products of matrices, inner products along columns.
#include "matrix.h"

enum { SIDE = 200, ROUNDS = 70 };

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE], d[SIDE][SIDE], between[SIDE][SIDE];

static NOINLINE void product(double to[SIDE][SIDE], double x[SIDE][SIDE], double y[SIDE][SIDE], double keep, i32 side) {
    for (i32 i = 0; i < side; i++)
        for (i32 j = 0; j < side; j++) {
            double sum = to[i][j] * keep;
            for (i32 k = 0; k < side; k++)
                sum += x[i][k] * y[k][j];
            to[i][j] = sum;
        }
}

// `n` is the side of the matrices, at most 200.
EXPORT_RUN i64 run(i32 n) {
    fill(&a[0][0], SIDE * SIDE, 4);
    fill(&b[0][0], SIDE * SIDE, 5);
    fill(&c[0][0], SIDE * SIDE, 6);
    fill(&d[0][0], SIDE * SIDE, 7);
    i32 side = at_most(n, SIDE);
    for (i32 round = 0; round < ROUNDS; round++) {
        product(between, a, b, 0, side);
        product(d, between, c, 0.25, side);
    }
    return (i64)fold(2, &d[0][0], SIDE * SIDE);
}
