// Prints the arguments and the environment, one a line. The exit code is the number of arguments after the first.
#include <stdio.h>

extern char **environ;

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("variable: %s\n", *variable);
    return argc > 0 ? argc - 1 : 0;
}
