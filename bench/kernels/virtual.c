// Virtual calls: objects of five classes with tables of methods, as a C++ compiler lays them out.
#include "kernel.h"

enum { OBJECTS = 1024 };

struct object;

struct methods {
    i32 (*area)(const struct object *);
    void (*scale)(struct object *, i32);
    i32 (*distance)(const struct object *, i32, i32);
    u32 (*tag)(void);
};

struct object {
    const struct methods *methods;
    i32 a, b, c, d;
};

static struct object objects[OBJECTS];

static i32 absolute(i32 x) {
    return x < 0 ? -x : x;
}

static void scale_two(struct object *self, i32 by) {
    self->a = (self->a + by) & 1023;
    self->b = (self->b + by * 3) & 1023;
}

static void scale_one(struct object *self, i32 by) {
    self->a = (self->a ^ by) & 1023;
}

static void scale_four(struct object *self, i32 by) {
    scale_two(self, by);
    self->c = (self->c - by) & 1023;
    self->d = (self->d + self->c) & 1023;
}

static i32 from_corner(const struct object *self, i32 x, i32 y) {
    return absolute(self->a - x) + absolute(self->b - y);
}

static i32 from_middle(const struct object *self, i32 x, i32 y) {
    i32 dx = absolute(self->a / 2 - x), dy = absolute(self->b / 2 - y);
    return dx > dy ? dx : dy;
}

static i32 square_area(const struct object *self) { return self->a * self->a; }
static i32 rectangle_area(const struct object *self) { return self->a * self->b; }
static i32 circle_area(const struct object *self) { return self->a * self->a * 355 / 113; }
static i32 triangle_area(const struct object *self) { return absolute(self->a * self->d - self->b * self->c) / 2; }
static i32 line_area(const struct object *self) { return self->c >> 31; }

static u32 square_tag(void) { return 'S'; }
static u32 rectangle_tag(void) { return 'R'; }
static u32 circle_tag(void) { return 'C'; }
static u32 triangle_tag(void) { return 'T'; }
static u32 line_tag(void) { return 'L'; }

static const struct methods classes[] = {
    { square_area, scale_one, from_corner, square_tag },
    { rectangle_area, scale_two, from_middle, rectangle_tag },
    { circle_area, scale_one, from_middle, circle_tag },
    { triangle_area, scale_four, from_corner, triangle_tag },
    { line_area, scale_four, from_middle, line_tag },
};

// `n` is the number of rounds over all objects, four virtual calls each.
EXPORT_RUN i64 run(i32 n) {
    u32 seed = 246813579u;
    for (int i = 0; i < OBJECTS; i++) {
        u32 random = next_random(&seed);
        objects[i] = (struct object){ &classes[random % LENGTH(classes)], (i32)(random >> 4 & 255), (i32)(random >> 12 & 255),
                                      (i32)(random >> 20 & 255), (i32)(random & 127) };
    }
    u64 sum = 0;
    for (i32 round = 0; round < n; round++) {
        u32 total = 0;
        for (int i = 0; i < OBJECTS; i++) {
            struct object *object = &objects[i];
            object->methods->scale(object, round & 15);
            total += (u32)object->methods->area(object);
            total ^= (u32)object->methods->distance(object, i, round & 511) << 8;
            total = total * 3 + object->methods->tag();
        }
        // A class changes now and then, so that no call site's target can be known before.
        objects[total % OBJECTS].methods = &classes[(total >> 10) % LENGTH(classes)];
        sum = mix(sum, total);
    }
    return (i64)sum;
}
