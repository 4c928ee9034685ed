/* SPDX-License-Identifier: MIT
 *
 * Factorisations of matrices, which are the last two axes, and their derivatives.
 *
 * These are the known rules (Giles 2008; Murray 2016; Seeger et al. 2017; for LU, de Hoog et al. 2011), each short in
 * products and triangles; V' means the conjugate transpose.  Where one half of a matrix is read, its derivatives are those
 * of the symmetric matrix. */
#include "core/params/linalg.h"
#include "mica/linalg.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_BOOL(linalg_params, triangular), FIELD_BOOL(linalg_params, upper),
                                  FIELD_BOOL(linalg_params, vectors), FIELD_END};

#define LINALG(op_name, text, ...)                                                                                     \
    const mx_op mx_op_##op_name = {OP_NAMED(op_name, text), .fields = fields, .params_size = sizeof(linalg_params),    \
                                   .flags = OP_ANY_SIZE, __VA_ARGS__}

/* ---- Pieces */
static const linalg_params *params(const mx_call *c)
{
    return c->params;
}

static mx_array *t_of(mx_array *x)
{
    return mx_swapaxes(x, -1, -2);
}

static mx_array *adjoint(mx_array *x)
{
    return mx_conjugate(t_of(x)); /* of a real array: its transpose */
}

static mx_array *times(mx_array *a, mx_array *b)
{
    return mx_matmul(a, b);
}

static mx_array *times3(mx_array *a, mx_array *b, mx_array *c)
{
    return mx_matmul(mx_matmul(a, b), c);
}

static mx_array *half_of(mx_array *x, bool upper)
{
    return upper ? mx_triu(x, 0) : mx_tril(x, 0);
}

static mx_array *diagonal(mx_array *x)
{
    return mx_diagonal(x, 0, -2, -1);
}

/* Columns times w: x diag(w). */
static mx_array *scale_columns(mx_array *x, mx_array *w)
{
    return mx_mul(x, mx_expand_dims(w, AXES(-2)));
}

static mx_array *scale_rows(mx_array *w, mx_array *x)
{
    return mx_mul(mx_expand_dims(w, AXES(-1)), x);
}

static mx_array *identity_like(mx_array *x)
{
    return x ? mx_eye(x->shape[x->ndim - 1], x->shape[x->ndim - 1], 0, (mx_dtype)x->dtype) : NULL;
}

/* diag(w) */
static mx_array *diagonal_matrix(mx_array *w)
{
    return scale_columns(identity_like(w), w);
}

static mx_array *hermitian(mx_array *x)
{
    mx_array *half = mx_like(x, 0.5);
    return mx_mul(mx_add(x, adjoint(x)), half);
}

static mx_array *solve_half(mx_array *a, mx_array *b, bool upper)
{
    return op_apply(&mx_op_solve, (&(linalg_params){.triangular = true, .upper = upper}), a, b);
}

/* b inv(a) of a triangular a. */
static mx_array *solve_right(mx_array *b, mx_array *a, bool upper)
{
    return t_of(solve_half(t_of(a), t_of(b), !upper));
}

static bool batched(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *in[2];
    int64_t batch = op_batch_size(c, axis_in);
    for (int i = 0; i < c->nin; i++) in[i] = op_batched(c->in[i], axis_in[i], batch);
    for (int i = 0; i < c->nout; i++) axis_out[i] = 0;
    return op_apply_multi(c->op, c->params, in, c->nin, out, c->nout);
}

/* ---- Inverse: d inv(A) = -inv(A) dA inv(A) */
static bool inverse_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *yt = t_of(c->out[0]), *d = mx_neg(times3(yt, dout[0], yt));
    return (din[0] = params(c)->triangular ? half_of(d, params(c)->upper) : d) != NULL;
}

static bool inverse_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *t = params(c)->triangular ? half_of(tin[0], params(c)->upper) : tin[0];
    return (tout[0] = mx_neg(times3(c->out[0], t, c->out[0]))) != NULL;
}

LINALG(inverse, "linalg::inv", .shape = op_shape_same, .vjp = inverse_vjp, .jvp = inverse_jvp, .vmap = batched);

/* ---- Solve: A x = b, of one batch shape */
static bool solve_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[1]), (mx_dtype)c->in[1]->dtype);
    return true;
}

static bool solve_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    linalg_params p = *params(c);
    p.upper = !p.upper;
    mx_array *db = op_apply(&mx_op_solve, &p, t_of(c->in[0]), dout[0]);
    mx_array *da = call_wants(c, 0) ? mx_neg(times(db, t_of(c->out[0]))) : NULL;
    din[0] = da && p.triangular ? half_of(da, !p.upper) : da;
    din[1] = db;
    return !mx_failed();
}

static bool solve_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *ta = params(c)->triangular ? half_of(tin[0], params(c)->upper) : tin[0];
    mx_array *in[2] = {c->in[0], mx_sub(tin[1], times(ta, c->out[0]))};
    return (tout[0] = op_again(c, in)) != NULL;
}

/* MLX has no such primitive: by the inverse. */
static bool solve_spell(const mx_call *c, mx_array **out)
{
    return (out[0] = times(op_apply(&mx_op_inverse, c->params, c->in[0]), c->in[1])) != NULL;
}

LINALG(solve, "linalg::solve", .shape = solve_shape, .vjp = solve_vjp, .jvp = solve_jvp, .vmap = batched,
       .spell = solve_spell);

/* ---- Cholesky, A = L L': with P(X) the lower half of X, its diagonal halved, dL = L P(inv(L) dA inv(L')) */
static mx_array *half_diagonal(mx_array *x)
{
    return mx_sub(mx_tril(x, 0), mx_mul(mx_mul(x, identity_like(x)), mx_like(x, 0.5)));
}

static bool cholesky_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    bool upper = params(c)->upper;
    mx_array *l = upper ? t_of(c->out[0]) : c->out[0], *dl = upper ? t_of(dout[0]) : dout[0], *lt = t_of(l);
    mx_array *s = half_diagonal(times(lt, mx_tril(dl, 0)));
    return (din[0] = hermitian(solve_half(lt, solve_right(s, l, false), true))) != NULL;
}

static bool cholesky_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    bool upper = params(c)->upper;
    mx_array *l = upper ? t_of(c->out[0]) : c->out[0];
    mx_array *s = solve_right(solve_half(l, hermitian(tin[0]), false), t_of(l), true);
    mx_array *tl = times(l, half_diagonal(s));
    return (tout[0] = upper ? t_of(tl) : tl) != NULL;
}

LINALG(cholesky, "linalg::cholesky", .shape = op_shape_same, .vjp = cholesky_vjp, .jvp = cholesky_jvp, .vmap = batched);

/* ---- LU, P A = L U of a square A: with F = inv(L) P dA inv(U), dL = L low(F), dU = up(F) U.  Outputs: L without its
 * diagonal and U in one matrix, LAPACK's exchanges, and the rows of A in their order. */
static bool lu_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0];
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    spec_set(&out[0], array_shape(a), (mx_dtype)a->dtype);
    for (int i = 1; i < 3; i++) {
        spec_set(&out[i], (mx_shape){a->ndim - 2, a->shape}, MX_UINT32);
        out[i].shape[out[i].ndim++] = i == 1 && n < m ? n : m;
    }
    return true;
}

static bool is_square(const mx_array *a)
{
    return a->shape[a->ndim - 1] == a->shape[a->ndim - 2];
}

static bool wants_square(const mx_call *c, const char *what)
{
    return is_square(c->in[0]) ||
           mx_fail_false(MX_VALUE, "[%s] %s has a derivative for square matrices only.", c->op->name, what);
}

static void split_lu(mx_array *packed, mx_array **l, mx_array **u)
{
    *l = mx_add(mx_tril(packed, -1), identity_like(packed));
    *u = mx_triu(packed, 0);
}

/* The row numbers as indices of all of `like`. */
static mx_array *row_indices(mx_array *rows, mx_array *like)
{
    return like ? mx_broadcast_to(mx_expand_dims(rows, AXES(-1)), array_shape(like)) : NULL;
}

static bool lu_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *l, *u;
    if (!wants_square(c, "LU")) return false;
    split_lu(c->out[0], &l, &u);
    mx_array *d = dout[0];
    mx_array *f = mx_add(mx_tril(times(t_of(l), mx_tril(d, -1)), -1), mx_triu(times(mx_triu(d, 0), t_of(u)), 0));
    mx_array *g = solve_right(solve_half(t_of(l), f, true), t_of(u), false);
    return (din[0] = mx_put_along_axis(mx_zeros_like(g), row_indices(c->out[2], g), g, -2)) != NULL;
}

static bool lu_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *l, *u;
    if (!wants_square(c, "LU")) return false;
    split_lu(c->out[0], &l, &u);
    mx_array *t = mx_take_along_axis(tin[0], row_indices(c->out[2], tin[0]), -2);
    mx_array *f = solve_right(solve_half(l, t, false), u, true);
    tout[0] = mx_add(times(l, mx_tril(f, -1)), times(mx_triu(f, 0), u));
    return tout[0] != NULL;
}

LINALG(lu, "linalg::lu", .nout = 3, .shape = lu_shape, .vjp = lu_vjp, .jvp = lu_jvp, .vmap = batched);

/* ---- QR of a tall A: with X = dA inv(R) and the skew W of the lower half of Q'X, dQ = X - Q Q'X + Q W,
 * dR = (Q'X - W) R */
static bool qr_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0];
    int at = a->ndim - 2;
    int64_t k = a->shape[at] < a->shape[at + 1] ? a->shape[at] : a->shape[at + 1];
    for (int i = 0; i < 2; i++) {
        spec_set(&out[i], array_shape(a), (mx_dtype)a->dtype);
        out[i].shape[at + 1 - i] = k;
    }
    return true;
}

static bool wants_tall(const mx_call *c)
{
    const mx_array *a = c->in[0];
    return a->shape[a->ndim - 2] >= a->shape[a->ndim - 1] ||
           mx_fail_false(MX_VALUE, "[%s] QR has a derivative for matrices with no more columns than rows only.",
                         c->op->name);
}

static bool qr_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    if (!wants_tall(c)) return false;
    mx_array *q = c->out[0], *r = c->out[1], *dq = dout[0], *dr = mx_triu(dout[1], 0);
    mx_array *m = mx_sub(times(r, t_of(dr)), times(t_of(dq), q)), *low = mx_tril(m, -1);
    mx_array *even = mx_add(mx_tril(m, 0), t_of(low));
    return (din[0] = solve_right(mx_add(dq, times(q, even)), t_of(r), false)) != NULL;
}

static bool qr_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    if (!wants_tall(c)) return false;
    mx_array *q = c->out[0], *r = c->out[1];
    mx_array *x = solve_right(tin[0], r, true), *qx = times(t_of(q), x), *low = mx_tril(qx, -1);
    mx_array *skew = mx_sub(low, t_of(low));
    tout[0] = mx_add(x, times(q, mx_sub(skew, qx)));
    tout[1] = times(mx_sub(qx, skew), r);
    return tout[0] && tout[1];
}

LINALG(qr, "linalg::qr", .nout = 2, .shape = qr_shape, .vjp = qr_vjp, .jvp = qr_jvp, .vmap = batched);

/* ---- Eigenvalues of Hermitian matrices, A = V diag(w) V': with G = V' dA V, dw is its diagonal,
 * dV = V (G_ij / (w_j - w_i)) off the diagonal */
static bool eigh_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0];
    mx_dtype real = a->dtype == MX_COMPLEX64 ? MX_FLOAT32 : (mx_dtype)a->dtype;
    spec_set(&out[0], (mx_shape){a->ndim - 1, a->shape}, real);
    if (params(c)->vectors) spec_set(&out[1], array_shape(a), (mx_dtype)a->dtype);
    return true;
}

static int eigh_outputs(const void *p)
{
    return ((const linalg_params *)p)->vectors ? 2 : 1;
}

/* 1 / (w_j - w_i), 0 where they are equal. */
static mx_array *inverse_gaps(mx_array *w)
{
    mx_array *gap = mx_sub(mx_expand_dims(w, AXES(-2)), mx_expand_dims(w, AXES(-1)));
    mx_array *zero = mx_like(gap, 0), *none = mx_equal(gap, zero);
    return mx_where(none, zero, mx_reciprocal(mx_where(none, mx_like(gap, 1), gap)));
}

static bool values_and_vectors(const mx_call *c, mx_array **wv)
{
    linalg_params p = *params(c);
    wv[0] = c->out[0];
    if (p.vectors) return (wv[1] = c->out[1]) != NULL;
    p.vectors = true;
    return op_apply_multi(&mx_op_eigh, &p, c->in, 1, wv, 2);
}

static bool eigh_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *wv[2];
    if (!values_and_vectors(c, wv)) return false;
    mx_array *inner = diagonal_matrix(dout[0]), *v = wv[1];
    if (params(c)->vectors) inner = mx_add(inner, mx_mul(times(adjoint(v), dout[1]), inverse_gaps(wv[0])));
    return (din[0] = hermitian(times3(v, inner, adjoint(v)))) != NULL;
}

static bool eigh_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *wv[2];
    if (!values_and_vectors(c, wv)) return false;
    mx_array *v = wv[1], *g = times3(adjoint(v), hermitian(tin[0]), v);
    tout[0] = mx_real(diagonal(g));
    if (params(c)->vectors) tout[1] = times(v, mx_mul(g, inverse_gaps(wv[0])));
    return !mx_failed();
}

LINALG(eigh, "linalg::eigh", .outputs = eigh_outputs, .shape = eigh_shape, .vjp = eigh_vjp, .jvp = eigh_jvp,
       .vmap = batched);

/* ---- Singular values, A = U diag(s) V': with G = U' dA V, ds is its diagonal; for square real A and
 * F = 1 / (s_j^2 - s_i^2), dU = U (F (G s + s G')), dV = V (F (s G + G' s)) */
static int svd_outputs(const void *p)
{
    return ((const linalg_params *)p)->vectors ? 3 : 1;
}

static bool svd_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0];
    mx_dtype dtype = (mx_dtype)a->dtype, real = dtype == MX_COMPLEX64 ? MX_FLOAT32 : dtype;
    int at = a->ndim - 2;
    int64_t m = a->shape[at], n = a->shape[at + 1];
    mx_spec *s = params(c)->vectors ? &out[1] : &out[0];
    spec_set(s, (mx_shape){a->ndim - 1, a->shape}, real);
    s->shape[at] = m < n ? m : n;
    for (int i = 0; params(c)->vectors && i < 3; i += 2) {
        spec_set(&out[i], array_shape(a), dtype);
        out[i].shape[at] = out[i].shape[at + 1] = i ? n : m;
    }
    return true;
}

/* The first k rows (or columns) of x. */
static mx_array *first_of(mx_array *x, int64_t k, bool columns)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    stop[x->ndim - 1 - !columns] = k;
    return mx_slice(x, start, stop, step);
}

/* U, s and V' as wide as s is long. */
static bool thin_svd(const mx_call *c, mx_array **usv)
{
    linalg_params p = {.vectors = true};
    for (int i = 0; i < 3 && params(c)->vectors; i++) usv[i] = c->out[i];
    if (!params(c)->vectors && !op_apply_multi(&mx_op_svd, &p, c->in, 1, usv, 3)) return false;
    int64_t k = usv[1]->shape[usv[1]->ndim - 1];
    usv[0] = first_of(usv[0], k, true);
    usv[2] = first_of(usv[2], k, false);
    return usv[0] && usv[2];
}

static bool vectors_have_derivative(const mx_call *c)
{
    if (!params(c)->vectors || c->in[0]->dtype != MX_COMPLEX64)
        return !params(c)->vectors || wants_square(c, "SVD with vectors");
    return mx_fail_false(MX_VALUE, "[%s] complex singular vectors have no derivative.", c->op->name);
}

static mx_array *twice_even(mx_array *x)
{
    return mx_add(x, t_of(x));
}

static bool svd_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *usv[3];
    if (!vectors_have_derivative(c) || !thin_svd(c, usv)) return false;
    mx_array *u = usv[0], *s = usv[1], *vt = usv[2];
    mx_array *inner = diagonal_matrix(dout[params(c)->vectors ? 1 : 0]);
    if (params(c)->vectors) {
        mx_array *gaps = inverse_gaps(mx_square(s));
        mx_array *x = mx_mul(gaps, times(t_of(u), dout[0])), *y = mx_mul(gaps, times(vt, t_of(dout[2])));
        inner = mx_add(inner, mx_add(scale_columns(twice_even(x), s), scale_rows(s, twice_even(y))));
    }
    return (din[0] = times3(u, inner, vt)) != NULL;
}

static bool svd_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *usv[3];
    if (!vectors_have_derivative(c) || !thin_svd(c, usv)) return false;
    mx_array *u = usv[0], *s = usv[1], *vt = usv[2], *g = times3(adjoint(u), tin[0], adjoint(vt));
    tout[params(c)->vectors ? 1 : 0] = mx_real(diagonal(g));
    if (params(c)->vectors) {
        mx_array *gaps = inverse_gaps(mx_square(s)), *gs = scale_columns(g, s), *sg = scale_rows(s, g);
        tout[0] = times(u, mx_mul(gaps, mx_add(gs, t_of(gs))));
        tout[2] = times(t_of(mx_mul(gaps, mx_add(sg, t_of(sg)))), vt);
    }
    return !mx_failed();
}

LINALG(svd, "linalg::svd", .outputs = svd_outputs, .shape = svd_shape, .vjp = svd_vjp, .jvp = svd_jvp, .vmap = batched);

/* ---- Eigenvalues of any square matrix: complex */
static bool eig_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0];
    spec_set(&out[0], (mx_shape){a->ndim - 1, a->shape}, MX_COMPLEX64);
    if (params(c)->vectors) spec_set(&out[1], array_shape(a), MX_COMPLEX64);
    return true;
}

LINALG(eig, "linalg::eig", .outputs = eigh_outputs, .shape = eig_shape, .vmap = batched);
