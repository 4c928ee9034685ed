/* SPDX-License-Identifier: MIT
 *
 * Walking strided operands together: dimensions that all operands lay out alike are merged, so most walks have one or
 * two. */
#ifndef CPU_KERNELS_WALK_H
#define CPU_KERNELS_WALK_H

#include "core/array.h"

enum { WALK_OPERANDS = 4 };

/* Merged dimensions, outermost first; at least one.  Strides in elements, 0 where an operand is broadcast. */
typedef struct walk {
    int ndim, operands;
    int64_t shape[MX_MAX_NDIM + 1];
    int64_t stride[WALK_OPERANDS][MX_MAX_NDIM + 1];
} walk;

/* Strides of x seen with a shape that it broadcasts to. */
static inline void walk_strides(const mx_array *x, mx_shape shape, int64_t *strides)
{
    int extra = shape.ndim - x->ndim;
    for (int i = 0; i < shape.ndim; i++) strides[i] = i < extra || x->shape[i - extra] == 1 ? 0 : x->strides[i - extra];
}

static inline walk walk_merge(mx_shape shape, int operands, const int64_t strides[][MX_MAX_NDIM])
{
    walk w = {.operands = operands, .ndim = 1, .shape = {1}};
    bool first = true;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] == 1) continue;
        int last = w.ndim - 1;
        bool merges = !first;
        for (int k = 0; k < operands && merges; k++) merges = w.stride[k][last] == strides[k][i] * shape.at[i];
        if (!first && !merges) last = w.ndim++;
        w.shape[last] = merges ? w.shape[last] * shape.at[i] : shape.at[i];
        for (int k = 0; k < operands; k++) w.stride[k][last] = strides[k][i];
        first = false;
    }
    return w;
}

/* Offset (in elements) of operand k at row `row` of all dimensions but the innermost. */
static inline int64_t walk_row_offset(const walk *w, int k, int64_t row)
{
    int64_t offset = 0;
    for (int i = w->ndim - 2; i >= 0; i--) {
        offset += row % w->shape[i] * w->stride[k][i];
        row /= w->shape[i];
    }
    return offset;
}

#endif
