/* SPDX-License-Identifier: MIT
 *
 * What a captured program costs an op, without computing anything: prints the seconds that one op of a chain of `length`
 * additions (default 100) takes to be made by a replay and to be released. */
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 100, BATCHES = 300 };

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mx_program *capture_chain(mx_array *const *in, int length)
{
    mx_array *traced[2];
    mx_trace *t = mx_trace_begin_captured(in, 2, false, traced);
    for (int i = 0; i < length; i++) traced[0] = mx_add(traced[0], traced[1]);
    mx_program *p = mx_trace_program(t, traced, 1);
    mx_trace_end(&t);
    return p;
}

int main(int argc, char **argv)
{
    static const float ten[10];
    int length = argc > 1 ? atoi(argv[1]) : 100;
    mx_scope s = mx_scope_open();
    mx_array *in[2] = {mx_from_data(ten, SHAPE(10), MX_FLOAT32), mx_from_data(ten, SHAPE(10), MX_FLOAT32)}, *out;
    mx_program *p = capture_chain(in, length);
    double best = 1;
    for (int i = 0; i < BATCHES && p; i++) {
        double start = now();
        for (int j = 0; j < BATCH; j++) {
            mx_scope inner = mx_scope_open();
            mx_program_run(p, in, 2, &out, 1);
            mx_scope_close(inner, NULL);
        }
        double seconds = (now() - start) / BATCH;
        if (seconds < best) best = seconds;
    }
    printf("%.9g\n", best / length);
    mx_program_drop(p);
    mx_scope_close(s, NULL);
    if (mx_failed()) return fprintf(stderr, "replay: %s\n", mx_error().message), 1;
    return 0;
}
