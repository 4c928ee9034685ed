/* SPDX-License-Identifier: MIT
 *
 * Moving the axes that an op works on to the end, and back. */
#ifndef OPS_REDUCE_H
#define OPS_REDUCE_H

#include "core/op.h"

typedef struct reduced_axes {
    int count;             /* axes at the end */
    int axes[MX_MAX_NDIM]; /* where they were, sorted */
} reduced_axes;

/* x with the axes in `list` (bad ones are INDEX errors) last, in order. */
mx_array *axes_to_end(const char *op, mx_array *x, mx_axes list, reduced_axes *r);
/* A result without those axes; with `keep`, with ones in their places. */
mx_array *axes_restore(mx_array *y, const reduced_axes *r, bool keep);

#endif
