/* SPDX-License-Identifier: MIT
 *
 * The functions of linear algebra: arguments are checked, then comes a factorisation, then plain arithmetic. */
#include "core/params/linalg.h"
#include "mica/linalg.h"
#include "mica/random.h"
#include "ops/rules.h"
#include <float.h>
#include <math.h>

/* ---- Arguments */
static bool has_dtype(const char *op, mx_array *a, bool complex)
{
    mx_dtype t = (mx_dtype)a->dtype;
    if (t == MX_FLOAT32 || t == MX_FLOAT64 || (complex && t == MX_COMPLEX64)) return true;
    return mx_fail_false(MX_VALUE, "[linalg::%s] Arrays must have type float32%s float64%s, not %s.", op,
                         complex ? "," : " or", complex ? " or complex64" : "", mx_dtype_name(t));
}

static bool is_matrix(const char *op, mx_array *a)
{
    if (!op_has(op, a)) return false;
    return a->ndim >= 2 ||
           mx_fail_false(MX_VALUE, "[linalg::%s] Arrays must have at least 2 dimensions, not %d.", op, a->ndim);
}

static bool is_square(const char *op, mx_array *a)
{
    char text[SHAPE_TEXT];
    return a->shape[a->ndim - 1] == a->shape[a->ndim - 2] ||
           mx_fail_false(MX_VALUE, "[linalg::%s] only square matrices have one, not shape %s.", op,
                         shape_text(text, array_shape(a)));
}

static bool accepts(const char *op, mx_array *a, bool complex, bool square)
{
    return is_matrix(op, a) && has_dtype(op, a, complex) && (!square || is_square(op, a));
}

static mx_array *one_of(const mx_op *op, linalg_params p, mx_array *a)
{
    return op_apply(op, &p, a);
}

/* ---- Inverses and factors */
mx_array *mx_linalg_inv(mx_array *a)
{
    return accepts("inv", a, false, true) ? one_of(&mx_op_inverse, (linalg_params){0}, a) : NULL;
}

mx_array *mx_linalg_tri_inv(mx_array *a, bool upper)
{
    linalg_params p = {.triangular = true, .upper = upper};
    return accepts("tri_inv", a, false, true) ? one_of(&mx_op_inverse, p, a) : NULL;
}

mx_array *mx_linalg_cholesky(mx_array *a, bool upper)
{
    return accepts("cholesky", a, false, true) ? one_of(&mx_op_cholesky, (linalg_params){.upper = upper}, a) : NULL;
}

mx_array *mx_linalg_cholesky_inv(mx_array *factor, bool upper)
{
    if (!accepts("cholesky_inv", factor, false, true)) return NULL;
    mx_array *y = mx_linalg_tri_inv(factor, upper), *yt = mx_swapaxes(y, -1, -2);
    return upper ? mx_matmul(y, yt) : mx_matmul(yt, y);
}

bool mx_linalg_qr(mx_array *a, mx_array *out[2])
{
    return accepts("qr", a, false, false) && op_apply_multi(&mx_op_qr, &(linalg_params){0}, &a, 1, out, 2);
}

bool mx_linalg_svd(mx_array *a, mx_array *out[3])
{
    linalg_params p = {.vectors = true};
    return accepts("svd", a, true, false) && op_apply_multi(&mx_op_svd, &p, &a, 1, out, 3);
}

mx_array *mx_linalg_svdvals(mx_array *a)
{
    return accepts("svd", a, true, false) ? one_of(&mx_op_svd, (linalg_params){0}, a) : NULL;
}

bool mx_linalg_eigh(mx_array *a, bool upper, mx_array *out[2])
{
    linalg_params p = {.vectors = true, .upper = upper};
    return accepts("eigh", a, true, true) && op_apply_multi(&mx_op_eigh, &p, &a, 1, out, 2);
}

mx_array *mx_linalg_eigvalsh(mx_array *a, bool upper)
{
    return accepts("eigvalsh", a, true, true) ? one_of(&mx_op_eigh, (linalg_params){.upper = upper}, a) : NULL;
}

bool mx_linalg_eig(mx_array *a, mx_array *out[2])
{
    linalg_params p = {.vectors = true};
    return accepts("eig", a, true, true) && op_apply_multi(&mx_op_eig, &p, &a, 1, out, 2);
}

mx_array *mx_linalg_eigvals(mx_array *a)
{
    return accepts("eigvals", a, true, true) ? one_of(&mx_op_eig, (linalg_params){0}, a) : NULL;
}

/* The first rows and columns of matrices. */
static mx_array *part(mx_array *x, int64_t rows, int64_t columns)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    stop[x->ndim - 2] = rows;
    stop[x->ndim - 1] = columns;
    return mx_slice(x, start, stop, step);
}

static bool factor(const char *op, mx_array *a, mx_array *out[3])
{
    return accepts(op, a, false, false) && op_apply_multi(&mx_op_lu, &(linalg_params){0}, &a, 1, out, 3);
}

bool mx_linalg_lu_factor(mx_array *a, mx_array *out[2])
{
    mx_array *all[3];
    if (!factor("lu_factor", a, all)) return false;
    out[0] = all[0];
    out[1] = all[1];
    return true;
}

bool mx_linalg_lu(mx_array *a, mx_array *out[3])
{
    mx_array *all[3];
    if (!factor("lu", a, all)) return false;
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], k = m < n ? m : n;
    out[0] = all[2];
    out[1] = mx_add(mx_tril(part(all[0], m, k), -1), mx_eye(m, k, 0, (mx_dtype)a->dtype));
    out[2] = mx_triu(part(all[0], k, n), 0);
    return out[1] && out[2];
}

/* ---- Solutions */
static bool fits(const char *op, mx_array **ab)
{
    char s[SHAPE_TEXT], t[SHAPE_TEXT];
    mx_array *a = ab[0], *b = ab[1];
    if (!is_matrix(op, a) || !op_has(op, b)) return false;
    if (a->shape[a->ndim - 1] != a->shape[a->ndim - 2])
        return mx_fail_false(MX_VALUE, "[linalg::%s] the first input must be square, not of shape %s.", op,
                             shape_text(s, array_shape(a)));
    if (b->ndim < 1 || b->shape[b->ndim == 1 ? 0 : b->ndim - 2] != a->shape[a->ndim - 1])
        return mx_fail_false(MX_VALUE, "[linalg::%s] the rows of %s do not match the matrix of shape %s.", op,
                             shape_text(t, array_shape(b)), shape_text(s, array_shape(a)));
    return op_promote(ab, 2) && has_dtype(op, ab[0], false);
}

static mx_array *solve(const char *op, mx_array *a, mx_array *b, linalg_params p)
{
    mx_array *ab[2] = {a, b};
    if (!fits(op, ab)) return NULL;
    bool vector = ab[1]->ndim == 1;
    if (vector) ab[1] = mx_expand_dims(ab[1], AXES(-1));
    if (!ab[1]) return NULL;
    mx_spec batch;
    spec_set(&batch, (mx_shape){ab[0]->ndim - 2, ab[0]->shape}, MX_FLOAT32);
    if (!shape_broadcast_into(op, &batch, (mx_shape){ab[1]->ndim - 2, ab[1]->shape})) return NULL;
    for (int i = 0; i < 2; i++) {
        mx_spec whole = batch;
        for (int k = 2; k >= 1; k--) whole.shape[whole.ndim++] = ab[i]->shape[ab[i]->ndim - k];
        if (!(ab[i] = mx_broadcast_to(ab[i], spec_shape(&whole)))) return NULL;
    }
    mx_array *x = op_apply_n(&mx_op_solve, &p, ab, 2);
    return x && vector ? mx_squeeze(x, AXES(-1)) : x;
}

mx_array *mx_linalg_solve(mx_array *a, mx_array *b)
{
    return solve("solve", a, b, (linalg_params){0});
}

mx_array *mx_linalg_solve_triangular(mx_array *a, mx_array *b, bool upper)
{
    return solve("solve_triangular", a, b, (linalg_params){.triangular = true, .upper = upper});
}

/* V diag(1 / s) U', where s is not next to nothing beside the largest. */
mx_array *mx_linalg_pinv(mx_array *a)
{
    mx_array *usv[3];
    if (!accepts("pinv", a, false, false) || !mx_linalg_svd(a, usv)) return NULL;
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], k = m < n ? m : n;
    if (k == 0) return mx_zeros_like(mx_swapaxes(a, -1, -2));
    double eps = a->dtype == MX_FLOAT64 ? DBL_EPSILON : (double)FLT_EPSILON;
    mx_array *s = usv[1], *peak = mx_max(s, AXES(-1), KEEP);
    mx_array *kept = mx_greater(s, mx_mul(peak, mx_like(s, 10 * eps * (double)(m > n ? m : n))));
    mx_array *inverse = mx_where(kept, mx_reciprocal(mx_where(kept, s, mx_like(s, 1))), mx_like(s, 0));
    mx_array *u = part(usv[0], m, k), *v = mx_swapaxes(part(usv[2], k, n), -1, -2);
    return mx_matmul(mx_mul(v, mx_expand_dims(inverse, AXES(-2))), mx_swapaxes(u, -1, -2));
}

/* ---- Determinants */
/* The diagonal of U, and the sign of the exchanges. */
static mx_array *diagonal_of_lu(const char *op, mx_array *a, mx_array **sign)
{
    mx_array *all[3];
    if (!is_matrix(op, a) || !is_square(op, a)) return NULL;
    if (a->dtype == MX_COMPLEX64) return mx_fail(MX_VALUE, "[linalg::%s] Complex inputs are not supported.", op);
    if (a->dtype != MX_FLOAT64) a = mx_astype(a, MX_FLOAT32);
    if (!a || !factor(op, a, all)) return NULL;
    int64_t n = a->shape[a->ndim - 1];
    mx_array *moved = mx_not_equal(all[1], mx_arange(0, (double)n, 1, MX_UINT32));
    mx_array *odd = mx_remainder(mx_sum(moved, AXES(-1), false), mx_int(2));
    *sign = mx_sub(mx_like(a, 1), mx_mul(mx_like(a, 2), mx_astype(odd, (mx_dtype)a->dtype)));
    return mx_diagonal(all[0], 0, -2, -1);
}

static mx_dtype dtype_of_det(const mx_array *a)
{
    return mx_dtype_is((mx_dtype)a->dtype, MX_FLOATING) ? (mx_dtype)a->dtype : MX_FLOAT32;
}

mx_array *mx_linalg_det(mx_array *a)
{
    mx_array *sign, *u = diagonal_of_lu("det", a, &sign);
    return u ? mx_astype(mx_mul(sign, mx_prod(u, AXES(-1), false)), dtype_of_det(a)) : NULL;
}

bool mx_linalg_slogdet(mx_array *a, mx_array *out[2])
{
    mx_array *sign, *u = diagonal_of_lu("slogdet", a, &sign);
    if (!u) return false;
    out[0] = mx_astype(mx_mul(sign, mx_prod(mx_sign(u), AXES(-1), false)), dtype_of_det(a));
    out[1] = mx_astype(mx_sum(mx_log(mx_abs(u)), AXES(-1), false), dtype_of_det(a));
    return out[0] && out[1];
}

/* ---- Cross product: c_i = a_(i+1) b_(i+2) - a_(i+2) b_(i+1), indices modulo 3 */
/* Vectors of two components get a third one, which is 0. */
static mx_array *three_components(mx_array *x, int axis)
{
    if (!op_has("cross", x) || (axis = axis_of("linalg::cross", axis, x->ndim, MX_VALUE)) < 0) return NULL;
    int64_t size = x->shape[axis], low = 0, high = 1;
    if (size == 2) return mx_pad(x, AXES(axis), &low, &high, MX_PAD_CONSTANT, mx_like(x, 0));
    return size == 3 ? x
                     : mx_fail(MX_VALUE, "[linalg::cross] The axis must have size 2 or 3, not %lld.", (long long)size);
}

static mx_array *roll(mx_array *x, int64_t shift, int axis)
{
    return mx_roll(x, &shift, AXES(axis));
}

mx_array *mx_linalg_cross(mx_array *a, mx_array *b, int axis)
{
    mx_array *x = three_components(a, axis), *y = three_components(b, axis);
    mx_array *plus = mx_mul(roll(x, -1, axis), roll(y, -2, axis));
    mx_array *minus = mx_mul(roll(x, -2, axis), roll(y, -1, axis));
    return mx_sub(plus, minus);
}

/* ---- Norms */
static mx_array *vector_norm(mx_array *a, double p, int axis, bool keep)
{
    mx_axes axes = AXES(axis);
    mx_array *size = mx_abs(a);
    if (isinf(p)) return p > 0 ? mx_max(size, axes, keep) : mx_min(size, axes, keep);
    if (p == 0) return mx_astype(mx_sum(mx_not_equal(a, mx_like(a, 0)), axes, keep), (mx_dtype)size->dtype);
    if (p == 1) return mx_sum(size, axes, keep);
    if (p == 2) return mx_sqrt(mx_sum(mx_square(size), axes, keep));
    return mx_power(mx_sum(mx_power(size, mx_like(size, p)), axes, keep), mx_like(size, 1 / p));
}

/* Singular values along the last axis. */
static mx_array *values_of(mx_array *a, const int *axes)
{
    int order[MX_MAX_NDIM], n = 0;
    for (int i = 0; i < a->ndim; i++) {
        if (i != axes[0] && i != axes[1]) order[n++] = i;
    }
    order[n++] = axes[0];
    order[n++] = axes[1];
    return mx_linalg_svdvals(mx_transpose(a, (mx_axes){n, order}));
}

static mx_array *matrix_norm(mx_array *a, mx_norm_kind kind, double p, const int *axes, bool keep)
{
    if (kind == MX_NORM_P && (isinf(p) || fabs(p) == 1)) {
        int summed = isinf(p) ? axes[1] : axes[0], other = isinf(p) ? axes[0] : axes[1];
        mx_array *sums = mx_sum(mx_abs(a), AXES(summed), KEEP);
        sums = p > 0 ? mx_max(sums, AXES(other), KEEP) : mx_min(sums, AXES(other), KEEP);
        return keep ? sums : mx_squeeze(sums, (mx_axes){2, axes});
    }
    if (kind == MX_NORM_P && fabs(p) != 2)
        return mx_fail(MX_VALUE, "[linalg::norm] %g is no order of a matrix norm.", p);
    mx_array *s = values_of(a, axes);
    s = kind == MX_NORM_NUCLEAR ? mx_sum(s, AXES(-1), false)
        : p > 0                 ? mx_max(s, AXES(-1), false)
                                : mx_min(s, AXES(-1), false);
    int first = axes[0] < axes[1] ? axes[0] : axes[1], last = axes[0] < axes[1] ? axes[1] : axes[0];
    return keep ? mx_expand_dims(s, AXES(first, last)) : s;
}

mx_array *mx_linalg_norm(mx_array *a, mx_norm_kind kind, double p, mx_axes axes, bool keep)
{
    int list[MX_MAX_NDIM];
    if (!op_has("norm", a)) return NULL;
    int count = axes.count < 0 ? a->ndim : axes.count;
    if (count > 2 && (axes.count >= 0 || kind == MX_NORM_P))
        return mx_fail(MX_VALUE, "[linalg::norm] %d axes are too many for a norm.", count);
    for (int i = 0; i < count; i++) {
        list[i] = axis_of("linalg::norm", axes.count < 0 ? i : axes.at[i], a->ndim, MX_INDEX);
        if (list[i] < 0) return NULL;
    }
    bool of_matrices = kind == MX_NORM_FROBENIUS || kind == MX_NORM_NUCLEAR;
    if (of_matrices && count != 2)
        return mx_fail(MX_VALUE, "[linalg::norm] this is a norm of matrices, and %d axes were given.", count);
    if (count == 2 && list[0] == list[1]) return mx_fail(MX_VALUE, "[linalg::norm] axis %d is there twice.", list[0]);
    a = mx_at_least_float(a);
    if (!a) return NULL;
    if (kind == MX_NORM_P && count == 0) return mx_fail(MX_VALUE, "[linalg::norm] no axis to take a norm along.");
    if (kind == MX_NORM_P && count == 1) return vector_norm(a, p, list[0], keep);
    if (kind == MX_NORM_L2 || kind == MX_NORM_FROBENIUS)
        return mx_sqrt(mx_sum(mx_square(mx_abs(a)), (mx_axes){count, list}, keep));
    return matrix_norm(a, kind, p, list, keep);
}

/* ---- Random: mean + z U diag(sqrt(s)) V' */
mx_array *mx_random_multivariate_normal(mx_array *mean, mx_array *covariance, mx_shape shape, mx_array *key)
{
    static const char op[] = "multivariate_normal";
    mx_array *usv[3];
    if (!op_has(op, mean) || !op_has(op, covariance) || !shape_readable(op, shape)) return NULL;
    if (mean->ndim < 1) return mx_fail(MX_VALUE, "[%s] the mean must have a dimension.", op);
    if (covariance->ndim < 2) return mx_fail(MX_VALUE, "[%s] the covariance must have two dimensions.", op);
    int64_t n = mean->shape[mean->ndim - 1];
    if (covariance->shape[covariance->ndim - 1] != n || covariance->shape[covariance->ndim - 2] != n)
        return mx_fail(MX_VALUE, "[%s] the covariance must be square and of the mean's %lld numbers.", op,
                       (long long)n);
    mx_spec batch;
    spec_set(&batch, (mx_shape){mean->ndim - 1, mean->shape}, MX_FLOAT32);
    if (!shape_broadcast_into(op, &batch, (mx_shape){covariance->ndim - 2, covariance->shape})) return NULL;
    if (shape.ndim > 0 && !shape_broadcast_into(op, &batch, shape)) return NULL;
    if (batch.ndim + 1 > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[%s] more than %d dimensions.", op, MX_MAX_NDIM);
    batch.shape[batch.ndim++] = n;
    covariance = mx_astype(covariance, MX_FLOAT32);
    if (!covariance || !mx_linalg_svd(covariance, usv)) return NULL;
    mx_array *root = mx_matmul(mx_mul(usv[0], mx_expand_dims(mx_sqrt(usv[1]), AXES(-2))), usv[2]);
    mx_array *z = mx_random_normal(spec_shape(&batch), MX_FLOAT32, NULL, NULL, key);
    mx_array *y = mx_squeeze(mx_matmul(mx_expand_dims(z, AXES(-2)), root), AXES(-2));
    return mx_add(mx_astype(mean, MX_FLOAT32), y);
}
