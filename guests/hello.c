// The least that a C program with a standard library does: print a line.
#include <stdio.h>

int main(void) {
    printf("Hello from WebAssembly, %s %d!\n", "WASI", 1);
    return 0;
}
