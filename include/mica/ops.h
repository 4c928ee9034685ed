/* SPDX-License-Identifier: MIT
 *
 * Operations.  All are lazy, differentiable where mathematics allows it, and broadcast as NumPy does.  Dtypes promote
 * by mx_dtype_promote; "float" below means: ints and bools become float32, floats and complex stay.  A NULL array
 * passes through (mica/error.h); an argument that may be absent is marked "or NULL". */
#ifndef MICA_OPS_H
#define MICA_OPS_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* ---- Elementwise, one operand; result in x's shape */
/* clang-format off */
#define MX_UNARY_OPS(X) \
    X(abs) X(neg) X(sign) X(square) X(sqrt) X(rsqrt) X(reciprocal) X(exp) X(expm1) X(log) X(log2) X(log10) \
    X(log1p) X(sin) X(cos) X(tan) X(sinh) X(cosh) X(tanh) X(arcsin) X(arccos) X(arctan) X(arcsinh) X(arccosh) \
    X(arctanh) X(erf) X(erfinv) X(sigmoid) X(floor) X(ceil) X(round) X(logical_not) X(bitwise_invert) X(real) \
    X(imag) X(conjugate) X(isnan) X(isinf) X(isfinite) X(isposinf) X(isneginf) X(degrees) X(radians) \
    X(stop_gradient)
/* clang-format on */
#define MX_DECLARE_UNARY(name) MX_API mx_array *mx_##name(mx_array *x);
MX_UNARY_OPS(MX_DECLARE_UNARY)
MX_API mx_array *mx_round_to(mx_array *x, int decimals);
/* NULL limits are the dtype's finite ones; halves and float32 only. */
MX_API mx_array *mx_nan_to_num(mx_array *x, float nan, const float *posinf, const float *neginf);

/* ---- Elementwise, two operands; broadcast and promoted */
/* clang-format off */
#define MX_BINARY_OPS(X) \
    X(add) X(sub) X(mul) X(div) X(floor_div) X(remainder) X(power) X(maximum) X(minimum) X(logaddexp) X(arctan2) \
    X(equal) X(not_equal) X(less) X(less_equal) X(greater) X(greater_equal) X(logical_and) X(logical_or) \
    X(logical_xor) X(bitwise_and) X(bitwise_or) X(bitwise_xor) X(left_shift) X(right_shift)
/* clang-format on */
#define MX_DECLARE_BINARY(name) MX_API mx_array *mx_##name(mx_array *a, mx_array *b);
MX_BINARY_OPS(MX_DECLARE_BINARY)
MX_API bool mx_divmod(mx_array *a, mx_array *b, mx_array *out[2]); /* floored quotient and remainder */
MX_API mx_array *mx_isclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan);
MX_API mx_array *mx_allclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan);
MX_API mx_array *mx_array_equal(mx_array *a, mx_array *b, bool equal_nan); /* false if the shapes differ */

/* ---- Three operands */
MX_API mx_array *mx_where(mx_array *condition, mx_array *x, mx_array *y);
MX_API mx_array *mx_clip(mx_array *x, mx_array *low, mx_array *high); /* one bound may be NULL */

/* ---- Types */
MX_API mx_array *mx_astype(mx_array *x, mx_dtype dtype);
MX_API mx_array *mx_view(mx_array *x, mx_dtype dtype); /* the same bytes; another width rescales the last axis */

/* ---- Creation */
MX_API mx_array *mx_full(mx_shape shape, mx_array *value, mx_dtype dtype); /* value broadcasts to the shape */
MX_API mx_array *mx_zeros(mx_shape shape, mx_dtype dtype);
MX_API mx_array *mx_ones(mx_shape shape, mx_dtype dtype);
MX_API mx_array *mx_zeros_like(mx_array *x);
MX_API mx_array *mx_ones_like(mx_array *x);
MX_API mx_array *mx_full_like(mx_array *x, mx_array *value, mx_dtype dtype);
MX_API mx_array *mx_arange(double start, double stop, double step, mx_dtype dtype);
MX_API mx_array *mx_linspace(double start, double stop, int64_t count, mx_dtype dtype);
MX_API mx_array *mx_eye(int64_t rows, int64_t columns, int diagonal, mx_dtype dtype);
MX_API mx_array *mx_tri(int64_t rows, int64_t columns, int diagonal, mx_dtype dtype);
MX_API mx_array *mx_tril(mx_array *x, int diagonal);
MX_API mx_array *mx_triu(mx_array *x, int diagonal);
MX_API mx_array *mx_diag(mx_array *x, int diagonal);
MX_API mx_array *mx_diagonal(mx_array *x, int offset, int axis1, int axis2);
MX_API mx_array *mx_trace_of(mx_array *x, int offset, int axis1, int axis2, mx_dtype dtype);
MX_API bool mx_meshgrid(mx_array *const *in, int count, bool sparse, bool ij, mx_array **out);

/* ---- Reductions; keep leaves axes of size 1 */
#define MX_REDUCE_OPS(X) X(sum) X(prod) X(min) X(max) X(all) X(any) X(mean) X(logsumexp)
#define MX_DECLARE_REDUCE(name) MX_API mx_array *mx_##name(mx_array *x, mx_axes axes, bool keep);
MX_REDUCE_OPS(MX_DECLARE_REDUCE)
MX_API mx_array *mx_var(mx_array *x, mx_axes axes, bool keep, int ddof);
MX_API mx_array *mx_std(mx_array *x, mx_axes axes, bool keep, int ddof);
MX_API mx_array *mx_softmax(mx_array *x, mx_axes axes, bool precise);
/* uint32 indices of the first extreme; ALL_AXES (or one axis). */
MX_API mx_array *mx_argmax(mx_array *x, mx_axes axis, bool keep);
MX_API mx_array *mx_argmin(mx_array *x, mx_axes axis, bool keep);
/* Running sums along an axis; exclusive ones start from the identity. */
#define MX_SCAN_OPS(X) X(cumsum) X(cumprod) X(cummax) X(cummin) X(logcumsumexp)
#define MX_DECLARE_SCAN(name) MX_API mx_array *mx_##name(mx_array *x, int axis, bool reverse, bool inclusive);
MX_SCAN_OPS(MX_DECLARE_SCAN)
/* Sorted along an axis, stably: NaN last, complex numbers by their real, then their imaginary parts.  argsort: uint32. */
MX_API mx_array *mx_sort(mx_array *x, int axis);
MX_API mx_array *mx_argsort(mx_array *x, int axis);
/* The kth element of a sort in its place (a negative kth counts from the end); before it what is less, after it what is
 * greater, each in the order of x, as are those that equal it. */
MX_API mx_array *mx_partition(mx_array *x, int64_t kth, int axis);
MX_API mx_array *mx_argpartition(mx_array *x, int64_t kth, int axis);
MX_API mx_array *mx_topk(mx_array *x, int64_t k, int axis); /* the k greatest, in the order of a partition */
MX_API mx_array *mx_median(mx_array *x, mx_axes axes,
                           bool keep); /* float; of an even count the mean of the middle two */
/* Sums over the axes that broadcasting x's shape up from `shape` added or stretched: the adjoint of mx_broadcast_to. */
MX_API mx_array *mx_sum_to(mx_array *x, mx_shape shape);
MX_API mx_array *mx_sum_like(mx_array *x, mx_array *like); /* to the shape of `like` */

/* ---- Products */
MX_API mx_array *mx_matmul(mx_array *a, mx_array *b);                                      /* floats only */
MX_API mx_array *mx_addmm(mx_array *c, mx_array *a, mx_array *b, float alpha, float beta); /* beta c + alpha (a b) */
MX_API mx_array *mx_inner(mx_array *a, mx_array *b);
MX_API mx_array *mx_outer(mx_array *a, mx_array *b);
MX_API mx_array *mx_vecdot(mx_array *a, mx_array *b, int axis);
MX_API mx_array *mx_tensordot(mx_array *a, mx_array *b, mx_axes axes_a, mx_axes axes_b);
MX_API mx_array *mx_kron(mx_array *a, mx_array *b);
/* "ij,jk->ik": a label is a letter, "..." stands for the axes that are left; without "->" the labels that occur once, in
 * ASCII order.  Contracted in pairs from the left.  VALUE for text or shapes that do not fit. */
MX_API mx_array *mx_einsum(const char *subscripts, mx_array *const *operands, int count);
/* scale H x over the last axis, of m 2^k points, m in 1, 12, 20, 28; a NULL scale is 1/sqrt(points), which keeps
 * lengths.  Halves compute in float32; what is no float (complex too, without its imaginary part) becomes float32.  A
 * 0-d array is only scaled. */
MX_API mx_array *mx_hadamard_transform(mx_array *x, const double *scale);

/* ---- Shapes */
MX_API mx_array *mx_reshape(mx_array *x, mx_shape shape); /* one entry may be -1 */
/* For a shape that does not come from the sizes of arrays: a shapeless program asks it of arrays of other sizes. */
MX_API mx_array *mx_reshape_given(mx_array *x, mx_shape shape);
MX_API mx_array *mx_flatten(mx_array *x, int first, int last);
MX_API mx_array *mx_unflatten(mx_array *x, int axis, mx_shape shape);
MX_API mx_array *mx_unflatten_given(mx_array *x, int axis, mx_shape shape);
MX_API mx_array *mx_transpose(mx_array *x, mx_axes order); /* ALL_AXES reverses */
MX_API mx_array *mx_swapaxes(mx_array *x, int a, int b);
MX_API mx_array *mx_moveaxis(mx_array *x, int source, int destination);
/* The product of the sizes of the axes, or 1 over it, as a scalar; a shapeless program counts anew. */
MX_API mx_array *mx_number_of_elements(mx_array *x, mx_axes axes, bool inverted, mx_dtype dtype);
MX_API mx_array *mx_broadcast_to(mx_array *x, mx_shape shape);
MX_API bool mx_broadcast_arrays(mx_array *const *in, int count, mx_array **out);
MX_API mx_array *mx_expand_dims(mx_array *x, mx_axes axes);
MX_API mx_array *mx_squeeze(mx_array *x, mx_axes axes); /* ALL_AXES: every axis of size 1 */
MX_API mx_array *mx_atleast(mx_array *x, int ndim);
/* start, stop and step of every axis, as Python's slices with negative values counted from the end and clamped. */
MX_API mx_array *mx_slice(mx_array *x, const int64_t *start, const int64_t *stop, const int64_t *step);
MX_API mx_array *mx_slice_update(mx_array *x, mx_array *update, const int64_t *start, const int64_t *stop,
                                 const int64_t *step);
/* The same with starts in an int array, one for each of `axes`; clamped so that the slice stays inside. */
MX_API mx_array *mx_slice_at(mx_array *x, mx_array *start, mx_axes axes, mx_shape sizes);
MX_API mx_array *mx_slice_update_at(mx_array *x, mx_array *update, mx_array *start, mx_axes axes);
MX_API mx_array *mx_concatenate(mx_array *const *in, int count, int axis);
MX_API mx_array *mx_stack(mx_array *const *in, int count, int axis);
/* count - 1 positions, or equal parts if `at` is NULL; writes count arrays. */
MX_API bool mx_split(mx_array *x, int count, const int64_t *at, int axis, mx_array **out);
typedef enum mx_pad_mode { MX_PAD_CONSTANT, MX_PAD_EDGE, MX_PAD_REFLECT, MX_PAD_SYMMETRIC } mx_pad_mode;
MX_API mx_array *mx_pad(mx_array *x, mx_axes axes, const int64_t *low, const int64_t *high, mx_pad_mode mode,
                        mx_array *value);
MX_API mx_array *mx_repeat(mx_array *x, int64_t count, int axis);
MX_API mx_array *mx_tile(mx_array *x, mx_shape counts);
MX_API mx_array *mx_roll(mx_array *x, const int64_t *shifts, mx_axes axes);
MX_API mx_array *mx_flip(mx_array *x, mx_axes axes);
MX_API mx_array *mx_as_strided(mx_array *x, mx_shape shape, const int64_t *strides, int64_t offset);
MX_API mx_array *mx_copy(mx_array *x); /* a node of its own that shares the data */

/* ---- Indexing */
/* Indices of a signed dtype count from the end when negative; reads outside are clamped, writes outside are dropped. */
MX_API mx_array *mx_take(mx_array *x, mx_array *indices, int axis);
MX_API mx_array *mx_take_along_axis(mx_array *x, mx_array *indices, int axis);
MX_API mx_array *mx_put_along_axis(mx_array *x, mx_array *indices, mx_array *values, int axis);
/* `sizes` has an entry for each axis of x; result shape: broadcast of the indices, then sizes.  indices[i] is for
 * axes.at[i]. */
MX_API mx_array *mx_gather(mx_array *x, mx_array *const *indices, mx_axes axes, mx_shape sizes);
typedef enum mx_scatter_mode {
    MX_SCATTER_SET,
    MX_SCATTER_ADD,
    MX_SCATTER_PROD,
    MX_SCATTER_MAX,
    MX_SCATTER_MIN
} mx_scatter_mode;
/* updates: broadcast of the indices, then a shape of x.ndim axes that fits into x.  Duplicates: the last one wins for
 * SET, all are applied (in order) otherwise. */
MX_API mx_array *mx_scatter(mx_array *x, mx_array *const *indices, mx_array *updates, mx_axes axes,
                            mx_scatter_mode mode);
MX_API mx_array *mx_scatter_along_axis(mx_array *x, mx_array *indices, mx_array *values, int axis,
                                       mx_scatter_mode mode);
/* x[mask] = values in row-major order of the True entries; mask has x's leading axes, values any shape that fits or one
 * row. */
MX_API mx_array *mx_masked_set(mx_array *x, mx_array *mask, mx_array *values);
/* Positions of the True entries, row-major: int64 (count,) of flat indices.  Evaluates the mask. */
MX_API mx_array *mx_flatnonzero(mx_array *mask);
MX_API mx_array *mx_searchsorted(mx_array *sorted, mx_array *values, bool right); /* 1-d sorted; uint32 */

MX_END_DECLS
#endif
