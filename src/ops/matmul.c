/* SPDX-License-Identifier: MIT
 *
 * Matrix products.  One op: operands (..., m, k) and (..., k, n) whose leading axes broadcast, and an optional addend
 * of the result's shape or one that broadcasts to it.  Vectors get a temporary axis, as in NumPy. */
#include "core/params/layout.h"
#include "core/params/matmul.h"
#include "mica/transforms.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_FLOAT(matmul_params, alpha), FIELD_FLOAT(matmul_params, beta), FIELD_END};

static bool shape(const mx_call *c, mx_spec *out)
{
    const mx_array *a = c->in[0], *b = c->in[1];
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 2]) {
        return mx_fail_false(MX_VALUE,
                             "[matmul] the last axis of the first operand has size %lld, the one before the "
                             "last of the second %lld.",
                             (long long)a->shape[a->ndim - 1], (long long)b->shape[b->ndim - 2]);
    }
    spec_set(out, (mx_shape){a->ndim - 2, a->shape}, (mx_dtype)a->dtype);
    if (!shape_broadcast_into("matmul", out, (mx_shape){b->ndim - 2, b->shape})) return false;
    out->shape[out->ndim++] = a->shape[a->ndim - 2];
    out->shape[out->ndim++] = b->shape[b->ndim - 1];
    return true;
}

static double flops(const mx_call *c)
{
    int k = c->in[0]->ndim - 1;
    double complex_factor = c->in[0]->dtype == MX_COMPLEX64 ? 4 : 1;
    return complex_factor * 2 * (double)c->out[0]->size * (double)c->in[0]->shape[k];
}

static mx_array *adjoint(mx_array *x)
{
    return mx_conjugate(mx_swapaxes(x, -1, -2)); /* of a real array: itself */
}

static mx_array *product(mx_array *a, mx_array *b, float alpha)
{
    return op_apply_n(&mx_op_matmul, &(matmul_params){.alpha = alpha}, (mx_array *const[]){a, b}, 2);
}

/* Of one matrix and what it multiplies nothing is broadcast but the matrix along the batch: a shapeless program is told
 * that the cotangents have the shapes of the factors. */
static mx_array *like_factor(mx_array *d, mx_array *x)
{
    int batch[MX_MAX_NDIM], n = 0;
    if (!d || !sizes_are_free(d) || d->ndim < x->ndim) return d;
    for (int i = 0; i < d->ndim - x->ndim; i++) batch[n++] = i;
    if (n) d = mx_sum(d, (mx_axes){n, batch}, false);
    return d ? op_broadcast_like(d, x) : NULL;
}

/* Does x show the transpose of what lies in memory, as the weight of a linear layer is read? */
static bool is_turned(const mx_array *x)
{
    if (x->op != &mx_op_transpose) return false;
    const int *order = ((const transpose_params *)array_params(x))->order.at;
    return order[x->ndim - 1] == x->ndim - 2 && order[x->ndim - 2] == x->ndim - 1;
}

/* Complex products pull back through the conjugate of the other factor's transpose; the transposes are views, which the
 * kernel reads as they lie.  The gradient of a turned factor is computed turned, so that the gradient of what lies under
 * it lies as that does: optimizers read both, element by element. */
static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const matmul_params *p = c->params;
    if (call_wants(c, 0)) din[0] = product(dout[0], adjoint(c->in[1]), p->alpha);
    if (call_wants(c, 1)) {
        din[1] = is_turned(c->in[1])
                     ? mx_swapaxes(product(mx_swapaxes(dout[0], -1, -2), mx_conjugate(c->in[0]), p->alpha), -1, -2)
                     : product(adjoint(c->in[0]), dout[0], p->alpha);
    }
    for (int i = 0; i < 2 && c->in[1]->ndim == 2; i++) din[i] = like_factor(din[i], c->in[i]);
    if (c->nin == 3 && call_wants(c, 2)) din[2] = p->beta == 1 ? dout[0] : mx_mul(dout[0], mx_like(dout[0], p->beta));
    return !mx_failed();
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const matmul_params *p = c->params;
    mx_array *t = mx_add(product(tin[0], c->in[1], p->alpha), product(c->in[0], tin[1], p->alpha));
    if (c->nin == 3) t = mx_add(t, mx_mul(tin[2], mx_like(tin[2], p->beta)));
    return (tout[0] = t) != NULL;
}

/* (B, m, k) to (B, 1.., m, k), so that the batch axis lines up with that of an operand of `ndim` more axes. */
static mx_array *align(mx_array *x, int axis_in, int ndim)
{
    int64_t padded[MX_MAX_NDIM + 1];
    if (axis_in != 0) return x;
    int extra = ndim - (x->ndim - 1);
    if (ndim + 1 > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[vmap] more than %d dimensions.", MX_MAX_NDIM);
    padded[0] = x->shape[0];
    for (int i = 0; i < ndim; i++) padded[i + 1] = i < extra ? 1 : x->shape[1 + i - extra];
    return mx_reshape(x, (mx_shape){ndim + 1, padded});
}

static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *in[3] = {NULL};
    int ndim = 0;
    for (int i = 0; i < c->nin; i++) {
        int own = c->in[i]->ndim - (axis_in[i] == 0);
        ndim = own > ndim ? own : ndim;
    }
    for (int i = 0; i < c->nin; i++) {
        if (!(in[i] = align(c->in[i], axis_in[i], ndim))) return false;
    }
    /* The addend alone is mapped: the product must have the batch axis too. */
    if (axis_in[0] != 0 && axis_in[1] != 0) in[0] = align(op_batched(in[0], MX_UNMAPPED, c->in[2]->shape[0]), 0, ndim);
    axis_out[0] = 0;
    return (out[0] = op_again(c, in)) != NULL;
}

/* x (..., m, k) times one matrix is one product with all rows of x. */
static mx_array *fold_rows(mx_array *a, mx_array *b)
{
    if (a->ndim <= 2 || b->ndim != 2 || sizes_are_free(a)) return product(a, b, 1);
    int64_t shape[MX_MAX_NDIM];
    for (int i = 0; i < a->ndim - 1; i++) shape[i] = a->shape[i];
    shape[a->ndim - 1] = b->shape[1];
    int64_t k = a->shape[a->ndim - 1], rows = 1;
    for (int i = 0; i < a->ndim - 1; i++) rows *= a->shape[i];
    mx_array *out = product(mx_reshape(a, SHAPE(rows, k)), b, 1);
    return out ? mx_reshape(out, (mx_shape){a->ndim, shape}) : NULL;
}

/* A shapeless program has the product of a batch; its rows are one product once their number is known. */
static bool resize(const mx_call *c, mx_array **out)
{
    bool plain = c->nin == 2 && ((const matmul_params *)c->params)->alpha == 1;
    return (out[0] = plain ? fold_rows(c->in[0], c->in[1]) : op_again(c, c->in)) != NULL;
}

static mx_origin origin(const mx_call *c, int axis)
{
    int n = c->out[0]->ndim;
    if (c->in[0]->ndim != n || c->in[1]->ndim != 2) return (mx_origin){ORIGIN_UNKNOWN, axis};
    return axis == n - 1 ? (mx_origin){1, 1} : (mx_origin){0, axis};
}

const mx_op mx_op_matmul = {OP_NAMED(matmul, "matmul"),
                            .flops = flops,
                            .fields = fields,
                            .params_size = sizeof(matmul_params),
                            .flags = OP_ANY_SIZE,
                            .shape = shape,
                            .vjp = vjp,
                            .jvp = jvp,
                            .vmap = vmap,
                            .origin = origin,
                            .resize = resize};

/* ---- Public functions */
/* Both operands as matrices of one inexact dtype; says which had an axis added. */
static bool prepare(const char *op, mx_array **in, int count, bool *a_is_vector, bool *b_is_vector)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!op_has_all(op, in, count)) return false;
    mx_array *x = in[0], *y = in[1];
    if (x->ndim == 0 || y->ndim == 0) {
        return mx_fail_false(MX_VALUE, "[%s] operands must have at least one dimension, not shapes %s and %s.", op,
                             shape_text(a, array_shape(x)), shape_text(b, array_shape(y)));
    }
    int64_t inner = y->ndim == 1 ? y->shape[0] : y->shape[y->ndim - 2];
    if (x->shape[x->ndim - 1] != inner) {
        return mx_fail_false(
            MX_VALUE,
            "[%s] Last dimension of the first operand, shape %s, does not match the second to last of the second, shape %s.",
            op, shape_text(a, array_shape(x)), shape_text(b, array_shape(y)));
    }
    if (!op_promote(in, count)) return false;
    if (!mx_dtype_is((mx_dtype)in[0]->dtype, MX_INEXACT)) {
        return mx_fail_false(MX_VALUE, "[%s] Only floating and complex types are supported, not %s.", op,
                             mx_dtype_name((mx_dtype)in[0]->dtype));
    }
    if ((*a_is_vector = x->ndim == 1)) in[0] = mx_expand_dims(in[0], AXES(0));
    if ((*b_is_vector = y->ndim == 1)) in[1] = mx_expand_dims(in[1], AXES(1));
    return in[0] && in[1];
}

static mx_array *drop_axes(mx_array *out, bool a_is_vector, bool b_is_vector)
{
    int axes[2], n = 0;
    if (a_is_vector) axes[n++] = -2;
    if (b_is_vector) axes[n++] = -1;
    return out && n ? mx_squeeze(out, (mx_axes){n, axes}) : out;
}

mx_array *mx_matmul(mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    bool a_is_vector, b_is_vector;
    if (!prepare("matmul", in, 2, &a_is_vector, &b_is_vector)) return NULL;
    return drop_axes(fold_rows(in[0], in[1]), a_is_vector, b_is_vector);
}

mx_array *mx_addmm(mx_array *c, mx_array *a, mx_array *b, float alpha, float beta)
{
    mx_array *in[3] = {a, b, c};
    bool a_is_vector, b_is_vector;
    if (!prepare("addmm", in, 3, &a_is_vector, &b_is_vector)) return NULL;
    mx_spec whole;
    mx_call call = {.in = in, .nin = 2};
    if (!shape(&call, &whole)) return NULL;
    mx_array *addend = in[2];
    if (sizes_are_free(a) || sizes_are_free(b)) {
        mx_array *y = drop_axes(fold_rows(in[0], in[1]), a_is_vector, b_is_vector);
        return mx_add(mx_mul(y, mx_like(addend, alpha)), mx_mul(addend, mx_like(addend, beta)));
    }
    if (b_is_vector && addend->ndim > 0) addend = mx_expand_dims(addend, AXES(-1));
    if (a_is_vector && addend && addend->ndim > 1) addend = mx_expand_dims(addend, AXES(-2));
    if (!addend || !(in[2] = mx_broadcast_to(addend, spec_shape(&whole)))) return NULL;
    return drop_axes(op_apply_n(&mx_op_matmul, &(matmul_params){alpha, beta}, in, 3), a_is_vector, b_is_vector);
}
