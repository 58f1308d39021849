// Columns of a matrix made orthogonal to each other, one after the other.
#include "matrix.h"

enum { ROWS = 220, COLUMNS = 200, ROUNDS = 110 };

static double a[ROWS][COLUMNS], q[ROWS][COLUMNS], r[COLUMNS][COLUMNS];

static NOINLINE void orthogonal(i32 columns) {
    for (i32 k = 0; k < columns; k++) {
        double squares = 0;
        for (i32 i = 0; i < ROWS; i++)
            squares += a[i][k] * a[i][k];
        r[k][k] = __builtin_sqrt(squares);
        for (i32 i = 0; i < ROWS; i++)
            q[i][k] = a[i][k] / r[k][k];
        for (i32 j = k + 1; j < columns; j++) {
            double sum = 0;
            for (i32 i = 0; i < ROWS; i++)
                sum += q[i][k] * a[i][j];
            r[k][j] = sum;
            for (i32 i = 0; i < ROWS; i++)
                a[i][j] -= q[i][k] * sum;
        }
    }
}

// `n` is the number of columns, at most 200.
EXPORT_RUN i64 run(i32 n) {
    i32 columns = at_most(n, COLUMNS);
    u32 seed = 40;
    u64 sum = 12;
    for (i32 round = 0; round < ROUNDS; round++) {
        for (i32 i = 0; i < ROWS; i++)
            for (i32 j = 0; j < columns; j++)
                a[i][j] = (i32)(next_random(&seed) % 2049 - 1024) / 1024.0;
        orthogonal(columns);
        sum = fold(sum, &r[round % columns][0], columns);
    }
    return (i64)sum;
}
