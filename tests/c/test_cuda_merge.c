/* SPDX-License-Identifier: MIT
 *
 * Launches of one kernel that become one (cuda/merge.c): the bits of each alone, in fewer launches, and nothing before
 * what it needs. */
#include "check.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "cuda/stream.h"
#include "graph/eval.h"

enum { SIZES = 12, ROUNDS = 8, PARAMETERS = SIZES * ROUNDS };
static const int64_t sizes[SIZES] = {0, 1, 2, 3, 16, 17, 255, 256, 1000, 4099, 1, 70001};

typedef struct switches {
    cuda_gpu *gpu;
    bool fuse, at_once;
} switches;

static switches merge_at_once(void)
{
    cuda_gpu *gpu = cuda_gpu_now();
    switches before = {gpu, runtime.fuse, gpu->fuse_at_once};
    runtime.fuse = gpu->fuse_at_once = true;
    return before;
}

static void switch_back(switches before)
{
    runtime.fuse = before.fuse;
    before.gpu->fuse_at_once = before.at_once;
}

static uint64_t launches(void)
{
    return cuda_queue_of(mx_current_stream())->started;
}

/* ---- An optimizer's step */
typedef struct parameter {
    mx_array *w, *g, *m, *v;
} parameter;

/* On the device.  Some lie where no vector can be read. */
static mx_array *laid_out(int64_t n, mx_dtype t, double low, double high, uint64_t seed, bool odd)
{
    mx_array *x = mx_abs(check_random(SHAPE(n + odd), t, low, high, seed));
    if (!odd) return x;
    return mx_slice(x, (int64_t[]){1}, (int64_t[]){n + 1}, (int64_t[]){1});
}

static parameter *make_parameters(mx_dtype t)
{
    static parameter all[PARAMETERS];
    for (int i = 0; i < PARAMETERS; i++) {
        uint64_t seed = 4 * (uint64_t)i;
        int64_t n = sizes[i % SIZES];
        all[i] = (parameter){laid_out(n, t, -1, 1, seed, i % 5 == 1), laid_out(n, t, -1, 1, seed + 1, i % 7 == 2),
                             laid_out(n, t, -1, 1, seed + 2, false), laid_out(n, t, 0, 1, seed + 3, i % 3 == 1)};
        mx_array *in[] = {all[i].w, all[i].g, all[i].m, all[i].v};
        CHECK(mx_eval_n(in, 4));
    }
    return all;
}

/* With a decay of its own for each: constants are no part of a kernel. */
static void update(parameter *p, int i, mx_array **out)
{
    mx_array *m = mx_add(mx_mul(p->m, mx_like(p->m, 0.9)), mx_mul(p->g, mx_like(p->g, 0.1)));
    mx_array *v = mx_add(mx_mul(p->v, mx_like(p->v, 0.99)), mx_mul(mx_square(p->g), mx_like(p->g, 0.01)));
    mx_array *w = mx_mul(p->w, mx_like(p->w, 1 - 0.01 * i));
    out[0] = mx_sub(w, mx_div(m, mx_add(mx_sqrt(v), mx_like(v, 1e-4))));
    out[1] = m;
    out[2] = v;
}

static uint64_t step(mx_dtype t, bool merge, mx_array **out)
{
    mx_scope s = mx_scope_open();
    parameter *all = make_parameters(t);
    CHECK(mx_synchronize(NULL));
    uint64_t before = launches();
    runtime.fuse = merge;
    for (int i = 0; i < PARAMETERS; i++) update(&all[i], i, out + 3 * i);
    mx_scope_close_n(s, out, 3 * PARAMETERS); /* nobody else has the parameters: results take their memory */
    CHECK(mx_eval_n(out, 3 * PARAMETERS));
    return launches() - before;
}

TEST(merged_optimizer_step_is_a_few_launches)
{
    static const mx_dtype dtypes[] = {MX_FLOAT32, MX_BFLOAT16, MX_FLOAT64};
    if (mx_default_device().type != MX_GPU) return;
    switches before = merge_at_once();
    for (int t = 0; t < 3; t++) {
        mx_scope s = mx_scope_open();
        static mx_array *merged[3 * PARAMETERS], *apart[3 * PARAMETERS];
        uint64_t few = step(dtypes[t], true, merged), many = step(dtypes[t], false, apart);
        int same = 0;
        for (int i = 0; i < 3 * PARAMETERS; i++) {
            same += same_bits(merged[i], apart[i]);
            mx_drop(merged[i]);
            mx_drop(apart[i]);
        }
        check_that(same == 3 * PARAMETERS, __FILE__, __LINE__, "%s: %d of %d results are equal",
                   mx_dtype_name(dtypes[t]), same, 3 * PARAMETERS);
        /* 88 parameters have elements; 24 or 25 of them fit in a table, and batches end between. */
        check_that(few <= 8 && many >= 88 * 11, __FILE__, __LINE__, "%s: %d launches, %d one by one",
                   mx_dtype_name(dtypes[t]), (int)few, (int)many);
        mx_scope_close(s, NULL);
    }
    switch_back(before);
}

/* ---- Programs of single launches, some of which merge, that need each other and take each other's memory */
enum { LANES = 10, STEPS = 60, PROGRAMS = 40 };

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 16;
}

static mx_array *one_more(mx_array *const *lanes, int i, uint32_t kind, uint32_t other)
{
    mx_array *x = lanes[i], *y = lanes[other % LANES];
    switch (kind % 8) {
    case 0: return mx_softmax(x, AXES(-1), true);
    case 1: return mx_mul(x, mx_max(y, AXES(0), KEEP)); /* 1 element: a launch of another kind first */
    case 2: return mx_cumsum(x, 0, false, true);
    case 3: return x->size == y->size ? mx_sub(y, x) : mx_neg(x);
    default: return mx_mul(x, mx_like(x, 0.5));
    }
}

static bool run_program(uint32_t seed, bool merge, mx_array **lanes)
{
    bool ok = true;
    runtime.fuse = merge;
    for (int i = 0; i < LANES; i++) {
        lanes[i] =
            mx_keep(mx_mul(check_random(SHAPE(i % 3 ? 300 : 7), MX_FLOAT32, -1, 1, seed + (uint32_t)i), mx_float(2)));
        ok = ok && mx_eval(lanes[i]);
    }
    for (int k = 0; k < STEPS; k++) {
        mx_scope s = mx_scope_open();
        int i = (int)(next(&seed) % LANES);
        uint32_t kind = next(&seed);
        mx_array *x = mx_scope_close(s, one_more(lanes, i, kind, next(&seed)));
        mx_drop(lanes[i]); /* its memory may be taken */
        lanes[i] = x;
        ok = ok && eval_within(&lanes[i], 1);
    }
    return ok && mx_eval_n(lanes, LANES);
}

TEST(merged_launches_keep_the_order_that_they_need)
{
    if (mx_default_device().type != MX_GPU) return;
    switches before = merge_at_once();
    uint64_t few = 0, many = 0;
    for (uint32_t seed = 1; seed <= PROGRAMS; seed++) {
        mx_array *merged[LANES], *apart[LANES];
        mx_scope s = mx_scope_open();
        uint64_t first = launches();
        CHECK(run_program(seed, true, merged));
        uint64_t second = launches();
        CHECK(run_program(seed, false, apart));
        few += second - first;
        many += launches() - second;
        for (int i = 0; i < LANES; i++) {
            check_that(same_bits(merged[i], apart[i]), __FILE__, __LINE__, "program %u: array %d differs", seed, i);
            mx_drop(merged[i]);
            mx_drop(apart[i]);
        }
        mx_scope_close(s, NULL);
    }
    switch_back(before);
    check_that(few < many - many / 8, __FILE__, __LINE__, "%d launches of %d", (int)few, (int)many);
}
