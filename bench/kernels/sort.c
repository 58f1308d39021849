// Sorting with a callback: a quicksort in the shape of C's `qsort`, whose comparator is called through the table.
#include "kernel.h"

enum { RECORDS_MAX = 1 << 20 };

struct record {
    u32 key;
    i32 weight;
};

typedef i32 compare(const void *, const void *);

static struct record records[RECORDS_MAX];

static i32 by_key(const void *a, const void *b) {
    u32 x = ((const struct record *)a)->key, y = ((const struct record *)b)->key;
    return (x > y) - (x < y);
}

static i32 by_key_downwards(const void *a, const void *b) {
    return by_key(b, a);
}

static i32 by_weight_then_key(const void *a, const void *b) {
    i32 x = ((const struct record *)a)->weight, y = ((const struct record *)b)->weight;
    return x != y ? (x > y) - (x < y) : by_key(a, b);
}

// Read at run time, so that the calls stay indirect.
static compare *volatile orders[] = { by_key, by_weight_then_key, by_key_downwards };

static void swap(u8 *a, u8 *b, u32 size) {
    for (u32 i = 0; i < size; i += 4) {
        u32 kept = *(u32 *)(a + i);
        *(u32 *)(a + i) = *(u32 *)(b + i);
        *(u32 *)(b + i) = kept;
    }
}

static void insertion_sort(u8 *base, u32 count, u32 size, compare *order) {
    for (u8 *end = base + size; end < base + count * size; end += size)
        for (u8 *at = end; at > base && order(at - size, at) > 0; at -= size)
            swap(at - size, at, size);
}

// `size` is a multiple of four.
static NOINLINE void sort(void *start, u32 count, u32 size, compare *order) {
    u8 *base = start;
    while (count > 12) {
        u8 *last = base + (count - 1) * size, *middle = base + count / 2 * size;
        if (order(base, middle) > 0)
            swap(base, middle, size);
        if (order(middle, last) > 0) {
            swap(middle, last, size);
            if (order(base, middle) > 0)
                swap(base, middle, size);
        }
        // The median waits in the second place; the ends stop both scans.
        u8 *pivot = base + size;
        swap(pivot, middle, size);
        u8 *left = pivot, *right = last;
        for (;;) {
            do left += size; while (order(left, pivot) < 0);
            do right -= size; while (order(right, pivot) > 0);
            if (left >= right)
                break;
            swap(left, right, size);
        }
        swap(pivot, right, size);
        u32 before = (u32)(right - base) / size, after = count - before - 1;
        if (before < after) {
            sort(base, before, size, order);
            base = right + size, count = after;
        } else {
            sort(right + size, after, size, order);
            count = before;
        }
    }
    insertion_sort(base, count, size, order);
}

// `n` is the number of records, sorted three times in different orders. 0 says that one came out wrong.
EXPORT_RUN i64 run(i32 n) {
    u32 seed = 88172645u, count = n < RECORDS_MAX ? (u32)n : RECORDS_MAX;
    u64 sum = 1;
    for (u32 i = 0; i < count; i++) {
        records[i].key = next_random(&seed);
        records[i].weight = (i32)(next_random(&seed) % 1000) - 500;
    }
    for (int round = 0; round < LENGTH(orders); round++) {
        compare *order = orders[round];
        sort(records, count, sizeof(struct record), order);
        for (u32 i = 1; i < count; i++)
            if (order(&records[i - 1], &records[i]) > 0)
                return 0;
        for (u32 i = 0; i < count; i += 17)
            sum = mix(sum, records[i].key);
    }
    return (i64)sum;
}
