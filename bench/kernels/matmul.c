// Product of square matrices of doubles: three nested loops, strided loads.
#include "kernel.h"

enum { SIDE_MAX = 512 };

static double a[SIDE_MAX][SIDE_MAX], b[SIDE_MAX][SIDE_MAX], c[SIDE_MAX][SIDE_MAX];

static void fill(double m[SIDE_MAX][SIDE_MAX], i32 side, u32 seed) {
    for (i32 row = 0; row < side; row++)
        for (i32 column = 0; column < side; column++)
            m[row][column] = (i32)(next_random(&seed) % 2001 - 1000) / 1024.0;
}

static NOINLINE void multiply(i32 side) {
    for (i32 row = 0; row < side; row++)
        for (i32 column = 0; column < side; column++) {
            double sum = 0;
            for (i32 k = 0; k < side; k++)
                sum += a[row][k] * b[k][column];
            c[row][column] = sum;
        }
}

// `n` is the side of the matrices, at most 512.
EXPORT_RUN i64 run(i32 n) {
    i32 side = n < SIDE_MAX ? n : SIDE_MAX;
    fill(a, side, 12345);
    fill(b, side, 67890);
    u64 sum = (u64)side;
    for (i32 round = 0; round < 2; round++) {
        multiply(side);
        for (i32 row = 0; row < side; row++)
            for (i32 column = 0; column < side; column++) {
                sum = mix(sum, bits_of(c[row][column]));
                a[row][column] = c[row][column] * 0.03125;
            }
    }
    return (i64)sum;
}
