// Serves connections on the first socket that it was granted, one after the other: sends back what comes, until the
// other side sends no more. A connection whose first line is `quit` ends the program.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER = 3 };

static int send_all(int connection, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(connection, bytes, len, 0);
        if (sent < 0)
            return -1;
        bytes += sent;
        len -= (size_t)sent;
    }
    return 0;
}

// Whether the program goes on.
static int serve(int connection) {
    char buffer[4096];
    int first = 1;
    for (ssize_t got; (got = recv(connection, buffer, sizeof buffer, 0)) > 0; first = 0) {
        if (first && got >= 5 && memcmp(buffer, "quit\n", 5) == 0)
            return 0;
        if (send_all(connection, buffer, (size_t)got) < 0)
            break;
    }
    shutdown(connection, SHUT_RDWR);
    return 1;
}

int main(void) {
    for (int served = 0;; served++) {
        int connection = accept(LISTENER, NULL, NULL);
        if (connection < 0) {
            fprintf(stderr, "echo: no socket to serve: %s\n", strerror(errno));
            return 1;
        }
        int more = serve(connection);
        close(connection);
        if (!more) {
            printf("served %d connections\n", served);
            return 0;
        }
    }
}
