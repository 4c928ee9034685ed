/* SPDX-License-Identifier: MIT
 *
 * Linear algebra: factors against references, and the products that vectors of free sign make. */
#include "check.h"
#include "core/compiler.h"

#define WIDE (DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT64))

static mx_array *transposed(mx_array *x)
{
    return mx_conjugate(mx_swapaxes(x, -1, -2));
}
static mx_array *plus_diagonal(mx_array *x, double d)
{
    if (!x) return mx_neg(NULL);
    int64_t n = mx_dim(x, -1);
    return mx_add(x, mx_mul(mx_eye(n, n, 0, mx_dtype_of(x)), mx_like(x, d)));
}
static mx_array *symmetric(mx_array *x)
{
    return mx_add(x, transposed(x));
}
static mx_array *positive(mx_array *x)
{
    return plus_diagonal(mx_matmul(x, transposed(x)), 2);
}
static mx_array *columns_times(mx_array *x, mx_array *w)
{
    return mx_mul(x, mx_expand_dims(mx_astype(w, mx_dtype_of(x)), AXES(-2)));
}

/* ---- Inverses and solutions */
static mx_array *inverse(mx_array *const *x)
{
    return mx_linalg_inv(plus_diagonal(x[0], 5));
}
static mx_array *lower_inverse(mx_array *const *x)
{
    return mx_linalg_tri_inv(plus_diagonal(x[0], 5), false);
}
static mx_array *upper_inverse(mx_array *const *x)
{
    return mx_linalg_tri_inv(plus_diagonal(x[0], 5), true);
}
const op_sample samples_inverse[] = {
    {"1 by 1", inverse, {IN(1, 1)}, WIDE, 32},        {"4 by 4", inverse, {IN(4, 4)}, WIDE, 32},
    {"a batch", inverse, {IN(2, 3, 3, 3)}, WIDE, 32}, {"lower", lower_inverse, {IN(2, 4, 4)}, WIDE, 32},
    {"upper", upper_inverse, {IN(5, 5)}, WIDE, 32},   {"none", inverse, {IN(0, 3, 3)}, WIDE, 32},
    {"empty", inverse, {IN(2, 0, 0)}, WIDE, 32},      {0},
};

static mx_array *solution(mx_array *const *x)
{
    return mx_linalg_solve(plus_diagonal(x[0], 5), x[1]);
}
static mx_array *lower_solution(mx_array *const *x)
{
    return mx_linalg_solve_triangular(plus_diagonal(x[0], 5), x[1], false);
}
static mx_array *upper_solution(mx_array *const *x)
{
    return mx_linalg_solve_triangular(plus_diagonal(x[0], 5), x[1], true);
}
const op_sample samples_solve[] = {
    {"columns", solution, {IN(3, 3), IN(3, 2)}, WIDE, 64},
    {"a vector", solution, {IN(4, 4), IN(4)}, WIDE, 64},
    {"batches", solution, {IN(2, 3, 3), IN(3, 1)}, WIDE, 64},
    {"a batch of columns", solution, {IN(3, 3), IN(2, 3, 4)}, WIDE, 64},
    {"lower", lower_solution, {IN(4, 4), IN(4, 3)}, WIDE, 64},
    {"upper", upper_solution, {IN(2, 3, 3), IN(3)}, WIDE, 64},
    {"no columns", solution, {IN(3, 3), IN(3, 0)}, WIDE, 64},
    {0},
};

/* ---- Factors */
static mx_array *lower_factor(mx_array *const *x)
{
    return mx_linalg_cholesky(positive(x[0]), false);
}
static mx_array *upper_factor(mx_array *const *x)
{
    return mx_linalg_cholesky(positive(x[0]), true);
}
const op_sample samples_cholesky[] = {
    {"lower", lower_factor, {IN(4, 4)}, WIDE, 32, ANY_ORDER}, /* of the product that makes it positive */
    {"upper", upper_factor, {IN(2, 3, 3)}, WIDE, 32, ANY_ORDER},
    {"1 by 1", lower_factor, {IN(1, 1)}, WIDE, 32},
    {"none", upper_factor, {IN(0, 2, 2)}, WIDE, 32},
    {0},
};

static mx_array *packed(mx_array *const *x)
{
    mx_array *out[2];
    return mx_linalg_lu_factor(x[0], out) ? out[0] : NULL;
}
const op_sample samples_lu[] = {
    {"square", packed, {IN(4, 4)}, WIDE, 64},
    {"a batch", packed, {IN(3, 3, 3)}, WIDE, 64},
    {"tall", packed, {IN(5, 3)}, WIDE, 64, NO_GRAD},
    {"wide", packed, {IN(2, 2, 5)}, WIDE, 64, NO_GRAD},
    {0},
};

static mx_array *q_of(mx_array *const *x)
{
    mx_array *out[2];
    return mx_linalg_qr(x[0], out) ? out[0] : NULL;
}
static mx_array *r_of(mx_array *const *x)
{
    mx_array *out[2];
    return mx_linalg_qr(x[0], out) ? out[1] : NULL;
}
const op_sample samples_qr[] = {
    {"q, square", q_of, {IN(3, 3)}, WIDE, 64},        {"r, square", r_of, {IN(2, 3, 3)}, WIDE, 64},
    {"q, tall", q_of, {IN(5, 3)}, WIDE, 64},          {"r, tall", r_of, {IN(4, 2)}, WIDE, 64},
    {"q, wide", q_of, {IN(2, 4)}, WIDE, 64, NO_GRAD}, {0},
};

/* ---- Values */
static mx_array *singular(mx_array *const *x)
{
    return mx_linalg_svdvals(x[0]);
}
const op_sample samples_svd[] = {
    {"square", singular, {IN(3, 3)}, WIDE | COMPLEX, 64},
    {"tall", singular, {IN(2, 5, 3)}, WIDE | COMPLEX, 64},
    {"wide", singular, {IN(2, 4)}, WIDE, 64},
    {"none", singular, {IN(0, 2, 3)}, WIDE, 64},
    {0},
};

static mx_array *eigenvalues(mx_array *const *x)
{
    return mx_linalg_eigvalsh(symmetric(x[0]), false);
}
static mx_array *eigenvalues_of_upper(mx_array *const *x)
{
    return mx_linalg_eigvalsh(mx_triu(x[0], 0), true);
}
const op_sample samples_eigh[] = {
    {"lower", eigenvalues, {IN(3, 3)}, WIDE | COMPLEX, 64},
    {"a batch", eigenvalues, {IN(2, 4, 4)}, WIDE | COMPLEX, 64},
    {"only the upper half", eigenvalues_of_upper, {IN(4, 4)}, WIDE, 64, NO_GRAD},
    {0},
};

static mx_array *triangular_eigenvalues(mx_array *const *x)
{
    return mx_linalg_eigvals(mx_triu(x[0], 0));
}
const op_sample samples_eig[] = {
    {"triangular", triangular_eigenvalues, {IN(4, 4)}, WIDE | COMPLEX, 64},
    {"a batch", triangular_eigenvalues, {IN(2, 3, 3)}, WIDE, 64},
    {0},
};

/* ---- Products of the vectors */
/* out = A, A A or A A' A, by what params says. */
static void ref_powers(const ref_call *c)
{
    const ref_array *x = &c->in[0];
    int64_t m = x->shape[x->ndim - 2], n = x->shape[x->ndim - 1], power = *(const int *)c->params;
    double complex a[64], y[64], z[64];
    for (int64_t b = 0; b < x->size / (m * n); b++) {
        double size = 0;
        for (int64_t i = 0; i < m * n; i++) {
            double complex v = complex_of(x->re[b * m * n + i], x->im[b * m * n + i]);
            int64_t other = b * m * n + i % n * n + i / n;
            if (power == 2) v += conj(complex_of(x->re[other], x->im[other])); /* of x + x' */
            a[i] = y[i] = v;
            size += cabs(v);
        }
        for (int step = 1; step < power; step++) { /* y = y a or y a' */
            int64_t rows = m, inner = step == 2 ? m : n, columns = step == 1 && power == 3 ? m : n;
            for (int64_t i = 0; i < rows * columns; i++) {
                z[i] = 0;
                for (int64_t k = 0; k < inner; k++) {
                    int64_t row = i / columns, column = i % columns;
                    double complex right = power == 3 && step == 1 ? conj(a[column * n + k]) : a[k * n + column];
                    z[i] += y[row * inner + k] * right;
                }
            }
            for (int64_t i = 0; i < rows * columns; i++) y[i] = z[i];
        }
        for (int64_t i = 0; i < m * n; i++) {
            c->out->re[b * m * n + i] = creal(y[i]);
            if (c->out->dtype == MX_COMPLEX64) c->out->im[b * m * n + i] = cimag(y[i]);
            c->out->scale[b * m * n + i] = pow(size, power);
        }
    }
}
static const int once = 1, twice = 2, thrice = 3;

static mx_array *by_eigh(mx_array *const *x)
{
    mx_array *wv[2];
    if (!mx_linalg_eigh(symmetric(x[0]), false, wv)) return NULL;
    return mx_matmul(columns_times(wv[1], mx_square(wv[0])), transposed(wv[1]));
}
static const op_sample eigh_squares[] = {
    {"square", by_eigh, {IN(4, 4)}, WIDE | COMPLEX, 64, 0, &twice},
    {"a batch", by_eigh, {IN(2, 3, 3)}, WIDE | COMPLEX, 64, 0, &twice},
    {0},
};
COMPOSED(eigh_squares, eigh_squares, ref_powers)

static mx_array *by_svd(mx_array *const *x)
{
    mx_array *usv[3];
    if (!mx_linalg_svd(x[0], usv)) return NULL;
    int64_t k = mx_dim(usv[1], -1), ndim = mx_ndim(x[0]), start[4] = {0}, stop[4], step[4] = {1, 1, 1, 1};
    for (int i = 0; i < ndim; i++) stop[i] = mx_dim(usv[0], i);
    stop[ndim - 1] = k;
    mx_array *u = mx_slice(usv[0], start, stop, step);
    for (int i = 0; i < ndim; i++) stop[i] = mx_dim(usv[2], i);
    stop[ndim - 2] = k;
    mx_array *vt = mx_slice(usv[2], start, stop, step);
    return mx_matmul(columns_times(u, mx_power(usv[1], mx_like(usv[1], 3))), vt);
}
static const op_sample svd_cubes[] = {
    {"square", by_svd, {IN(3, 3)}, WIDE, 64, 0, &thrice},
    {"a batch", by_svd, {IN(2, 2, 2)}, WIDE, 64, 0, &thrice},
    {"complex", by_svd, {IN(3, 3)}, COMPLEX, 64, NO_GRAD, &thrice},
    {"tall", by_svd, {IN(4, 2)}, WIDE | COMPLEX, 64, NO_GRAD, &thrice},
    {"wide", by_svd, {IN(2, 3, 5)}, WIDE, 64, NO_GRAD, &thrice},
    {0},
};
COMPOSED(svd_cubes, svd_cubes, ref_powers)

static mx_array *by_lu(mx_array *const *x)
{
    mx_array *plu[3];
    if (!mx_linalg_lu(x[0], plu)) return NULL;
    mx_array *a = mx_matmul(plu[1], plu[2]);
    mx_array *rows = mx_broadcast_to(mx_expand_dims(plu[0], AXES(-1)), mx_shape_of(a));
    return mx_put_along_axis(mx_zeros_like(a), rows, a, -2);
}
static mx_array *by_qr(mx_array *const *x)
{
    mx_array *out[2];
    return mx_linalg_qr(x[0], out) ? mx_matmul(out[0], out[1]) : NULL;
}
static mx_array *by_pinv(mx_array *const *x)
{
    return mx_matmul(mx_matmul(x[0], mx_linalg_pinv(x[0])), x[0]);
}
static mx_array *by_cholesky_inv(mx_array *const *x)
{
    mx_array *a = positive(x[0]), *l = mx_linalg_cholesky(a, false), *u = mx_linalg_cholesky(a, true);
    mx_array *both = mx_add(mx_linalg_cholesky_inv(l, false), mx_linalg_cholesky_inv(u, true));
    return mx_mul(mx_matmul(mx_matmul(a, both), x[0]), mx_like(x[0], 0.5));
}
/* V w - A V, and A. */
static mx_array *by_eig(mx_array *const *x)
{
    mx_array *wv[2], *a = mx_astype(x[0], MX_COMPLEX64);
    if (!mx_linalg_eig(x[0], wv)) return NULL;
    return mx_add(mx_astype(mx_sub(columns_times(wv[1], wv[0]), mx_matmul(a, wv[1])), mx_dtype_of(x[0])), x[0]);
}
static const op_sample products[] = {
    {"lu", by_lu, {IN(2, 4, 4)}, WIDE, 64, 0, &once},
    {"lu, tall", by_lu, {IN(5, 3)}, WIDE, 64, NO_GRAD, &once},
    {"lu, wide", by_lu, {IN(3, 5)}, WIDE, 64, NO_GRAD, &once},
    {"qr, wide", by_qr, {IN(2, 5)}, WIDE, 64, NO_GRAD, &once},
    {"qr, tall", by_qr, {IN(2, 5, 3)}, WIDE, 64, 0, &once},
    {"pinv, tall", by_pinv, {IN(4, 2)}, WIDE, 256, NO_GRAD | ANY_ORDER, &once},
    {"pinv, wide", by_pinv, {IN(2, 2, 3)}, WIDE, 256, NO_GRAD | ANY_ORDER, &once},
    {"cholesky_inv", by_cholesky_inv, {IN(3, 3)}, WIDE, 256, ANY_ORDER, &once},
    {"eig", by_eig, {IN(4, 4)}, DTYPE(MX_FLOAT32) | COMPLEX, 64, NO_GRAD, &once},
    {"eig, a batch", by_eig, {IN(2, 5, 5)}, DTYPE(MX_FLOAT32), 64, NO_GRAD, &once},
    {0},
};
COMPOSED(linalg_products, products, ref_powers)

static mx_array *determinant(mx_array *const *x)
{
    return mx_linalg_det(x[0]);
}
static mx_array *log_determinant(mx_array *const *x)
{
    mx_array *out[2];
    return mx_linalg_slogdet(x[0], out) ? mx_mul(out[0], mx_exp(out[1])) : NULL;
}
/* Of 3 by 3 matrices, by Sarrus. */
static void ref_det(const ref_call *c)
{
    for (int64_t b = 0; b < c->out->size; b++) {
        const double *a = c->in->re + 9 * b;
        double sum = 0, size = 0;
        for (int i = 0; i < 3; i++) {
            double plus = a[i] * a[3 + (i + 1) % 3] * a[6 + (i + 2) % 3],
                   minus = a[i] * a[3 + (i + 2) % 3] * a[6 + (i + 1) % 3];
            sum += plus - minus;
            size += fabs(plus) + fabs(minus);
        }
        c->out->re[b] = sum;
        c->out->scale[b] = size;
    }
}
static const op_sample determinants[] = {
    {"det", determinant, {IN(2, 3, 3)}, WIDE, 32},
    {"slogdet", log_determinant, {IN(2, 2, 3, 3)}, WIDE, 64},
    {0},
};
COMPOSED(determinants, determinants, ref_det)

/* ---- Special cases */
#define LARGER 70

TEST(linalg_of_a_larger_matrix)
{
    mx_array *x = check_random(SHAPE(3, LARGER, LARGER), MX_FLOAT64, -1, 1, 5), *usv[3], *wv[2], *qr[2];
    mx_array *one = mx_eye(LARGER, LARGER, 0, MX_FLOAT64), *limit = mx_scalar(1e-11, MX_FLOAT64);
    CHECK(mx_linalg_svd(x, usv) && mx_linalg_eigh(symmetric(x), true, wv) && mx_linalg_qr(x, qr));
    mx_array *errors[] = {mx_sub(mx_matmul(mx_linalg_inv(x), x), one),
                          mx_sub(mx_matmul(transposed(usv[0]), usv[0]), one),
                          mx_sub(mx_matmul(columns_times(usv[0], usv[1]), usv[2]), x),
                          mx_sub(mx_matmul(columns_times(wv[1], wv[0]), transposed(wv[1])), symmetric(x)),
                          mx_sub(mx_matmul(qr[0], qr[1]), x),
                          mx_sub(mx_matmul(x, mx_linalg_solve(x, one)), one)};
    for (int i = 0; i < 6; i++) {
        mx_array *worst = mx_max(mx_abs(errors[i]), ALL_AXES, false);
        CHECK_VALUES(mx_astype(mx_less(worst, limit), MX_INT32), 0, 1);
    }
}

TEST(linalg_norms)
{
    const float values[6] = {1, -2, 3, -4, 5, -6};
    mx_array *a = mx_from_data(values, SHAPE(2, 3), MX_FLOAT32), *v = mx_from_data(values, SHAPE(3), MX_FLOAT32);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_L2, 0, ALL_AXES, false), 1e-6, 9.539392);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_FROBENIUS, 0, ALL_AXES, false), 1e-6, 9.539392);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, 1, ALL_AXES, false), 0, 9);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, -1, ALL_AXES, false), 0, 5);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, INFINITY, ALL_AXES, true), 0, 15);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, -INFINITY, AXES(1, 0), false), 0, 5);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, 2, ALL_AXES, false), 2e-6, 9.5080320);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_P, -2, ALL_AXES, false), 2e-6, 0.7728696);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_NUCLEAR, 0, ALL_AXES, false), 4e-6, 10.2809016);
    CHECK_VALUES(mx_linalg_norm(v, MX_NORM_P, 0, ALL_AXES, false), 0, 3);
    CHECK_VALUES(mx_linalg_norm(v, MX_NORM_P, 1, ALL_AXES, false), 0, 6);
    CHECK_VALUES(mx_linalg_norm(v, MX_NORM_P, 3, ALL_AXES, false), 1e-6, 3.3019272);
    CHECK_VALUES(mx_linalg_norm(v, MX_NORM_P, INFINITY, ALL_AXES, false), 0, 3);
    CHECK_VALUES(mx_linalg_norm(a, MX_NORM_L2, 0, AXES(1), false), 1e-6, 3.7416574, 8.7749644);
    CHECK_CODE(mx_linalg_norm(a, MX_NORM_P, 3, ALL_AXES, false), MX_VALUE, "[linalg::norm] 3 is no order");
    CHECK_CODE(mx_linalg_norm(v, MX_NORM_NUCLEAR, 0, ALL_AXES, false), MX_VALUE, "[linalg::norm] this is a norm");
    CHECK_CODE(mx_linalg_norm(v, MX_NORM_L2, 0, AXES(1), false), MX_INDEX, "[linalg::norm] axis 1");
}

TEST(linalg_cross_products)
{
    mx_array *a = mx_arange(1, 4, 1, MX_INT32), *b = mx_arange(3, 0, -1, MX_INT32), *c = mx_arange(1, 3, 1, MX_INT32);
    CHECK_VALUES(mx_linalg_cross(a, b, -1), 0, -4, 8, -4);
    CHECK_VALUES(mx_linalg_cross(c, a, 0), 0, 6, -3, 0);
    CHECK_CODE(mx_linalg_cross(mx_arange(0, 4, 1, MX_INT32), a, 0), MX_VALUE, "[linalg::cross] The axis must");
    CHECK_CODE(mx_linalg_cross(a, b, 3), MX_VALUE, "[linalg::cross] axis 3");
}

TEST(linalg_singular_matrices)
{
    mx_array *zero = mx_zeros(SHAPE(3, 3), MX_FLOAT32), *out[2];
    CHECK_CODE(mx_eval(mx_linalg_inv(zero)), MX_RUNTIME, "[linalg::inv] the matrix is singular");
    CHECK_CODE(mx_eval(mx_linalg_tri_inv(zero, true)), MX_RUNTIME, "[linalg::inv] the matrix is singular");
    CHECK_CODE(mx_eval(mx_linalg_solve(zero, zero)), MX_RUNTIME, "[linalg::solve] the matrix is singular");
    CHECK_VALUES(mx_linalg_det(zero), 0, 0);
    CHECK(mx_linalg_slogdet(zero, out));
    CHECK_VALUES(out[0], 0, 0);
    CHECK_VALUES(mx_linalg_pinv(zero), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    mx_array *nan = mx_div(zero, zero);
    CHECK_CODE(mx_eval(mx_linalg_svdvals(nan)), MX_RUNTIME, "[linalg::svd] no singular values");
    CHECK_CODE(mx_eval(mx_linalg_eigvalsh(nan, false)), MX_RUNTIME, "[linalg::eigh] no eigenvalues");
    CHECK_CODE(mx_eval(mx_linalg_eigvals(nan)), MX_RUNTIME, "[linalg::eig] no eigenvalues");
}

TEST(linalg_names_what_is_wrong)
{
    mx_array *v = mx_zeros(SHAPE(3), MX_FLOAT32), *w = mx_zeros(SHAPE(2, 3), MX_FLOAT32), *out[3];
    mx_array *i = mx_zeros(SHAPE(3, 3), MX_INT32), *a = mx_eye(3, 3, 0, MX_FLOAT32);
    CHECK_CODE(mx_linalg_inv(v), MX_VALUE, "[linalg::inv] Arrays must have at least 2");
    CHECK_CODE(mx_linalg_inv(w), MX_VALUE, "[linalg::inv] only square");
    CHECK_CODE(mx_linalg_cholesky(i, false), MX_VALUE, "[linalg::cholesky] Arrays must have type");
    CHECK_CODE(mx_linalg_qr(mx_astype(a, MX_COMPLEX64), out), MX_VALUE, "[linalg::qr] Arrays must have type");
    CHECK_CODE(mx_linalg_solve(w, v), MX_VALUE, "[linalg::solve] the first input must be square");
    CHECK_CODE(mx_linalg_solve(a, w), MX_VALUE, "[linalg::solve] the rows of");
    CHECK_CODE(mx_linalg_det(mx_astype(a, MX_COMPLEX64)), MX_VALUE, "[linalg::det] Complex");
    CHECK_SHAPE(mx_linalg_det(mx_astype(a, MX_FLOAT16)), SCALAR_SHAPE, MX_FLOAT16);
    CHECK_SHAPE(mx_linalg_det(i), SCALAR_SHAPE, MX_FLOAT32);
}
