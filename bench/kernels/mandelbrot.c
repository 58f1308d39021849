// The Mandelbrot set over a grid: a short loop of double arithmetic with an exit that is hard to predict.
#include "kernel.h"

enum { STEPS_MAX = 200 };

static i32 steps_until_escape(double cx, double cy) {
    double x = 0, y = 0, xx = 0, yy = 0;
    i32 steps = 0;
    while (steps < STEPS_MAX && xx + yy <= 4.0) {
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        steps++;
    }
    return steps;
}

// `n` is the number of points along each side.
EXPORT_RUN i64 run(i32 n) {
    u64 sum = 0;
    for (i32 row = 0; row < n; row++) {
        u64 line = 0;
        for (i32 column = 0; column < n; column++)
            line = line * 31 + (u64)steps_until_escape(3.0 * column / n - 2.25, 3.0 * row / n - 1.5);
        sum = mix(sum, line);
    }
    return (i64)sum;
}
