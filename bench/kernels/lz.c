// Compression in the manner of LZ77 with a hash table of last occurrences, then decompression and comparison.
// Format: a byte L, then L literals, a byte M (0: the end of the block, else a match of M + 2 bytes), a 16-bit offset.
#include "kernel.h"

enum { PLAIN_BYTES = 1 << 16, PACKED_BYTES = PLAIN_BYTES * 2, HASHES = 1 << 13, MATCH_MIN = 4, MATCH_MAX = 257, RUN_MAX = 255 };

static u8 plain[PLAIN_BYTES], packed[PACKED_BYTES], unpacked[PLAIN_BYTES];
static u32 last_seen[HASHES];

static const char *const words[] = { "the ", "wasm ", "module ", "function ", "of ", "memory ", "table, ", "and ",
                                     "a ", "value. ", "to ", "is ", "stack ", "type ", "(block) ", "trap\n" };

static void write_text(u32 seed) {
    u32 at = 0;
    while (at < PLAIN_BYTES) {
        u32 random = next_random(&seed);
        if (random % 16 == 0) {
            plain[at++] = (u8)('0' + random / 16 % 75);
            continue;
        }
        for (const char *letter = words[random >> 8 & random >> 16 & 15]; *letter && at < PLAIN_BYTES; letter++)
            plain[at++] = (u8)*letter;
    }
}

static u32 hash_at(const u8 *at) {
    u32 four = (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
    return four * 2654435761u >> 19;
}

static u32 match_length(const u8 *a, const u8 *b, u32 limit) {
    u32 length = 0;
    while (length < limit && a[length] == b[length])
        length++;
    return length;
}

static u8 *put_literals(u8 *to, const u8 *from, u32 count) {
    *to++ = (u8)count;
    for (u32 i = 0; i < count; i++)
        *to++ = from[i];
    return to;
}

static NOINLINE u32 compress(void) {
    u8 *to = packed;
    u32 at = 0, run = 0;
    for (u32 i = 0; i < HASHES; i++)
        last_seen[i] = 0xFFFFFFFFu;
    while (at < PLAIN_BYTES) {
        u32 length = 0, offset = 0;
        if (at + MATCH_MIN <= PLAIN_BYTES) {
            u32 hash = hash_at(&plain[at]), seen = last_seen[hash], left = PLAIN_BYTES - at;
            last_seen[hash] = at;
            offset = at - seen;
            if (seen != 0xFFFFFFFFu && offset < 65536)
                length = match_length(&plain[seen], &plain[at], left < MATCH_MAX ? left : MATCH_MAX);
        }
        if (length >= MATCH_MIN) {
            to = put_literals(to, &plain[at - run], run);
            *to++ = (u8)(length - 2);
            *to++ = (u8)offset;
            *to++ = (u8)(offset >> 8);
            at += length, run = 0;
        } else {
            at++, run++;
            if (run == RUN_MAX) {
                to = put_literals(to, &plain[at - run], run);
                *to++ = 0;
                run = 0;
            }
        }
    }
    to = put_literals(to, &plain[at - run], run);
    *to++ = 0;
    return (u32)(to - packed);
}

// The number of bytes unpacked; 0 says that the packed form is broken.
static NOINLINE u32 decompress(u32 length) {
    const u8 *from = packed, *end = packed + length;
    u32 at = 0;
    while (from < end) {
        u32 run = *from++;
        if (at + run > PLAIN_BYTES)
            return 0;
        for (; run > 0; run--)
            unpacked[at++] = *from++;
        u32 code = *from++;
        if (code == 0)
            continue;
        u32 match = code + 2, offset = from[0] | (u32)from[1] << 8;
        from += 2;
        if (offset > at || at + match > PLAIN_BYTES)
            return 0;
        for (; match > 0; match--, at++)
            unpacked[at] = unpacked[at - offset];
    }
    return at;
}

// `n` is the number of texts of 64 KiB. 0 says that one did not come back.
EXPORT_RUN i64 run(i32 n) {
    u64 sum = 1;
    for (i32 i = 0; i < n; i++) {
        write_text(77777u + (u32)i);
        u32 length = compress();
        if (decompress(length) != PLAIN_BYTES || match_length(plain, unpacked, PLAIN_BYTES) != PLAIN_BYTES)
            return 0;
        for (u32 at = 0; at < length; at += 61)
            sum = mix(sum, packed[at]);
        sum = mix(sum, length);
    }
    return (i64)sum;
}
