/* SPDX-License-Identifier: MIT
 *
 * Reading arrays from the host: their memory, their one element. */
#include "core/half_bits.h"
#include "core/op.h"
#include <math.h>
#include <string.h>

const void *mx_data_strided(mx_array *x, const int64_t **strides)
{
    if (!op_has("data", x) || !array_ready(x)) return NULL;
    if (strides) *strides = x->strides;
    return array_data(x);
}

const void *mx_data(mx_array *x)
{
    const void *data = mx_data_strided(x, NULL);
    if (!data || array_is_contiguous(x)) return data;
    return mx_fail(MX_VALUE, "[data] the array is not row-major contiguous; see mx_contiguous.");
}

void *mx_export(mx_array *x, const int64_t **strides)
{
    void *data = (void *)mx_data_strided(x, strides);
    if (data) buffer_export(x->buffer);
    return data;
}

void mx_unexport(mx_array *x)
{
    if (x && x->buffer) atomic_fetch_sub(&x->buffer->exports, 1);
}

bool mx_read(mx_array *x, void *destination, size_t bytes)
{
    if (!op_has("read", x)) return false;
    if (bytes != mx_nbytes(x)) {
        return mx_fail_false(MX_VALUE, "[read] %zu bytes were asked for, the array has %zu.", bytes, mx_nbytes(x));
    }
    if (bytes && !destination) return mx_fail_false(MX_VALUE, "[read] the destination is NULL.");
    mx_scope s = mx_scope_open();
    mx_array *rows = mx_contiguous(x);
    const void *data = rows ? mx_data(rows) : NULL;
    if (data && bytes) memcpy(destination, data, bytes);
    mx_scope_close(s, NULL);
    return data != NULL;
}

/* The one element, as the widest of each kind. */
typedef struct element {
    double re, im;
    int64_t integer;
    bool is_integer;
} element;

static int64_t read_integer(mx_dtype dtype, const void *p)
{
    switch (dtype) {
    case MX_BOOL: return *(const uint8_t *)p != 0;
    case MX_UINT8: return *(const uint8_t *)p;
    case MX_UINT16: return *(const uint16_t *)p;
    case MX_UINT32: return *(const uint32_t *)p;
    case MX_UINT64: return (int64_t) * (const uint64_t *)p;
    case MX_INT8: return *(const int8_t *)p;
    case MX_INT16: return *(const int16_t *)p;
    case MX_INT32: return *(const int32_t *)p;
    default: return *(const int64_t *)p;
    }
}

static element read_element(mx_dtype dtype, const void *p)
{
    element e = {0};
    switch (dtype) {
    case MX_FLOAT16: e.re = f16_to_f32(*(const uint16_t *)p); break;
    case MX_BFLOAT16: e.re = bf16_to_f32(*(const uint16_t *)p); break;
    case MX_FLOAT32: e.re = *(const float *)p; break;
    case MX_FLOAT64: e.re = *(const double *)p; break;
    case MX_COMPLEX64: e.re = ((const float *)p)[0], e.im = ((const float *)p)[1]; break;
    default:
        e.is_integer = true;
        e.integer = read_integer(dtype, p);
        e.re = dtype == MX_UINT64 ? (double)(uint64_t)e.integer : (double)e.integer;
    }
    return e;
}

static bool only_element(mx_array *x, element *e)
{
    if (!op_has("item", x)) return false;
    if (x->size != 1) {
        char shape[SHAPE_TEXT];
        return mx_fail_false(MX_VALUE, "[convert] Only length-1 arrays can be converted to scalars, not shape %s.",
                             shape_text(shape, array_shape(x)));
    }
    if (!array_ready(x)) return false;
    *e = read_element((mx_dtype)x->dtype, array_data(x));
    return true;
}

double mx_value(mx_array *x)
{
    element e;
    return only_element(x, &e) ? e.re : 0;
}

int64_t mx_value_int(mx_array *x)
{
    element e;
    if (!only_element(x, &e)) return 0;
    if (e.is_integer) return e.integer;
    if (isnan(e.re) || fabs(e.re) >= 0x1p63) {
        mx_fail(MX_OVERFLOW, "[convert] %g does not fit into a 64-bit integer.", e.re);
        return 0;
    }
    return (int64_t)e.re;
}

bool mx_value_complex(mx_array *x, float *re, float *im)
{
    element e;
    if (!only_element(x, &e)) return false;
    if (!re || !im) return mx_fail_false(MX_VALUE, "[convert] there is no place for the complex value: NULL.");
    *re = (float)e.re;
    *im = (float)e.im;
    return true;
}
