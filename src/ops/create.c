/* SPDX-License-Identifier: MIT
 *
 * Making arrays from values.  A constant array is one value, broadcast: it costs no memory until something needs it
 * written out. */
#include "core/half_bits.h"
#include "core/params/create.h"
#include "ops/rules.h"
#include <math.h>
#include <string.h>

/* ---- 0-d arrays */
static void store_integer(mx_dtype dtype, int64_t value, void *p)
{
    switch (mx_dtype_size(dtype)) {
    case 1: *(int8_t *)p = (int8_t)value; break;
    case 2: *(int16_t *)p = (int16_t)value; break;
    case 4: *(int32_t *)p = (int32_t)value; break;
    default: *(int64_t *)p = value;
    }
}

static void store_float(mx_dtype dtype, double value, void *p)
{
    switch (dtype) {
    case MX_FLOAT16: *(uint16_t *)p = f32_to_f16((float)value); break;
    case MX_BFLOAT16: *(uint16_t *)p = f32_to_bf16((float)value); break;
    case MX_FLOAT32: *(float *)p = (float)value; break;
    case MX_FLOAT64: *(double *)p = value; break;
    default: memcpy(p, (float[]){(float)value, 0}, 8);
    }
}

static mx_array *scalar(const void *data, mx_dtype dtype)
{
    return mx_from_data(data, SCALAR_SHAPE, dtype);
}

static bool dtype_exists(mx_dtype dtype)
{
    return (unsigned)dtype < MX_DTYPE_COUNT || mx_fail_false(MX_VALUE, "[array] there is no dtype %d.", (int)dtype);
}

mx_array *mx_scalar_int(int64_t value, mx_dtype dtype)
{
    uint64_t p[1] = {0};
    if (!dtype_exists(dtype)) return NULL;
    if (dtype == MX_BOOL) {
        memcpy(p, &(bool){value != 0}, 1);
    } else if (mx_dtype_is(dtype, MX_INEXACT)) {
        store_float(dtype, (double)value, p);
    } else {
        store_integer(dtype, value, p);
    }
    return scalar(p, dtype);
}

mx_array *mx_scalar(double value, mx_dtype dtype)
{
    uint64_t p[1] = {0};
    if (!dtype_exists(dtype)) return NULL;
    if (dtype == MX_BOOL) return mx_bool(value != 0);
    if (mx_dtype_is(dtype, MX_INEXACT)) {
        store_float(dtype, value, p);
        return scalar(p, dtype);
    }
    bool fits = value > -0x1p63 && value < 0x1p63;
    return mx_scalar_int(fits                                                ? (int64_t)value
                         : dtype == MX_UINT64 && value > 0 && value < 0x1p64 ? (int64_t)(uint64_t)value
                                                                             : INT64_MIN,
                         dtype);
}

mx_array *mx_float(double value)
{
    return mx_scalar(value, MX_FLOAT32);
}
mx_array *mx_bool(bool value)
{
    return scalar(&value, MX_BOOL);
}
mx_array *mx_int(int64_t value)
{
    return mx_scalar_int(value, value == (int32_t)value ? MX_INT32 : MX_INT64);
}
mx_array *mx_complex(float re, float im)
{
    return scalar((float[]){re, im}, MX_COMPLEX64);
}
mx_array *mx_like(mx_array *x, double value)
{
    return op_has("like", x) ? mx_scalar(value, (mx_dtype)x->dtype) : NULL;
}

/* ---- Constant arrays */
mx_array *mx_full(mx_shape shape, mx_array *value, mx_dtype dtype)
{
    return mx_broadcast_to(mx_astype(value, dtype), shape);
}
mx_array *mx_zeros(mx_shape shape, mx_dtype dtype)
{
    return mx_broadcast_to(mx_scalar(0, dtype), shape);
}
mx_array *mx_ones(mx_shape shape, mx_dtype dtype)
{
    return mx_broadcast_to(mx_scalar(1, dtype), shape);
}
mx_array *mx_full_like(mx_array *x, mx_array *value, mx_dtype dtype)
{
    return op_has("full_like", x) ? op_broadcast_like(mx_astype(value, dtype), x) : NULL;
}
mx_array *mx_zeros_like(mx_array *x)
{
    return op_has("zeros_like", x) ? op_broadcast_like(mx_like(x, 0), x) : NULL;
}
mx_array *mx_ones_like(mx_array *x)
{
    return op_has("ones_like", x) ? op_broadcast_like(mx_like(x, 1), x) : NULL;
}

/* ---- Counting */
static const mx_field arange_fields[] = {FIELD_DOUBLE(arange_params, start), FIELD_DOUBLE(arange_params, step),
                                         FIELD_INT64(arange_params, count), FIELD_DTYPE(arange_params, dtype),
                                         FIELD_END};

static bool arange_shape(const mx_call *c, mx_spec *out)
{
    const arange_params *p = c->params;
    spec_set(out, (mx_shape){1, &p->count}, p->dtype);
    return true;
}

const mx_op mx_op_arange = {OP_NAMED(arange, "arange"), .fields = arange_fields, .params_size = sizeof(arange_params),
                            .shape = arange_shape};

mx_array *mx_arange(double start, double stop, double step, mx_dtype dtype)
{
    if (!dtype_exists(dtype)) return NULL;
    if (dtype == MX_BOOL) return mx_fail(MX_VALUE, "[arange] bool not supported for arange.");
    if (step == 0) return mx_fail(MX_VALUE, "[arange] step must be nonzero.");
    double count = ceil((stop - start) / step);
    if (isnan(count) || isinf(start) || isinf(stop) || isnan(step))
        return mx_fail(MX_VALUE, "[arange] Cannot compute the length from %g to %g by %g.", start, stop, step);
    if (count > 0x1p58) return mx_fail(MX_OVERFLOW, "[arange] from %g to %g by %g is too long.", start, stop, step);
    arange_params p = {.start = start, .step = step, .count = count > 0 ? (int64_t)count : 0, .dtype = dtype};
    return op_apply_none(&mx_op_arange, &p);
}

/* Blends (1 - t) start + t stop with t = i / (count - 1), so that both ends are exact. */
mx_array *mx_linspace(double start, double stop, int64_t count, mx_dtype dtype)
{
    if (!dtype_exists(dtype)) return NULL;
    if (count < 0)
        return mx_fail(MX_VALUE, "[linspace] number of samples, %lld, must be non-negative.", (long long)count);
    mx_dtype blend = dtype == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
    if (count == 1) return mx_astype(mx_reshape(mx_scalar(start, blend), MX_SHAPE(1)), dtype);
    mx_array *t = mx_div(mx_arange(0, (double)count, 1, blend), mx_scalar((double)(count - 1), blend));
    mx_array *from = mx_mul(mx_sub(mx_scalar(1, blend), t), mx_scalar(start, blend));
    return mx_astype(mx_add(from, mx_mul(t, mx_scalar(stop, blend))), dtype);
}

/* ---- Matrices */
/* bool (rows, columns): compare(i + diagonal, j) */
static mx_array *band(const char *op, mx_array *compare(mx_array *, mx_array *), int64_t rows, int64_t columns,
                      int64_t diagonal)
{
    int64_t size = shape_size(op, MX_SHAPE(rows, columns));
    if (size < 0) return NULL;
    if (size == 0) return mx_zeros(MX_SHAPE(rows, columns), MX_BOOL); /* the other side may be too long to count */
    mx_array *i = mx_arange((double)diagonal, (double)(diagonal + rows), 1, MX_INT64);
    return compare(mx_reshape(i, MX_SHAPE(rows, 1)), mx_arange(0, (double)columns, 1, MX_INT64));
}

mx_array *mx_eye(int64_t rows, int64_t columns, int diagonal, mx_dtype dtype)
{
    return mx_astype(band("eye", mx_equal, rows, columns, diagonal), dtype);
}

mx_array *mx_tri(int64_t rows, int64_t columns, int diagonal, mx_dtype dtype)
{
    rows = rows < 0 ? 0 : rows;
    columns = columns < 0 ? 0 : columns;
    return mx_astype(band("tri", mx_greater_equal, rows, columns, diagonal), dtype);
}

static bool is_matrix(const char *op, const mx_array *x)
{
    if (!op_has(op, x)) return false;
    return x->ndim >= 2 || mx_fail_false(MX_VALUE, "[%s] %d dimensions; at least two are needed.", op, x->ndim);
}

mx_array *mx_tril(mx_array *x, int diagonal)
{
    if (!is_matrix("tril", x)) return NULL;
    mx_array *kept = band("tril", mx_greater_equal, x->shape[x->ndim - 2], x->shape[x->ndim - 1], diagonal);
    return mx_where(kept, x, mx_like(x, 0));
}

mx_array *mx_triu(mx_array *x, int diagonal)
{
    if (!is_matrix("triu", x)) return NULL;
    mx_array *kept = band("triu", mx_less_equal, x->shape[x->ndim - 2], x->shape[x->ndim - 1], diagonal);
    return mx_where(kept, x, mx_like(x, 0));
}

mx_array *mx_trace_of(mx_array *x, int offset, int axis1, int axis2, mx_dtype dtype)
{
    if (!op_has("trace", x)) return NULL;
    if (x->ndim < 2) return mx_fail(MX_VALUE, "[trace] %d dimensions; at least two are needed.", x->ndim);
    return mx_sum(mx_astype(mx_diagonal(x, offset, axis1, axis2), dtype), MX_AXES(-1), false);
}
