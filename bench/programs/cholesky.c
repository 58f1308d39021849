// A = L*L' of a symmetric matrix: inner products of rows, divisions and square roots.
#include "matrix.h"

enum { SIDE = 320, ROUNDS = 140 };

static double original[SIDE][SIDE], a[SIDE][SIDE];

static NOINLINE void decompose(i32 side) {
    for (i32 i = 0; i < side; i++) {
        for (i32 j = 0; j < i; j++) {
            for (i32 k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
        for (i32 k = 0; k < i; k++)
            a[i][i] -= a[i][k] * a[i][k];
        a[i][i] = __builtin_sqrt(a[i][i]);
    }
}

// `n` is the side of the matrix, at most 320.
EXPORT_RUN i64 run(i32 n) {
    i32 side = at_most(n, SIDE);
    fill(&original[0][0], SIDE * SIDE, 12);
    u64 sum = 6;
    for (i32 round = 0; round < ROUNDS; round++) {
        for (i32 i = 0; i < side; i++)
            for (i32 j = 0; j <= i; j++)
                a[i][j] = original[i][j] + (i == j ? 2 * SIDE + round : 0);
        decompose(side);
        for (i32 i = 0; i < side; i++)
            sum = fold(sum, &a[i][i], 1);
    }
    return (i64)sum;
}
