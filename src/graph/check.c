/* SPDX-License-Identifier: MIT
 *
 * Looking for the op that made the first NaN. */
#include "graph/check.h"
#include <math.h>
#include <string.h>

static bool is_nan(mx_dtype dtype, const void *p)
{
    float f[2] = {0, 0};
    double d;
    uint16_t h;
    switch (dtype) {
    case MX_FLOAT64: memcpy(&d, p, sizeof d); return isnan(d);
    case MX_FLOAT32: memcpy(f, p, 4); return isnan(f[0]);
    case MX_COMPLEX64: memcpy(f, p, 8); return isnan(f[0]) || isnan(f[1]);
    case MX_FLOAT16: memcpy(&h, p, 2); return (h & 0x7fff) > 0x7c00;
    case MX_BFLOAT16: memcpy(&h, p, 2); return (h & 0x7fff) > 0x7f80;
    default: return false;
    }
}

/* The row-major position of the first NaN, -1 if there is none. */
static int64_t find_nan(const mx_array *x)
{
    mx_dtype dtype = (mx_dtype)x->dtype;
    if (!mx_dtype_is(dtype, MX_INEXACT) || !x->buffer) return -1;
    int64_t bytes = (int64_t)mx_dtype_size(dtype);
    for (int64_t i = 0; i < x->size; i++) {
        int64_t offset = 0, rest = i;
        for (int d = x->ndim - 1; d >= 0; d--) {
            offset += rest % x->shape[d] * x->strides[d];
            rest /= x->shape[d];
        }
        if (is_nan(dtype, (const char *)array_data(x) + offset * bytes)) return i;
    }
    return -1;
}

bool has_nan(const mx_array *x)
{
    return !buffer_to_host(x->buffer) || find_nan(x) >= 0;
}

bool check_nan(const mx_array *lead)
{
    char shape[SHAPE_TEXT];
    for (int i = 0; i < lead->nin; i++) {
        if (!buffer_to_host(lead->in[i]->buffer)) return false;
        if (find_nan(lead->in[i]) >= 0) return true;
    }
    for (int i = 0; i < lead->nout; i++) {
        if (!buffer_to_host(lead[i].buffer)) return false;
        int64_t at = find_nan(&lead[i]);
        if (at < 0) continue;
        mx_fail(MX_RUNTIME, "[%s] made a NaN at element %lld of its output of shape %s (MICA_CHECK_NAN).",
                lead->op->name, (long long)at, shape_text(shape, array_shape(&lead[i])));
        for (int k = 0; k < lead->nout; k++) {
            buffer_drop(lead[k].buffer);
            ((mx_array *)lead)[k].buffer = NULL;
        }
        return false;
    }
    return true;
}
