/* SPDX-License-Identifier: MIT
 *
 * Functions with rules of the caller's, checkpoints, dependencies: right, wrong, and what is called and released when. */
#include "check.h"

#include <stdlib.h>

typedef struct record {
    int calls, released;
    int wrong; /* 1: fails, 2: too many results, 3: no result */
} record;

static void release(void *data)
{
    ((record *)data)->released++;
}

static mlx_array entry(mlx_vector_array v, size_t i)
{
    mlx_array x = mlx_array_new();
    mlx_vector_array_get(&x, v, i);
    return x;
}

/* factor * x */
static int scaled(mlx_vector_array *res, mlx_array x, double by)
{
    mlx_array factor = mlx_array_new_float((float)by), out = mlx_array_new();
    int status = mlx_multiply(&out, x, factor, cpu) || mlx_vector_array_set_value(res, out);
    mlx_array_free(factor);
    mlx_array_free(out);
    mlx_array_free(x);
    return status;
}

static int answer(record *r, mlx_vector_array *res, mlx_array x, double by)
{
    r->calls++;
    if (r->wrong == 1 || r->wrong == 3) {
        mlx_array_free(x);
        return r->wrong == 1 ? 7 : 0;
    }
    int status = scaled(res, x, by);
    if (r->wrong == 2) {
        mlx_array again = entry(*res, 0);
        status = status || mlx_vector_array_append_value(*res, again);
        mlx_array_free(again);
    }
    return status;
}

static int squared(mlx_vector_array *res, const mlx_vector_array in, void *data)
{
    mlx_array x = entry(in, 0);
    ((record *)data)->calls++;
    int status = mlx_square(&x, x, cpu) || mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    return status;
}

static int hundredfold(mlx_vector_array *res, const mlx_vector_array primals, const mlx_vector_array cotangents,
                       const mlx_vector_array outputs, void *data)
{
    CHECK(mlx_vector_array_size(primals) == 1 && mlx_vector_array_size(outputs) == 1);
    return answer(data, res, entry(cotangents, 0), 100);
}

static int sevenfold(mlx_vector_array *res, const mlx_vector_array primals, const mlx_vector_array tangents,
                     const int *positions, size_t count, void *data)
{
    CHECK(mlx_vector_array_size(primals) == 1 && count == 1 && positions[0] == 0);
    return answer(data, res, entry(tangents, 0), 7);
}

static int elevenfold(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in, const int *in_axes,
                      size_t count, void *data)
{
    CHECK(count == 1);
    *axes = mlx_vector_int_new();
    return mlx_vector_int_append_value(*axes, in_axes[0]) || answer(data, res, entry(in, 0), 11);
}

static void test_rules(void)
{
    record fn = {0}, vjp = {0}, jvp = {0}, vmap = {0};
    mlx_closure fun = mlx_closure_new_func_payload(squared, &fn, release), f = mlx_closure_new();
    mlx_closure_custom own_vjp = mlx_closure_custom_new_func_payload(hundredfold, &vjp, release);
    mlx_closure_custom_jvp own_jvp = mlx_closure_custom_jvp_new_func_payload(sevenfold, &jvp, release);
    mlx_closure_custom_vmap own_vmap = mlx_closure_custom_vmap_new_func_payload(elevenfold, &vmap, release);
    CHECK(mlx_custom_function(&f, fun, own_vjp, own_jvp, own_vmap) == 0);
    mlx_closure_free(fun);
    mlx_closure_custom_free(own_vjp);
    mlx_closure_custom_jvp_free(own_jvp);
    mlx_closure_custom_vmap_free(own_vmap);
    mlx_array x = line_of(3, 1), one = mlx_array_new();
    CHECK(mlx_ones_like(&one, x, cpu) == 0);
    mlx_vector_array in = mlx_vector_array_new_value(x), v = mlx_vector_array_new_value(one);
    mlx_vector_array out = mlx_vector_array_new(), products = mlx_vector_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 0);
    CHECK_VALUES(entry(out, 0), 0, 1, 4, 9);
    CHECK(mlx_vjp(&out, &products, f, in, v) == 0 && vjp.calls == 1);
    CHECK_VALUES(entry(products, 0), 0, 100, 100, 100);
    CHECK(mlx_jvp(&out, &products, f, in, v) == 0 && jvp.calls == 1);
    CHECK_VALUES(entry(products, 0), 0, 7, 7, 7);
    CHECK(mlx_detail_vmap_trace(&products, &out, f, in, INTS(0)) == 0);
    CHECK(mlx_detail_vmap_replace(&v, in, products, out, INTS(0), INTS(0)) == 0 && vmap.calls == 1);
    CHECK_VALUES(entry(v, 0), 0, 11, 22, 33);
    for (int wrong = 1; wrong <= 3; wrong++) {
        vjp.wrong = jvp.wrong = wrong;
        static const char *const part[] = {"returned 7", "gave 2 arrays", "no result"};
        CHECK(mlx_vector_array_set_value(&v, one) == 0);
        CHECK_ERROR(mlx_vjp(&out, &products, f, in, v), part[wrong - 1]);
        CHECK_ERROR(mlx_jvp(&out, &products, f, in, v), part[wrong - 1]);
    }
    CHECK(fn.released == 0);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
    mlx_vector_array_free(v);
    mlx_vector_array_free(out);
    mlx_vector_array_free(products);
    CHECK(mlx_synchronize(cpu) == 0);
    CHECK(fn.released == 1 && vjp.released == 1 && jvp.released == 1 && vmap.released == 1);
    mlx_array_free(x);
    mlx_array_free(one);
}

static void test_vjp_rule_and_checkpoint(void)
{
    record fn = {0}, vjp = {0};
    mlx_closure fun = mlx_closure_new_func_payload(squared, &fn, release), f = mlx_closure_new();
    mlx_closure_custom rule = mlx_closure_custom_new_func_payload(hundredfold, &vjp, release), none = {NULL};
    mlx_array x = line_of(2, 1);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new(), d = mlx_vector_array_new();
    CHECK(mlx_custom_vjp(&f, fun, rule) == 0 && mlx_vjp(&out, &d, f, in, in) == 0);
    CHECK_VALUES(entry(d, 0), 0, 100, 200);
    CHECK(mlx_jvp(&out, &d, f, in, in) == 0);
    CHECK_VALUES(entry(d, 0), 0, 2, 8);
    fn.calls = 0;
    CHECK(mlx_checkpoint(&f, fun) == 0 && mlx_vjp(&out, &d, f, in, in) == 0 && fn.calls == 2);
    CHECK_VALUES(entry(d, 0), 0, 2, 8);
    mlx_closure empty = {NULL};
    CHECK_ERROR(mlx_custom_vjp(&f, fun, none), "fun_vjp");
    CHECK_ERROR(mlx_checkpoint(&f, empty), "fun");
    CHECK_ERROR(mlx_checkpoint(NULL, fun), "res");
    CHECK_ERROR(mlx_custom_vjp(NULL, fun, rule), "res");
    mlx_vector_array both = mlx_vector_array_new();
    CHECK(mlx_depends(&both, in, out) == 0);
    CHECK_VALUES(entry(both, 0), 0, 1, 2);
    mlx_vector_array missing = {NULL};
    CHECK_ERROR(mlx_depends(&both, missing, out), "inputs");
    CHECK_ERROR(mlx_depends(&both, in, missing), "dependencies");
    mlx_vector_array_free(both);
    mlx_closure_free(fun);
    mlx_closure_free(f);
    mlx_closure_custom_free(rule);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(d);
    CHECK(mlx_synchronize(cpu) == 0 && fn.released == 1 && vjp.released == 1);
    mlx_array_free(x);
}

void test_custom(void)
{
    test_rules();
    test_vjp_rule_and_checkpoint();
}
