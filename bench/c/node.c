/* SPDX-License-Identifier: MIT
 *
 * What making a node costs from C: prints the seconds that one mx_add of two small arrays takes, its release included.
 * `node alive` measures it beside a million nodes that stay. */
#include <mica.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1000, BATCHES = 1000, ALIVE = 1000000 };

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double best_batch(mx_array *a, mx_array *b)
{
    double best = 1;
    for (int i = 0; i < BATCHES; i++) {
        double start = now();
        mx_scope s = mx_scope_open();
        for (int j = 0; j < BATCH; j++) mx_add(a, b);
        mx_scope_close(s, NULL);
        double seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    return best / BATCH;
}

int main(int argc, char **argv)
{
    static const float ten[10];
    mx_scope s = mx_scope_open();
    mx_array *a = mx_from_data(ten, SHAPE(10), MX_FLOAT32), *b = mx_from_data(ten, SHAPE(10), MX_FLOAT32);
    if (argc > 1 && strcmp(argv[1], "alive") == 0) {
        for (int i = 0; i < ALIVE; i++) mx_add(a, b);
    }
    printf("%.9g\n", best_batch(a, b));
    mx_scope_close(s, NULL);
    if (mx_failed()) return fprintf(stderr, "node: %s\n", mx_error().message), 1;
    return 0;
}
