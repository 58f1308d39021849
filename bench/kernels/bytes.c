// Loops over bytes: base64 there and back (RFC 4648) and CRC-32 by table.
#include "kernel.h"

enum { PLAIN_BYTES = 3 * 8192, ENCODED_BYTES = 4 * 8192 };

static u8 plain[PLAIN_BYTES], encoded[ENCODED_BYTES], decoded[PLAIN_BYTES], values[256];
static u32 crc_table[256];
static const u8 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void make_tables(void) {
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        crc_table[i] = crc;
        values[i] = 255;
    }
    for (u32 i = 0; i < 64; i++)
        values[digits[i]] = (u8)i;
}

static NOINLINE u32 crc32(const u8 *data, u32 length) {
    u32 crc = 0xFFFFFFFFu;
    for (u32 i = 0; i < length; i++)
        crc = crc_table[(crc ^ data[i]) & 255] ^ crc >> 8;
    return ~crc;
}

static NOINLINE void encode(const u8 *from, u8 *to, u32 groups) {
    for (; groups > 0; groups--, from += 3, to += 4) {
        to[0] = digits[from[0] >> 2];
        to[1] = digits[(from[0] & 3) << 4 | from[1] >> 4];
        to[2] = digits[(from[1] & 15) << 2 | from[2] >> 6];
        to[3] = digits[from[2] & 63];
    }
}

// Whether all were base64 digits.
static NOINLINE i32 decode(const u8 *from, u8 *to, u32 groups) {
    u8 seen = 0;
    for (; groups > 0; groups--, from += 4, to += 3) {
        u8 a = values[from[0]], b = values[from[1]], c = values[from[2]], d = values[from[3]];
        seen |= a | b | c | d;
        to[0] = (u8)(a << 2 | b >> 4);
        to[1] = (u8)(b << 4 | c >> 2);
        to[2] = (u8)(c << 6 | d);
    }
    return seen < 64;
}

// `n` is the number of rounds over 24 KiB. 0 says that the bytes did not come back or that a check value is wrong.
EXPORT_RUN i64 run(i32 n) {
    make_tables();
    if (crc32((const u8 *)"123456789", 9) != 0xCBF43926u)
        return 0;
    u32 seed = 362436069u;
    for (int i = 0; i < PLAIN_BYTES; i++)
        plain[i] = (u8)next_random(&seed);
    u64 sum = 1;
    for (i32 i = 0; i < n; i++) {
        encode(plain, encoded, PLAIN_BYTES / 3);
        if (!decode(encoded, decoded, PLAIN_BYTES / 3))
            return 0;
        u32 crc = crc32(encoded, ENCODED_BYTES);
        for (int j = 0; j < PLAIN_BYTES; j++)
            if (plain[j] != decoded[j])
                return 0;
        sum = mix(sum, crc);
        plain[crc % PLAIN_BYTES] ^= (u8)(crc >> 24);
    }
    return (i64)sum;
}
