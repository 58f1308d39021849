// What every kernel shares: short integer names, the export, a pseudo-random sequence and a checksum.
// A kernel is one C file without a C library: it imports nothing and exports `run(i32) -> i64` and its memory.
#ifndef KERNEL_H
#define KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define EXPORT_RUN __attribute__((export_name("run")))
#define NOINLINE __attribute__((noinline))
#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

// Marsaglia's xorshift with the triple (13, 17, 5); the state must not be zero.
static inline u32 next_random(u32 *state) {
    u32 x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

// Folds a value into a checksum so that order matters.
static inline u64 mix(u64 sum, u64 value) {
    sum = (sum ^ value) * 0x9E3779B97F4A7C15ull;
    return sum ^ (sum >> 29);
}

static inline u64 bits_of(double value) {
    union { double f; u64 u; } both = { value };
    return both.u;
}

#endif
