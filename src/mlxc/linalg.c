/* SPDX-License-Identifier: MIT
 *
 * Linear algebra. */
#include "mlxc/mlxc.h"

#include <string.h>

#define ONE(name)                                                                                                      \
    int mlx_linalg_##name(mlx_array *res, const mlx_array a, const mlx_stream s)                                       \
    {                                                                                                                  \
        RETURN(res, s, mx_linalg_##name(ARRAY(a)));                                                                    \
    }
#define ONE_HALF(name)                                                                                                 \
    int mlx_linalg_##name(mlx_array *res, const mlx_array a, bool upper, const mlx_stream s)                           \
    {                                                                                                                  \
        RETURN(res, s, mx_linalg_##name(ARRAY(a), upper));                                                             \
    }
#define TWO(name)                                                                                                      \
    int mlx_linalg_##name(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const mlx_stream s)                   \
    {                                                                                                                  \
        mlxc_call call = mlxc_enter_on(__func__, s);                                                                   \
        mx_array *out[2] = {NULL, NULL};                                                                               \
        mx_linalg_##name(ARRAY(a), out);                                                                               \
        return mlxc_leave_two(&call, res_0, out[0], res_1, out[1]);                                                    \
    }
ONE(inv)
ONE(pinv)
ONE(eigvals)
ONE_HALF(tri_inv)
ONE_HALF(cholesky)
ONE_HALF(cholesky_inv)
TWO(qr)
TWO(eig)
TWO(lu_factor)

int mlx_linalg_solve(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s)
{
    RETURN(res, s, mx_linalg_solve(ARRAY(a), ARRAY(b)));
}

int mlx_linalg_solve_triangular(mlx_array *res, const mlx_array a, const mlx_array b, bool upper, const mlx_stream s)
{
    RETURN(res, s, mx_linalg_solve_triangular(ARRAY(a), ARRAY(b), upper));
}

/* LAPACK's word for a half: 'U' or 'u', else the lower one. */
static bool is_upper(const char *uplo)
{
    return uplo && (uplo[0] == 'U' || uplo[0] == 'u');
}

int mlx_linalg_eigh(mlx_array *res_0, mlx_array *res_1, const mlx_array a, const char *UPLO, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *out[2] = {NULL, NULL};
    if (IS_SET(UPLO)) mx_linalg_eigh(ARRAY(a), is_upper(UPLO), out);
    return mlxc_leave_two(&call, res_0, out[0], res_1, out[1]);
}

int mlx_linalg_eigvalsh(mlx_array *res, const mlx_array a, const char *UPLO, const mlx_stream s)
{
    RETURN(res, s, IS_SET(UPLO) ? mx_linalg_eigvalsh(ARRAY(a), is_upper(UPLO)) : NULL);
}

int mlx_linalg_lu(mlx_vector_array *res, const mlx_array a, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *out[3];
    bool ok = mx_linalg_lu(ARRAY(a), out);
    return mlxc_leave_list(&call, res, out, 3, ok);
}

int mlx_linalg_svd(mlx_vector_array *res, const mlx_array a, bool compute_uv, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *out[3];
    bool ok = compute_uv ? mx_linalg_svd(ARRAY(a), out) : (out[0] = mx_linalg_svdvals(ARRAY(a))) != NULL;
    return mlxc_leave_list(&call, res, out, compute_uv ? 3 : 1, ok);
}

/* The axis counts in each operand by itself. */
int mlx_linalg_cross(mlx_array *res, const mlx_array a, const mlx_array b, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_linalg_cross(ARRAY(a), ARRAY(b), axis));
}

#define NORM_AXES (axis ? AXES_OF(axis) : MX_ALL_AXES)

int mlx_linalg_norm(mlx_array *res, const mlx_array a, double ord, const int *axis, size_t axis_num, bool keepdims,
                    const mlx_stream s)
{
    RETURN(res, s, mx_linalg_norm(ARRAY(a), MX_NORM_P, ord, NORM_AXES, keepdims));
}

static mx_array *named_norm(mx_array *a, const char *ord, mx_axes axes, bool keep)
{
    if (!ord) return NULL;
    if (strcmp(ord, "fro") == 0 || strcmp(ord, "f") == 0) return mx_linalg_norm(a, MX_NORM_FROBENIUS, 0, axes, keep);
    if (strcmp(ord, "nuc") == 0) return mx_linalg_norm(a, MX_NORM_NUCLEAR, 0, axes, keep);
    return mx_fail(MX_VALUE, "[linalg::norm] '%s' is no norm of a matrix.", ord);
}

int mlx_linalg_norm_matrix(mlx_array *res, const mlx_array a, const char *ord, const int *axis, size_t axis_num,
                           bool keepdims, const mlx_stream s)
{
    RETURN(res, s, named_norm(ARRAY(a), IS_SET(ord) ? ord : NULL, NORM_AXES, keepdims));
}

int mlx_linalg_norm_l2(mlx_array *res, const mlx_array a, const int *axis, size_t axis_num, bool keepdims,
                       const mlx_stream s)
{
    RETURN(res, s, mx_linalg_norm(ARRAY(a), MX_NORM_L2, 0, NORM_AXES, keepdims));
}
