// One loop and nothing in it but arithmetic on more values than most machines have registers for.
#include "../kernels/kernel.h"

__attribute__((export_name("_start"))) void start(void) {
    u32 a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    u64 sum = 0, product = 1, parity = 0;
    for (u32 i = 1; i < 1200000000; i++) {
        a ^= a << 13, b ^= b << 13, c ^= c << 13, d += a ^ i;
        a ^= a >> 17, b ^= b >> 17, c ^= c >> 17, e += b & i;
        a ^= a << 5, b ^= b << 5, c ^= c << 5, f += c | i;
        sum += (u64)a * b;
        product = product * c + d;
        parity ^= (u64)e << 32 | f;
    }
    if (mix(sum, mix(product, parity)) != 10648086149446496018ull)
        __builtin_trap();
}
