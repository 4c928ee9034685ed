/* SPDX-License-Identifier: MIT
 *
 * Every allocation fails once: the n-th, for all n, while a program of mlx-c calls runs.  Each call then succeeds or
 * reports an error; nothing crashes, all is freed, and afterwards the same program succeeds.
 *
 * Linked statically, for the switch that makes allocations fail is not exported. */
#include "core/memory.h"
#include "mlx/c/mlx.h"

#include <stdio.h>
#include <string.h>

static void count_error(const char *message, void *errors)
{
    (void)message;
    ++*(int *)errors;
}

static void count_release(void *releases)
{
    ++*(int *)releases;
}

static int sum_of_squares(mlx_vector_array *res, const mlx_vector_array in, void *payload)
{
    mlx_stream *s = payload;
    mlx_array x = mlx_array_new();
    int status = mlx_vector_array_get(&x, in, 0) || mlx_multiply(&x, x, x, *s) || mlx_sum(&x, x, false, *s) ||
                 mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    return status;
}

/* Containers; the number of calls that failed. */
static int use_containers(mlx_array x)
{
    int bad = 0;
    const char *key;
    mlx_array got = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new_value(x);
    mlx_vector_string names = mlx_vector_string_new();
    mlx_map_string_to_array map = mlx_map_string_to_array_new(), copy = {NULL};
    mlx_string text = mlx_string_new_data("a text");
    bad += !v.ctx + !names.ctx + !map.ctx + !text.ctx;
    bad += mlx_vector_array_append_value(v, x) + mlx_vector_string_append_value(names, "name");
    bad += mlx_map_string_to_array_insert(map, "x", x) + mlx_map_string_to_array_set(&copy, map);
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(copy);
    bad += !it.ctx || mlx_map_string_to_array_iterator_next(&key, &got, it) != 0;
    bad += mlx_string_set(&text, text) + !mlx_array_shape(x) + !mlx_array_strides(x);
    mlx_map_string_to_array_iterator_free(it);
    mlx_map_string_to_array_free(map);
    mlx_map_string_to_array_free(copy);
    mlx_vector_string_free(names);
    mlx_vector_array_free(v);
    mlx_string_free(text);
    mlx_array_free(got);
    return bad;
}

static int use_gradient(mlx_array x, mlx_stream s)
{
    int bad = 0;
    mlx_vector_array in = mlx_vector_array_new_value(x), values = {NULL}, grads = {NULL};
    mlx_closure f = mlx_closure_new_func_payload(sum_of_squares, &s, NULL);
    mlx_closure_value_and_grad g = mlx_closure_value_and_grad_new();
    bad += !f.ctx || mlx_value_and_grad(&g, f, (const int[]){0}, 1);
    bad += mlx_closure_value_and_grad_apply(&values, &grads, g, in);
    bad += mlx_eval(grads);
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(g);
    mlx_vector_array_free(in);
    mlx_vector_array_free(values);
    mlx_vector_array_free(grads);
    return bad;
}

/* A traced call and a replayed one. */
static int use_compile(mlx_array x, mlx_stream s)
{
    int bad = 0;
    mlx_vector_array in = mlx_vector_array_new_value(x), out = {NULL};
    mlx_closure f = mlx_closure_new_func_payload(sum_of_squares, &s, NULL), c = mlx_closure_new();
    bad += !f.ctx || mlx_detail_compile(&c, f, 5, false, (const uint64_t[]){3}, 1);
    bad += mlx_closure_apply(&out, c, in) + mlx_closure_apply(&out, c, in) + mlx_eval(out);
    bad += mlx_detail_compile_erase(5);
    mlx_closure_free(f);
    mlx_closure_free(c);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    return bad;
}

/* Into a file and back. */
static int use_file(mlx_array x, mlx_stream s)
{
    static const char *const path = "test_mlxc_torture.mlxfn";
    int bad = 0;
    mlx_vector_array in = mlx_vector_array_new_value(x), out = {NULL};
    mlx_closure f = mlx_closure_new_func_payload(sum_of_squares, &s, NULL);
    bad += !f.ctx || mlx_export_function(path, f, in, false);
    mlx_imported_function g = bad ? (mlx_imported_function){NULL} : mlx_imported_function_new(path);
    bad += !g.ctx || mlx_imported_function_apply(&out, g, in) || mlx_eval(out);
    if (g.ctx) mlx_imported_function_free(g);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    remove(path);
    return bad;
}

/* Returns how many calls failed. */
static int run_program(mlx_stream s, int *made, int *released)
{
    static float memory[4] = {1, 2, 3, 4};
    int bad = 0;
    mlx_array x = mlx_array_new_data(memory, (const int[]){2, 2}, 2, MLX_FLOAT32), y = mlx_array_new();
    mlx_array mine =
        mlx_array_new_data_managed_payload(memory, (const int[]){4}, 1, MLX_FLOAT32, released, count_release);
    *made += mine.ctx != NULL;
    bad += !x.ctx + !mine.ctx;
    bad += mlx_add(&y, x, x, s) + mlx_array_eval(y);
    bad += use_containers(x) + use_gradient(x, s) + use_compile(x, s) + use_file(x, s);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(mine);
    return bad;
}

int main(void)
{
    int errors = 0, made = 0, released = 0, failures = 0, rounds = 0;
    mlx_set_error_handler(count_error, &errors, NULL);
    mlx_stream s = mlx_default_cpu_stream_new();
    if (run_program(s, &made, &released) != 0) failures++;
    bool reached = true; /* the n-th allocation: past the last one, the program is through */
    for (int64_t n = 1; reached && failures == 0; n++) {
        errors = 0;
        memory_fail_at(n, false);
        int bad = run_program(s, &made, &released);
        reached = memory_fail_at(0, false) >= n;
        rounds++;
        /* A cache may help out of a failure, but a call that failed has said so. */
        if (bad > 0 && errors == 0) failures++, printf("FAIL at allocation %d: no error was reported\n", rounds);
        if (made != released) failures++, printf("FAIL at allocation %d: memory was not released\n", rounds);
        if (run_program(s, &made, &released) != 0) failures++, printf("FAIL after allocation %d\n", rounds);
    }
    mlx_set_error_handler(NULL, NULL, NULL);
    printf("%d allocations failed, %d failures\n", rounds, failures);
    return failures != 0;
}
