/* SPDX-License-Identifier: MIT
 *
 * Groups: fused equals unfused bit for bit, in random programs over all dtypes and layouts; what is written and what is
 * not; memory; failures in the middle. */
#include "check.h"
#include "core/memory.h"
#include "core/op.h"
#include "core/runtime.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- Random programs */
typedef mx_array *(*unary_fn)(mx_array *);
typedef mx_array *(*binary_fn)(mx_array *, mx_array *);
static const unary_fn any_unary[] = {mx_neg, mx_abs, mx_square, mx_sign};
static const unary_fn float_unary[] = {mx_sigmoid, mx_tanh, mx_exp, mx_erf, mx_sqrt, mx_reciprocal, mx_sin, mx_log1p};
static const binary_fn any_binary[] = {mx_add, mx_sub, mx_mul, mx_maximum, mx_minimum};
static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_INT32, MX_UINT8, MX_COMPLEX64};
enum { VALUES = 64, INPUTS = 6, DTYPES = sizeof dtypes / sizeof *dtypes, KEPT = 4 };

/* xorshift64* (Vigna 2016) */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}
static int below(uint64_t *state, int n)
{
    return (int)(next_random(state) >> 33) % n;
}

/* Operands of one space in several layouts: whole, transposed, a row, a column, a stretched slice, a scalar. */
static void make_inputs(mx_array **x, mx_dtype t, int rows, int columns)
{
    bool is_unsigned = t == MX_UINT8;
    double low = is_unsigned ? 1 : -3;
    x[0] = check_random(SHAPE(rows, columns), t, low, 3, 1);
    x[1] = mx_transpose(check_random(SHAPE(columns, rows), t, low, 3, 2), ALL_AXES);
    x[2] = check_random(SHAPE(columns), t, low, 3, 3);
    x[3] = check_random(SHAPE(rows, 1), t, low, 3, 4);
    x[4] = mx_slice(check_random(SHAPE(2 * rows, columns), t, low, 3, 5), (int64_t[]){1, 0},
                    (int64_t[]){2 * rows, columns}, (int64_t[]){2, 1});
    x[5] = check_random(SCALAR_SHAPE, t, 1, 3, 6);
}

static mx_array *random_step(uint64_t *random, mx_array *const *x, int count)
{
    mx_array *a = x[below(random, 3) ? count - 1 - below(random, count < 6 ? count : 6) : below(random, count)];
    mx_array *b = x[below(random, count)];
    bool is_float = mx_dtype_is(mx_dtype_of(a), MX_FLOATING);
    bool is_complex = mx_dtype_of(a) == MX_COMPLEX64;
    switch (below(random, 8)) {
    case 0:
    case 1: return (is_float ? float_unary[below(random, 8)] : is_complex ? mx_square : any_unary[below(random, 4)])(a);
    case 2: return mx_where(mx_less(a, b), b, a);
    case 3: return mx_astype(a, is_complex ? MX_COMPLEX64 : is_float ? dtypes[below(random, 3)] : MX_INT32);
    case 4: return mx_astype(mx_not_equal(a, b), mx_dtype_of(a));
    default: return any_binary[below(random, is_complex ? 3 : 5)](a, b);
    }
}

/* Runs a random program; its last value and some in the middle (references of the caller). */
static bool run_program(uint64_t seed, mx_dtype t, int rows, int columns, int steps, bool fuse, mx_array **kept)
{
    mx_array *x[VALUES + INPUTS];
    bool before = runtime.fuse, ok = true;
    runtime.fuse = fuse;
    mx_scope s = mx_scope_open();
    uint64_t random = seed * 2 + 1;
    make_inputs(x, t, rows, columns);
    for (int i = 0; i < INPUTS && ok; i++) ok = mx_eval(x[i]);
    for (int i = 0; i < steps && ok; i++) ok = (x[INPUTS + i] = random_step(&random, x, INPUTS + i)) != NULL;
    for (int i = 0; i < KEPT && ok; i++) kept[i] = mx_keep(x[INPUTS + (i ? below(&random, steps) : steps - 1)]);
    if (seed % 2) mx_scope_close(s, NULL); /* else temporaries are held by the scope during the evaluation */
    ok = ok && mx_eval_n(kept, seed % 3 ? 1 : KEPT) && mx_eval_n(kept, KEPT);
    mx_scope_close(s, NULL);
    runtime.fuse = before;
    return ok;
}

static void compare_programs(uint64_t seed, mx_dtype t, int rows, int columns, int steps)
{
    mx_array *fused[KEPT] = {NULL}, *unfused[KEPT] = {NULL};
    CHECK(run_program(seed, t, rows, columns, steps, true, fused));
    CHECK(run_program(seed, t, rows, columns, steps, false, unfused));
    for (int i = 0; i < KEPT; i++) {
        check_that(fused[i] && unfused[i] && same_bits(fused[i], unfused[i]), __FILE__, __LINE__,
                   "seed %llu %s (%d, %d) %d steps: value %d differs", (unsigned long long)seed, mx_dtype_name(t), rows,
                   columns, steps, i);
    }
    mx_drop_n(fused, KEPT);
    mx_drop_n(unfused, KEPT);
}

TEST(random_programs_are_the_same_fused_and_unfused)
{
    static const int sizes[][2] = {{1, 1}, {3, 5}, {1, 700}, {37, 129}, {5, 1000}, {300, 260}, {0, 4}, {500, 100}};
    int often = check_is_full() ? 40 : 4;
    for (int d = 0; d < DTYPES; d++) {
        for (int k = 0; k < 8; k++) {
            for (int seed = 0; seed < often; seed++)
                compare_programs((uint64_t)(seed + 50 * k), dtypes[d], sizes[k][0], sizes[k][1], 4 + 15 * (seed % 4));
        }
    }
}

/* ---- Chains: cheap float32 steps in registers */
/* Values of which an op might lose the sign or the bits: every program meets them beside ordinary ones. */
static mx_array *with_special_values(int64_t n, uint64_t seed)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-42f, -3e38f, 1};
    mx_array *x = check_random(SHAPE(n), MX_FLOAT32, -2, 2, seed),
             *at = check_random(SHAPE(n), MX_FLOAT32, 0, 40, seed + 9);
    mx_array *table = mx_from_data(special, SHAPE(8), MX_FLOAT32);
    mx_array *index = mx_minimum(mx_astype(at, MX_INT32), mx_scalar(7, MX_INT32));
    return mx_where(mx_less(at, mx_scalar(8, MX_FLOAT32)), mx_take(table, index, 0), x);
}

static mx_array *chained_step(uint64_t *random, mx_array *const *x, int count)
{
    static const unary_fn unary[] = {mx_neg, mx_abs, mx_square, mx_sqrt, mx_rsqrt, mx_reciprocal};
    static const binary_fn binary[] = {mx_add, mx_sub, mx_mul, mx_div, mx_maximum, mx_minimum};
    mx_array *a = x[below(random, 2) ? count - 1 : below(random, count)], *b = x[below(random, count)];
    if (below(random, 4) == 0) return unary[below(random, 6)](a);
    return below(random, 2) ? binary[below(random, 6)](a, b) : binary[below(random, 6)](b, a);
}

/* Operands: four whole ones, two numbers, a row; `often` values in a hundred are kept. */
static bool run_chained(uint64_t seed, int64_t rows, int64_t n, int steps, int often, bool fuse, mx_array **kept)
{
    enum { OPERANDS = 7 };
    mx_array *x[VALUES + OPERANDS];
    bool before = runtime.fuse, ok = true;
    uint64_t random = seed * 2 + 1;
    mx_scope s = mx_scope_open();
    for (int i = 0; i < 4; i++) x[i] = mx_reshape(with_special_values(rows * n, seed + (uint64_t)i), SHAPE(rows, n));
    x[4] = mx_scalar(0.5, MX_FLOAT32), x[5] = mx_scalar(-0.0, MX_FLOAT32), x[6] = with_special_values(n, seed + 4);
    ok = mx_eval_n(x, OPERANDS);
    runtime.fuse = fuse;
    for (int i = 0; i < steps && ok; i++) {
        mx_array *y =
            chained_step(&random, x + (rows == 1 && i < 2 ? 2 : 0), OPERANDS + i - (rows == 1 && i < 2 ? 2 : 0));
        ok = (x[OPERANDS + i] = mx_broadcast_to(y, SHAPE(rows, n))) != NULL;
        kept[i] = ok && (i + 1 == steps || below(&random, 100) < often) ? mx_keep(x[OPERANDS + i]) : NULL;
    }
    mx_scope_close(s, NULL);
    mx_array *asked[VALUES];
    int count = 0;
    for (int i = 0; i < steps; i++) {
        if (kept[i]) asked[count++] = kept[i];
    }
    ok = ok && mx_eval_n(asked, count);
    runtime.fuse = before;
    return ok;
}

static void compare_chained(uint64_t seed, int64_t rows, int64_t n, int steps, int often)
{
    mx_array *fused[VALUES] = {NULL}, *unfused[VALUES] = {NULL};
    CHECK(run_chained(seed, rows, n, steps, often, true, fused));
    CHECK(run_chained(seed, rows, n, steps, often, false, unfused));
    for (int i = 0; i < steps; i++) {
        check_that(!fused[i] == !unfused[i] && (!fused[i] || same_bits(fused[i], unfused[i])), __FILE__, __LINE__,
                   "seed %llu (%d, %d) %d steps: value %d differs", (unsigned long long)seed, (int)rows, (int)n, steps,
                   i);
    }
    mx_drop_n(fused, VALUES);
    mx_drop_n(unfused, VALUES);
}

TEST(chains_are_the_same_fused_and_unfused)
{
    static const int64_t sizes[][2] = {{1, 255},   {1, 256},  {1, 1000}, {1, 20000},
                                       {1, 70001}, {30, 301}, {3, 1500}, {40, 24}};
    for (int k = 0; k < 8; k++) {
        for (uint64_t seed = 0; seed < (check_is_full() ? 40 : 6); seed++)
            compare_chained(seed + 100 * (uint64_t)k, sizes[k][0], sizes[k][1], 3 + (int)(seed * 7 % 40),
                            seed % 2 ? 30 : 0);
    }
}

/* Each round reads its x twice, the second time by a step that is run aside while x is in registers. */
static mx_array *rounds(mx_array *x, mx_array *y, mx_array *one, int which)
{
    mx_scope s = mx_scope_open();
    for (int i = 0; i < 5; i++) {
        mx_array *high = mx_maximum(mx_add(mx_mul(x, y), one), y);
        mx_array *low = which == 0   ? mx_mul(one, x)
                        : which == 1 ? mx_sub(one, x)
                        : which == 2 ? mx_square(x)
                                     : mx_abs(x);
        x = which % 2 ? mx_sub(high, low) : mx_div(low, high);
    }
    return mx_scope_close(s, x);
}

TEST(steps_run_aside_are_the_same_fused_and_unfused)
{
    static const int64_t sizes[] = {256, 1000, 20001};
    bool before = runtime.fuse;
    for (int k = 0; k < 12; k++) {
        mx_array *x = with_special_values(sizes[k / 4], 1), *y = with_special_values(sizes[k / 4], 2), *z[2];
        mx_array *one = mx_scalar(0.25, MX_FLOAT32);
        CHECK(mx_eval_n((mx_array *[]){x, y, one}, 3));
        for (int fuse = 0; fuse < 2; fuse++) {
            runtime.fuse = fuse;
            z[fuse] = rounds(x, y, one, k % 4);
            CHECK(mx_eval(z[fuse]));
        }
        runtime.fuse = before;
        check_that(same_bits(z[0], z[1]), __FILE__, __LINE__, "case %d differs", k);
        mx_drop_n(z, 2);
    }
}

/* Large enough for streaming stores and several threads. */
#ifndef __SANITIZE_THREAD__ /* takes minutes there; the small ones run */
TEST(large_random_programs_are_the_same_fused_and_unfused)
{
    compare_programs(1, MX_FLOAT32, 3000, 1500, 12);
    compare_programs(2, MX_BFLOAT16, 3000, 3000, 7);
}
#endif

/* ... past the caches, while later steps go on in registers. */
TEST(all_results_of_a_long_chain_are_kept)
{
    enum { RESULTS = 4 };
    mx_array *x = check_random(SHAPE(5000000), MX_FLOAT32, -1, 1, 1), *y[2][RESULTS];
    bool before = runtime.fuse;
    CHECK(mx_eval(x));
    for (int fuse = 0; fuse < 2; fuse++) {
        runtime.fuse = fuse;
        for (int i = 0; i < RESULTS; i++) y[fuse][i] = (i % 2 ? mx_mul : mx_add)(i ? y[fuse][i - 1] : x, x);
        CHECK(mx_eval_n(y[fuse], RESULTS));
    }
    runtime.fuse = before;
    for (int i = 0; i < RESULTS; i++) CHECK(same_bits(y[0][i], y[1][i]));
}

/* ---- What is written */
/* A GPU runs a group node by node until it has seen it often enough to compile it: then all is written. */
static bool runs_groups(void)
{
    return mx_default_device().type == MX_CPU;
}

/* ((x + 1) * 2 - 3) ... : count ops, the result is the caller's. */
static mx_array *chain(mx_array *x, int count)
{
    mx_scope s = mx_scope_open();
    mx_array *y = x;
    for (int i = 0; i < count; i++) y = i % 2 ? mx_mul(y, x) : mx_add(y, x);
    return mx_scope_close(s, y);
}

/* Node by node it takes four arrays at once. */
TEST(a_group_takes_the_memory_of_its_result)
{
    mx_array *x = check_random(SHAPE(1 << 18), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_eval(x));
    size_t bytes = mx_nbytes(x), before = mx_get_active_memory();
    mx_scope s = mx_scope_open();
    mx_array *ab = mx_sub(mx_exp(x), mx_sin(x)), *cd = mx_sub(mx_cos(x), mx_tanh(x));
    mx_array *y = mx_scope_close(s, mx_div(mx_mul(ab, cd), mx_add(ab, cd)));
    mx_reset_peak_memory();
    CHECK(mx_eval(y));
    if (mx_default_device().type == MX_CPU) CHECK(mx_get_peak_memory() <= before + bytes * 3 / 2);
    mx_drop(y);
}

TEST(a_temporary_that_only_a_scope_holds_stays_lazy)
{
    mx_array *x = check_random(SHAPE(1000), MX_FLOAT32, -1, 1, 1), *sum = mx_add(x, x), *y = mx_mul(sum, x);
    CHECK(mx_eval(y) && mx_is_available(y));
    CHECK(!mx_is_available(sum) || !runs_groups());
    mx_array *again = mx_mul(sum, x);
    CHECK(mx_eval(sum) && mx_is_available(sum) && same_bits(again, y));
}

TEST(what_somebody_holds_is_written)
{
    mx_array *x = check_random(SHAPE(1000), MX_FLOAT32, -1, 1, 1), *sum = mx_keep(mx_add(x, x)), *y = mx_mul(sum, x);
    CHECK(mx_eval(y) && mx_is_available(sum));
    mx_drop(sum);
}

/* What a LAZY temporary reads is not overwritten by the group that left it. */
TEST(what_a_lazy_temporary_reads_is_not_donated)
{
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scope_close(s, check_random(SHAPE(5000), MX_FLOAT32, -1, 1, 1)), *copy;
    CHECK(mx_eval(x));
    copy = mx_neg(mx_neg(x));
    CHECK(mx_eval(copy));
    mx_array *product = mx_mul(x, x), *y = mx_add(product, copy);
    mx_drop(x); /* `product` alone holds it */
    CHECK(mx_eval(y) && (!mx_is_available(product) || !runs_groups()));
    CHECK(same_bits(product, mx_mul(copy, copy)));
}

TEST(a_group_writes_over_what_it_reads_last)
{
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(200000), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_eval(x));
    mx_array *want = chain(x, 6), *got = chain(x, 6);
    CHECK(mx_eval(want));
    size_t bytes = mx_nbytes(x), before = mx_get_active_memory();
    mx_scope_close(s, NULL); /* the chain alone holds x */
    mx_reset_peak_memory();
    CHECK(mx_eval(got));
    if (mx_default_device().type == MX_CPU) CHECK(mx_get_peak_memory() <= before + bytes / 8);
    CHECK(same_bits(want, got));
    mx_drop(want);
    mx_drop(got);
}

/* a reads x first and is written; b reads x after it: a must not be put where x lies. */
TEST(an_operand_that_later_steps_read_is_not_overwritten)
{
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(3000), MX_FLOAT32, -1, 1, 1), *copy = mx_neg(x);
    CHECK(mx_eval_n((mx_array *[]){x, copy}, 2));
    mx_array *a = mx_neg(x), *b = mx_mul(mx_exp(a), x), *out[2] = {a, b};
    mx_scope_close_n(s, (mx_array *[]){a, b, copy}, 3);
    CHECK(mx_eval_n(out, 2));
    CHECK(same_bits(a, copy) && same_bits(b, mx_mul(mx_exp(copy), mx_neg(copy))));
    mx_drop(a), mx_drop(b), mx_drop(copy);
}

TEST(a_value_read_by_two_groups_and_a_kernel_is_written_once)
{
    mx_array *x = check_random(SHAPE(64, 64), MX_FLOAT32, -1, 1, 1), *h = mx_tanh(mx_add(x, x));
    mx_array *y = mx_add(mx_matmul(h, x), mx_mul(h, h)), *want;
    bool before = runtime.fuse;
    runtime.fuse = false;
    mx_array *h2 = mx_tanh(mx_add(x, x));
    want = mx_add(mx_matmul(h2, x), mx_mul(h2, h2));
    CHECK(mx_eval(want));
    runtime.fuse = true;
    CHECK(mx_eval(y) && same_bits(y, want) && mx_is_available(h));
    runtime.fuse = before;
}

/* ---- Traces */
static bool evaluates_inside(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *a = mx_mul(in[0], in[0]), *b = mx_exp(a), *c = mx_sin(b);
    CHECK(mx_eval(c) && mx_is_available(a) && mx_is_available(b)); /* traced: they keep what the rules need */
    out[0] = mx_sum(c, ALL_AXES, false);
    return out[0] != NULL;
}

TEST(traced_nodes_are_written)
{
    float data[2] = {0.5f, -0.25f};
    mx_array *x = mx_from_data(data, SHAPE(2), MX_FLOAT32), *value, *grad;
    CHECK(mx_value_and_grad(evaluates_inside, NULL, &x, 1, &value, &grad));
    double want[2];
    for (int i = 0; i < 2; i++) want[i] = cos(exp(data[i] * data[i])) * exp(data[i] * data[i]) * 2 * data[i];
    CHECK_VALUES(grad, 1e-6, want[0], want[1]);
}

/* ---- Failures */
TEST(lack_of_memory_in_a_group_leaves_it_lazy)
{
    mx_array *x = check_random(SHAPE(3000000), MX_FLOAT32, -1, 1, 1), *want = chain(x, 5), *y = chain(x, 5);
    CHECK(mx_eval(x) && mx_eval(want));
    mx_array *middle = mx_keep(mx_exp(x)), *z = mx_mul(middle, y);
    for (int n = 1; n < 12; n++) {
        memory_fail_at(n, true);
        bool ok = mx_eval(z);
        memory_fail_at(0, false);
        if (ok) break;
        CHECK_CODE(false, MX_MEMORY, "");
        CHECK(!mx_is_available(z));
    }
    CHECK(mx_eval(z) && same_bits(z, mx_mul(mx_exp(x), want)));
    mx_drop(want), mx_drop(y), mx_drop(middle);
}

/* An input that has failed fails what depends on it, and nothing else of its group. */
TEST(a_failed_input_fails_its_readers_only)
{
    mx_array *x = check_random(SHAPE(7), MX_FLOAT32, -1, 1, 1), *bad = mx_add(x, x);
    CHECK(mx_eval(x));
    mx_mark mark = mx_error_mark();
    mx_fail(MX_RUNTIME, "[test] broken on purpose");
    mx_failure *failure = failure_take();
    mx_error_reset(mark);
    array_detach(bad);
    array_set_failed(bad, failure);
    failure_drop(failure);
    mx_array *good = mx_keep(mx_exp(x)), *y = mx_mul(mx_sub(good, bad), good);
    CHECK_CODE(mx_eval(y), MX_RUNTIME, "[test] broken on purpose");
    CHECK(mx_is_available(good) && same_bits(good, mx_exp(x)));
    mx_drop(good);
}

TEST(a_nan_inside_a_group_is_named)
{
    mx_array *x = check_random(SHAPE(50), MX_FLOAT32, -3, -1, 1);
    CHECK(mx_eval(x));
    runtime.check_nan = true;
    CHECK_CODE(mx_eval(mx_exp(mx_sqrt(mx_add(x, x)))), MX_RUNTIME, "[sqrt] made a NaN");
    runtime.check_nan = false;
}

/* More operands and steps than a group takes: several groups, the same values. */
TEST(groups_have_limits)
{
    enum { MANY = 40 };
    mx_array *x[MANY], *sum[2];
    bool before = runtime.fuse;
    for (int i = 0; i < MANY; i++) x[i] = check_random(SHAPE(33), MX_FLOAT32, -1, 1, (uint64_t)i + 1);
    for (int k = 0; k < 2; k++) {
        runtime.fuse = k;
        mx_array *deep[2 * MANY];
        sum[k] = x[0];
        for (int i = 1; i < MANY; i++) sum[k] = mx_add(sum[k], x[i]);
        for (int i = 0; i < 2 * MANY; i++) deep[i] = sum[k] = mx_tanh(sum[k]);
        for (int i = 0; i < 2 * MANY; i++) sum[k] = mx_mul(sum[k], deep[i]);
        CHECK(mx_eval(sum[k]));
    }
    runtime.fuse = before;
    CHECK(same_bits(sum[0], sum[1]));
}

/* ---- Threads */
enum { THREADS = 6, LINKS = 12, ROUNDS = 60 };
typedef struct meeting {
    mx_array *link[LINKS]; /* a chain that a scope of the main thread holds */
    mx_array *want[LINKS];
    pthread_barrier_t start;
    _Atomic int wrong;
} meeting;
typedef struct guest {
    meeting *meeting;
    int me;
} guest;

static bool equal_to(mx_array *x, mx_array *want)
{
    float a[64], b[64];
    return mx_read(x, a, sizeof a) && mx_read(want, b, sizeof b) && memcmp(a, b, sizeof a) == 0;
}

/* Reads links, and makes readers of links, while others run groups that these are inner nodes of. */
static void *attend(void *argument)
{
    guest *g = argument;
    meeting *m = g->meeting;
    pthread_barrier_wait(&m->start);
    mx_scope s = mx_scope_open();
    for (int i = 0; i < LINKS; i++) {
        int k = (g->me * 5 + i * 7) % LINKS;
        mx_array *twice = mx_neg(mx_neg(m->link[k]));
        bool ok = (g->me + i) % 3 == 0 ? mx_async_eval_n(&twice, 1) : (g->me + i) % 3 == 1 || mx_eval(m->link[k]);
        if (!ok || !equal_to(twice, m->want[k])) atomic_fetch_add(&m->wrong, 1);
    }
    mx_scope_close(s, NULL);
    return NULL;
}

TEST(threads_meet_inside_groups)
{
    for (int round = 0; round < ROUNDS; round++) {
        mx_scope s = mx_scope_open();
        meeting m = {.wrong = 0};
        pthread_t threads[THREADS];
        guest guests[THREADS];
        mx_array *x = check_random(SHAPE(64), MX_FLOAT32, -1, 1, 1), *a = x, *b = x;
        for (int i = 0; i < LINKS; i++) {
            m.link[i] = a = i % 2 ? mx_mul(a, x) : mx_sub(a, x);
            m.want[i] = b = i % 2 ? mx_mul(b, x) : mx_sub(b, x);
            CHECK(mx_eval(b));
        }
        pthread_barrier_init(&m.start, NULL, THREADS);
        for (int i = 0; i < THREADS; i++) {
            guests[i] = (guest){&m, i};
            pthread_create(&threads[i], NULL, attend, &guests[i]);
        }
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&m.start);
        CHECK(m.wrong == 0);
        mx_scope_close(s, NULL);
    }
}
