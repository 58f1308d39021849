// An interpreter in the guest: a stack machine whose loop is one dense switch, which compiles to `br_table`.
// Its programs count primes with a sieve and add up the lengths of Collatz sequences.
#include "kernel.h"

enum op {
    PUSH, LOAD, STORE, ADD, SUB, MUL, AND, SHIFT_RIGHT, LESS, EQUAL, JUMP, JUMP_IF_ZERO, GET, PUT, DUP, DROP, INCREMENT, HALT,
    LABEL, // only before `resolve`
};

struct instruction {
    i32 op, operand;
};

enum { SLOTS = 16, STACK_WORDS = 32, CELLS = 8192, CODE_LENGTH_MAX = 64, LABELS = 8 };

static i32 cells[CELLS];

// Slot 0: the bound (argument); 1: candidate; 2: multiple; 3: primes found.
static const struct instruction sieve_source[] = {
    { PUSH, 0 }, { STORE, 1 },
    { LABEL, 0 }, // clear the cells
    { LOAD, 1 }, { LOAD, 0 }, { LESS }, { JUMP_IF_ZERO, 1 },
    { LOAD, 1 }, { PUSH, 0 }, { PUT }, { INCREMENT, 1 }, { JUMP, 0 },
    { LABEL, 1 },
    { PUSH, 2 }, { STORE, 1 }, { PUSH, 0 }, { STORE, 3 },
    { LABEL, 2 }, // next candidate
    { LOAD, 1 }, { LOAD, 0 }, { LESS }, { JUMP_IF_ZERO, 6 },
    { LOAD, 1 }, { GET }, { PUSH, 0 }, { EQUAL }, { JUMP_IF_ZERO, 5 },
    { INCREMENT, 3 }, { LOAD, 1 }, { DUP }, { ADD }, { STORE, 2 },
    { LABEL, 3 }, // strike its multiples
    { LOAD, 2 }, { LOAD, 0 }, { LESS }, { JUMP_IF_ZERO, 5 },
    { LOAD, 2 }, { PUSH, 1 }, { PUT }, { LOAD, 2 }, { LOAD, 1 }, { ADD }, { STORE, 2 }, { JUMP, 3 },
    { LABEL, 5 },
    { INCREMENT, 1 }, { JUMP, 2 },
    { LABEL, 6 },
    { LOAD, 3 }, { HALT },
};

// Slot 0: the bound (argument); 1: where the sequence starts; 2: where it is; 3: steps taken.
static const struct instruction collatz_source[] = {
    { PUSH, 0 }, { STORE, 3 }, { PUSH, 1 }, { STORE, 1 },
    { LABEL, 0 },
    { LOAD, 1 }, { LOAD, 0 }, { LESS }, { JUMP_IF_ZERO, 4 },
    { LOAD, 1 }, { STORE, 2 },
    { LABEL, 1 },
    { PUSH, 1 }, { LOAD, 2 }, { LESS }, { JUMP_IF_ZERO, 3 },
    { INCREMENT, 3 },
    { LOAD, 2 }, { DUP }, { PUSH, 1 }, { AND }, { JUMP_IF_ZERO, 2 },
    { PUSH, 3 }, { MUL }, { PUSH, 1 }, { ADD }, { STORE, 2 }, { JUMP, 1 },
    { LABEL, 2 },
    { PUSH, 1 }, { SHIFT_RIGHT }, { STORE, 2 }, { JUMP, 1 },
    { LABEL, 3 },
    { INCREMENT, 1 }, { JUMP, 0 },
    { LABEL, 4 },
    { LOAD, 3 }, { PUSH, 0 }, { DROP }, { PUSH, 1 }, { SUB }, { HALT },
};

// Drops the labels and lets jumps name instructions.
static void resolve(const struct instruction *source, int length, struct instruction *code) {
    i32 labels[LABELS];
    int at = 0;
    for (int i = 0; i < length; i++) {
        if (source[i].op == LABEL)
            labels[source[i].operand] = at;
        else
            code[at++] = source[i];
    }
    for (int i = 0; i < at; i++)
        if (code[i].op == JUMP || code[i].op == JUMP_IF_ZERO)
            code[i].operand = labels[code[i].operand];
}

static NOINLINE i32 interpret(const struct instruction *code, i32 argument) {
    i32 slots[SLOTS] = { argument }, stack[STACK_WORDS], *top = stack;
    const struct instruction *pc = code;
    for (;;) {
        i32 operand = pc->operand;
        switch ((enum op)(pc++)->op) {
        case PUSH: *top++ = operand; break;
        case LOAD: *top++ = slots[operand]; break;
        case STORE: slots[operand] = *--top; break;
        case ADD: top--; top[-1] += top[0]; break;
        case SUB: top--; top[-1] -= top[0]; break;
        case MUL: top--; top[-1] *= top[0]; break;
        case AND: top--; top[-1] &= top[0]; break;
        case SHIFT_RIGHT: top--; top[-1] = (i32)((u32)top[-1] >> top[0]); break;
        case LESS: top--; top[-1] = top[-1] < top[0]; break;
        case EQUAL: top--; top[-1] = top[-1] == top[0]; break;
        case JUMP: pc = code + operand; break;
        case JUMP_IF_ZERO: if (*--top == 0) pc = code + operand; break;
        case GET: top[-1] = cells[top[-1] & (CELLS - 1)]; break;
        case PUT: top -= 2; cells[top[0] & (CELLS - 1)] = top[1]; break;
        case DUP: *top = top[-1]; top++; break;
        case DROP: top--; break;
        case INCREMENT: slots[operand]++; break;
        default: return top[-1];
        }
    }
}

// `n` is the number of rounds, each of both programs.
EXPORT_RUN i64 run(i32 n) {
    static struct instruction sieve[CODE_LENGTH_MAX], collatz[CODE_LENGTH_MAX];
    resolve(sieve_source, LENGTH(sieve_source), sieve);
    resolve(collatz_source, LENGTH(collatz_source), collatz);
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        sum = mix(sum, (u64)interpret(sieve, CELLS - i % 64));
        sum = mix(sum, (u64)interpret(collatz, 300 + i % 64));
    }
    return (i64)sum;
}
