/* SPDX-License-Identifier: MIT
 *
 * Rotary positions (Su et al., "RoFormer", 2021): the pair (x1, x2) of feature i at position t is turned by the angle
 * t * scale * base^(-2i/dims), or t * scale / freqs[i].  A rotation's transpose is the rotation back, so both
 * derivatives are this op. */
#include "core/params/rope.h"
#include "mica/fast.h"
#include "mica/transforms.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_INT(rope_params, dims),      FIELD_FLOAT(rope_params, base),
                                  FIELD_FLOAT(rope_params, scale),   FIELD_BOOL(rope_params, traditional),
                                  FIELD_BOOL(rope_params, backward), FIELD_END};

static bool turn(const mx_call *c, mx_array *x, bool back, mx_array **out)
{
    rope_params p = *(const rope_params *)c->params;
    mx_array *in[3] = {x, c->in[1], c->nin == 3 ? c->in[2] : NULL};
    p.backward ^= back;
    return (*out = op_apply_n(&mx_op_rope, &p, in, c->nin)) != NULL;
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return turn(c, dout[0], true, &din[0]);
}
static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return turn(c, tin[0], false, &tout[0]);
}

/* Positions run over the axis before the last, so a batch in front changes nothing, but that offsets belong to the
 * first axis: with offsets of its own a batch axis and the first axis become one. */
static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    if (c->nin == 3 && axis_in[2] == 0) return mx_fail_false(MX_VALUE, "[rope] freqs cannot be mapped.");
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *x = op_batched(c->in[0], axis_in[0], batch), *offset = c->in[1];
    int offset_ndim = offset->ndim - (axis_in[1] == 0);
    axis_out[0] = 0;
    if (axis_in[1] != 0 && offset_ndim == 0) return turn(c, x, false, &out[0]);
    /* One offset for each (batch, first axis). */
    int64_t first = x->shape[1], merged[MX_MAX_NDIM] = {batch * first};
    for (int i = 2; i < x->ndim; i++) merged[i - 1] = x->shape[i];
    offset = op_batched(offset, axis_in[1], batch);
    if (offset && offset_ndim == 0) offset = mx_reshape(offset, SHAPE(batch, 1));
    offset = offset ? mx_reshape(mx_broadcast_to(offset, SHAPE(batch, first)), SHAPE(batch * first)) : NULL;
    mx_array *in[3] = {mx_reshape(x, (mx_shape){x->ndim - 1, merged}), offset, c->nin == 3 ? c->in[2] : NULL};
    mx_array *y = op_apply_n(c->op, c->params, in, c->nin);
    return (out[0] = y ? mx_reshape(y, array_shape(x)) : NULL) != NULL;
}

const mx_op mx_op_rope = {OP_NAMED(rope, "rope"),
                          .fields = fields,
                          .params_size = sizeof(rope_params),
                          .shape = op_shape_same,
                          .vjp = vjp,
                          .jvp = jvp,
                          .vmap = vmap};

static bool check(const mx_array *x, mx_rope_options o, const mx_array *offset, const mx_array *freqs)
{
    char text[SHAPE_TEXT];
    if (!op_has("rope", x) || !op_has("rope", offset)) return false;
    if (x->ndim < 3)
        return mx_fail_false(MX_VALUE, "[rope] the input must have at least 3 dimensions, not shape %s.",
                             shape_text(text, array_shape(x)));
    if (!mx_dtype_is((mx_dtype)x->dtype, MX_FLOATING)) {
        return mx_fail_false(MX_VALUE, "[rope] the input must be floating point, not %s.",
                             mx_dtype_name((mx_dtype)x->dtype));
    }
    if (o.dims < 2 || o.dims % 2 || o.dims > x->shape[x->ndim - 1]) {
        return mx_fail_false(MX_VALUE, "[rope] dims must be even and at most the last dimension, %lld, not %d.",
                             (long long)x->shape[x->ndim - 1], o.dims);
    }
    if ((o.base == 0) == (freqs == NULL))
        return mx_fail_false(MX_VALUE, "[rope] exactly one of base and freqs must be given.");
    if (freqs && (freqs->ndim != 1 || freqs->shape[0] != o.dims / 2)) {
        return mx_fail_false(MX_VALUE, "[rope] freqs must have shape (%d), not %s.", o.dims / 2,
                             shape_text(text, array_shape(freqs)));
    }
    if (offset->ndim > 1 || (offset->ndim == 1 && offset->shape[0] != 1 && offset->shape[0] != x->shape[0])) {
        return mx_fail_false(
            MX_VALUE, "[rope] offset must be a scalar or have one entry for each of the %lld batch rows, not shape %s.",
            (long long)x->shape[0], shape_text(text, array_shape(offset)));
    }
    if (mx_dtype_is((mx_dtype)offset->dtype, MX_INTEGER)) return true;
    return mx_fail_false(MX_VALUE, "[rope] offset must be of an integer type, not %s.",
                         mx_dtype_name((mx_dtype)offset->dtype));
}

mx_array *mx_rope(mx_array *x, mx_rope_options o, mx_array *offset, mx_array *freqs)
{
    if (!check(x, o, offset, freqs)) return NULL;
    rope_params p = {.dims = o.dims, .base = o.base, .scale = o.scale, .traditional = o.traditional};
    mx_array *in[3] = {x, mx_astype(offset, MX_INT32), freqs ? mx_astype(freqs, MX_FLOAT32) : NULL};
    if (in[1] && in[1]->ndim == 1 && in[1]->shape[0] == 1) in[1] = mx_reshape(in[1], SCALAR_SHAPE);
    return op_apply_n(&mx_op_rope, &p, in, freqs ? 3 : 2);
}
