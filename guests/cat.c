// Copies the files named by the arguments to standard output, or standard input if there are none; `-` is standard
// input. A file that cannot be read is told on standard error, and the exit code is then 1.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int from) {
    static char buffer[16384];
    for (;;) {
        ssize_t got = read(from, buffer, sizeof buffer);
        if (got <= 0)
            return (int)got;
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(STDOUT_FILENO, buffer + at, (size_t)(got - at));
            if (put < 0)
                return -1;
            at += put;
        }
    }
}

static int copy_file(const char *name) {
    int from = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY);
    int result = from < 0 ? -1 : copy(from);
    if (result < 0)
        fprintf(stderr, "cat: %s: %s\n", name, strerror(errno));
    if (from > STDIN_FILENO)
        close(from);
    return result;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc < 2)
        failed = copy_file("-") < 0;
    for (int i = 1; i < argc; i++)
        failed |= copy_file(argv[i]) < 0;
    return failed;
}
