// The first line of a program of ordinary size: everything that a report may need of the C library is linked, and one line
// is printed with `printf`, flushed before anything else is done. What else is linked runs if there are arguments: numbers
// in all forms are read and printed, lines are sorted, patterns matched, and days written as dates.
#include <complex.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

static int by_text(const void *a, const void *b) {
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static void number(const char *word) {
    double x = strtod(word, NULL);
    long double wide = strtold(word, NULL);
    int64_t n = strtoimax(word, NULL, 0);
    printf("%g %a %.17Lg %" PRId64 " %" PRIx64 "\n", x, x, wide, n, (uint64_t)n);
    printf("%g %g %g %g %g %g\n", sin(x), cos(x), tan(x), exp(x), log(fabs(x)), pow(x, 0.3));
    printf("%g %g %g %g %g %g\n", asin(x), acos(x), atan2(x, 2), sinh(x), cosh(x), tanh(x));
    printf("%g %g %g %g %g %g\n", lgamma(x), tgamma(x), erf(x), cbrt(x), hypot(x, 1), fmod(x, 3));
    printf("%Lg %Lg %Lg %Lg\n", sinl(wide), expl(wide), logl(fabsl(wide)), powl(wide, 0.3L));
    double complex z = csqrt(x + 2 * I) * cexp(I * x) + clog(x + I) + cpow(x + I, 0.5 + I) + casin(x / 3);
    printf("%g%+gi\n", creal(z), cimag(z));
}

static void text(const char *word) {
    regex_t pattern;
    regmatch_t found[3];
    if (regcomp(&pattern, "([a-z]+)[^a-z]*([0-9]{2,})", REG_EXTENDED | REG_ICASE) == 0) {
        int result = regexec(&pattern, word, 3, found, 0);
        char message[80];
        regerror(result, &pattern, message, sizeof message);
        printf("%s: %s, %d\n", word, message, fnmatch("*.[ch]*", word, FNM_PERIOD));
        regfree(&pattern);
    }
    wchar_t letters[64];
    mbstate_t state = {0};
    const char *rest = word;
    size_t count = mbsrtowcs(letters, &rest, 63, &state);
    if (count != (size_t)-1) {
        letters[count] = 0;
        for (size_t i = 0; i < count; i++)
            letters[i] = iswalpha(letters[i]) ? towupper(letters[i]) : letters[i];
        wchar_t line[100];
        swprintf(line, 100, L"%ls %d %f", letters, wcswidth(letters, count), wcstod(letters, NULL));
        printf("%ls\n", line);
    }
    int number = 0;
    char name[20] = "";
    float part = 0;
    printf("%d", sscanf(word, "%19[a-z]%*[^0-9]%d.%f", name, &number, &part));
    printf(" %s %d %f\n", name, number, part);
}

static void file(const char *word) {
    struct stat about;
    if (stat(word, &about) != 0) {
        printf("%s: %s\n", word, strerror(errno));
        return;
    }
    char day[100];
    struct tm when;
    gmtime_r(&about.st_mtim.tv_sec, &when);
    strftime(day, sizeof day, "%A %d %B %Y, %T, week %V", &when);
    printf("%s %lld bytes, %s, %lld\n", word, (long long)about.st_size, day, (long long)mktime(&when));
    strptime("2001-02-03 04:05:06", "%Y-%m-%d %H:%M:%S", &when);
    DIR *folder = opendir(word);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        printf("  %s\n", entry->d_name);
    if (folder)
        closedir(folder);
    FILE *lines = fopen(word, "r");
    char *line = NULL;
    size_t room = 0;
    long total = 0;
    while (lines && getline(&line, &room, lines) > 0)
        total += strlen(line);
    printf("  %ld in lines\n", total);
    free(line);
    if (lines)
        fclose(lines);
}

int main(int argc, char **argv) {
    printf("Hello from %d bits, %s and %.2f!\n", (int)(8 * sizeof(void *)), "WebAssembly", 3.14159);
    fflush(stdout);
    int wide = 0;
    for (int option; (option = getopt(argc, argv, "wl:")) != -1;)
        option == 'w' ? (void)(wide = 1) : (void)setlocale(LC_ALL, optarg ? optarg : "");
    qsort(argv + optind, argc - optind, sizeof *argv, by_text);
    void *seen = NULL;
    for (int i = optind; i < argc; i++) {
        tsearch(argv[i], &seen, (int (*)(const void *, const void *))strcmp);
        number(argv[i]);
        text(argv[i]);
        file(argv[i]);
        if (wide)
            fwprintf(stderr, L"%hs\n", argv[i]);
    }
    return 0;
}
