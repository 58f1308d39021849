// Shortest ways between all points of a graph: integers, and a minimum that is a branch or not.
#include "matrix.h"

enum { POINTS = 320, GRAPHS = 30 };

static i32 way[POINTS][POINTS];

static NOINLINE void shorten(i32 points) {
    for (i32 k = 0; k < points; k++)
        for (i32 i = 0; i < points; i++)
            for (i32 j = 0; j < points; j++) {
                i32 other = way[i][k] + way[k][j];
                way[i][j] = way[i][j] < other ? way[i][j] : other;
            }
}

// `n` is the number of points, at most 320.
EXPORT_RUN i64 run(i32 n) {
    i32 points = at_most(n, POINTS);
    u64 sum = 7;
    u32 seed = 13;
    for (i32 round = 0; round < GRAPHS; round++) {
        for (i32 i = 0; i < points; i++)
            for (i32 j = 0; j < points; j++)
                way[i][j] = next_random(&seed) % 8 == 0 ? (i32)(next_random(&seed) % 1000) : 1000000;
        shorten(points);
        for (i32 i = 0; i < points; i++)
            for (i32 j = 0; j < points; j++)
                sum = mix(sum, (u64)way[i][j]);
    }
    return (i64)sum;
}
