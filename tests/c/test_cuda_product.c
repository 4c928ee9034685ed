/* SPDX-License-Identifier: MIT
 *
 * Matrix products on the GPU: what joins them, and the kernels for a few rows. */
#include "check.h"
#include "core/runtime.h"
#include <math.h>

static bool on_gpu(void)
{
    return mx_default_device().type == MX_GPU;
}

/* ---- What is added behind a product */
typedef mx_array *(*sum_fn)(mx_array *a, mx_array *b, mx_array *row, mx_array *whole);

static mx_array *bias_behind(mx_array *a, mx_array *b, mx_array *row, mx_array *whole)
{
    (void)whole;
    return mx_add(mx_matmul(a, b), row);
}
static mx_array *bias_in_front(mx_array *a, mx_array *b, mx_array *row, mx_array *whole)
{
    (void)whole;
    return mx_add(mx_reshape(row, SHAPE(1, -1)), mx_matmul(a, b));
}
static mx_array *residual(mx_array *a, mx_array *b, mx_array *row, mx_array *whole)
{
    (void)row;
    return mx_add(whole, mx_matmul(a, b));
}
static mx_array *both(mx_array *a, mx_array *b, mx_array *row, mx_array *whole)
{
    return mx_add(mx_addmm(row, a, b, 1, 1), whole);
}
static mx_array *sum_of_products(mx_array *a, mx_array *b, mx_array *row, mx_array *whole)
{
    (void)row;
    return mx_add(mx_matmul(whole, mx_ones(SHAPE(whole->shape[whole->ndim - 1], whole->shape[whole->ndim - 1]),
                                           (mx_dtype)whole->dtype)),
                  mx_matmul(a, b));
}
static const struct {
    const char *what;
    sum_fn f;
} sums[] = {{"bias", bias_behind},
            {"bias in front", bias_in_front},
            {"residual", residual},
            {"bias and residual", both},
            {"two products", sum_of_products}};
enum { SUMS = sizeof sums / sizeof *sums };

/* big + 1 is no number of the type, so a product of that value shows where it was rounded. */
static double of_one_more(sum_fn f, mx_dtype t, float big, bool ask_for_product)
{
    mx_array *columns[] = {mx_full(SHAPE(3, 1), mx_float(big), t), mx_ones(SHAPE(3, 1), t)};
    mx_array *a = mx_concatenate(columns, 2, 1), *b = mx_ones(SHAPE(2, 5), t);
    mx_array *row = mx_full(SHAPE(5), mx_float(-big), t), *whole = mx_full(SHAPE(3, 5), mx_float(-big), t);
    if (!mx_eval_n((mx_array *[]){a, b, row, whole}, 4)) return NAN;
    mx_array *product = ask_for_product ? mx_matmul(a, b) : NULL;
    mx_array *y = product ? mx_add(product, whole) : f(a, b, row, whole);
    mx_array *asked[] = {y, product};
    return mx_eval_n(asked, product ? 2 : 1) ? mx_value(mx_max(y, AXES(0, 1), false)) : NAN;
}

TEST(a_sum_behind_a_product_is_rounded_once)
{
    if (!on_gpu() || !runtime.fuse) return;
    CHECK(of_one_more(bias_behind, MX_BFLOAT16, 256, false) == 1);
    CHECK(of_one_more(bias_in_front, MX_FLOAT16, 2048, false) == 1);
    CHECK(of_one_more(residual, MX_BFLOAT16, 256, false) == 1);
    CHECK(of_one_more(residual, MX_BFLOAT16, 256, true) == 0);
    CHECK(of_one_more(both, MX_BFLOAT16, 256, false) == -255);
    CHECK(of_one_more(both, MX_FLOAT16, 2048, false) == -2047);
}

static bool eval_in_groups(mx_array *x, bool fuse)
{
    bool fused = runtime.fuse;
    runtime.fuse = fuse;
    bool ok = mx_eval(x);
    runtime.fuse = fused;
    return ok;
}

/* By how much two results differ, as a part of what was added. */
static double apart(mx_array *const *x)
{
    mx_array *got = x[0], *want = x[1];
    mx_array *size = mx_add(mx_add(mx_abs(x[2]), mx_abs(want)), mx_add(mx_abs(x[3]), mx_abs(x[4])));
    mx_array *by = mx_div(mx_abs(mx_sub(got, want)), mx_maximum(size, mx_like(size, 1e-30)));
    return mx_value(mx_max(mx_reshape(mx_astype(by, MX_FLOAT32), SHAPE(-1)), AXES(0), false));
}

static void compare(int which, mx_dtype t, double eps, bool batch, int64_t m, int64_t n)
{
    mx_scope s = mx_scope_open();
    const int64_t lead[] = {2, m, 33}, whole[] = {2, m, n};
    mx_array *in[] = {check_random((mx_shape){2 + batch, lead + !batch}, t, -2, 2, 1),
                      check_random(SHAPE(33, n), t, -2, 2, 2), check_random(SHAPE(n), t, -9, 9, 3),
                      check_random((mx_shape){2 + batch, whole + !batch}, t, -9, 9, 4)};
    CHECK(mx_eval_n(in, 4));
    mx_array *got = sums[which].f(in[0], in[1], in[2], in[3]), *want = sums[which].f(in[0], in[1], in[2], in[3]);
    mx_array *wide[5];
    bool ok = eval_in_groups(got, true) && eval_in_groups(want, false);
    mx_dtype as = t == MX_COMPLEX64 || t == MX_FLOAT64 ? t : MX_FLOAT32;
    mx_array *const parts[] = {got, want, mx_matmul(in[0], in[1]), in[2], in[3]};
    for (int i = 0; i < 5; i++) wide[i] = mx_astype(parts[i], as);
    check_that(ok && apart(wide) <= eps, __FILE__, __LINE__, "%s %s (%d, %d) batch %d", sums[which].what,
               mx_dtype_name(t), (int)m, (int)n, batch);
    mx_scope_close(s, NULL);
}

TEST(what_is_added_to_a_product_differs_by_a_rounding)
{
    static const struct {
        mx_dtype t;
        double eps;
    } types[] = {{MX_FLOAT32, 0x1p-23},
                 {MX_FLOAT16, 0x1p-10},
                 {MX_BFLOAT16, 0x1p-7},
                 {MX_FLOAT64, 0x1p-52},
                 {MX_COMPLEX64, 0x1p-22}};
    static const int64_t sizes[][2] = {{5, 7}, {1, 16}, {17, 1}, {16, 24}};
    if (!on_gpu()) return;
    for (int f = 0; f < SUMS; f++) {
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++)
                compare(f, types[t].t, types[t].eps, k % 2, sizes[k / 2][0], sizes[k / 2][1]);
        }
    }
}

/* ---- A few rows */
static mx_array *skinny_product(mx_array *const *x, int kind, bool along)
{
    mx_array *b = along ? mx_swapaxes(x[1], -1, -2) : x[1];
    return kind == 0   ? mx_matmul(x[0], b)
           : kind == 1 ? mx_addmm(x[2], x[0], b, 0.5f, 2)
                       : mx_addmm(x[3], x[0], b, 1, 1);
}

/* In float64 the library multiplies. */
static void compare_skinny(mx_dtype t, double eps, int64_t m, int64_t k, int64_t n, int kind, bool along)
{
    mx_scope s = mx_scope_open();
    mx_array *in[] = {check_random(SHAPE(m, k), t, -1, 1, 1),
                      check_random(along ? SHAPE(n, k) : SHAPE(k, n), t, -1, 1, 2),
                      check_random(SHAPE(m, n), t, -9, 9, 3), check_random(SHAPE(n), t, -9, 9, 4)};
    mx_array *wide[4], *sizes[4];
    for (int i = 0; i < 4; i++) wide[i] = mx_astype(in[i], MX_FLOAT64), sizes[i] = mx_abs(wide[i]);
    mx_array *got = mx_astype(skinny_product(in, kind, along), MX_FLOAT64), *want = skinny_product(wide, kind, along);
    mx_array *off = mx_div(mx_abs(mx_sub(got, want)), skinny_product(sizes, kind, along));
    double most = mx_value(mx_max(off, AXES(0, 1), false));
    check_that(most <= eps, __FILE__, __LINE__, "%s %s (%d, %d, %d), kind %d: off by %g", along ? "along" : "across",
               mx_dtype_name(t), (int)m, (int)k, (int)n, kind, most);
    mx_scope_close(s, NULL);
}

TEST(products_of_a_few_rows)
{
    static const int64_t sizes[][3] = {{1, 64, 48},  {3, 2048, 72}, {8, 24, 1000},
                                       {2, 4096, 8}, {5, 1000, 40}, {1, 8, 8}};
    static const struct {
        mx_dtype t;
        double eps;
    } types[] = {{MX_FLOAT32, 0x1p-20}, {MX_FLOAT16, 0x1p-10}, {MX_BFLOAT16, 0x1p-7}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (int t = 0; t < 3; t++) {
            for (int kind = 0; kind < 6; kind++)
                compare_skinny(types[t].t, types[t].eps, sizes[k][0], sizes[k][1], sizes[k][2], kind / 2, kind % 2);
        }
    }
}
