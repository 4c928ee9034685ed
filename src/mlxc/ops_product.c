/* SPDX-License-Identifier: MIT
 *
 * Products of arrays.  The masked, gathered and segmented ones are composed of plain products on masked or gathered
 * operands. */
#include "mlxc/mlxc.h"

#define PRODUCT(name)                                                                                                  \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s)                           \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), ARRAY(b)));                                                                 \
    }
PRODUCT(inner)
PRODUCT(kron)
PRODUCT(matmul)
PRODUCT(outer)

int mlx_addmm(mlx_array *res, const mlx_array c, const mlx_array a, const mlx_array b, float alpha, float beta,
              const mlx_stream s)
{
    RETURN(res, s, mx_addmm(ARRAY(c), ARRAY(a), ARRAY(b), alpha, beta));
}

int mlx_tensordot(mlx_array *res, const mlx_array a, const mlx_array b, const int *axes_a, size_t axes_a_num,
                  const int *axes_b, size_t axes_b_num, const mlx_stream s)
{
    RETURN(res, s, mx_tensordot(ARRAY(a), ARRAY(b), AXES_OF(axes_a), AXES_OF(axes_b)));
}

/* The last `count` axes of a with the first ones of b. */
int mlx_tensordot_axis(mlx_array *res, const mlx_array a, const mlx_array b, int axis, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *y = ARRAY(b);
    int last[MX_MAX_NDIM], first[MX_MAX_NDIM];
    if (axis < 0 || axis > MX_MAX_NDIM) x = mx_fail(MX_VALUE, "[%s] %d axes.", __func__, axis);
    for (int i = 0; x && i < axis; i++) {
        last[i] = i - axis;
        first[i] = i;
    }
    bool ok = x && !mx_failed();
    return mlxc_leave(&call, res, ok ? mx_tensordot(x, y, (mx_axes){axis, last}, (mx_axes){axis, first}) : NULL);
}

int mlx_einsum(mlx_array *res, const char *subscripts, const mlx_vector_array operands, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    bool named = IS_SET(subscripts);
    mlxc_vector list = VECTOR(operands);
    mx_array *x = named && !mx_failed() ? mx_einsum(subscripts, list.at, (int)list.count) : NULL;
    return mlxc_leave(&call, res, x);
}

/* ---- Matrices picked by index */

/* The matrices at `indices` of the flattened batch of x; NULL indices: the batch as it is. */
static mx_array *pick_matrices(const char *name, mx_array *x, mx_array *indices)
{
    if (!x || mx_failed()) return NULL;
    int ndim = mx_ndim(x);
    if (ndim < 2) return mx_fail(MX_VALUE, "[%s] operands need at least 2 dimensions, one has %d.", name, ndim);
    if (!indices) return x;
    int64_t rows = mx_dim(x, -2), columns = mx_dim(x, -1), matrices = 1;
    for (int i = 0; i < ndim - 2; i++) matrices *= mx_dim(x, i);
    return mx_take(mx_reshape(x, MX_SHAPE(matrices, rows, columns)), indices, 0);
}

int mlx_gather_mm(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_array lhs_indices,
                  const mlx_array rhs_indices, bool sorted_indices, const mlx_stream s)
{
    (void)sorted_indices; /* a hint */
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = pick_matrices(__func__, ARRAY(a), MAYBE(lhs_indices));
    mx_array *y = pick_matrices(__func__, ARRAY(b), MAYBE(rhs_indices));
    return mlxc_leave(&call, res, mx_matmul(x, y));
}

/* ---- Masked by blocks ---- */

/* One entry for each block spread over its block and cut to rows by columns. */
static mx_array *spread_mask(const char *name, mx_array *mask, int block, int64_t rows, int64_t columns)
{
    int ndim = mx_ndim(mask);
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (ndim < 2 || mx_dim(mask, -2) != (rows + block - 1) / block || mx_dim(mask, -1) != (columns + block - 1) / block)
        return mx_fail(MX_VALUE, "[%s] a mask does not have one entry for each block of %d in (%lld,%lld).", name,
                       block, (long long)rows, (long long)columns);
    for (int i = 0; i < ndim; i++) {
        stop[i] = i == ndim - 2 ? rows : i == ndim - 1 ? columns : mx_dim(mask, i);
        step[i] = 1;
    }
    return mx_slice(mx_repeat(mx_repeat(mask, block, -2), block, -1), start, stop, step);
}

/* x where the mask is True, or times it if it is not boolean; x itself without a mask. */
static mx_array *apply_mask(const char *name, mx_array *x, mx_array *mask, int block)
{
    if (!x || !mask) return x;
    mx_array *wide = spread_mask(name, mask, block, mx_dim(x, -2), mx_dim(x, -1));
    if (!wide) return NULL;
    if (mx_dtype_of(mask) == MX_BOOL) return mx_where(wide, x, mx_like(x, 0));
    return mx_mul(x, mx_astype(wide, mx_dtype_of(x)));
}

int mlx_block_masked_mm(mlx_array *res, const mlx_array a, const mlx_array b, int block_size, const mlx_array mask_out,
                        const mlx_array mask_lhs, const mlx_array mask_rhs, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = pick_matrices(__func__, ARRAY(a), NULL), *y = pick_matrices(__func__, ARRAY(b), NULL);
    if (block_size != 32 && block_size != 64)
        x = mx_fail(MX_VALUE, "[%s] block_size %d is not 32 or 64.", __func__, block_size);
    if (mx_failed()) return mlxc_leave(&call, res, NULL);
    x = apply_mask(__func__, x, MAYBE(mask_lhs), block_size);
    y = apply_mask(__func__, y, MAYBE(mask_rhs), block_size);
    return mlxc_leave(&call, res, apply_mask(__func__, mx_matmul(x, y), MAYBE(mask_out), block_size));
}

/* ---- Segments of the inner axis ---- */

/* Entries of the inner axis (positions 0 to count) that each segment [start, stop) holds: (..., count). */
static mx_array *inside_segments(mx_array *segments, int64_t count)
{
    mx_array *ends[2];
    if (!mx_split(segments, 2, NULL, -1, ends)) return NULL;
    mx_array *position = mx_arange(0, (double)count, 1, mx_dtype_of(segments));
    return mx_logical_and(mx_greater_equal(position, ends[0]), mx_less(position, ends[1]));
}

int mlx_segmented_mm(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_array segments, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *y = ARRAY(b), *seg = ARRAY(segments);
    if (mx_failed()) return mlxc_leave(&call, res, NULL);
    if (mx_ndim(x) != 2 || mx_ndim(y) != 2)
        mx_fail(MX_VALUE, "[%s] operands of %d and %d dimensions, both must have 2.", __func__, mx_ndim(x), mx_ndim(y));
    else if (mx_ndim(seg) < 1 || mx_dim(seg, -1) != 2 || !mx_dtype_is(mx_dtype_of(seg), MX_INTEGER))
        mx_fail(MX_VALUE, "[%s] segments must be ints with a last axis of 2.", __func__);
    if (mx_failed()) return mlxc_leave(&call, res, NULL);
    mx_array *inside = inside_segments(seg, mx_dim(x, 1));
    /* Both sides are masked: zero times an infinity outside would be NaN. */
    mx_array *left = mx_where(mx_expand_dims(inside, MX_AXES(-2)), x, mx_like(x, 0));
    mx_array *right = mx_where(mx_expand_dims(inside, MX_AXES(-1)), y, mx_like(y, 0));
    return mlxc_leave(&call, res, mx_matmul(left, right));
}
