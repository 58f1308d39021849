// C = alpha*A*B + beta*C, loops ordered so that the inner one runs along rows.
#include "matrix.h"

enum { SIDE = 256, ROUNDS = 100 };

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

// `n` is the side of the matrices, at most 256.
EXPORT_RUN i64 run(i32 n) {
    fill(&a[0][0], SIDE * SIDE, 1);
    fill(&b[0][0], SIDE * SIDE, 2);
    fill(&c[0][0], SIDE * SIDE, 3);
    i32 side = at_most(n, SIDE);
    for (i32 round = 0; round < ROUNDS; round++)
        for (i32 i = 0; i < side; i++) {
            for (i32 j = 0; j < side; j++)
                c[i][j] *= 0.5;
            for (i32 k = 0; k < side; k++)
                for (i32 j = 0; j < side; j++)
                    c[i][j] += 1.25 * a[i][k] * b[k][j];
        }
    return (i64)fold(1, &c[0][0], SIDE * SIDE);
}
