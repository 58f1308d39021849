// An image filter in SIMD: a 3 by 3 blur of bytes, then its edges (Sobel's operator), sixteen pixels at a time.
#include "kernel.h"
#include <wasm_simd128.h>

enum { WIDTH = 512, HEIGHT = 256, MARGIN = 16, STRIDE = WIDTH + 2 * MARGIN };

// A margin on all sides stays zero, so that neighbours can be read without tests.
static u8 picture[HEIGHT + 2][STRIDE], blurred[HEIGHT + 2][STRIDE], edges[HEIGHT + 2][STRIDE];

struct wide {
    v128_t low, high; // sixteen 16-bit lanes
};

static struct wide widen(const u8 *at) {
    v128_t bytes = wasm_v128_load(at);
    struct wide both = { wasm_u16x8_extend_low_u8x16(bytes), wasm_u16x8_extend_high_u8x16(bytes) };
    return both;
}

static struct wide add(struct wide x, struct wide y) {
    struct wide sum = { wasm_i16x8_add(x.low, y.low), wasm_i16x8_add(x.high, y.high) };
    return sum;
}

static struct wide difference(struct wide x, struct wide y) {
    struct wide result = { wasm_i16x8_sub(x.low, y.low), wasm_i16x8_sub(x.high, y.high) };
    return result;
}

static struct wide twice(struct wide x) {
    struct wide result = { wasm_i16x8_shl(x.low, 1), wasm_i16x8_shl(x.high, 1) };
    return result;
}

static struct wide magnitude(struct wide x) {
    struct wide result = { wasm_i16x8_abs(x.low), wasm_i16x8_abs(x.high) };
    return result;
}

// The weights 1 2 1 across.
static struct wide smooth_row(const u8 *at) {
    return add(add(widen(at - 1), widen(at + 1)), twice(widen(at)));
}

static NOINLINE void blur(u8 (*from)[STRIDE], u8 (*to)[STRIDE]) {
    v128_t half = wasm_i16x8_splat(8);
    for (i32 y = 1; y <= HEIGHT; y++)
        for (i32 x = MARGIN; x < MARGIN + WIDTH; x += 16) {
            struct wide sum = add(add(smooth_row(&from[y - 1][x]), smooth_row(&from[y + 1][x])), twice(smooth_row(&from[y][x])));
            v128_t low = wasm_u16x8_shr(wasm_i16x8_add(sum.low, half), 4);
            v128_t high = wasm_u16x8_shr(wasm_i16x8_add(sum.high, half), 4);
            wasm_v128_store(&to[y][x], wasm_u8x16_narrow_i16x8(low, high));
        }
}

static NOINLINE void find_edges(u8 (*from)[STRIDE], u8 (*to)[STRIDE]) {
    for (i32 y = 1; y <= HEIGHT; y++)
        for (i32 x = MARGIN; x < MARGIN + WIDTH; x += 16) {
            const u8 *above = &from[y - 1][x], *here = &from[y][x], *below = &from[y + 1][x];
            struct wide down = difference(smooth_row(below), smooth_row(above));
            struct wide right = add(add(widen(above + 1), widen(below + 1)), twice(widen(here + 1)));
            struct wide left = add(add(widen(above - 1), widen(below - 1)), twice(widen(here - 1)));
            struct wide sum = add(magnitude(down), magnitude(difference(right, left)));
            wasm_v128_store(&to[y][x], wasm_u8x16_narrow_i16x8(sum.low, sum.high));
        }
}

// Each round brightens the next picture's pixels where the last one had edges.
static NOINLINE void feed_back(void) {
    for (i32 y = 1; y <= HEIGHT; y++)
        for (i32 x = MARGIN; x < MARGIN + WIDTH; x += 16) {
            v128_t old = wasm_v128_load(&picture[y][x]), edge = wasm_v128_load(&edges[y][x]);
            v128_t strong = wasm_u8x16_gt(edge, wasm_u8x16_splat(96));
            v128_t mixed = wasm_u8x16_avgr(wasm_v128_load(&blurred[y][x]), wasm_u8x16_add_sat(old, wasm_u8x16_splat(9)));
            wasm_v128_store(&picture[y][x], wasm_v128_bitselect(wasm_v128_not(old), mixed, strong));
        }
}

// `n` is the number of rounds.
EXPORT_RUN i64 run(i32 n) {
    u32 seed = 521288629u;
    for (i32 y = 1; y <= HEIGHT; y++)
        for (i32 x = 0; x < WIDTH; x++)
            picture[y][MARGIN + x] = (u8)((x ^ y) + next_random(&seed) % 32);
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        blur(picture, blurred);
        find_edges(blurred, edges);
        feed_back();
        const u8 *row = &edges[1 + i % HEIGHT][MARGIN];
        for (i32 x = 0; x < WIDTH; x += 16) {
            v128_t bytes = wasm_v128_load(row + x);
            sum = mix(sum, (u64)wasm_i64x2_extract_lane(bytes, 0));
            sum = mix(sum, (u64)wasm_i8x16_bitmask(wasm_u8x16_gt(bytes, wasm_u8x16_splat(40))));
        }
    }
    return (i64)sum;
}
