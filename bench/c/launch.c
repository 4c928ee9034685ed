/* SPDX-License-Identifier: MIT
 *
 * What an op costs the host on its way to the GPU: chains of small ops, so that the device has next to nothing to do.
 * With MICA_CUDA=sim the simulated driver's time is in it.  Prints microseconds an op, the best of several runs:
 * graph: making the nodes; eval: making and evaluating; wait for each: a chain of one. */
#include "mica.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { OPS = 256, REPEATS = 40 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Vectors: sums and products in turn; matrices: matrix products. */
static mx_array *chain(mx_array *x, mx_array *y, int ops)
{
    bool matrices = mx_ndim(x) == 2;
    for (int i = 0; i < ops; i++) x = matrices ? mx_matmul(x, y) : i % 2 ? mx_add(x, y) : mx_mul(x, y);
    return x;
}

static double measure(mx_array *x, mx_array *y, int ops, bool evaluate)
{
    double best = 1e30;
    for (int r = 0; r < REPEATS; r++) {
        mx_scope s = mx_scope_open();
        double start = now_us();
        for (int done = 0; done < OPS; done += ops) {
            mx_array *z = chain(x, y, ops);
            if (evaluate && !mx_eval(z)) printf("%s\n", mx_error().message), exit(1);
        }
        double us = (now_us() - start) / OPS;
        if (us < best) best = us;
        mx_scope_close(s, NULL);
    }
    return best;
}

int main(void)
{
    mx_use_stream(mx_default_stream((mx_device){mx_device_count(MX_GPU) ? MX_GPU : MX_CPU, 0}));
    int64_t n = 16;
    mx_array *x = mx_ones((mx_shape){1, &n}, MX_FLOAT32), *y = mx_ones((mx_shape){1, &n}, MX_FLOAT32);
    mx_array *a = mx_reshape(mx_mul(x, y), (mx_shape){2, (const int64_t[]){4, 4}}), *all[] = {x, y, a};
    if (!mx_eval_n(all, 3)) printf("%s\n", mx_error().message), exit(1);
    printf("%-28s %6.3f us\n", "graph", measure(x, y, OPS, false));
    printf("%-28s %6.3f us\n", "eval", measure(x, y, OPS, true));
    printf("%-28s %6.3f us\n", "eval, 16 ops at a time", measure(x, y, 16, true));
    printf("%-28s %6.3f us\n", "wait for each", measure(x, y, 1, true));
    printf("%-28s %6.3f us\n", "matrix products", measure(a, a, OPS, true));
    return 0;
}
