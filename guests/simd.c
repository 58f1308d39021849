// Turns a picture upside down in grey: reads the bytes of a colour picture in the format P6 (PPM) and writes one in the
// format P5 (PGM), sixteen pixels at a time in 128-bit vectors, and the same once more, pixel by pixel, to compare.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm_simd128.h>

// A third of each colour would be wrong: eyes see green best. The weights are those of ITU-R BT.601, in 256ths.
enum { RED = 77, GREEN = 150, BLUE = 29 };

static v128_t weighted(v128_t red, v128_t green, v128_t blue) {
    v128_t sum = wasm_i16x8_mul(red, wasm_i16x8_splat(RED));
    sum = wasm_i16x8_add(sum, wasm_i16x8_mul(green, wasm_i16x8_splat(GREEN)));
    sum = wasm_i16x8_add(sum, wasm_i16x8_mul(blue, wasm_i16x8_splat(BLUE)));
    return wasm_u16x8_shr(sum, 8);
}

// Sixteen pixels of three bytes each become sixteen bytes.
static v128_t grey16(const unsigned char *pixels) {
    v128_t a = wasm_v128_load(pixels), b = wasm_v128_load(pixels + 16), c = wasm_v128_load(pixels + 32);
    v128_t planes[3];
    v128_t ab = wasm_i8x16_shuffle(a, b, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0);
    planes[0] = wasm_i8x16_shuffle(ab, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29);
    ab = wasm_i8x16_shuffle(a, b, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0);
    planes[1] = wasm_i8x16_shuffle(ab, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30);
    ab = wasm_i8x16_shuffle(a, b, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0);
    planes[2] = wasm_i8x16_shuffle(ab, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31);
    v128_t low = weighted(wasm_u16x8_extend_low_u8x16(planes[0]), wasm_u16x8_extend_low_u8x16(planes[1]),
                          wasm_u16x8_extend_low_u8x16(planes[2]));
    v128_t high = weighted(wasm_u16x8_extend_high_u8x16(planes[0]), wasm_u16x8_extend_high_u8x16(planes[1]),
                           wasm_u16x8_extend_high_u8x16(planes[2]));
    return wasm_u8x16_narrow_i16x8(low, high);
}

static unsigned char grey(const unsigned char *pixel) {
    return (unsigned char)((pixel[0] * RED + pixel[1] * GREEN + pixel[2] * BLUE) >> 8);
}

static void grey_row(const unsigned char *pixels, unsigned char *out, size_t width) {
    size_t x = 0;
    for (; x + 16 <= width; x += 16)
        wasm_v128_store(out + x, grey16(pixels + 3 * x));
    for (; x < width; x++)
        out[x] = grey(pixels + 3 * x);
}

int main(void) {
    size_t width, height;
    if (scanf("P6 %zu %zu 255", &width, &height) != 2 || getchar() == EOF || width > 10000 || height > 10000) {
        fprintf(stderr, "simd: standard input is no picture of the format P6\n");
        return 1;
    }
    unsigned char *pixels = malloc(3 * width * height + 1), *out = malloc(width * height + 1);
    if (!pixels || !out || fread(pixels, 3, width * height, stdin) != width * height) {
        fprintf(stderr, "simd: the picture is cut short\n");
        return 1;
    }
    for (size_t y = 0; y < height; y++)
        grey_row(pixels + 3 * width * y, out + width * (height - 1 - y), width);
    for (size_t at = 0; at < width * height; at++)
        if (out[width * (height - 1 - at / width) + at % width] != grey(pixels + 3 * at)) {
            fprintf(stderr, "simd: vectors and scalars disagree at pixel %zu\n", at);
            return 2;
        }
    printf("P5\n%zu %zu\n255\n", width, height);
    fwrite(out, 1, width * height, stdout);
    return 0;
}
