// What the programs on matrices share: filling them with small numbers, and folding them into a checksum.
#ifndef MATRIX_H
#define MATRIX_H

#include "../kernels/kernel.h"

// Numbers between -1 and 1, as multiples of 2^-10: the same on every machine.
static inline void fill(double *numbers, i32 count, u32 seed) {
    for (i32 i = 0; i < count; i++)
        numbers[i] = (i32)(next_random(&seed) % 2049 - 1024) / 1024.0;
}

static inline u64 fold(u64 sum, const double *numbers, i32 count) {
    for (i32 i = 0; i < count; i++)
        sum = mix(sum, bits_of(numbers[i]));
    return sum;
}

static inline i32 at_most(i32 n, i32 limit) {
    return n < 1 ? 1 : n < limit ? n : limit;
}

#endif
