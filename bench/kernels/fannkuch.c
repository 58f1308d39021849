// Fannkuch: for every permutation, how many prefix reversals bring the first element home. Byte-sized array work.
#include "kernel.h"

enum { SIZE_MAX = 12 };

static i32 flips_of(const u8 *permutation, i32 n) {
    u8 work[SIZE_MAX];
    i32 flips = 0;
    for (i32 i = 0; i < n; i++)
        work[i] = permutation[i];
    for (i32 first = work[0]; first != 0; first = work[0]) {
        for (i32 low = 0, high = first; low < high; low++, high--) {
            u8 kept = work[low];
            work[low] = work[high];
            work[high] = kept;
        }
        flips++;
    }
    return flips;
}

// Steps to the next permutation: rotates the shortest prefix that has rotations left. 0 when all have been seen.
static i32 next_permutation(u8 *permutation, u8 *rotations, i32 n) {
    for (i32 length = 2; length <= n; length++) {
        u8 first = permutation[0];
        for (i32 i = 1; i < length; i++)
            permutation[i - 1] = permutation[i];
        permutation[length - 1] = first;
        if (++rotations[length - 1] < length)
            return 1;
        rotations[length - 1] = 0;
    }
    return 0;
}

// `n` is the number of elements.
EXPORT_RUN i64 run(i32 n) {
    u8 permutation[SIZE_MAX], rotations[SIZE_MAX] = { 0 };
    if (n < 2 || n > SIZE_MAX)
        return 0;
    for (i32 i = 0; i < n; i++)
        permutation[i] = (u8)i;
    i32 most = 0, seen = 0, checksum = 0;
    do {
        i32 flips = flips_of(permutation, n);
        most = flips > most ? flips : most;
        checksum += flips * (seen * 7 + permutation[n - 1]);
        seen++;
    } while (next_permutation(permutation, rotations, n));
    return (i64)mix((u64)(u32)checksum << 32 | (u32)most, (u64)seen);
}
