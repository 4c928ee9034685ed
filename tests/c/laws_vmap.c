/* SPDX-License-Identifier: MIT
 *
 * The law of batching: vmap over three equals a loop over three, whichever inputs are mapped, over whichever
 * axis; and vmap of vmap a loop over vmap. */
#include "laws.h"
#include <string.h>

enum { BATCH = 3 };

/* Three of an input along a new first axis; the first one is the case's own. */
static numbers batched(const law_case *c, int i)
{
    const numbers *a = &c->in[i];
    int64_t shape[MX_MAX_NDIM] = {BATCH};
    memcpy(shape + 1, a->shape, (size_t)a->ndim * sizeof *shape);
    numbers b = numbers_new(a->ndim + 1, shape, a->dtype);
    numbers_random(&b, &c->sample->in[i], 1234 + (uint64_t)i);
    for (int64_t k = 0; k < a->size; k++) copy_element(&b, k, a, k);
    return b;
}

/* The same with the batch on the last axis. */
static numbers batch_last(const numbers *a)
{
    int64_t shape[MX_MAX_NDIM], rest = a->size / BATCH;
    memcpy(shape, a->shape + 1, (size_t)(a->ndim - 1) * sizeof *shape);
    shape[a->ndim - 1] = BATCH;
    numbers b = numbers_new(a->ndim, shape, a->dtype);
    for (int64_t k = 0; k < a->size; k++) copy_element(&b, k % rest * BATCH + k / rest, a, k);
    return b;
}

static bool apply_all(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const law_case *c = ctx;
    mx_array *all[SAMPLE_INPUTS] = {NULL};
    for (int i = 0; i < nin; i++) all[i] = in[i];
    out[0] = nout == 1 ? c->sample->apply(all) : NULL;
    return out[0] != NULL;
}

static bool run_vmap(law_case *c, const numbers *whole, unsigned mapped, bool last, numbers *out)
{
    mx_array *in[SAMPLE_INPUTS], *y = NULL;
    int axes[SAMPLE_INPUTS], out_axis = 0;
    mx_scope s = mx_scope_open();
    for (int i = 0; i < c->nin; i++) {
        bool is_mapped = mapped >> i & 1;
        axes[i] = !is_mapped ? MX_UNMAPPED : last ? whole[i].ndim - 1 : 0;
        numbers moved = is_mapped && last ? batch_last(&whole[i]) : (numbers){0};
        in[i] = numbers_array(moved.re ? &moved : is_mapped ? &whole[i] : &c->in[i], ROW_MAJOR);
        numbers_free(&moved);
    }
    bool ok = mx_vmap(apply_all, c, in, axes, c->nin, &y, &out_axis, 1) && numbers_read(y, out);
    mx_scope_close(s, NULL);
    return ok;
}

/* One turn of the loop against its slice of the batch.  What is exact stays so; else the order of sums may differ. */
static bool check_slice(law_case *c, const numbers *whole, unsigned mapped, const numbers *got, int64_t at)
{
    char text[TEXT];
    numbers in[SAMPLE_INPUTS] = {{0}}, want = {0}, slice = {0};
    for (int i = 0; i < c->nin; i++) {
        in[i] = mapped >> i & 1 ? numbers_slice(&whole[i], at) : numbers_copy(&c->in[i]);
    }
    bool ok = case_run(c, in, &want) || law_fail(c, "the loop fails");
    if (ok && (got->ndim != want.ndim + 1 || got->shape[0] != BATCH || got->size != BATCH * want.size)) {
        ok = law_fail(c, "the result of vmap has not the shape of a batch of results");
    }
    if (ok) slice = numbers_slice(got, at);
    numbers_scale(&want, case_magnitude(c));
    ok = ok && (numbers_near(&slice, &want, 2 * c->sample->eps, text) ||
                law_fail(c, "inputs mapped %x, index %lld: %s", mapped, (long long)at, text));
    for (int i = 0; i < c->nin; i++) numbers_free(&in[i]);
    numbers_free(&want);
    numbers_free(&slice);
    return ok;
}

static bool check_mapped(law_case *c, const numbers *whole, unsigned mapped, bool last)
{
    numbers got = {0};
    bool ok = run_vmap(c, whole, mapped, last, &got) ||
              law_fail(c, "vmap fails (inputs mapped %x, %s axis)", mapped, last ? "last" : "first");
    for (int64_t at = 0; at < BATCH && ok; at++) ok = check_slice(c, whole, mapped, &got, at);
    numbers_free(&got);
    return ok;
}

/* ---- A batch of batches */
static numbers turned(const numbers *a)
{
    numbers b = numbers_copy(a);
    int64_t row = a->size / BATCH;
    for (int64_t k = 0; k < a->size; k++) copy_element(&b, k, a, (BATCH - 1 - k / row) * row + k % row);
    return b;
}

/* Both along a new first axis. */
static numbers pair(const numbers *a, const numbers *b)
{
    int64_t shape[MX_MAX_NDIM] = {2};
    memcpy(shape + 1, a->shape, (size_t)a->ndim * sizeof *shape);
    numbers both = numbers_new(a->ndim + 1, shape, a->dtype);
    for (int64_t k = 0; k < a->size; k++) {
        copy_element(&both, k, a, k);
        copy_element(&both, a->size + k, b, k);
    }
    return both;
}

static bool apply_batch(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    int axes[SAMPLE_INPUTS] = {0};
    return mx_vmap(apply_all, ctx, in, axes, nin, out, axes, nout);
}

/* The batch of three, for the inputs of `outer` as a pair with its mirror image: each of the two is what a batch of
 * three alone gives. */
static bool check_nested(law_case *c, const numbers *whole, unsigned outer)
{
    char text[TEXT];
    numbers got = {0}, in[2][SAMPLE_INPUTS];
    mx_array *arrays[SAMPLE_INPUTS], *y = NULL;
    int axes[SAMPLE_INPUTS], out_axis = 0;
    mx_scope s = mx_scope_open();
    for (int i = 0; i < c->nin; i++) {
        bool is_mapped = outer >> i & 1;
        in[0][i] = numbers_copy(&whole[i]);
        in[1][i] = is_mapped ? turned(&whole[i]) : numbers_copy(&whole[i]);
        numbers both = is_mapped ? pair(&in[0][i], &in[1][i]) : numbers_copy(&whole[i]);
        arrays[i] = numbers_array(&both, ROW_MAJOR);
        axes[i] = is_mapped ? 0 : MX_UNMAPPED;
        numbers_free(&both);
    }
    bool ok = mx_vmap(apply_batch, c, arrays, axes, c->nin, &y, &out_axis, 1) && numbers_read(y, &got);
    mx_scope_close(s, NULL);
    if (!ok) law_fail(c, "vmap of vmap fails (outer inputs %x)", outer);
    for (int64_t at = 0; at < 2 && ok; at++) {
        numbers want = {0}, slice = numbers_slice(&got, at);
        ok = run_vmap(c, in[at], (1u << c->nin) - 1, false, &want);
        numbers_scale(&want, case_magnitude(c));
        ok = ok && (numbers_near(&slice, &want, 2 * c->sample->eps, text) ||
                    law_fail(c, "vmap of vmap, outer inputs %x, index %lld: %s", outer, (long long)at, text));
        numbers_free(&want);
        numbers_free(&slice);
    }
    for (int i = 0; i < c->nin; i++) {
        numbers_free(&in[0][i]);
        numbers_free(&in[1][i]);
    }
    numbers_free(&got);
    return ok;
}

bool law_vmap(law_case *c)
{
    if (!c->nin || case_is_big(c) || c->sample->flags & NO_VMAP || (c->op && !c->op->vmap)) return true;
    numbers whole[SAMPLE_INPUTS] = {{0}};
    bool ok = true;
    for (int i = 0; i < c->nin; i++) whole[i] = batched(c, i);
    unsigned all = (1u << c->nin) - 1;
    for (int i = 0; i < c->nin && ok; i++) ok = check_mapped(c, whole, 1u << i, false);
    ok = ok && (c->nin == 1 || check_mapped(c, whole, all, false));
    ok = ok && check_mapped(c, whole, all, true);
    ok = ok && check_nested(c, whole, all);
    for (int i = 0; i < c->nin && c->nin > 1 && ok; i++) ok = check_nested(c, whole, 1u << i);
    for (int i = 0; i < c->nin; i++) numbers_free(&whole[i]);
    return ok;
}
