// Heat that spreads in a cube: a stencil of seven points in three dimensions.
#include "matrix.h"

enum { SIDE = 64 };

typedef double Cube[SIDE][SIDE][SIDE];

static Cube a, b;

static NOINLINE void step(Cube to, Cube from) {
    for (i32 i = 1; i < SIDE - 1; i++)
        for (i32 j = 1; j < SIDE - 1; j++)
            for (i32 k = 1; k < SIDE - 1; k++)
                to[i][j][k] = from[i][j][k]
                    + 0.125 * (from[i + 1][j][k] - 2.0 * from[i][j][k] + from[i - 1][j][k])
                    + 0.125 * (from[i][j + 1][k] - 2.0 * from[i][j][k] + from[i][j - 1][k])
                    + 0.125 * (from[i][j][k + 1] - 2.0 * from[i][j][k] + from[i][j][k - 1]);
}

// `n` is the number of double steps.
EXPORT_RUN i64 run(i32 n) {
    fill(&a[0][0][0], SIDE * SIDE * SIDE, 18);
    fill(&b[0][0][0], SIDE * SIDE * SIDE, 19);
    for (i32 time = 0; time < n; time++) {
        step(b, a);
        step(a, b);
    }
    return (i64)fold(10, &a[0][0][0], SIDE * SIDE * SIDE);
}
