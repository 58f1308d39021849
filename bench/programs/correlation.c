// Means, deviations and correlations of columns of data: strides as long as a row.
#include "matrix.h"

enum { COLUMNS = 240, ROWS = 260, ROUNDS = 90 };

static double data[ROWS][COLUMNS], normal[ROWS][COLUMNS], mean[COLUMNS], deviation[COLUMNS], related[COLUMNS][COLUMNS];

static NOINLINE void correlate(i32 columns) {
    for (i32 j = 0; j < columns; j++) {
        double sum = 0, squares = 0;
        for (i32 i = 0; i < ROWS; i++)
            sum += data[i][j];
        mean[j] = sum / ROWS;
        for (i32 i = 0; i < ROWS; i++)
            squares += (data[i][j] - mean[j]) * (data[i][j] - mean[j]);
        deviation[j] = __builtin_sqrt(squares / ROWS);
        if (deviation[j] <= 0.1)
            deviation[j] = 1.0;
    }
    for (i32 i = 0; i < ROWS; i++)
        for (i32 j = 0; j < columns; j++)
            normal[i][j] = (data[i][j] - mean[j]) / (__builtin_sqrt((double)ROWS) * deviation[j]);
    for (i32 i = 0; i < columns; i++) {
        related[i][i] = 1.0;
        for (i32 j = i + 1; j < columns; j++) {
            double sum = 0;
            for (i32 k = 0; k < ROWS; k++)
                sum += normal[k][i] * normal[k][j];
            related[i][j] = related[j][i] = sum;
        }
    }
}

// `n` is the number of columns, at most 240.
EXPORT_RUN i64 run(i32 n) {
    i32 columns = at_most(n, COLUMNS);
    u64 sum = 11;
    for (i32 round = 0; round < ROUNDS; round++) {
        if (round % 16 == 0)
            fill(&data[0][0], ROWS * COLUMNS, 20 + (u32)round);
        data[round][0] += 0.25;
        correlate(columns);
        sum = fold(sum, &related[round % columns][0], columns);
    }
    return (i64)sum;
}
