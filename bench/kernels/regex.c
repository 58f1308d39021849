// Regular expressions: a compiler to a small program and a backtracking matcher, over generated lines of a log.
#include "kernel.h"

enum { PROGRAM_MAX = 256, SETS_MAX = 16, LINE_BYTES_MAX = 128, LINES = 64 };

enum op { BYTE, ANY, SET, SPLIT, JUMP, LINE_START, LINE_END, MATCH };

struct step {
    i32 op, x, y; // SPLIT tries x before y
};

static struct step program[PROGRAM_MAX];
static i32 program_length;
static u32 sets[SETS_MAX][8];
static i32 set_count;
static const char *at;
static u8 lines[LINES][LINE_BYTES_MAX];
static i32 line_lengths[LINES];

static i32 emit(i32 op, i32 x, i32 y) {
    if (program_length == PROGRAM_MAX)
        __builtin_trap();
    program[program_length] = (struct step){ op, x, y };
    return program_length++;
}

// Makes room for a step before those from `where` on; jumps inside the moved part move with it.
static void insert(i32 where, i32 op, i32 x, i32 y) {
    emit(op, 0, 0);
    for (i32 i = program_length - 1; i > where; i--) {
        program[i] = program[i - 1];
        if (program[i].op == SPLIT || program[i].op == JUMP) {
            program[i].x += program[i].x >= where;
            program[i].y += program[i].op == SPLIT && program[i].y >= where;
        }
    }
    program[where] = (struct step){ op, x, y };
}

static i32 parse_set(void) {
    u32 *set = sets[set_count];
    i32 negated = *at == '^';
    if (set_count == SETS_MAX)
        __builtin_trap();
    for (int i = 0; i < 8; i++)
        set[i] = 0;
    for (at += negated; *at != ']'; at++) {
        u8 low = (u8)*at, high = low;
        if (at[1] == '-' && at[2] != ']')
            high = (u8)at[2], at += 2;
        for (u32 byte = low; byte <= high; byte++)
            set[byte / 32] |= 1u << byte % 32;
    }
    at++;
    if (negated)
        for (int i = 0; i < 8; i++)
            set[i] = ~set[i];
    return set_count++;
}

static void parse_alternatives(void);

static void parse_atom(void) {
    char byte = *at++;
    switch (byte) {
    case '(': parse_alternatives(); at++; break;
    case '[': emit(SET, parse_set(), 0); break;
    case '.': emit(ANY, 0, 0); break;
    case '^': emit(LINE_START, 0, 0); break;
    case '$': emit(LINE_END, 0, 0); break;
    case '\\': byte = *at++; emit(BYTE, byte, 0); break;
    default: emit(BYTE, byte, 0); break;
    }
}

static void parse_sequence(void) {
    while (*at && *at != '|' && *at != ')') {
        i32 start = program_length;
        parse_atom();
        switch (*at) {
        case '*':
            insert(start, SPLIT, start + 1, program_length + 2);
            emit(JUMP, start, 0);
            at++;
            break;
        case '+':
            emit(SPLIT, start, program_length + 1);
            at++;
            break;
        case '?':
            insert(start, SPLIT, start + 1, program_length + 1);
            at++;
            break;
        }
    }
}

static void parse_alternatives(void) {
    i32 start = program_length;
    parse_sequence();
    if (*at != '|')
        return;
    at++;
    insert(start, SPLIT, start + 1, program_length + 2);
    i32 jump = emit(JUMP, 0, 0);
    parse_alternatives();
    program[jump].x = program_length;
}

static void compile(const char *pattern) {
    program_length = set_count = 0;
    at = pattern;
    parse_alternatives();
    emit(MATCH, 0, 0);
}

// Where a match that begins at `position` ends, or -1.
static NOINLINE i32 match_here(i32 pc, const u8 *text, i32 position, i32 length) {
    for (;;) {
        const struct step *step = &program[pc];
        switch ((enum op)step->op) {
        case BYTE:
            if (position == length || text[position] != step->x)
                return -1;
            position++, pc++;
            break;
        case ANY:
            if (position == length)
                return -1;
            position++, pc++;
            break;
        case SET:
            if (position == length || !(sets[step->x][text[position] / 32] >> text[position] % 32 & 1))
                return -1;
            position++, pc++;
            break;
        case SPLIT: {
            i32 end = match_here(step->x, text, position, length);
            if (end >= 0)
                return end;
            pc = step->y;
            break;
        }
        case JUMP:
            pc = step->x;
            break;
        case LINE_START:
            if (position != 0)
                return -1;
            pc++;
            break;
        case LINE_END:
            if (position != length)
                return -1;
            pc++;
            break;
        case MATCH:
            return position;
        }
    }
}

static const char *const fragments[] = { "GET /index.html", "10.0.0.", "user=alice", "admin@example.org ", "status: 404 ", " in 12.5 ms",
                                         "aaaaaaab", "2024-02-30T", "17:45:00Z ", "\"quoted\" ", "0xdeadbeef ", "http://a.b/c?d=e" };

static void write_lines(u32 seed) {
    for (int i = 0; i < LINES; i++) {
        i32 length = 0;
        while (length < 60) {
            u32 random = next_random(&seed);
            for (const char *from = fragments[(random >> 8) % LENGTH(fragments)]; *from; from++)
                lines[i][length++] = (u8)*from;
            lines[i][length++] = (u8)('0' + random % 10);
        }
        line_lengths[i] = length;
    }
}

static const char *const patterns[] = {
    "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+",
    "[a-z]+@[a-z]+(\\.[a-z]+)+",
    "(GET|POST|PUT) /[^ ]*",
    "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:]+Z?",
    "a*a*b",
    "(user|admin).*(ms|404)",
    "\"[^\"]*\" ?[0-9]+",
    "^[0-9].*[5-9]$",
    "https?://([a-z]+\\.)*[a-z]+/[a-z?=]*",
};

// `n` is the number of sets of lines, each searched with every pattern.
EXPORT_RUN i64 run(i32 n) {
    u64 sum = 0;
    for (i32 i = 0; i < n; i++) {
        write_lines(191919u + (u32)i);
        for (int p = 0; p < LENGTH(patterns); p++) {
            compile(patterns[p]);
            u32 found = 0;
            for (int line = 0; line < LINES; line++)
                for (i32 start = 0; start < line_lengths[line]; start++) {
                    i32 end = match_here(0, lines[line], start, line_lengths[line]);
                    if (end > start) {
                        found = found * 31 + (u32)(start << 8 | end);
                        start = end - 1;
                    }
                }
            sum = mix(sum, found);
        }
    }
    return (i64)sum;
}
