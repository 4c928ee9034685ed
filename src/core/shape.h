/* SPDX-License-Identifier: MIT
 *
 * Arithmetic on shapes and axes.  Every failure records an error that begins with the name of the op. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include "core/array.h"

/* "(2,3)" into a caller's buffer, cut off when it does not fit; returns the buffer. */
enum { SHAPE_TEXT = 256 };
const char *shape_text(char text[SHAPE_TEXT], mx_shape shape);

/* Is it a list that can be read: at most MX_MAX_NDIM sizes, and there?  Sizes are not looked at.  Else a VALUE error. */
bool shape_readable(const char *op, mx_shape shape);
/* The number of elements; -1 and an OVERFLOW error if the product (times 16 bytes) is out of range or a dimension is
 * negative. */
int64_t shape_size(const char *op, mx_shape shape);
bool shape_equal(mx_shape a, mx_shape b);
void shape_row_major(mx_shape shape, int64_t *strides);
/* Broadcasts `shape` into `out` (both as NumPy does). */
bool shape_broadcast_into(const char *op, mx_spec *out, mx_shape shape);
bool shape_can_broadcast_to(mx_shape from, mx_shape to);
void spec_set(mx_spec *spec, mx_shape shape, mx_dtype dtype);
ALWAYS_INLINE mx_shape spec_shape(const mx_spec *spec)
{
    return (mx_shape){spec->ndim, spec->shape};
}

/* A non-negative axis, or -1 and an error of `code` that names op, axis and ndim. */
int axis_of(const char *op, int axis, int ndim, mx_code code);
/* Fills `axes` with sorted, distinct, non-negative axes (all of them for MX_ALL_AXES) and returns their number, or -1
 * and an error: `code` for one out of range, VALUE for duplicates. */
int axes_of(const char *op, mx_axes list, int ndim, mx_code code, int axes[MX_MAX_NDIM]);

#endif
