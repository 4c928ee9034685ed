/* SPDX-License-Identifier: MIT
 *
 * Running sums, products, extremes and log-sums along an axis, which is moved to the end for the op. */
#include "core/params/scan.h"
#include "ops/rules.h"

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

/* d out_i / d x_j = out_i / x_j where no factor is zero; zeros are counted out by perturbing nothing: rows with a zero
 * take the long way, an outer product of what lies between. */
static mx_array *prod_back(const mx_call *c, mx_array *dout)
{
    const scan_params *p = c->params;
    mx_array *x = c->in[0];
    int64_t n = x->shape[x->ndim - 1];
    /* between[.., i, j] = product of x_k for the k that out_i has, without k = j. */
    mx_array *row = mx_arange(0, (double)n, 1, MX_INT32), *column = mx_reshape(row, SHAPE(n, 1)),
             *cube = mx_reshape(row, SHAPE(n, 1, 1));
    mx_array *j = column, *k = row;
    mx_array *has = p->reverse ? (p->inclusive ? mx_greater_equal(k, cube) : mx_greater(k, cube))
                               : (p->inclusive ? mx_less_equal(k, cube) : mx_less(k, cube));
    mx_array *others = mx_logical_and(has, mx_not_equal(k, j)); /* (i, j, k) */
    mx_array *wide = mx_expand_dims(x, AXES(-2, -3));
    mx_array *between = mx_prod(mx_where(others, wide, mx_like(x, 1)), AXES(-1), false); /* (.., i, j) */
    mx_array *uses =
        p->reverse ? (p->inclusive ? mx_greater_equal(row, column) : mx_greater(row, column))
                   : (p->inclusive ? mx_less_equal(row, column) : mx_less(row, column)); /* (i, j): out_i has x_j */
    mx_array *part = mx_where(uses, mx_mul(mx_conjugate(between), mx_expand_dims(dout, AXES(-1))), mx_like(x, 0));
    return mx_sum(part, AXES(-2), false);
}

/* out_i is the x_j that was the extreme when i was reached: x_j gets the cotangents of the run in which it stays so. */
static mx_array *extreme_back(const mx_call *c, mx_array *dout)
{
    const scan_params *p = c->params;
    mx_array *x = c->in[0], *y = c->out[0];
    int64_t n = x->shape[x->ndim - 1];
    mx_array *row = mx_arange(0, (double)n, 1, MX_INT32), *column = mx_reshape(row, SHAPE(n, 1));
    mx_array *uses = p->reverse ? (p->inclusive ? mx_greater_equal(row, column) : mx_greater(row, column))
                                : (p->inclusive ? mx_less_equal(row, column) : mx_less(row, column));
    mx_array *equal =
        mx_logical_and(uses, mx_equal(mx_expand_dims(y, AXES(-1)), mx_expand_dims(x, AXES(-2)))); /* (.., i, j) */
    mx_array *hit = mx_astype(equal, mx_dtype_of(x)), *count = mx_maximum(mx_sum(hit, AXES(-1), KEEP), mx_like(x, 1));
    return mx_sum(mx_mul(mx_div(hit, count), mx_expand_dims(dout, AXES(-1))), AXES(-2), false);
}

/* d out_i / d x_j = exp(x_j - out_i): a reversed sum of dout exp(-out), kept in range by its own maximum. */
static mx_array *logaddexp_back(const mx_call *c, mx_array *dout)
{
    const scan_params *p = c->params;
    mx_array *x = c->in[0], *y = c->out[0];
    int64_t n = x->shape[x->ndim - 1];
    mx_array *row = mx_arange(0, (double)n, 1, MX_INT32), *column = mx_reshape(row, SHAPE(n, 1));
    mx_array *uses = p->reverse ? (p->inclusive ? mx_greater_equal(row, column) : mx_greater(row, column))
                                : (p->inclusive ? mx_less_equal(row, column) : mx_less(row, column));
    mx_array *slope =
        mx_where(uses, mx_exp(mx_sub(mx_expand_dims(x, AXES(-2)), mx_expand_dims(y, AXES(-1)))), mx_like(x, 0));
    return mx_sum(mx_mul(mx_conjugate(slope), mx_expand_dims(dout, AXES(-1))), AXES(-2), false);
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const scan_params *p = c->params;
    switch (p->kind) {
    case SCAN_SUM: din[0] = sum_back(dout[0], p); break;
    case SCAN_PROD: din[0] = prod_back(c, dout[0]); break;
    case SCAN_LOGADDEXP: din[0] = logaddexp_back(c, dout[0]); break;
    default: din[0] = extreme_back(c, dout[0]);
    }
    return din[0] != NULL;
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const scan_params *p = c->params;
    return p->kind == SCAN_SUM ? op_jvp_linear(c, tin, tout) : op_jvp_by_vjp(c, tin, tout);
}

const mx_op mx_op_scan = {OP_NAMED(scan, "scan"), .fields = fields, .params_size = sizeof(scan_params),
                          .shape = op_shape_same, .vjp = vjp,       .jvp = jvp,
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
