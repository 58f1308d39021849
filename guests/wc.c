// Counts lines, words and bytes of the files named by the arguments, or of standard input, and of all together if there
// are several. A file that cannot be read is told on standard error, and the exit code is then 1.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct counts {
    unsigned long lines, words, bytes;
};

static struct counts count(FILE *file) {
    struct counts counts = {0};
    int in_word = 0;
    for (int c; (c = getc(file)) != EOF; counts.bytes++) {
        counts.lines += c == '\n';
        if (!isspace(c) && !in_word)
            counts.words++;
        in_word = !isspace(c);
    }
    return counts;
}

static void print(struct counts counts, const char *name) {
    printf("%7lu %7lu %7lu%s%s\n", counts.lines, counts.words, counts.bytes, *name ? " " : "", name);
}

int main(int argc, char **argv) {
    struct counts total = {0};
    int failed = 0;
    if (argc < 2)
        print(count(stdin), "");
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            fprintf(stderr, "wc: %s: %s\n", argv[i], strerror(errno));
            failed = 1;
            continue;
        }
        struct counts counts = count(file);
        fclose(file);
        print(counts, argv[i]);
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
    }
    if (argc > 2)
        print(total, "total");
    return failed;
}
