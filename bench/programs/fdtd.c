// Two electric fields and a magnetic one in the plane, in steps of time: three sweeps with neighbours.
#include "matrix.h"

enum { WIDTH = 320, HEIGHT = 300 };

static double ex[WIDTH][HEIGHT], ey[WIDTH][HEIGHT], hz[WIDTH][HEIGHT];

// `n` is the number of steps.
EXPORT_RUN i64 run(i32 n) {
    fill(&ex[0][0], WIDTH * HEIGHT, 15);
    fill(&ey[0][0], WIDTH * HEIGHT, 16);
    fill(&hz[0][0], WIDTH * HEIGHT, 17);
    for (i32 time = 0; time < n; time++) {
        for (i32 j = 0; j < HEIGHT; j++)
            ey[0][j] = time % 64;
        for (i32 i = 1; i < WIDTH; i++)
            for (i32 j = 0; j < HEIGHT; j++)
                ey[i][j] -= 0.5 * (hz[i][j] - hz[i - 1][j]);
        for (i32 i = 0; i < WIDTH; i++)
            for (i32 j = 1; j < HEIGHT; j++)
                ex[i][j] -= 0.5 * (hz[i][j] - hz[i][j - 1]);
        for (i32 i = 0; i < WIDTH - 1; i++)
            for (i32 j = 0; j < HEIGHT - 1; j++)
                hz[i][j] -= 0.7 * (ex[i][j + 1] - ex[i][j] + ey[i + 1][j] - ey[i][j]);
    }
    return (i64)fold(9, &hz[0][0], WIDTH * HEIGHT);
}
