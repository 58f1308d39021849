// Prints the average of the digits on standard input, and traps three calls deep if there are none. It is compiled with
// debug information, so that the backtrace can name this file and its lines; without a C library, whose debug
// information would be a hundred times as large.
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

struct iovec {
    char *bytes;
    unsigned long len;
};

WASI(fd_read) int fd_read(int fd, const struct iovec *iovs, unsigned long count, unsigned long *done);
WASI(fd_write) int fd_write(int fd, const struct iovec *iovs, unsigned long count, unsigned long *done);

__attribute__((noinline)) static int divide(int sum, int count) {
    return sum / count;
}

__attribute__((noinline)) static int average(const char *digits, unsigned long len) {
    int sum = 0, count = 0;
    for (unsigned long i = 0; i < len; i++) {
        if (digits[i] >= '0' && digits[i] <= '9') {
            sum += digits[i] - '0';
            count++;
        }
    }
    return divide(sum, count);
}

__attribute__((export_name("_start"))) void _start(void) {
    static char digits[100], line[] = "average 0\n";
    struct iovec input = {digits, sizeof digits}, output = {line, sizeof line - 1};
    unsigned long len;
    if (fd_read(0, &input, 1, &len) != 0)
        return;
    line[8] = (char)('0' + average(digits, len));
    fd_write(1, &output, 1, &len);
}
