/* SPDX-License-Identifier: MIT
 *
 * Whole Jacobians: the products with all unit vectors at once, as a batch.  Reverse mode costs a product for each output
 * element, forward mode one for each input element; a Hessian is the second of the first. */
#include "core/memory.h"
#include "graph/capture.h"
#include "graph/trace.h"
#include <string.h>

static bool check_inputs(const char *op, const mx_trace *t)
{
    for (int i = 0; i < t->nin; i++) {
        mx_dtype dtype = (mx_dtype)t->traced[i]->dtype;
        if (mx_dtype_is(dtype, MX_FLOATING)) continue;
        return mx_fail_false(MX_VALUE, "[%s] input %d is %s; only real floating inputs have a Jacobian.", op, i,
                             mx_dtype_name(dtype));
    }
    return true;
}

/* The unit vectors of x's space, along a new first axis. */
static mx_array *basis(const mx_array *x)
{
    int64_t shape[MX_MAX_NDIM + 1] = {x->size};
    if (x->ndim == MX_MAX_NDIM) return mx_fail(MX_VALUE, "[jacobian] more than %d dimensions.", MX_MAX_NDIM);
    for (int i = 0; i < x->ndim; i++) shape[i + 1] = x->shape[i];
    return mx_reshape(mx_eye(x->size, x->size, 0, (mx_dtype)x->dtype), (mx_shape){x->ndim + 1, shape});
}

/* j as an array of the shape of `out` and then that of `in`. */
static mx_array *block(mx_array *j, const mx_array *out, const mx_array *in)
{
    int64_t shape[2 * MX_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < out->ndim; i++) shape[n++] = out->shape[i];
    for (int i = 0; i < in->ndim; i++) shape[n++] = in->shape[i];
    if (n > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[jacobian] more than %d dimensions.", MX_MAX_NDIM);
    mx_shape s = {n, shape};
    return j ? mx_reshape(j, s) : mx_zeros(s, (mx_dtype)out->dtype);
}

/* All products for the unit vectors of one array (output or input `at`); results has room for the other side. */
static bool products(mx_trace *t, mx_array *const *out, int nout, int at, bool reverse, mx_array **results)
{
    int n = reverse ? nout : t->nin, count = reverse ? t->nin : nout, axis = 0;
    mx_array *const *side = reverse ? out : t->traced, *units = basis(side[at]), *unit;
    mx_array **given = mx_alloc((size_t)(n + count) + 1, sizeof *given), **made = given ? given + n : NULL;
    int *axes = mx_alloc((size_t)count + 1, sizeof *axes);
    mx_trace *b = units && given && axes ? mx_trace_begin_batched(&units, &axis, 1, &unit) : NULL;
    bool ok = b != NULL;
    for (int i = 0; i < n && ok; i++) ok = (given[i] = i == at ? unit : mx_zeros_like(side[i])) != NULL;
    ok = ok && (reverse ? mx_trace_vjp(t, out, given, nout, made) : mx_trace_jvp(t, given, out, nout, made)) &&
         mx_trace_vmap(b, made, axes, count, results);
    mx_trace_end(&b);
    mx_free(given);
    mx_free(axes);
    return ok;
}

static bool rows_of_jacobian(mx_trace *t, mx_array *const *out, int nout, int i, mx_array **jac)
{
    mx_array **rows = mx_alloc((size_t)t->nin + 1, sizeof *rows);
    bool ok = rows && (out[i]->size == 0 || products(t, out, nout, i, true, rows));
    for (int k = 0; k < t->nin && ok; k++) ok = (jac[k] = block(rows[k], out[i], t->traced[k])) != NULL;
    mx_free(rows);
    return ok;
}

static bool columns_of_jacobian(mx_trace *t, mx_array *const *out, int nout, int k, mx_array **jac)
{
    mx_array **columns = mx_alloc((size_t)nout + 1, sizeof *columns);
    bool ok = columns && (t->traced[k]->size == 0 || products(t, out, nout, k, false, columns));
    for (int i = 0; i < nout && ok; i++) {
        mx_array *j = columns[i] ? mx_moveaxis(columns[i], 0, -1) : NULL;
        ok = (j || !columns[i]) && (jac[i * t->nin] = block(j, out[i], t->traced[k]));
    }
    mx_free(columns);
    return ok;
}

bool mx_trace_jacobian(mx_trace *t, mx_array *const *out, int nout, bool reverse, mx_array **jac)
{
    const char *op = reverse ? "jacrev" : "jacfwd";
    if (!trace_is_open(op, t, out, nout) || !check_inputs(op, t)) return false;
    bool ok = true;
    for (int i = 0; i < nout && reverse && ok; i++) ok = rows_of_jacobian(t, out, nout, i, jac + i * t->nin);
    for (int k = 0; k < t->nin && !reverse && ok; k++) ok = columns_of_jacobian(t, out, nout, k, jac + k);
    return ok;
}

/* ---- Whole functions */
static bool jacobian(const char *op, bool reverse, mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out,
                     int nout, mx_array **jac)
{
    if (!fn) return mx_fail_false(MX_VALUE, "[%s] the function is NULL.", op);
    if (nin < 1 || nout < 1) return mx_fail_false(MX_VALUE, "[%s] %d inputs, %d outputs.", op, nin, nout);
    if (!out || !jac) return mx_fail_false(MX_VALUE, "[%s] there is no place for the results: NULL.", op);
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin(in, nin, traced) : NULL;
    bool ok = t && trace_call(op, fn, ctx, traced, nin, out, nout) && mx_trace_jacobian(t, out, nout, reverse, jac);
    mx_trace_end(&t);
    mx_free(traced);
    return trace_hand_out(s, ok, out, nout, jac, nin * nout);
}

bool mx_jacrev(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **jac)
{
    return jacobian("jacrev", true, fn, ctx, in, nin, out, nout, jac);
}

bool mx_jacfwd(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **jac)
{
    return jacobian("jacfwd", false, fn, ctx, in, nin, out, nout, jac);
}

typedef struct first_derivative {
    mx_fn fn;
    void *ctx;
    int nout;
} first_derivative;

/* The outputs and the Jacobian, as a function. */
static bool value_and_jacobian(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const first_derivative *f = ctx;
    (void)nout;
    return mx_jacrev(f->fn, f->ctx, in, nin, out, f->nout, out + f->nout);
}

bool mx_hessian(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **hessian)
{
    if (nin < 1 || nout < 1) return mx_fail_false(MX_VALUE, "[hessian] %d inputs, %d outputs.", nin, nout);
    if (!out || !hessian) return mx_fail_false(MX_VALUE, "[hessian] there is no place for the results: NULL.");
    first_derivative f = {fn, ctx, nout};
    int all = nout + nout * nin;
    mx_scope s = mx_scope_open();
    mx_array **made = mx_alloc((size_t)all * (size_t)(nin + 1), sizeof *made), **jac = made ? made + all : NULL;
    bool ok = made && mx_jacfwd(value_and_jacobian, &f, in, nin, made, all, jac);
    for (int i = 0; i < nout; i++) out[i] = ok ? made[i] : NULL;
    for (int i = 0; i < nout * nin * nin; i++) hessian[i] = ok ? jac[nout * nin + i] : NULL;
    mx_free(made);
    return trace_hand_out(s, ok, out, nout, hessian, nout * nin * nin);
}

/* ---- linearize: the products with the Jacobian at one point, as a program; what depends on the point only is constant
 * in it and so computed once */
mx_program *mx_trace_linearize(mx_trace *t, mx_array *const *out, int nout)
{
    if (!trace_is_open("linearize", t, out, nout)) return NULL;
    mx_scope s = mx_scope_open();
    mx_array **tin = mx_alloc((size_t)(t->nin + nout) + 1, sizeof *tin), **tout = tin ? tin + t->nin : NULL;
    mx_trace *c = tin ? mx_trace_begin_captured(t->traced, t->nin, false, tin) : NULL;
    mx_program *p = c && mx_trace_jvp(t, tin, out, nout, tout) ? mx_trace_program(c, tout, nout) : NULL;
    mx_trace_end(&c);
    mx_free(tin);
    mx_scope_close(s, NULL);
    return p;
}

mx_program *mx_linearize(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    if (!fn) return mx_fail(MX_VALUE, "[linearize] the function is NULL.");
    if (nin < 0 || nout < 0) return mx_fail(MX_VALUE, "[linearize] %d inputs, %d outputs.", nin, nout);
    if (nout && !out) return mx_fail(MX_VALUE, "[linearize] there is no place for the results: NULL.");
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin + 1, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin(in, nin, traced) : NULL;
    bool ok = t && trace_call("linearize", fn, ctx, traced, nin, out, nout);
    mx_program *p = ok ? mx_trace_linearize(t, out, nout) : NULL;
    mx_trace_end(&t);
    mx_free(traced);
    if (trace_hand_out(s, p != NULL, out, nout, NULL, 0)) return p;
    mx_program_drop(p);
    return NULL;
}
