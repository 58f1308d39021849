// A stencil of nine points in place: each result is needed for the next one.
#include "matrix.h"

enum { SIDE = 300 };

static double a[SIDE][SIDE];

// `n` is the number of steps.
EXPORT_RUN i64 run(i32 n) {
    fill(&a[0][0], SIDE * SIDE, 10);
    for (i32 time = 0; time < n; time++)
        for (i32 i = 1; i < SIDE - 1; i++)
            for (i32 j = 1; j < SIDE - 1; j++)
                a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] + a[i][j + 1]
                           + a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) / 9.0;
    return (i64)fold(4, &a[0][0], SIDE * SIDE);
}
