/* SPDX-License-Identifier: MIT
 *
 * The program: runs all tests and counts; the checks themselves. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

mlx_stream cpu;
int errors;
char last_error[512];

static int checks, failures;

void check(bool ok, const char *what, const char *file, int line)
{
    checks++;
    if (ok) return;
    failures++;
    fprintf(stderr, "FAIL %s:%d: %s -- last error: %s\n", file, line, what, last_error);
}

void check_error(int status, int errors_before, const char *part, const char *what, const char *file, int line)
{
    check(status == 1 && errors == errors_before + 1 && strstr(last_error, part), what, file, line);
}

bool same_text(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

bool starts_with(const char *text, const char *start)
{
    return text && strncmp(text, start, strlen(start)) == 0;
}

mlx_array range(int count, const int *shape, int ndim, double start)
{
    float values[512];
    for (int i = 0; i < count; i++) values[i] = (float)(start + i);
    return mlx_array_new_data(values, shape, ndim, MLX_FLOAT32);
}

mlx_array matrix(int rows, int columns, double start)
{
    return range(rows * columns, (const int[]){rows, columns}, 2, start);
}

mlx_array line_of(int count, double start)
{
    return range(count, &count, 1, start);
}

mlx_array ints(const int *values, size_t count)
{
    int n = (int)count;
    return mlx_array_new_data(values, &n, 1, MLX_INT32);
}

void check_values(mlx_array x, double tolerance, const double *want, size_t count, const char *file, int line)
{
    mlx_array wide = mlx_array_new(), flat = mlx_array_new();
    bool ok = mlx_astype(&wide, x, MLX_FLOAT32, cpu) == 0 && mlx_contiguous(&flat, wide, false, cpu) == 0 &&
              mlx_array_size(flat) == count;
    const float *at = ok ? mlx_array_data_float32(flat) : NULL;
    ok = ok && (at || count == 0);
    for (size_t i = 0; ok && i < count; i++) {
        ok = fabs(at[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]));
        if (!ok) fprintf(stderr, "element %zu: %.9g instead of %.9g\n", i, at[i], want[i]);
    }
    check(ok, "values", file, line);
    mlx_array_free(wide);
    mlx_array_free(flat);
    mlx_array_free(x);
}

void check_shape(mlx_array x, const int *shape, size_t ndim, mlx_dtype dtype, const char *file, int line)
{
    bool ok = mlx_array_ndim(x) == ndim && mlx_array_dtype(x) == dtype;
    const int *have = mlx_array_shape(x);
    for (size_t i = 0; ok && i < ndim; i++) ok = have[i] == shape[i] && mlx_array_dim(x, (int)i) == shape[i];
    check(ok, "shape", file, line);
}

static void remember(const char *message, void *data)
{
    (void)data;
    errors++;
    snprintf(last_error, sizeof last_error, "%s", message);
}

static void count_release(void *data)
{
    ++*(int *)data;
}

int main(void)
{
    int released = 0;
    mlx_set_error_handler(remember, &released, count_release);
    cpu = mlx_default_cpu_stream_new();
    test_handles();
    test_ops();
    test_composed_ops();
    test_calls();
    test_compile();
    test_export();
    test_custom();
    test_pictures();
    test_hostile();
    CHECK(released == 0);
    test_errors(); /* installs handlers of its own */
    CHECK(released == 1);
    mlx_set_error_handler(NULL, NULL, NULL);
    mlx_stream_free(cpu);
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
