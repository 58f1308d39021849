// A stencil of five points, from one grid to another and back.
#include "matrix.h"

enum { SIDE = 400 };

static double a[SIDE][SIDE], b[SIDE][SIDE];

static NOINLINE void step(double to[SIDE][SIDE], double from[SIDE][SIDE]) {
    for (i32 i = 1; i < SIDE - 1; i++)
        for (i32 j = 1; j < SIDE - 1; j++)
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i + 1][j] + from[i - 1][j]);
}

// `n` is the number of double steps.
EXPORT_RUN i64 run(i32 n) {
    fill(&a[0][0], SIDE * SIDE, 8);
    fill(&b[0][0], SIDE * SIDE, 9);
    for (i32 time = 0; time < n; time++) {
        step(b, a);
        step(a, b);
    }
    return (i64)fold(3, &a[0][0], SIDE * SIDE);
}
