/* SPDX-License-Identifier: MIT
 *
 * Groups that work along rows: random programs of row ops and elementwise ones give the bits that they give node by
 * node; losses, norms and products land in one group; memory, views, limits. */
#include "check.h"
#include "core/memory.h"
#include "core/op.h"
#include "core/runtime.h"
#include "mica/fast.h"
#include <stdio.h>

enum { MOST = 40, KEPT = 3 };
static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64};

/* xorshift64* (Vigna 2016) */
static int below(uint64_t *state, int n)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (int)((*state * 2685821657736338717u) >> 33) % n;
}

typedef struct row_pool {
    mx_array *full[MOST], *one[MOST]; /* (a, b, n) and (a, b, 1) */
    int fulls, ones;
    mx_array *weight, *bias, *flat;
} row_pool;

static mx_array *fold(uint64_t *random, mx_array *x, mx_axes axes, bool keep)
{
    switch (below(random, 6)) {
    case 0: return mx_sum(x, axes, keep);
    case 1: return mx_max(x, axes, keep);
    case 2: return mx_min(x, axes, keep);
    case 3: return mx_mean(x, axes, keep);
    case 4: return mx_logsumexp(x, axes, keep);
    default: return mx_var(x, axes, keep, 0);
    }
}

static mx_array *map(uint64_t *random, mx_array *x, mx_array *y)
{
    switch (below(random, 8)) {
    case 0: return mx_add(x, y);
    case 1: return mx_sub(x, y);
    case 2: return mx_mul(x, y);
    case 3: return mx_sigmoid(x);
    case 4: return mx_where(mx_less(x, y), x, y);
    case 5: return mx_tanh(mx_add(x, y));
    case 6: return mx_astype(mx_astype(mx_mul(x, mx_sigmoid(y)), MX_FLOAT32), mx_dtype_of(x));
    default: return mx_div(x, mx_add(mx_square(y), mx_float(1)));
    }
}

static mx_array *row_op(uint64_t *random, const row_pool *p, mx_array *x)
{
    switch (below(random, 5)) {
    case 0: return mx_softmax(x, AXES(-1), true);
    case 1: return mx_rms_norm(x, p->weight, 1e-5f);
    case 2: return mx_layer_norm(x, p->weight, p->bias, 1e-5f);
    case 3: return mx_reshape(map(random, mx_reshape(x, mx_shape_of(p->flat)), p->flat), mx_shape_of(x));
    default: return mx_sub(x, mx_broadcast_to(fold(random, x, AXES(-1), KEEP), mx_shape_of(x)));
    }
}

static bool add_step(uint64_t *random, row_pool *p)
{
    mx_array *x = p->full[p->fulls - 1 - below(random, p->fulls < 4 ? p->fulls : 4)];
    mx_array *r = p->one[p->ones - 1 - below(random, p->ones < 3 ? p->ones : 3)];
    mx_array *made;
    switch (below(random, 8)) {
    case 0: made = fold(random, x, AXES(-1), KEEP); break;
    case 1: made = map(random, r, p->one[below(random, p->ones)]); break;
    case 2: made = row_op(random, p, x); break;
    case 3: made = map(random, x, r); break;
    case 4: made = map(random, x, p->weight); break;
    default: made = map(random, x, p->full[below(random, p->fulls)]); break;
    }
    if (!made) return false;
    if (mx_shape_of(made).at[2] == 1 && mx_shape_of(x).at[2] != 1) {
        p->one[p->ones++] = made;
    } else {
        p->full[p->fulls++] = made;
    }
    return true;
}

static mx_array *ending(uint64_t *random, const row_pool *p)
{
    mx_array *x = p->full[p->fulls - 1], *r = p->one[p->ones - 1];
    switch (below(random, 5)) {
    case 0: return x;
    case 1: return mx_sum(mx_mul(x, r), AXES(0, 1), false);
    case 2: return mx_mean(mx_square(x), ALL_AXES, false);
    case 3: return mx_max(x, AXES(-1), false);
    default: return mx_sum(map(random, x, r), AXES(1, 2), false);
    }
}

static bool run_rows(uint64_t seed, mx_dtype t, const int64_t *shape, int steps, bool fuse, mx_array **kept)
{
    uint64_t random = 2 * seed + 1;
    bool before = runtime.fuse, ok = true;
    int64_t a = shape[0], b = shape[1], n = shape[2];
    runtime.fuse = fuse;
    mx_scope s = mx_scope_open();
    row_pool p = {.fulls = 2, .ones = 1};
    p.full[0] = check_random(SHAPE(a, b, n), t, -2, 2, 1);
    p.full[1] = mx_transpose(check_random(SHAPE(n, a, b), t, -2, 2, 2), AXES(1, 2, 0));
    p.one[0] = check_random(SHAPE(a, b, 1), t, -2, 2, 3);
    p.weight = check_random(SHAPE(n), t, -2, 2, 4);
    p.bias = check_random(SHAPE(n), t, -2, 2, 5);
    p.flat = check_random(SHAPE(a * b, n), t, -2, 2, 6);
    mx_array *given[6] = {p.full[0], p.full[1], p.one[0], p.weight, p.bias, p.flat};
    ok = mx_eval_n(given, 6);
    for (int i = 0; i < steps && ok; i++) ok = add_step(&random, &p);
    kept[0] = ok ? mx_keep(ending(&random, &p)) : NULL;
    kept[1] = mx_keep(p.full[below(&random, p.fulls)]);
    kept[2] = mx_keep(p.one[below(&random, p.ones)]);
    if (seed % 2) mx_scope_close(s, NULL);
    ok = ok && mx_eval_n(kept, seed % 3 ? 1 : KEPT) && mx_eval_n(kept, KEPT);
    mx_scope_close(s, NULL);
    runtime.fuse = before;
    return ok;
}

static void compare_rows(uint64_t seed, mx_dtype t, const int64_t *shape, int steps)
{
    mx_array *fused[KEPT] = {NULL}, *unfused[KEPT] = {NULL};
    CHECK(run_rows(seed, t, shape, steps, true, fused));
    CHECK(run_rows(seed, t, shape, steps, false, unfused));
    for (int i = 0; i < KEPT; i++) {
        check_that(fused[i] && unfused[i] && same_bits(fused[i], unfused[i]), __FILE__, __LINE__,
                   "seed %llu %s (%d, %d, %d) %d steps: value %d differs", (unsigned long long)seed, mx_dtype_name(t),
                   (int)shape[0], (int)shape[1], (int)shape[2], steps, i);
    }
    mx_drop_n(fused, KEPT);
    mx_drop_n(unfused, KEPT);
}

TEST(random_row_programs_are_the_same_fused_and_unfused)
{
    static const int64_t shapes[][3] = {{1, 1, 1},  {2, 3, 5},    {1, 1, 600}, {4, 16, 128},
                                        {3, 7, 33}, {1, 2, 9000}, {20, 9, 2},  {2, 40, 513}};
    int often = check_is_full() ? 60 : 6;
    for (int d = 0; d < 4; d++) {
        for (int k = 0; k < 8; k++) {
            for (int seed = 0; seed < often; seed++)
                compare_rows((uint64_t)(seed + 100 * k), dtypes[d], shapes[k], 3 + 5 * (seed % 4));
        }
    }
}

/* Rows too long for the stack, rows longer than a chunk, results past the caches, several threads. */
#ifndef __SANITIZE_THREAD__ /* takes minutes there; the small ones run */
TEST(large_row_programs_are_the_same_fused_and_unfused)
{
    static const int64_t shapes[][3] = {{1, 3, 60000}, {1, 2, 150000}, {40, 50, 2500}};
    for (int k = 0; k < 3; k++) {
        for (int seed = 0; seed < 3; seed++) compare_rows((uint64_t)(seed + 7), dtypes[seed], shapes[k], 5);
    }
}
#endif

/* ---- Products */
static mx_array *product_chain(int which, mx_array *x, mx_array *w, mx_array *b, mx_array *r, mx_array **product)
{
    mx_array *y = mx_matmul(x, w);
    if (product) *product = mx_keep(y);
    switch (which) {
    case 0: return mx_add(y, b);
    case 1: return mx_maximum(mx_add(y, b), mx_like(y, 0));
    case 2: return mx_add(mx_mul(mx_add(y, b), mx_sigmoid(y)), r);
    case 3: return mx_add(mx_reshape(y, mx_shape_of(r)), r);
    case 4: return mx_less(y, r);
    default: return mx_addmm(r, x, w, 1, 1);
    }
}

TEST(products_with_an_epilogue_are_the_same_fused_and_unfused)
{
    static const int sizes[][4] = {{1, 3, 5, 7},     {1, 1, 300, 400}, {2, 130, 90, 600},
                                   {1, 40, 700, 60}, {3, 20, 1, 100},  {1, 500, 17, 33},
                                   {1, 70, 1, 1100}, {4, 16, 16, 16},  {1, 1100, 3, 1000} /* area by area */};
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_COMPLEX64};
    for (int d = 0; d < 5; d++) {
        for (int k = 0; k < 9; k++) {
            const int *s = sizes[k];
            mx_array *x = check_random(SHAPE(s[0], s[1], s[2]), types[d], -1, 1, 1);
            mx_array *w = check_random(SHAPE(s[2], s[3]), types[d], -1, 1, 2),
                     *b = check_random(SHAPE(s[3]), types[d], -1, 1, 3);
            mx_array *r = check_random(SHAPE(s[0], s[1], s[3]), types[d], -1, 1, 4);
            for (int which = 0; which < (d == 4 ? 1 : 6); which++) {
                bool before = runtime.fuse;
                runtime.fuse = false;
                mx_array *product = NULL, *want = product_chain(which, x, w, b, r, NULL);
                CHECK(mx_eval(want));
                runtime.fuse = true;
                mx_scope scope = mx_scope_open();
                mx_array *got = mx_scope_close(scope, product_chain(which, x, w, b, r, which % 2 ? &product : NULL));
                check_that(mx_eval(got) && same_bits(want, got), __FILE__, __LINE__, "%s size %d chain %d differs",
                           mx_dtype_name(types[d]), k, which);
                if (which % 2 && which < 5)
                    check_that(same_bits(product, mx_matmul(x, w)), __FILE__, __LINE__, "it is kept");
                mx_drop(product);
                mx_drop(got);
                runtime.fuse = before;
            }
        }
    }
}

/* What is read last where the group writes is written over, but not what the product reads. */
TEST(a_kept_product_and_what_follows_take_two_arrays)
{
    mx_array *x = check_random(SHAPE(64, 64), MX_FLOAT32, -1, 1, 1),
             *w = check_random(SHAPE(64, 64), MX_FLOAT32, -1, 1, 2);
    mx_scope s = mx_scope_open();
    mx_array *a = mx_neg(x), *r = mx_neg(w);
    CHECK(mx_eval_n((mx_array *[]){a, r}, 2));
    mx_array *y = mx_matmul(a, w), *z = mx_sub(mx_mul(y, r), a);
    mx_scope_close_n(s, (mx_array *[]){y, z}, 2);
    size_t before = mx_get_active_memory();
    CHECK(mx_eval_n((mx_array *[]){y, z}, 2));
    if (mx_default_device().type == MX_CPU) CHECK(mx_get_active_memory() == before);
    mx_array *want = mx_matmul(mx_neg(x), w);
    CHECK(same_bits(y, want) && same_bits(z, mx_sub(mx_mul(want, mx_neg(w)), mx_neg(x))));
    mx_drop(y), mx_drop(z);
}

/* ---- Memory */
static mx_array *hand_norm(mx_array *x)
{
    mx_scope s = mx_scope_open();
    mx_array *centred = mx_sub(x, mx_mean(x, AXES(-1), KEEP));
    mx_array *v = mx_mean(mx_square(centred), AXES(-1), KEEP);
    return mx_scope_close(s, mx_mul(centred, mx_rsqrt(mx_add(v, mx_float(1e-5)))));
}

/* Node by node it takes two arrays of the size of x at once, and a row value or more. */
TEST(a_norm_by_hand_takes_the_memory_of_its_result)
{
    mx_array *x = check_random(SHAPE(1 << 10, 256), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_eval(x));
    mx_array *y = hand_norm(x);
    int64_t before = (int64_t)mx_get_active_memory();
    mx_reset_peak_memory();
    CHECK(mx_eval(y));
    if (runtime.fuse && mx_default_device().type == MX_CPU)
        CHECK((int64_t)mx_get_peak_memory() - before <= (int64_t)mx_nbytes(x) + 65536);
    mx_drop(y);
}

TEST(lack_of_memory_in_a_row_group_leaves_it_lazy)
{
    mx_array *x = check_random(SHAPE(2, 60000), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_eval(x));
    mx_array *want = hand_norm(x);
    for (int n = 1; n < 12; n++) {
        mx_array *y = hand_norm(x);
        memory_fail_at(n, false);
        bool ok = mx_eval(y);
        memory_fail_at(0, false);
        if (!ok) CHECK_ERROR(NULL, "[memory]");
        CHECK(mx_eval(y) && same_bits(y, want));
        mx_drop(y);
    }
    mx_drop(want);
}

/* ---- Views in groups */
TEST(a_view_in_a_group_that_somebody_holds_is_written)
{
    mx_array *x = check_random(SHAPE(6, 40), MX_FLOAT32, -1, 1, 1),
             *w = check_random(SHAPE(40, 40), MX_FLOAT32, -1, 1, 2);
    CHECK(mx_eval(x) && mx_eval(w));
    mx_scope s = mx_scope_open();
    mx_array *held[2] = {mx_reshape(mx_matmul(x, w), SHAPE(2, 3, 40)), NULL};
    held[1] = mx_add(held[0], mx_float(1));
    mx_scope_close_n(s, held, 2);
    CHECK(mx_eval(held[1]));
    CHECK(mx_is_available(held[0]) && same_bits(held[0], mx_reshape(mx_matmul(x, w), SHAPE(2, 3, 40))));
    CHECK(same_bits(held[1], mx_add(held[0], mx_float(1))));
    mx_drop_n(held, 2);
}
