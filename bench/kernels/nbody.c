// Gravitation among five bodies, advanced by small steps: double arithmetic with square roots and divisions.
#include "kernel.h"

enum { BODIES = 5 };

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static struct body bodies[BODIES];

static void place_bodies(void) {
    static const struct body start[BODIES] = {
        { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 40.0 },
        { 5.0, -1.0, 0.25, 0.5, 2.75, -0.125, 0.04 },
        { 8.5, 4.0, -0.5, -1.0, 1.875, 0.0625, 0.012 },
        { -13.0, -15.0, 0.25, 1.0, -0.875, -0.03125, 0.0016 },
        { 15.5, -26.0, 0.125, 0.96875, 0.625, 0.015625, 0.002 },
    };
    double px = 0, py = 0, pz = 0;
    for (int i = 0; i < BODIES; i++) {
        bodies[i] = start[i];
        px += start[i].vx * start[i].mass;
        py += start[i].vy * start[i].mass;
        pz += start[i].vz * start[i].mass;
    }
    // The heavy body takes up the momentum, so that the system stays where it is.
    bodies[0].vx = -px / bodies[0].mass;
    bodies[0].vy = -py / bodies[0].mass;
    bodies[0].vz = -pz / bodies[0].mass;
}

static void advance(double dt) {
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * __builtin_sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            sum -= a->mass * b->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

// `n` is the number of steps.
EXPORT_RUN i64 run(i32 n) {
    place_bodies();
    u64 sum = bits_of(energy());
    for (i32 i = 0; i < n; i++)
        advance(0.001);
    sum = mix(sum, bits_of(energy()));
    for (int i = 0; i < BODIES; i++)
        sum = mix(sum, bits_of(bodies[i].x));
    return (i64)sum;
}
