/* SPDX-License-Identifier: MIT
 *
 * Arrays from nothing: constants, ranges, triangles, windows. */
#include "mlxc/mlxc.h"

#define PI 3.14159265358979323846

int mlx_zeros(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_zeros(SHAPE_OF(shape), DTYPE(dtype)));
}

int mlx_ones(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_ones(SHAPE_OF(shape), DTYPE(dtype)));
}

int mlx_full(mlx_array *res, const int *shape, size_t shape_num, const mlx_array vals, mlx_dtype dtype,
             const mlx_stream s)
{
    RETURN(res, s, mx_full(SHAPE_OF(shape), ARRAY(vals), DTYPE(dtype)));
}

int mlx_full_like(mlx_array *res, const mlx_array a, const mlx_array vals, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_full_like(ARRAY(a), ARRAY(vals), DTYPE(dtype)));
}

int mlx_arange(mlx_array *res, double start, double stop, double step, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_arange(start, stop, step, DTYPE(dtype)));
}

int mlx_linspace(mlx_array *res, double start, double stop, int num, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_linspace(start, stop, num, DTYPE(dtype)));
}

int mlx_eye(mlx_array *res, int n, int m, int k, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_eye(n, m, k, DTYPE(dtype)));
}

int mlx_identity(mlx_array *res, int n, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_eye(n, n, 0, DTYPE(dtype)));
}

int mlx_tri(mlx_array *res, int n, int m, int k, mlx_dtype type, const mlx_stream s)
{
    RETURN(res, s, mx_tri(n, m, k, DTYPE(type)));
}

int mlx_tril(mlx_array *res, const mlx_array x, int k, const mlx_stream s)
{
    RETURN(res, s, mx_tril(ARRAY(x), k));
}

int mlx_triu(mlx_array *res, const mlx_array x, int k, const mlx_stream s)
{
    RETURN(res, s, mx_triu(ARRAY(x), k));
}

int mlx_diag(mlx_array *res, const mlx_array a, int k, const mlx_stream s)
{
    RETURN(res, s, mx_diag(ARRAY(a), k));
}

int mlx_diagonal(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2, const mlx_stream s)
{
    RETURN(res, s, mx_diagonal(ARRAY(a), offset, axis1, axis2));
}

int mlx_trace(mlx_array *res, const mlx_array a, int offset, int axis1, int axis2, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_trace_of(ARRAY(a), offset, axis1, axis2, DTYPE(dtype)));
}

int mlx_meshgrid(mlx_vector_array *res, const mlx_vector_array arrays, bool sparse, const char *indexing,
                 const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mlxc_vector in = VECTOR(arrays);
    bool ok = IS_SET(indexing) && !mx_failed(), ij = ok && indexing[0] == 'i';
    if (ok && ((indexing[0] != 'i' || indexing[1] != 'j') && (indexing[0] != 'x' || indexing[1] != 'y')))
        ok = mx_fail_false(MX_VALUE, "[%s] indexing \"%s\" is not \"ij\" or \"xy\".", __func__, indexing);
    mx_array **out = ok ? mx_alloc(in.count + 1, sizeof *out) : NULL;
    ok = out && mx_meshgrid(in.at, (int)in.count, sparse, ij, out);
    int status = mlxc_leave_list(&call, res, out, (int)in.count, ok);
    mx_free(out);
    return status;
}

/* ---- Windows of M points, as NumPy's: functions of the angle 2 pi n / (M - 1) ---- */

static mx_array *angles(int count)
{
    return mx_mul(mx_arange(0, count, 1, MX_FLOAT32), mx_float(2 * PI / (count - 1)));
}

/* c0 + c1 cos(angle) + c2 cos(2 angle); a window of one point is 1, one of none is empty. */
static mx_array *cosine_window(int count, double c0, double c1, double c2)
{
    if (count <= 0) return mx_zeros(MX_SHAPE(0), MX_FLOAT32);
    if (count == 1) return mx_ones(MX_SHAPE(1), MX_FLOAT32);
    mx_array *angle = angles(count);
    mx_array *window = mx_add(mx_float(c0), mx_mul(mx_float(c1), mx_cos(angle)));
    return c2 == 0 ? window : mx_add(window, mx_mul(mx_float(c2), mx_cos(mx_mul(mx_float(2), angle))));
}

static mx_array *triangle_window(int count)
{
    if (count <= 1) return cosine_window(count, 0, 0, 0);
    mx_array *ramp = mx_mul(mx_arange(0, count, 1, MX_FLOAT32), mx_float(2.0 / (count - 1)));
    return mx_sub(mx_float(1), mx_abs(mx_sub(ramp, mx_float(1))));
}

int mlx_bartlett(mlx_array *res, int M, const mlx_stream s)
{
    RETURN(res, s, triangle_window(M));
}

int mlx_hanning(mlx_array *res, int M, const mlx_stream s)
{
    RETURN(res, s, cosine_window(M, 0.5, -0.5, 0));
}

int mlx_hamming(mlx_array *res, int M, const mlx_stream s)
{
    RETURN(res, s, cosine_window(M, 0.54, -0.46, 0));
}

int mlx_blackman(mlx_array *res, int M, const mlx_stream s)
{
    RETURN(res, s, cosine_window(M, 0.42, -0.5, 0.08));
}
