/* SPDX-License-Identifier: MIT
 *
 * The same transforms through mlx-c: a closure is a C function with a payload and a destructor for that, which runs when
 * the last closure that needs it is freed.  Every call returns 0, or 1 after telling the error handler. */
#include <mlx/c/mlx.h>

#include <stdbool.h>
#include <stdio.h>

typedef struct cubic { /* the payload */
    mlx_array a;
    mlx_stream stream;
    bool *released;
} cubic;

static void release(void *payload)
{
    cubic *c = payload;
    mlx_array_free(c->a);
    *c->released = true;
}

/* sum(a x^3); an array that a call fills may be one of its inputs. */
static int f(mlx_vector_array *res, const mlx_vector_array in, void *payload)
{
    const cubic *c = payload;
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    int bad = mlx_vector_array_get(&x, in, 0) || mlx_multiply(&y, x, x, c->stream) ||
              mlx_multiply(&y, y, x, c->stream) || mlx_multiply(&y, y, c->a, c->stream) ||
              mlx_sum(&y, y, false, c->stream) || mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    return bad;
}

static int show(const char *what, mlx_vector_array v)
{
    mlx_array x = mlx_array_new();
    mlx_string text = mlx_string_new();
    int bad = mlx_vector_array_get(&x, v, 0) || mlx_array_tostring(&text, x);
    if (!bad) printf("%-28s %s\n", what, mlx_string_data(text));
    mlx_string_free(text);
    mlx_array_free(x);
    return bad;
}

static int derivatives(mlx_closure fun, mlx_vector_array x, mlx_vector_array one)
{
    mlx_vector_array values = mlx_vector_array_new(), results = mlx_vector_array_new();
    mlx_closure_value_and_grad gradient = mlx_closure_value_and_grad_new();
    int bad = mlx_value_and_grad(&gradient, fun, (const int[]){0}, 1) ||
              mlx_closure_value_and_grad_apply(&values, &results, gradient, x) || show("f(1, 2)", values) ||
              show("gradient", results) || mlx_vjp(&values, &results, fun, x, one) || show("vjp", results) ||
              mlx_jvp(&values, &results, fun, x, x) || show("jvp along x", results);
    mlx_closure_value_and_grad_free(gradient);
    mlx_vector_array_free(values);
    mlx_vector_array_free(results);
    return bad;
}

/* vmap in two calls: the closure runs on placeholders for one row, then all rows take their place. */
static int batched(mlx_closure fun, mlx_array rows)
{
    const int axis = 0;
    mlx_vector_array in = mlx_vector_array_new_value(rows), out = mlx_vector_array_new();
    mlx_vector_array placeholders = mlx_vector_array_new(), made = mlx_vector_array_new();
    int bad = mlx_detail_vmap_trace(&placeholders, &made, fun, in, &axis, 1) ||
              mlx_detail_vmap_replace(&out, in, placeholders, made, &axis, 1, &axis, 1) || show("f of three rows", out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(placeholders);
    mlx_vector_array_free(made);
    return bad;
}

static int compiled(mlx_closure fun, mlx_vector_array x)
{
    mlx_closure checkpoint = mlx_closure_new(), fast = mlx_closure_new();
    mlx_vector_array values = mlx_vector_array_new();
    int bad = mlx_checkpoint(&checkpoint, fun) || mlx_compile(&fast, checkpoint, false) ||
              mlx_closure_apply(&values, fast, x) || show("compiled, in a checkpoint", values);
    mlx_closure_free(fast);
    mlx_closure_free(checkpoint);
    mlx_vector_array_free(values);
    return bad;
}

int main(void)
{
    bool released = false;
    cubic payload = {mlx_array_new_data((float[]){1, 2}, (const int[]){2}, 1, MLX_FLOAT32),
                     mlx_default_cpu_stream_new(), &released};
    mlx_closure fun = mlx_closure_new_func_payload(f, &payload, release);
    mlx_array rows = mlx_array_new_data((float[]){1, 0, 0, 1, 1, 1}, (const int[]){3, 2}, 2, MLX_FLOAT32);
    mlx_array number = mlx_array_new_float(1);
    mlx_vector_array x = mlx_vector_array_new_value(payload.a), one = mlx_vector_array_new_value(number);
    int bad = derivatives(fun, x, one) || batched(fun, rows) || compiled(fun, x);
    mlx_vector_array_free(x);
    mlx_vector_array_free(one);
    mlx_array_free(rows);
    mlx_array_free(number);
    mlx_closure_free(fun);
    mlx_detail_compile_clear_cache(); /* what was compiled has kept the closure */
    mlx_stream_free(payload.stream);
    printf("the payload was %s\n", released ? "released" : "kept");
    return bad || !released;
}
