/* SPDX-License-Identifier: MIT
 *
 * What a view shows of a row-major value: for who plans groups and who runs them. */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "core/op.h"

/* Only outputs of their own: the op of several has kernels. */
ALWAYS_INLINE bool layout_is_view(const mx_array *x)
{
    return x->nout == 1 && x->op && (x->op->flags & OP_VIEW) && x->op->view;
}
/* Sets the strides of a node that is not computed yet as if in[0] were row-major, or as in[0]'s strides say if that is a
 * view itself, and `offset` as bytes from in[0]'s.  False: it would be a copy. */
bool layout_view(mx_array *view);
/* How often x shows each element of a row-major value along its last axes; 0: it does not. */
int64_t layout_spread(const mx_array *x);
/* Are x's axes those of a row-major value of the same elements, in another order? */
bool layout_permutes(const mx_array *x);
/* Is x a row-major value of (rows, columns), whose columns have become the first `kept` axes? */
bool layout_columns(const mx_array *x, int kept, int64_t rows, int64_t columns);

#endif
