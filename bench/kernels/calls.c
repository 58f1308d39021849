// Recursive calls: Fibonacci, Takeuchi's function and Ackermann's, all with little work per call.
#include "kernel.h"

// Keeps the compiler from turning the recursion into loops.
#define RECURSIVE NOINLINE __attribute__((disable_tail_calls))

static RECURSIVE i32 fib(i32 n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static RECURSIVE i32 tak(i32 x, i32 y, i32 z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static RECURSIVE i32 ackermann(i32 m, i32 n) {
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

// `n` is the argument of fib; the other two take arguments that cost a similar share and stay shallow.
EXPORT_RUN i64 run(i32 n) {
    u64 sum = (u64)fib(n);
    i32 size = n * 2 / 3;
    sum = mix(sum, (u64)tak(size, size / 2, size / 4));
    for (i32 i = 0; i < n * 20; i++)
        sum = mix(sum, (u64)ackermann(2, n * 3 + (i & 7)));
    return (i64)sum;
}
