// Draws the Mandelbrot set: on a terminal in colour, two pixels to a character; elsewhere in shades of ASCII.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 78, ROWS = 36, SAMPLES = 3, STEPS_MAX = 600 };

static const double LEFT = -2.2, TOP = 1.385, PIXEL = 3.0 / COLUMNS;

struct colour {
    double red, green, blue;
};

// Along the number of steps that a point takes to escape, and round again.
static const struct { double at; struct colour colour; } palette[] = {
    { 0.00, { 10, 8, 60 } },    { 0.15, { 30, 80, 190 } },  { 0.35, { 160, 225, 250 } }, { 0.48, { 255, 250, 220 } },
    { 0.62, { 255, 180, 40 } }, { 0.78, { 190, 50, 30 } },  { 0.90, { 70, 10, 60 } },    { 1.00, { 10, 8, 60 } },
};

// How fast a point escapes, as a smooth number of steps; negative if it does not.
static double escape(double cx, double cy) {
    double x = 0, y = 0, xx = 0, yy = 0;
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        y = 2 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        if (xx + yy > 65536)
            return steps + 1 - log2(log2(xx + yy) / 16);
    }
    return -1;
}

static struct colour colour_of(double steps) {
    struct colour black = { 4, 4, 8 };
    if (steps < 0)
        return black;
    double whole, at = modf(sqrt(fmax(steps, 0) + 1) * 0.25 + 0.53, &whole);
    for (size_t i = 1;; i++) {
        if (at > palette[i].at && palette[i].at < 1)
            continue;
        struct colour a = palette[i - 1].colour, b = palette[i].colour;
        double share = (at - palette[i - 1].at) / (palette[i].at - palette[i - 1].at);
        struct colour mixed = { a.red + (b.red - a.red) * share, a.green + (b.green - a.green) * share,
                                a.blue + (b.blue - a.blue) * share };
        return mixed;
    }
}

// The mean over a grid of points in the pixel.
static struct colour pixel(int column, int line) {
    struct colour sum = { 0, 0, 0 };
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double x = column + (i % SAMPLES + 0.5) / SAMPLES, y = line + (i / SAMPLES + 0.5) / SAMPLES;
        struct colour one = colour_of(escape(LEFT + x * PIXEL, TOP - y * PIXEL));
        sum.red += one.red;
        sum.green += one.green;
        sum.blue += one.blue;
    }
    struct colour mean = { sum.red / (SAMPLES * SAMPLES), sum.green / (SAMPLES * SAMPLES), sum.blue / (SAMPLES * SAMPLES) };
    return mean;
}

// The upper half of the cell in the foreground's colour, the lower half in the background's.
static void print_colours(int row) {
    for (int column = 0; column < COLUMNS; column++) {
        struct colour upper = pixel(column, 2 * row), lower = pixel(column, 2 * row + 1);
        printf("\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm\xe2\x96\x80", (int)upper.red, (int)upper.green, (int)upper.blue,
               (int)lower.red, (int)lower.green, (int)lower.blue);
    }
    puts("\x1b[0m");
}

static void print_shades(int row) {
    static const char shades[] = " .,:;-=+*oO#%";
    char line[COLUMNS + 1];
    for (int column = 0; column < COLUMNS; column++) {
        double steps = escape(LEFT + (column + 0.5) * PIXEL, TOP - (2 * row + 1) * PIXEL);
        size_t shade = (size_t)fmax(0, (log2(fmax(steps, 1)) - 1.8) * 2.6);
        line[column] = steps < 0 ? '@' : shades[shade < strlen(shades) ? shade : strlen(shades) - 1];
    }
    line[COLUMNS] = 0;
    puts(line);
}

int main(void) {
    int terminal = isatty(STDOUT_FILENO);
    for (int row = 0; row < ROWS; row++) {
        if (terminal)
            print_colours(row);
        else
            print_shades(row);
        fflush(stdout);
    }
    return 0;
}
