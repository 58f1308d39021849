// A loop around a switch: a machine with a few registers executes a program that counts how long Collatz sequences are.
#include "../kernels/kernel.h"

enum { SET, MOVE, ADD, HALVE, TRIPLE, ODD, EQUAL, LESS, JUMP, DONE };
struct step { u8 what, a, b, c; };

__attribute__((export_name("_start"))) void start(void) {
    static const struct step steps[] = {
        /* 0 */ { SET, 1, 1, 0 },   // the number
        /* 1 */ { SET, 3, 0, 0 },   // the longest
        /* 2 */ { MOVE, 2, 1, 0 },  // its sequence
        /* 3 */ { SET, 4, 0, 0 },   // how long it is
        /* 4 */ { EQUAL, 2, 5, 11 },
        /* 5 */ { ADD, 4, 5, 0 },
        /* 6 */ { ODD, 2, 9, 0 },
        /* 7 */ { HALVE, 2, 0, 0 },
        /* 8 */ { JUMP, 4, 0, 0 },
        /* 9 */ { TRIPLE, 2, 0, 0 },
        /* 10 */ { JUMP, 4, 0, 0 },
        /* 11 */ { LESS, 4, 3, 13 },
        /* 12 */ { MOVE, 3, 4, 0 },
        /* 13 */ { ADD, 6, 4, 0 },
        /* 14 */ { ADD, 1, 5, 0 },
        /* 15 */ { LESS, 1, 7, 2 },
        /* 16 */ { DONE, 0, 0, 0 },
    };
    static u64 regs[8];
    regs[5] = 1;
    regs[7] = 1400000;
    u32 at = 0;
    for (;;) {
        const struct step step = steps[at++];
        switch (step.what) {
        case SET: regs[step.a] = step.b; break;
        case MOVE: regs[step.a] = regs[step.b]; break;
        case ADD: regs[step.a] += regs[step.b]; break;
        case HALVE: regs[step.a] >>= 1; break;
        case TRIPLE: regs[step.a] = regs[step.a] * 3 + 1; break;
        case ODD: if (regs[step.a] & 1) at = step.b; break;
        case EQUAL: if (regs[step.a] == regs[step.b]) at = step.c; break;
        case LESS: if (regs[step.a] < regs[step.b]) at = step.c; break;
        case JUMP: at = step.a; break;
        case DONE:
            if (mix(regs[3], regs[6]) != 16884355688127287408ull)
                __builtin_trap();
            return;
        }
    }
}
