/* SPDX-License-Identifier: MIT
 *
 * Torture: the 1st, 2nd, 3rd ... allocation fails, while an expression is built, evaluated, differentiated, batched.
 *
 * Each time the outcome is a MEMORY error or the right value, nothing leaks, and what could not be done can be done
 * again: a node whose evaluation failed for want of memory is lazy still. */
#include "laws.h"
#include "core/memory.h"
#include <string.h>

typedef enum deed { DEED_EVAL, DEED_VJP, DEED_JVP, DEED_VMAP, DEED_COUNT } deed;
static const char *const deed_names[DEED_COUNT] = {"eval", "vjp", "jvp", "vmap"};
enum { MOST_ALLOCATIONS = 5000 };

typedef struct attempt {
    mx_array *in[SAMPLE_INPUTS], *v; /* v: the seed of a derivative, of the output's shape */
    mx_array *out[SAMPLE_INPUTS];
    int nout;
} attempt;

static bool apply_all(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const law_case *c = ctx;
    mx_array *all[SAMPLE_INPUTS] = {NULL};
    for (int i = 0; i < nin; i++) all[i] = in[i];
    out[0] = nout == 1 ? c->sample->apply(all) : NULL;
    return out[0] != NULL;
}

static bool build(law_case *c, deed what, attempt *a)
{
    case_function f = {.c = c};
    mx_array *in[SAMPLE_INPUTS], *y = NULL;
    int axes[SAMPLE_INPUTS] = {0}, out_axis = 0;
    memcpy(f.in, a->in, sizeof f.in);
    for (int i = 0; i < c->nin; i++) {
        if (mx_dtype_is(c->in[i].dtype, MX_INEXACT)) f.slot[f.n++] = i;
    }
    for (int i = 0; i < f.n; i++) in[i] = a->in[f.slot[i]];
    a->nout = 1;
    switch (what) {
    case DEED_EVAL: return (a->out[0] = c->sample->apply(a->in)) != NULL;
    case DEED_VJP: a->nout = f.n; return mx_vjp(case_function_call, &f, in, f.n, &a->v, 1, &y, a->out);
    case DEED_JVP: return mx_jvp(case_function_call, &f, in, in, f.n, &y, a->out, 1);
    default: return mx_vmap(apply_all, c, a->in, axes, c->nin, a->out, &out_axis, 1);
    }
}

static bool compare(law_case *c, deed what, attempt *a, numbers *want, bool first, int64_t n)
{
    char text[TEXT];
    for (int i = 0; i < a->nout; i++) {
        numbers got = {0};
        if (!numbers_read(a->out[i], &got))
            return law_fail(c, "%s, allocation %lld: it stays broken", deed_names[what], (long long)n);
        if (first) {
            want[i] = got;
            continue;
        }
        bool same = numbers_same(&got, &want[i], text);
        numbers_free(&got);
        if (!same) return law_fail(c, "%s, allocation %lld: %s", deed_names[what], (long long)n, text);
    }
    return true;
}

static void make_inputs(law_case *c, deed what, attempt *a)
{
    case_arrays(c, c->in, ROW_MAJOR, a->in);
    if (what == DEED_VJP) {
        mx_array *y = c->sample->apply(a->in);
        a->v = check_random(mx_shape_of(y), mx_dtype_of(y), -1, 1, 5);
    }
    for (int i = 0; i < c->nin && what == DEED_VMAP; i++) { /* two of each */
        int64_t shape[MX_MAX_NDIM] = {2};
        memcpy(shape + 1, c->in[i].shape, (size_t)c->in[i].ndim * sizeof *shape);
        numbers b = numbers_new(c->in[i].ndim + 1, shape, c->in[i].dtype);
        for (int64_t k = 0; k < b.size; k++) copy_element(&b, k, &c->in[i], k % c->in[i].size);
        a->in[i] = numbers_array(&b, ROW_MAJOR);
        numbers_free(&b);
    }
}

/* One attempt with the n-th allocation failing; *more: that many allocations were made. */
static bool fail_once(law_case *c, deed what, int64_t n, bool forever, numbers *want, bool *more)
{
    attempt a = {.nout = 0};
    size_t active = mx_get_active_memory();
    int64_t nodes = check_live_nodes();
    mx_scope s = mx_scope_open();
    make_inputs(c, what, &a);
    memory_fail_at(n, forever);
    bool built = build(c, what, &a);
    bool ok = built && mx_eval_n(a.out, a.nout);
    *more = memory_fail_at(0, false) >= n;
    bool holds = true;
    if (!ok) {
        mx_error_info e = mx_error();
        holds = (*more && e.code == MX_MEMORY) || law_fail(c, "%s, allocation %lld: error %d: %s", deed_names[what],
                                                           (long long)n, (int)e.code, e.message);
    } else if (mx_failed()) {
        holds = law_fail(c, "%s, allocation %lld: success with an error", deed_names[what], (long long)n);
    }
    if (holds && built) holds = compare(c, what, &a, want, n == MOST_ALLOCATIONS, n);
    mx_scope_close(s, NULL);
    if (!holds) return false;
    int64_t leak = (int64_t)mx_get_active_memory() - (int64_t)active;
    if (leak)
        return law_fail(c, "%s, allocation %lld: %lld bytes leak", deed_names[what], (long long)n, (long long)leak);
    if ((check_live_nodes() - nodes) % NODE_SLAB == 0) return true;
    return law_fail(c, "%s, allocation %lld: nodes leak", deed_names[what], (long long)n);
}

static bool torture_deed(law_case *c, deed what)
{
    numbers want[SAMPLE_INPUTS] = {{0}};
    bool more, ok = fail_once(c, what, MOST_ALLOCATIONS, false, want, &more); /* undisturbed */
    if (ok && more) ok = law_fail(c, "more than %d allocations", MOST_ALLOCATIONS);
    for (int forever = 0; forever < 2 && ok; forever++) {
        more = true;
        for (int64_t n = 1; ok && more; n++) ok = fail_once(c, what, n, forever, want, &more);
    }
    for (int i = 0; i < SAMPLE_INPUTS; i++) numbers_free(&want[i]);
    return ok;
}

bool torture_case(law_case *c)
{
    bool ok = torture_deed(c, DEED_EVAL), differentiable = case_is_differentiable(c);
    if (ok && differentiable) ok = torture_deed(c, DEED_VJP);
    if (ok && differentiable) ok = torture_deed(c, DEED_JVP);
    bool batches = c->nin && !(c->sample->flags & NO_VMAP) && !(c->op && !c->op->vmap);
    return ok && (!batches || torture_deed(c, DEED_VMAP));
}
