/* SPDX-License-Identifier: MIT
 *
 * Compiled closures: how often the original is called, what ids share, what modes do. */
#include "check.h"

typedef struct calls {
    int count, released;
} calls;

/* x * 3 and x + x */
static int two_results(mlx_vector_array *res, const mlx_vector_array in, void *payload)
{
    mlx_array x = mlx_array_new(), y = mlx_array_new(), three = mlx_array_new_float(3);
    ++((calls *)payload)->count;
    int status = mlx_vector_array_get(&x, in, 0) || mlx_multiply(&y, x, three, cpu) || mlx_add(&x, x, x, cpu);
    if (!status) {
        mlx_vector_array_free(*res);
        *res = mlx_vector_array_new_data((mlx_array[]){y, x}, 2);
    }
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(three);
    return status;
}

static void release(void *payload)
{
    ++((calls *)payload)->released;
}

static mlx_array second_of(mlx_closure f, int count)
{
    mlx_array x = line_of(count, 1), y = mlx_array_new();
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 0 && mlx_vector_array_size(out) == 2);
    CHECK(mlx_vector_array_get(&y, out, 1) == 0);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
    return y;
}

static void test_caching(void)
{
    calls n = {0};
    mlx_closure f = mlx_closure_new_func_payload(two_results, &n, release), c = mlx_closure_new();
    CHECK(mlx_compile(&c, f, false) == 0 && mlx_closure_free(f) == 0 && n.released == 0);
    for (int i = 0; i < 3; i++) CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    CHECK_VALUES(second_of(c, 3), 0, 2, 4, 6);
    CHECK(n.count == 2);
    mlx_closure_free(c);
    CHECK(n.released == 1);
}

static void test_shapeless_and_modes(void)
{
    calls n = {0};
    mlx_closure f = mlx_closure_new_func_payload(two_results, &n, NULL), c = mlx_closure_new();
    CHECK(mlx_compile(&c, f, true) == 0);
    CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    CHECK_VALUES(second_of(c, 3), 0, 2, 4, 6);
    CHECK(n.count == 1);
    CHECK(mlx_disable_compile() == 0);
    CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    CHECK(n.count == 2 && mlx_set_compile_mode(MLX_COMPILE_MODE_NO_SIMPLIFY) == 0);
    CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    CHECK(n.count == 2 && mlx_enable_compile() == 0);
    CHECK_ERROR(mlx_set_compile_mode((mlx_compile_mode)9), "no mode 9");
    mlx_closure_free(f);
    mlx_closure_free(c);
}

/* A closure for each call, one id for all. */
static void test_ids(void)
{
    calls n = {0};
    const uint64_t one = 1, two = 2;
    mlx_closure f = mlx_closure_new_func_payload(two_results, &n, NULL), c = mlx_closure_new();
    for (int i = 0; i < 3; i++) {
        CHECK(mlx_detail_compile(&c, f, 77, false, i < 2 ? &one : &two, 1) == 0);
        CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    }
    CHECK(n.count == 2 && mlx_detail_compile_erase(77) == 0);
    CHECK(mlx_detail_compile(&c, f, 77, false, &one, 1) == 0);
    CHECK_VALUES(second_of(c, 2), 0, 2, 4);
    CHECK(n.count == 3 && mlx_detail_compile_clear_cache() == 0);
    mlx_closure_free(f);
    mlx_closure_free(c);
}

static int refuse(mlx_vector_array *res, const mlx_vector_array in)
{
    (void)res, (void)in;
    return 5;
}

void test_compile(void)
{
    test_caching();
    test_shapeless_and_modes();
    test_ids();
    mlx_closure bad = mlx_closure_new_func(refuse), c = mlx_closure_new();
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
    CHECK_ERROR(mlx_compile(&c, mlx_closure_new(), false), "NULL");
    CHECK(mlx_compile(&c, bad, false) == 0);
    CHECK_ERROR(mlx_closure_apply(&out, c, in), "returned 5");
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_free(bad);
    mlx_closure_free(c);
}
