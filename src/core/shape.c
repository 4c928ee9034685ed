/* SPDX-License-Identifier: MIT
 *
 * Arithmetic on shapes and axes. */
#include "core/shape.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *shape_text(char text[SHAPE_TEXT], mx_shape shape)
{
    int n = snprintf(text, SHAPE_TEXT, "(");
    for (int i = 0; i < shape.ndim && n < SHAPE_TEXT - 24; i++) {
        n += snprintf(text + n, (size_t)(SHAPE_TEXT - n), "%s%" PRId64, i ? "," : "", shape.at[i]);
    }
    snprintf(text + n, (size_t)(SHAPE_TEXT - n), ")");
    return text;
}

bool shape_readable(const char *op, mx_shape shape)
{
    if (shape.ndim < 0 || shape.ndim > MX_MAX_NDIM) {
        return mx_fail_false(MX_VALUE, "[%s] %d dimensions; an array has at most %d.", op, shape.ndim, MX_MAX_NDIM);
    }
    return !shape.ndim || shape.at || mx_fail_false(MX_VALUE, "[%s] The shape is NULL.", op);
}

int64_t shape_size(const char *op, mx_shape shape)
{
    int64_t size = 1, widest = 16; /* bytes of the widest element there will ever be */
    bool empty = false, overflow = false;
    char text[SHAPE_TEXT];
    if (!shape_readable(op, shape)) return -1;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] < 0) {
            mx_fail(MX_VALUE, "[%s] Negative dimensions are not allowed: shape %s.", op, shape_text(text, shape));
            return -1;
        }
        empty |= shape.at[i] == 0;
        overflow |= MUL_OVERFLOWS(size, shape.at[i] ? shape.at[i] : 1, &size);
        overflow |= MUL_OVERFLOWS(size, widest, &(int64_t){0});
    }
    if (overflow) {
        mx_fail(MX_OVERFLOW, "[%s] An array of shape %s is larger than the address space.", op,
                shape_text(text, shape));
        return -1;
    }
    return empty ? 0 : size;
}

bool shape_equal(mx_shape a, mx_shape b)
{
    if (a.ndim != b.ndim) return false;
    for (int i = 0; i < a.ndim; i++) { /* a call of memcmp costs more than a few sizes */
        if (a.at[i] != b.at[i]) return false;
    }
    return true;
}

void shape_row_major(mx_shape shape, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = shape.ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape.at[i] ? shape.at[i] : 1;
    }
}

void spec_set(mx_spec *spec, mx_shape shape, mx_dtype dtype)
{
    spec->dtype = dtype;
    spec->ndim = shape.ndim;
    if (shape.ndim > 0 && shape.ndim <= MX_MAX_NDIM && shape.at != spec->shape) {
        memmove(spec->shape, shape.at, (size_t)shape.ndim * sizeof *shape.at);
    }
}

bool shape_broadcast_into(const char *op, mx_spec *out, mx_shape shape)
{
    mx_spec before = *out;
    int extra = shape.ndim - out->ndim;
    if (extra > 0) {
        memmove(out->shape + extra, out->shape, (size_t)out->ndim * sizeof *out->shape);
        memcpy(out->shape, shape.at, (size_t)extra * sizeof *out->shape);
        out->ndim = shape.ndim;
    }
    for (int i = 1; i <= (extra > 0 ? before.ndim : shape.ndim); i++) {
        int64_t *have = &out->shape[out->ndim - i], want = shape.at[shape.ndim - i];
        if (*have == want || want == 1) continue;
        if (*have != 1) {
            char a[SHAPE_TEXT], b[SHAPE_TEXT];
            return mx_fail_false(MX_VALUE, "[%s] Shapes %s and %s cannot be broadcast.", op,
                                 shape_text(a, spec_shape(&before)), shape_text(b, shape));
        }
        *have = want;
    }
    return true;
}

bool shape_can_broadcast_to(mx_shape from, mx_shape to)
{
    if (from.ndim > to.ndim) return false;
    for (int i = 1; i <= from.ndim; i++) {
        int64_t have = from.at[from.ndim - i];
        if (have != 1 && have != to.at[to.ndim - i]) return false;
    }
    return true;
}

int axis_of(const char *op, int axis, int ndim, mx_code code)
{
    int a = axis < 0 ? axis + ndim : axis;
    if (a >= 0 && a < ndim) return a;
    mx_fail(code, "[%s] axis %d is out of range for %d dimensions.", op, axis, ndim);
    return -1;
}

int axes_of(const char *op, mx_axes list, int ndim, mx_code code, int axes[MX_MAX_NDIM])
{
    bool chosen[MX_MAX_NDIM] = {false};
    if (list.count > MX_MAX_NDIM || (list.count > 0 && !list.at)) {
        mx_fail(MX_VALUE, "[%s] %d axes given for an array of %d dimensions.", op, list.count, ndim);
        return -1;
    }
    for (int i = 0; i < ndim && list.count < 0; i++) chosen[i] = true;
    for (int i = 0; i < list.count; i++) {
        int a = axis_of(op, list.at[i], ndim, code);
        if (a < 0) return -1;
        if (chosen[a]) {
            mx_fail(MX_VALUE, "[%s] axis %d is given twice.", op, list.at[i]);
            return -1;
        }
        chosen[a] = true;
    }
    int n = 0;
    for (int i = 0; i < ndim; i++) {
        if (chosen[i]) axes[n++] = i;
    }
    return n;
}
