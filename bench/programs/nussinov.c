// How a strand of bases folds with the most pairs: dynamic programming over a triangle, comparisons of bytes.
#include "matrix.h"

enum { BASES_MAX = 1600 };

static u8 base[BASES_MAX];
static i32 best[BASES_MAX][BASES_MAX];

static inline i32 larger(i32 a, i32 b) {
    return a > b ? a : b;
}

// `n` is the number of bases, at most 1600.
EXPORT_RUN i64 run(i32 n) {
    i32 bases = at_most(n, BASES_MAX);
    u32 seed = 14;
    for (i32 i = 0; i < bases; i++)
        base[i] = next_random(&seed) >> 7 & 3;
    for (i32 i = bases - 1; i >= 0; i--)
        for (i32 j = i + 1; j < bases; j++) {
            i32 most = best[i][j - 1];
            if (i + 1 < bases)
                most = larger(most, best[i + 1][j]);
            if (i < j - 1)
                most = larger(most, best[i + 1][j - 1] + (base[i] + base[j] == 3));
            for (i32 k = i + 1; k < j; k++)
                most = larger(most, best[i][k] + best[k + 1][j]);
            best[i][j] = most;
        }
    u64 sum = 8;
    for (i32 j = 0; j < bases; j++)
        sum = mix(sum, (u64)best[0][j]);
    return (i64)sum;
}
