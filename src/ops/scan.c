/* SPDX-License-Identifier: MIT
 *
 * Running sums, products, extremes and log-sums along an axis, which is moved to the end for the op. */
#include "core/params/scan.h"
#include "ops/rules.h"
#include <math.h>

static const mx_field fields[] = {FIELD_INT(scan_params, kind), FIELD_BOOL(scan_params, reverse),
                                  FIELD_BOOL(scan_params, inclusive), FIELD_END};

static mx_array *apply(mx_array *x, int kind, bool reverse, bool inclusive)
{
    scan_params p = {.kind = kind, .reverse = reverse, .inclusive = inclusive};
    return op_apply_n(&mx_op_scan, &p, (mx_array *const[]){x}, 1);
}

static mx_array *sum_back(mx_array *x, const scan_params *p)
{
    return apply(x, SCAN_SUM, !p->reverse, p->inclusive);
}

/* ---- Derivatives of the others
 *
 * All three are sums over i >= j of dout_i times a product of factors between j and i, so U_j = dout_j + a_(j+1) U_(j+1)
 * gives them without dividing by anything.  Written for an inclusive forward scan: reversed ones are flipped, exclusive
 * ones shifted. */
static mx_array *flip(mx_array *x, bool reverse)
{
    return reverse ? mx_flip(x, AXES(-1)) : x;
}

/* Entries `from` to `to` - 1 of the last axis. */
static mx_array *part(mx_array *x, int64_t from, int64_t to)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    start[x->ndim - 1] = from;
    stop[x->ndim - 1] = to;
    return mx_slice(x, start, stop, step);
}

/* x_(j + distance), 0 past the end. */
static mx_array *shift(mx_array *x, int64_t distance)
{
    mx_array *none = mx_zeros_like(part(x, 0, distance)),
             *parts[2] = {part(x, distance, x ? x->shape[x->ndim - 1] : 0), none};
    return mx_concatenate(parts, 2, -1);
}

/* U_j = g_j + a_(j+1) U_(j+1), by doubling (Hillis and Steele 1986): after k steps U_j sums 2^k terms. */
static mx_array *recurrence(mx_array *g, mx_array *a)
{
    if (!g || !a) return NULL;
    int64_t n = g->shape[g->ndim - 1];
    if (n > 1) a = shift(a, 1);
    for (int64_t distance = 1; distance < n && g && a; distance *= 2) {
        g = mx_add(g, mx_mul(a, shift(g, distance)));
        if (distance * 2 < n) a = mx_mul(a, shift(a, distance));
    }
    return g;
}

/* d out_i / d x_j = (the product before j) (the factors from j + 1 to i). */
static mx_array *prod_back(mx_array *x, mx_array *g)
{
    x = mx_conjugate(x);
    return mx_mul(apply(x, SCAN_PROD, false, false), recurrence(g, x));
}

/* x_j gets the cotangents of the run in which it stays the extreme; of equal ones the last holds. */
static mx_array *extreme_back(mx_array *x, mx_array *y, mx_array *g)
{
    if (!x) return NULL;
    mx_array *holds = mx_equal(x, y);
    mx_array *stays = mx_astype(mx_logical_not(holds), mx_dtype_of(x));
    return mx_mul(mx_astype(holds, mx_dtype_of(x)), recurrence(g, stays));
}

/* d out_i / d x_j = exp(x_j - out_j) exp(out_j - out_(j+1)) ... exp(out_(i-1) - out_i); out never falls, so no factor is
 * above 1.  Where out_j is still -inf nothing before j counts. */
static mx_array *logaddexp_back(mx_array *x, mx_array *y, mx_array *g)
{
    if (!x || !y) return NULL;
    mx_array *silent = mx_equal(mx_real(y), mx_real(mx_like(x, -INFINITY))), *zero = mx_like(x, 0);
    mx_array *parts[2] = {part(y, 0, 1), part(y, 0, x->shape[x->ndim - 1] - 1)};
    mx_array *before = mx_concatenate(parts, 2, -1), *level = mx_where(silent, zero, y);
    mx_array *factor = mx_where(silent, zero, mx_exp(mx_sub(before, level)));
    mx_array *own = mx_where(silent, zero, mx_exp(mx_sub(x, level)));
    return mx_mul(mx_conjugate(own), recurrence(g, mx_conjugate(factor)));
}

static mx_array *chain_back(const mx_call *c, mx_array *dout)
{
    const scan_params *p = c->params;
    mx_array *x = flip(c->in[0], p->reverse), *y = flip(c->out[0], p->reverse), *g = flip(dout, p->reverse), *back;
    if (!p->inclusive) {
        g = shift(g, 1);
        y = p->kind == SCAN_PROD ? NULL : apply(x, p->kind, false, true);
    }
    if (p->kind == SCAN_PROD) {
        back = prod_back(x, g);
    } else if (p->kind == SCAN_LOGADDEXP) {
        back = logaddexp_back(x, y, g);
    } else {
        back = extreme_back(x, y, g);
    }
    return flip(back, p->reverse);
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const scan_params *p = c->params;
    bool empty = c->in[0]->size == 0;
    din[0] = p->kind == SCAN_SUM ? sum_back(dout[0], p) : empty ? dout[0] : chain_back(c, dout[0]);
    return din[0] != NULL;
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const scan_params *p = c->params;
    return p->kind == SCAN_SUM ? op_jvp_linear(c, tin, tout) : op_jvp_by_vjp(c, tin, tout);
}

const mx_op mx_op_scan = {OP_NAMED(scan, "scan"),
                          .fields = fields,
                          .params_size = sizeof(scan_params),
                          .flags = OP_ANY_SIZE,
                          .shape = op_shape_same,
                          .vjp = vjp,
                          .jvp = jvp,
                          .vmap = op_vmap_leading};

static mx_array *scan(const char *name, mx_array *x, int axis, int kind, bool reverse, bool inclusive)
{
    int a = op_has(name, x) ? axis_of(name, axis, x->ndim, MX_VALUE) : -1;
    if (a < 0) return NULL;
    mx_array *y = apply(mx_moveaxis(x, a, -1), kind, reverse, inclusive);
    return y ? mx_moveaxis(y, -1, a) : NULL;
}

mx_array *mx_cumsum(mx_array *x, int axis, bool reverse, bool inclusive)
{
    if (x && mx_dtype_of(x) == MX_BOOL) x = mx_astype(x, MX_INT32);
    return scan("cumsum", x, axis, SCAN_SUM, reverse, inclusive);
}

mx_array *mx_cumprod(mx_array *x, int axis, bool reverse, bool inclusive)
{
    return scan("cumprod", x, axis, SCAN_PROD, reverse, inclusive);
}
mx_array *mx_cummax(mx_array *x, int axis, bool reverse, bool inclusive)
{
    return scan("cummax", x, axis, SCAN_MAX, reverse, inclusive);
}
mx_array *mx_cummin(mx_array *x, int axis, bool reverse, bool inclusive)
{
    return scan("cummin", x, axis, SCAN_MIN, reverse, inclusive);
}

mx_array *mx_logcumsumexp(mx_array *x, int axis, bool reverse, bool inclusive)
{
    return scan("logcumsumexp", mx_at_least_float(x), axis, SCAN_LOGADDEXP, reverse, inclusive);
}
