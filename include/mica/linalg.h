/* SPDX-License-Identifier: MIT
 *
 * Linear algebra: of the matrices in the last two axes, all others are a batch.  float32 and float64; eigenvalues and
 * singular values of complex64 too.  LAPACK's, on the CPU. */
#ifndef MICA_LINALG_H
#define MICA_LINALG_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* RUNTIME if a matrix is singular.  Of triangular ones one half is read. */
MX_API mx_array *mx_linalg_inv(mx_array *a);
MX_API mx_array *mx_linalg_tri_inv(mx_array *a, bool upper);
/* x of a x = b; a vector b is a column. */
MX_API mx_array *mx_linalg_solve(mx_array *a, mx_array *b);
MX_API mx_array *mx_linalg_solve_triangular(mx_array *a, mx_array *b, bool upper);
/* L of a = L L', or U of a = U' U; the inverse of a from either. */
MX_API mx_array *mx_linalg_cholesky(mx_array *a, bool upper);
MX_API mx_array *mx_linalg_cholesky_inv(mx_array *factor, bool upper);
/* The rows of a in the order of L U, uint32 (..., m); L; U. */
MX_API bool mx_linalg_lu(mx_array *a, mx_array *out[3]);
/* L and U in one matrix, and the row that each row changed places with, uint32. */
MX_API bool mx_linalg_lu_factor(mx_array *a, mx_array *out[2]);
MX_API bool mx_linalg_qr(mx_array *a, mx_array *out[2]);  /* Q (..., m, k), R (..., k, n), k the smaller of both */
MX_API bool mx_linalg_svd(mx_array *a, mx_array *out[3]); /* U (..., m, m), s falling, V' (..., n, n) */
MX_API mx_array *mx_linalg_svdvals(mx_array *a);
MX_API mx_array *mx_linalg_pinv(mx_array *a);
/* Eigenvalues, rising, and vectors in columns, of Hermitian matrices, of which one half is read. */
MX_API bool mx_linalg_eigh(mx_array *a, bool upper, mx_array *out[2]);
MX_API mx_array *mx_linalg_eigvalsh(mx_array *a, bool upper);
/* Of any square matrix; complex64, in LAPACK's order. */
MX_API bool mx_linalg_eig(mx_array *a, mx_array *out[2]);
MX_API mx_array *mx_linalg_eigvals(mx_array *a);
/* Halves and ints compute in float32. */
MX_API mx_array *mx_linalg_det(mx_array *a);
MX_API bool mx_linalg_slogdet(mx_array *a, mx_array *out[2]); /* the sign, log |det| */
MX_API mx_array *mx_linalg_cross(mx_array *a, mx_array *b, int axis);

/* Norms of vectors (one axis) or matrices (two). NORM_L2 is the root of the sum of squares over any axes; NORM_P of
 * vectors takes any p (0 counts), of matrices 1, -1, 2, -2 and the infinities. */
typedef enum mx_norm_kind { MX_NORM_L2, MX_NORM_P, MX_NORM_FROBENIUS, MX_NORM_NUCLEAR } mx_norm_kind;
MX_API mx_array *mx_linalg_norm(mx_array *a, mx_norm_kind kind, double p, mx_axes axes, bool keep);

/* Normal numbers with mean (..., n) and covariance (..., n, n), batches broadcast to `shape`; an empty one: to each other.
 * float32. */
MX_API mx_array *mx_random_multivariate_normal(mx_array *mean, mx_array *covariance, mx_shape shape, mx_array *key);

MX_END_DECLS
#endif
