// A = L*U in place, without pivots.
#include "matrix.h"

enum { SIDE = 240, ROUNDS = 170 };

static double original[SIDE][SIDE], a[SIDE][SIDE];

static NOINLINE void decompose(i32 side) {
    for (i32 i = 0; i < side; i++) {
        for (i32 j = 0; j < i; j++) {
            for (i32 k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (i32 j = i; j < side; j++)
            for (i32 k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
    }
}

// `n` is the side of the matrix, at most 240.
EXPORT_RUN i64 run(i32 n) {
    i32 side = at_most(n, SIDE);
    fill(&original[0][0], SIDE * SIDE, 11);
    u64 sum = 5;
    for (i32 round = 0; round < ROUNDS; round++) {
        for (i32 i = 0; i < side; i++)
            for (i32 j = 0; j < side; j++)
                // The diagonal outweighs its row, so no pivot is small.
                a[i][j] = original[i][j] + (i == j ? SIDE + round : 0);
        decompose(side);
        sum = fold(sum, &a[round % side][0], side);
    }
    return (i64)sum;
}
