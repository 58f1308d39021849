// Binary trees in linear memory: a free-list allocator of our own, deep recursion over pointers.
#include "kernel.h"

enum { CHUNK_NODES = 2048, LONG_LIVED_DEPTH = 14 };

struct node {
    struct node *left, *right;
};

static struct node *free_nodes, *chunk_at, *chunk_end;

// Takes memory from `memory.grow`, and keeps it for the next call of `run`.
static NOINLINE void refill(void) {
    u32 pages = (CHUNK_NODES * sizeof(struct node) + 65535) / 65536;
    u32 page = (u32)__builtin_wasm_memory_grow(0, pages);
    if (page == 0xFFFFFFFFu)
        __builtin_trap();
    chunk_at = (struct node *)(page * 65536);
    chunk_end = (struct node *)((page + pages) * 65536);
}

static struct node *allocate(void) {
    struct node *node = free_nodes;
    if (node) {
        free_nodes = node->left;
        return node;
    }
    if (chunk_at == chunk_end)
        refill();
    return chunk_at++;
}

static void release(struct node *node) {
    node->left = free_nodes;
    free_nodes = node;
}

static NOINLINE struct node *grow(i32 depth) {
    struct node *node = allocate();
    node->left = depth > 0 ? grow(depth - 1) : 0;
    node->right = depth > 0 ? grow(depth - 1) : 0;
    return node;
}

static NOINLINE u32 count(const struct node *node) {
    return node->left ? 1 + count(node->left) + count(node->right) : 1;
}

static NOINLINE void fell(struct node *node) {
    if (node->left) {
        fell(node->left);
        fell(node->right);
    }
    release(node);
}

// `n` is the number of short-lived trees, of depths 4 to 11, beside one that lives throughout.
EXPORT_RUN i64 run(i32 n) {
    struct node *long_lived = grow(LONG_LIVED_DEPTH);
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        struct node *tree = grow(4 + i % 8);
        sum = mix(sum, count(tree));
        fell(tree);
    }
    sum = mix(sum, count(long_lived));
    fell(long_lived);
    return (i64)sum;
}
