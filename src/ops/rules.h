/* SPDX-License-Identifier: MIT
 *
 * What many op families share: shape rules, derivative rules, batching rules, dtypes of operands. */
#ifndef OPS_RULES_H
#define OPS_RULES_H

#include "core/op.h"

/* ---- Rules that many ops share */
bool op_shape_same(const mx_call *c, mx_spec *out);      /* the first input's shape and dtype */
bool op_shape_broadcast(const mx_call *c, mx_spec *out); /* the broadcast of all inputs, dtype of the last */
bool op_shape_broadcast_bool(const mx_call *c, mx_spec *out);
bool op_vjp_zero(const mx_call *c, mx_array *const *dout,
                 mx_array **din); /* steps: constant wherever they are smooth */
bool op_jvp_zero(const mx_call *c, mx_array *const *tin, mx_array **tout);
bool op_jvp_linear(const mx_call *c, mx_array *const *tin, mx_array **tout); /* the op itself on all tangents */
/* jvp from vjp: u -> vjp(u) is linear, and its own vjp applied to the tangents is the jvp.  For ops whose vjp is made
 * of differentiable ops; costs a second trace. */
bool op_jvp_by_vjp(const mx_call *c, mx_array *const *tin, mx_array **tout);
bool op_vmap_elementwise(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out);
/* Ops that work on their last axes (or none) of one input and take any leading axes. */
bool op_vmap_leading(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out);
/* x with a batch axis of `size` at the front if it has none (broadcast). */
mx_array *op_batched(mx_array *x, int axis_in, int64_t size);
int64_t op_batch_size(const mx_call *c, const int *axis_in);

/* ---- Sizes */
/* Does a shapeless program capture what is made from x?  Then its sizes are not known yet. */
bool sizes_are_free(const mx_array *x);
mx_origin op_origin_first(const mx_call *c, int axis);    /* the same axis of the first input */
mx_array *op_broadcast_like(mx_array *x, mx_array *like); /* to the shape of `like` */

/* ---- Dtypes of operands */
mx_array *mx_at_least_float(mx_array *x); /* ints and bools to float32 */
/* Casts all (not the NULL ones) to their common dtype, in place. */
bool op_promote(mx_array **x, int count);

#endif
