/* SPDX-License-Identifier: MIT
 *
 * Laws on derivatives: jvp is what a finite difference says, vjp is its transpose.
 *
 * Complex numbers are pairs of reals here: <v, w> = Re sum conj(v) w. */
#include "laws.h"
#include "core/array.h"
#include <string.h>

void case_function_floats(const law_case *c, case_function *f)
{
    *f = (case_function){.c = c};
    case_arrays(c, c->in, ROW_MAJOR, f->in);
    for (int i = 0; i < c->nin; i++) {
        if (mx_dtype_is(c->in[i].dtype, MX_INEXACT)) f->slot[f->n++] = i;
    }
}

bool case_function_call(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const case_function *f = ctx;
    mx_array *all[SAMPLE_INPUTS];
    memcpy(all, f->in, sizeof all);
    for (int i = 0; i < nin; i++) all[f->slot[i]] = in[i];
    out[0] = nout == 1 ? f->c->sample->apply(all) : NULL;
    return out[0] != NULL;
}

bool case_is_differentiable(const law_case *c)
{
    if (c->sample->flags & NO_GRAD || case_is_big(c) || case_is_special(c)) return false;
    if (c->op && !c->op->jvp && !c->op->vjp) return false;
    mx_array *in[SAMPLE_INPUTS];
    mx_scope s = mx_scope_open();
    case_arrays(c, c->in, ROW_MAJOR, in);
    mx_array *y = c->sample->apply(in);
    bool float_in = false, float_out = y && mx_dtype_is(mx_dtype_of(y), MX_INEXACT) && mx_size(y);
    for (int i = 0; i < c->nin; i++) float_in |= mx_dtype_is(c->in[i].dtype, MX_INEXACT) && c->in[i].size;
    mx_scope_close(s, NULL);
    return float_in && float_out;
}

/* The dtype whose epsilon bounds what the case can tell: the coarsest on the way. */
static double coarsest_eps(const law_case *c, const numbers *out)
{
    double eps = dtype_eps(out->dtype);
    for (int i = 0; i < c->nin; i++) {
        if (dtype_eps(c->in[i].dtype) > eps) eps = dtype_eps(c->in[i].dtype);
    }
    return eps;
}

static numbers random_like(const numbers *a, uint64_t seed)
{
    op_input how = {.kind = INPUT_RANGE, .low = -1, .high = 1};
    numbers b = numbers_new(a->ndim, a->shape, a->dtype);
    numbers_random(&b, &how, seed);
    return b;
}

static double inner(const numbers *a, const numbers *b, double *size)
{
    double total = 0;
    for (int64_t i = 0; i < a->size; i++) {
        double term = a->re[i] * b->re[i] + a->im[i] * b->im[i];
        total += term;
        *size += fabs(a->re[i] * b->re[i]) + fabs(a->im[i] * b->im[i]);
    }
    return total;
}

/* Jv at the case's inputs; what is read must have the output's form. */
static bool run_jvp(const law_case *c, const numbers *t, numbers *out, numbers *tout)
{
    case_function f;
    mx_array *in[SAMPLE_INPUTS], *tin[SAMPLE_INPUTS], *y[2] = {NULL, NULL};
    mx_scope s = mx_scope_open();
    case_function_floats(c, &f);
    for (int i = 0; i < f.n; i++) {
        in[i] = f.in[f.slot[i]];
        tin[i] = numbers_array(&t[f.slot[i]], ROW_MAJOR);
    }
    bool ok = mx_jvp(case_function_call, &f, in, tin, f.n, &y[0], &y[1], 1);
    ok = ok && numbers_read(y[0], out) && numbers_read(y[1], tout);
    mx_scope_close(s, NULL);
    if (!ok) return law_fail(c, "mx_jvp fails");
    if (tout->dtype == out->dtype && tout->size == out->size && tout->ndim == out->ndim) return true;
    return law_fail(c, "the tangent has not the output's form");
}

static bool run_vjp(const law_case *c, const numbers *v, numbers *din)
{
    case_function f;
    mx_array *in[SAMPLE_INPUTS], *d[SAMPLE_INPUTS] = {NULL}, *y = NULL;
    mx_scope s = mx_scope_open();
    case_function_floats(c, &f);
    for (int i = 0; i < f.n; i++) in[i] = f.in[f.slot[i]];
    mx_array *dout = numbers_array(v, ROW_MAJOR);
    bool ok = mx_vjp(case_function_call, &f, in, f.n, &dout, 1, &y, d);
    for (int i = 0; i < f.n && ok; i++) ok = numbers_read(d[i], &din[f.slot[i]]);
    mx_scope_close(s, NULL);
    if (!ok) return law_fail(c, "mx_vjp fails");
    for (int i = 0; i < f.n; i++) {
        const numbers *a = &c->in[f.slot[i]], *b = &din[f.slot[i]];
        bool same = a->dtype == b->dtype && a->ndim == b->ndim;
        for (int d_ = 0; same && d_ < a->ndim; d_++) same = a->shape[d_] == b->shape[d_];
        if (!same) return law_fail(c, "the cotangent of input %d has not the input's form", f.slot[i]);
    }
    return true;
}

static void free_all(numbers *a)
{
    for (int i = 0; i < SAMPLE_INPUTS; i++) numbers_free(&a[i]);
}

/* ---- jvp against (f(x + h t) - f(x - h t)) / 2h */
static bool shifted(const law_case *c, const numbers *t, double h, numbers *out)
{
    numbers in[SAMPLE_INPUTS] = {{0}};
    for (int i = 0; i < c->nin; i++) {
        in[i] = numbers_copy(&c->in[i]);
        for (int64_t k = 0; k < in[i].size && mx_dtype_is(in[i].dtype, MX_INEXACT); k++) {
            in[i].re[k] += h * t[i].re[k];
            in[i].im[k] += h * t[i].im[k];
        }
    }
    bool ok = case_run(c, in, out) || law_fail(c, "it fails near the sample's point");
    free_all(in);
    return ok;
}

/* With values of size m, a difference errs by about eps m / h from rounding and by h^2 from the third derivative. */
static bool near_difference(const law_case *c, const numbers *y, const numbers *ty, const numbers *above,
                            const numbers *below, double h)
{
    double eps = coarsest_eps(c, y), size = 1;
    for (int64_t i = 0; i < y->size; i++) {
        size = fmax(size, fmax(hypot(y->re[i], y->im[i]), hypot(ty->re[i], ty->im[i])));
    }
    double allowed = size * (8 * eps * fmax(1, c->sample->eps) / h + 100 * h * h);
    for (int64_t i = 0; i < y->size; i++) {
        double re = (above->re[i] - below->re[i]) / (2 * h), im = (above->im[i] - below->im[i]) / (2 * h);
        if (hypot(ty->re[i] - re, ty->im[i] - im) <= allowed) continue;
        return law_fail(c, "element %lld of the tangent is %.9g%+.9gj, a difference says %.9g%+.9gj (%.3g allowed)",
                        (long long)i, ty->re[i], ty->im[i], re, im, allowed);
    }
    return true;
}

/* Differences want precision: float64 speaks for the other real dtypes where it is sampled, and in halves a difference
 * says nothing; law_transpose sees them. */
bool law_jvp(law_case *c)
{
    bool too_coarse = c->dtype == MX_FLOAT16 || c->dtype == MX_BFLOAT16 ||
                      (c->dtype == MX_FLOAT32 && c->sample->dtypes & DTYPE(MX_FLOAT64));
    if (too_coarse || !case_is_differentiable(c)) return true;
    if (c->op && !c->op->jvp) return law_fail(c, "the op has a vjp rule but no jvp rule");
    numbers t[SAMPLE_INPUTS] = {{0}}, y = {0}, ty = {0}, above = {0}, below = {0};
    for (int i = 0; i < c->nin; i++) t[i] = random_like(&c->in[i], 77 + (uint64_t)i);
    bool ok = run_jvp(c, t, &y, &ty);
    double h = ok && coarsest_eps(c, &y) < 1e-12 ? 1e-5 : 1.0 / 256;
    ok = ok && shifted(c, t, h, &above) && shifted(c, t, -h, &below) && near_difference(c, &y, &ty, &above, &below, h);
    free_all(t);
    numbers_free(&y);
    numbers_free(&ty);
    numbers_free(&above);
    numbers_free(&below);
    return ok;
}

/* ---- <v, J t> = <J'v, t> */
bool law_transpose(law_case *c)
{
    if (!case_is_differentiable(c)) return true;
    if (c->op && !c->op->vjp) return law_fail(c, "the op has a jvp rule but no vjp rule");
    numbers t[SAMPLE_INPUTS] = {{0}}, d[SAMPLE_INPUTS] = {{0}}, y = {0}, ty = {0}, v = {0};
    double left = 0, right = 0, size = 0, terms = 16;
    for (int i = 0; i < c->nin; i++) t[i] = random_like(&c->in[i], 77 + (uint64_t)i);
    bool ok = run_jvp(c, t, &y, &ty);
    if (ok) v = random_like(&y, 99);
    ok = ok && run_vjp(c, &v, d);
    if (ok) left = inner(&v, &ty, &size);
    for (int i = 0; i < c->nin && ok; i++) {
        if (mx_dtype_is(c->in[i].dtype, MX_INEXACT)) right += inner(&d[i], &t[i], &size);
    }
    double allowed = ok ? coarsest_eps(c, &y) * size * (terms + c->sample->eps) + dtype_tiny(y.dtype) : 0;
    if (ok && !(fabs(left - right) <= allowed)) {
        ok = law_fail(c, "<v, J t> is %.9g, <J'v, t> is %.9g (%.3g allowed)", left, right, allowed);
    }
    free_all(t);
    free_all(d);
    numbers_free(&y);
    numbers_free(&ty);
    numbers_free(&v);
    return ok;
}
