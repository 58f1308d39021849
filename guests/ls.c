// Lists folders with all that is beneath them, as `ls -R` does: names in order, folders with a slash, symbolic links with
// what they say, files with their size. The folders are named by the arguments; without them it is the current one.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed;

static void complain(const char *path) {
    fprintf(stderr, "ls: %s: %s\n", path, strerror(errno));
    failed = 1;
}

static char *join(const char *folder, const char *name) {
    size_t len = strlen(folder) + strlen(name) + 2;
    char *path = malloc(len);
    if (!path)
        abort();
    snprintf(path, len, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The names in a folder, in order.
static size_t read_names(const char *path, char ***names) {
    size_t count = 0, room = 0;
    *names = NULL;
    DIR *folder = opendir(path);
    if (!folder) {
        complain(path);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == room)
            *names = realloc(*names, (room = room * 2 + 16) * sizeof **names);
        if (!*names || !((*names)[count++] = strdup(entry->d_name)))
            abort();
    }
    closedir(folder);
    qsort(*names, count, sizeof **names, by_name);
    return count;
}

static void print(const char *path, const char *name, const struct stat *stat) {
    char target[1024];
    ssize_t len = S_ISLNK(stat->st_mode) ? readlink(path, target, sizeof target) : -1;
    if (len >= 0)
        printf("%s -> %.*s\n", name, (int)len, target);
    else if (S_ISDIR(stat->st_mode))
        printf("%s/\n", name);
    else
        printf("%s %lld\n", name, (long long)stat->st_size);
}

static void list(const char *path) {
    char **names;
    size_t count = read_names(path, &names);
    char *is_folder = calloc(count + 1, 1);
    printf("%s:\n", path);
    for (size_t i = 0; i < count; i++) {
        struct stat stat;
        char *child = join(path, names[i]);
        if (lstat(child, &stat) < 0)
            complain(child);
        else
            print(child, names[i], &stat), is_folder[i] = S_ISDIR(stat.st_mode);
        free(child);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_folder[i]) {
            char *child = join(path, names[i]);
            putchar('\n');
            list(child);
            free(child);
        }
        free(names[i]);
    }
    free(is_folder);
    free(names);
}

int main(int argc, char **argv) {
    if (argc < 2)
        list(".");
    for (int i = 1; i < argc; i++) {
        if (i > 1)
            putchar('\n');
        list(argv[i]);
    }
    return failed;
}
