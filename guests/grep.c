// Prints the lines of the files named after the pattern, or of standard input, that match it. In a pattern `.` stands for
// any character, `[a-z]` and `[^a-z]` for one of a set or not of it, `*`, `+` and `?` repeat what is before them, `^` and
// `$` are the ends of a line, and `\` takes the next character as it is. The exit code is 0 if a line matched, 1 if none
// did, and 2 if there was an error.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Behind the single element at the start of a pattern.
static const char *after_element(const char *pattern) {
    if (*pattern == '\\' && pattern[1])
        return pattern + 2;
    if (*pattern != '[')
        return pattern + 1;
    pattern += 1 + (pattern[1] == '^');
    // A bracket that comes first stands for itself.
    for (pattern += *pattern == ']'; *pattern && *pattern != ']'; pattern++) {
    }
    return pattern + (*pattern == ']');
}

static int in_set(const char *set, const char *end, unsigned char c) {
    int negated = set[1] == '^', found = 0;
    for (set += 1 + negated; set < end - 1; set++) {
        if (set[1] == '-' && set + 2 < end - 1) {
            found |= (unsigned char)set[0] <= c && c <= (unsigned char)set[2];
            set += 2;
        } else {
            found |= (unsigned char)*set == c;
        }
    }
    return found != negated;
}

static int matches_element(const char *element, const char *end, char c) {
    if (!c)
        return 0;
    if (*element == '\\' && end == element + 2)
        return element[1] == c;
    if (*element == '[')
        return in_set(element, end, (unsigned char)c);
    return *element == '.' || *element == c;
}

static int matches_here(const char *pattern, const char *text) {
    while (*pattern) {
        if (pattern[0] == '$' && !pattern[1])
            return !*text;
        const char *end = after_element(pattern);
        if (*end && strchr("*+?", *end)) {
            // As many as possible first, then fewer.
            size_t count = 0, least = *end == '+', most = *end == '?' ? 1 : (size_t)-1;
            while (count < most && matches_element(pattern, end, text[count]))
                count++;
            for (;; count--) {
                if (count >= least && matches_here(end + 1, text + count))
                    return 1;
                if (count <= least)
                    return 0;
            }
        }
        if (!matches_element(pattern, end, *text))
            return 0;
        pattern = end;
        text++;
    }
    return 1;
}

static int matches(const char *pattern, const char *text) {
    if (*pattern == '^')
        return matches_here(pattern + 1, text);
    do {
        if (matches_here(pattern, text))
            return 1;
    } while (*text++);
    return 0;
}

static int search(const char *pattern, FILE *file, const char *prefix) {
    char *line = NULL;
    size_t room = 0;
    int found = 0;
    for (ssize_t len; (len = getline(&line, &room, file)) >= 0;) {
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = 0;
        if (matches(pattern, line)) {
            printf("%s%s%s\n", prefix, *prefix ? ":" : "", line);
            found = 1;
        }
    }
    free(line);
    return found;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: grep PATTERN [FILE...]\n");
        return 2;
    }
    int found = 0, failed = 0;
    if (argc == 2)
        found = search(argv[1], stdin, "");
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            fprintf(stderr, "grep: %s: %s\n", argv[i], strerror(errno));
            failed = 1;
            continue;
        }
        found |= search(argv[1], file, argc > 3 ? argv[i] : "");
        fclose(file);
    }
    return failed ? 2 : !found;
}
