// JSON: a generated document is parsed into a tree, written out again and compared.
#include "kernel.h"

enum { TEXT_BYTES = 1 << 16, NODES_MAX = 1 << 14, DEPTH_MAX = 64 };

enum kind { NOTHING, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

struct node {
    enum kind kind;
    i32 value;              // of a boolean; the length of a string
    double number;
    const u8 *text;         // of a string, between the quotes
    const u8 *name;         // of a member of an object
    i32 name_length;
    struct node *first, *next;
};

static u8 source[TEXT_BYTES], written[TEXT_BYTES];
static struct node nodes[NODES_MAX];
static i32 node_count, depth;
static const u8 *in;
static u8 *out;

static void put(const char *text) {
    while (*text)
        *out++ = (u8)*text++;
}

static void put_bytes(const u8 *bytes, i32 count) {
    for (i32 i = 0; i < count; i++)
        *out++ = bytes[i];
}

// Numbers of the document are multiples of 1/8, so that decimal digits give them exactly.
static void put_number(double number) {
    u8 digits[24];
    i32 count = 0;
    if (number < 0) {
        put("-");
        number = -number;
    }
    u64 whole = (u64)number;
    u32 thousandths = (u32)((number - (double)whole) * 1000);
    do digits[count++] = (u8)('0' + whole % 10); while ((whole /= 10) != 0);
    while (count > 0)
        *out++ = digits[--count];
    if (thousandths != 0) {
        put(".");
        for (u32 unit = 100; thousandths != 0; unit /= 10) {
            *out++ = (u8)('0' + thousandths / unit);
            thousandths %= unit;
        }
    }
}

static void put_record(u32 *seed, i32 id) {
    u32 random = next_random(seed);
    static const char *const names[] = { "Ada", "Grace \\\"G\\\"", "Barbara\\n", "Katherine", "J\\u00f8rgen", "" };
    put("{\"id\":"), put_number(id);
    put(",\"name\":\""), put(names[random % LENGTH(names)]);
    put("\",\"active\":"), put(random & 64 ? "true" : "false");
    put(",\"parent\":"), put(random & 128 ? "null" : "{\"kind\":\"root\",\"rank\":[]}");
    put(",\"position\":[");
    for (int i = 0; i < 3; i++) {
        put(i ? "," : "");
        put_number((i32)(next_random(seed) % 200001 - 100000) / 8.0);
    }
    put("],\"tags\":[");
    for (u32 i = 0; i < random % 4; i++)
        put(i ? ",[\"t\",1]" : "[\"first\",[[]]]");
    put("]}");
}

static i32 write_document(u32 seed, i32 records) {
    out = source;
    put("{\"records\":[");
    for (i32 i = 0; i < records; i++) {
        put(i ? "," : "");
        put_record(&seed, i);
    }
    put("],\"done\":true}");
    *out = 0;
    return (i32)(out - source);
}

static void fail(void) {
    __builtin_trap();
}

static void skip_space(void) {
    while (*in == ' ' || *in == '\n' || *in == '\t' || *in == '\r')
        in++;
}

static void expect(const char *text) {
    for (; *text; text++)
        if (*in++ != (u8)*text)
            fail();
}

// The bytes between the quotes, escapes checked but kept as they are.
static const u8 *parse_string(i32 *length) {
    expect("\"");
    const u8 *start = in;
    for (; *in != '"'; in++) {
        if (*in < ' ')
            fail();
        if (*in == '\\') {
            in++;
            if (*in == 'u')
                for (int i = 0; i < 4; i++) {
                    in++;
                    if (!((*in >= '0' && *in <= '9') || ((*in | 32) >= 'a' && (*in | 32) <= 'f')))
                        fail();
                }
        }
    }
    *length = (i32)(in++ - start);
    return start;
}

static double parse_number(void) {
    i32 negative = *in == '-';
    in += negative;
    if (*in < '0' || *in > '9')
        fail();
    double number = 0, unit = 1;
    while (*in >= '0' && *in <= '9')
        number = number * 10 + (*in++ - '0');
    if (*in == '.')
        for (in++; *in >= '0' && *in <= '9'; in++) {
            number = number * 10 + (*in - '0');
            unit *= 10;
        }
    return (negative ? -number : number) / unit;
}

static struct node *parse_value(void);

static struct node *parse_members(char close, i32 named) {
    struct node *first = 0, **link = &first;
    in++;
    if (++depth > DEPTH_MAX)
        fail();
    skip_space();
    while (*in != (u8)close) {
        const u8 *name = 0;
        i32 name_length = 0;
        if (named) {
            name = parse_string(&name_length);
            skip_space();
            expect(":");
        }
        struct node *node = parse_value();
        node->name = name;
        node->name_length = name_length;
        *link = node;
        link = &node->next;
        if (*in != (u8)close)
            expect(",");
        skip_space();
    }
    in++;
    depth--;
    return first;
}

static NOINLINE struct node *parse_value(void) {
    if (node_count == NODES_MAX)
        fail();
    struct node *node = &nodes[node_count++];
    *node = (struct node){ .kind = NOTHING };
    skip_space();
    switch (*in) {
    case '{': node->kind = OBJECT; node->first = parse_members('}', 1); break;
    case '[': node->kind = ARRAY; node->first = parse_members(']', 0); break;
    case '"': node->kind = STRING; node->text = parse_string(&node->value); break;
    case 't': expect("true"); node->kind = BOOLEAN; node->value = 1; break;
    case 'f': expect("false"); node->kind = BOOLEAN; break;
    case 'n': expect("null"); break;
    default: node->kind = NUMBER; node->number = parse_number(); break;
    }
    skip_space();
    return node;
}

static NOINLINE void write_value(const struct node *node) {
    switch (node->kind) {
    case NOTHING: put("null"); break;
    case BOOLEAN: put(node->value ? "true" : "false"); break;
    case NUMBER: put_number(node->number); break;
    case STRING: put("\""), put_bytes(node->text, node->value), put("\""); break;
    case ARRAY:
    case OBJECT:
        put(node->kind == OBJECT ? "{" : "[");
        for (const struct node *member = node->first; member; member = member->next) {
            if (node->kind == OBJECT)
                put("\""), put_bytes(member->name, member->name_length), put("\":");
            write_value(member);
            if (member->next)
                put(",");
        }
        put(node->kind == OBJECT ? "}" : "]");
        break;
    }
}

static double sum_numbers(const struct node *node) {
    double sum = node->number;
    for (const struct node *member = node->first; member; member = member->next)
        sum += sum_numbers(member);
    return sum;
}

// `n` is the number of documents of about 50 KB. 0 says that one was not written as it was read.
EXPORT_RUN i64 run(i32 n) {
    u64 sum = 1;
    for (i32 i = 0; i < n; i++) {
        i32 length = write_document(424242u + (u32)i, 350);
        in = source;
        node_count = depth = 0;
        struct node *document = parse_value();
        out = written;
        write_value(document);
        if (*in != 0 || out - written != length)
            return 0;
        for (i32 at = 0; at < length; at++)
            if (source[at] != written[at])
                return 0;
        sum = mix(sum, bits_of(sum_numbers(document)));
        sum = mix(sum, (u64)node_count << 32 | (u32)length);
    }
    return (i64)sum;
}
