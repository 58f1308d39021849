// Four loops, one in another: a product of matrices again and again, each from the one before.
#include "../kernels/kernel.h"

#define SIZE 128

__attribute__((export_name("_start"))) void start(void) {
    static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
    u32 state = 1;
    u64 sum = 0;
    for (i32 i = 0; i < SIZE; i++)
        for (i32 j = 0; j < SIZE; j++) {
            a[i][j] = next_random(&state) % 1000 / 1000.0;
            b[i][j] = next_random(&state) % 1000 / 1000.0;
        }
    for (i32 turn = 0; turn < 3000; turn++) {
        for (i32 i = 0; i < SIZE; i++)
            for (i32 j = 0; j < SIZE; j++)
                c[i][j] = a[j][i];
        for (i32 i = 0; i < SIZE; i++)
            for (i32 k = 0; k < SIZE; k++)
                for (i32 j = 0; j < SIZE; j++)
                    c[i][j] += a[i][k] * b[k][j];
        for (i32 i = 0; i < SIZE; i++)
            for (i32 j = 0; j < SIZE; j++)
                a[i][j] = (a[i][j] + c[i][j] / 32) / 2;
        sum = mix(sum, bits_of(a[turn % SIZE][turn * 7 % SIZE]));
    }
    if (sum != 16703658893930565436ull)
        __builtin_trap();
}
