// A hash table from strings to numbers: open addressing, FNV-1a, growth by rehashing, deletion by marks.
#include "kernel.h"

enum { CAPACITY_MAX = 1 << 15, TEXT_BYTES = 1 << 20, KEY_BYTES_MAX = 24 };

struct entry {
    const u8 *key; // null: never used
    u32 length, hash;
    i32 value;
    i32 live;
};

static struct entry storage[2][CAPACITY_MAX];
static u8 text[TEXT_BYTES];
static struct entry *entries;
static u32 capacity, used, live, text_at, half;

static u32 hash_of(const u8 *key, u32 length) {
    u32 hash = 2166136261u;
    for (u32 i = 0; i < length; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return hash;
}

static i32 same(const u8 *a, const u8 *b, u32 length) {
    for (u32 i = 0; i < length; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static NOINLINE struct entry *find(const u8 *key, u32 length, u32 hash) {
    u32 at = hash & (capacity - 1);
    while (entries[at].key) {
        struct entry *entry = &entries[at];
        if (entry->hash == hash && entry->length == length && same(entry->key, key, length))
            return entry;
        at = (at + 1) & (capacity - 1);
    }
    return &entries[at];
}

// Moves what lives into the other half of the storage; marks of deleted keys go.
static NOINLINE void rehash(u32 wanted) {
    struct entry *old = entries;
    u32 old_capacity = capacity;
    half ^= 1;
    entries = storage[half];
    capacity = wanted;
    used = live;
    for (u32 i = 0; i < capacity; i++)
        entries[i].key = 0;
    for (u32 i = 0; i < old_capacity; i++)
        if (old[i].key && old[i].live)
            *find(old[i].key, old[i].length, old[i].hash) = old[i];
}

static void add_to(const u8 *key, u32 length, i32 amount) {
    u32 hash = hash_of(key, length);
    struct entry *entry = find(key, length, hash);
    if (!entry->key) {
        if (used * 4 >= capacity * 3) {
            rehash(live * 2 >= capacity && capacity < CAPACITY_MAX ? capacity * 2 : capacity);
            entry = find(key, length, hash);
        }
        if (text_at + length > TEXT_BYTES)
            __builtin_trap();
        for (u32 i = 0; i < length; i++)
            text[text_at + i] = key[i];
        *entry = (struct entry){ &text[text_at], length, hash, 0, 0 };
        text_at += length;
        used++;
    }
    if (!entry->live) {
        entry->live = 1;
        entry->value = 0;
        live++;
    }
    entry->value += amount;
}

static void erase(const u8 *key, u32 length) {
    struct entry *entry = find(key, length, hash_of(key, length));
    if (entry->key && entry->live) {
        entry->live = 0;
        live--;
    }
}

// Words of four to sixteen letters, of which small numbers are common.
static u32 make_key(u32 number, u8 *key) {
    u32 length = 4 + number % 13;
    for (u32 i = 0; i < length; i++) {
        key[i] = (u8)('a' + (number >> (i & 7) * 2) % 23);
        number = number * 5 + 1;
    }
    return length;
}

// `n` is the number of operations: three of four add, one erases.
EXPORT_RUN i64 run(i32 n) {
    u8 key[KEY_BYTES_MAX];
    u32 seed = 1013904223u;
    used = live = text_at = capacity = 0;
    rehash(64);
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        u32 random = next_random(&seed), number = random % 12000;
        if (random & 0x80000)
            number %= 500;
        u32 length = make_key(number, key);
        if ((random >> 28) % 4 == 0)
            erase(key, length);
        else
            add_to(key, length, (i32)(random & 255));
        // Text of erased keys is not reused: begin again before it is full.
        if (text_at > TEXT_BYTES - KEY_BYTES_MAX) {
            sum = mix(sum, live);
            live = text_at = 0;
            capacity = 0;
            rehash(64);
        }
    }
    for (u32 i = 0; i < capacity; i++)
        if (entries[i].key && entries[i].live)
            sum = mix(sum, (u64)entries[i].hash << 32 | (u32)entries[i].value);
    return (i64)mix(sum, live);
}
