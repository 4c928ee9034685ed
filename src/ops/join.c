/* SPDX-License-Identifier: MIT
 *
 * Joining arrays and taking them apart. */
#include "core/memory.h"
#include "core/params/join.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_INT(concatenate_params, axis), FIELD_END};

/* ---- concatenate */
static bool shapes_fit(mx_array *const *in, int count, int axis)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    mx_spec whole;
    spec_set(&whole, array_shape(in[0]), MX_BOOL);
    for (int i = 1; i < count; i++) {
        if (in[i]->ndim != in[0]->ndim) {
            return mx_fail_false(MX_VALUE, "[concatenate] arrays of %d and of %d dimensions.", in[0]->ndim,
                                 in[i]->ndim);
        }
        for (int k = 0; k < in[0]->ndim; k++) {
            if (k == axis || in[i]->shape[k] == in[0]->shape[k]) continue;
            return mx_fail_false(MX_VALUE, "[concatenate] shapes %s and %s differ along an axis other than %d.",
                                 shape_text(a, array_shape(in[0])), shape_text(b, array_shape(in[i])), axis);
        }
        if (whole.shape[axis] > INT64_MAX - in[i]->shape[axis])
            return mx_fail_false(MX_OVERFLOW, "[concatenate] axis %d has too many elements.", axis);
        whole.shape[axis] += in[i]->shape[axis];
    }
    return shape_size("concatenate", spec_shape(&whole)) >= 0;
}

static bool shape(const mx_call *c, mx_spec *out)
{
    const concatenate_params *p = c->params;
    if (!shapes_fit(c->in, c->nin, p->axis)) return false;
    spec_set(out, array_shape(c->in[0]), (mx_dtype)c->in[0]->dtype);
    for (int i = 1; i < c->nin; i++) out->shape[p->axis] += c->in[i]->shape[p->axis];
    return true;
}

/* Elements [from, from + count) along an axis. */
static mx_array *cut(mx_array *x, int axis, int64_t from, int64_t count)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++) {
        stop[i] = x->shape[i];
        step[i] = 1;
    }
    start[axis] = from;
    stop[axis] = from + count;
    return mx_slice(x, start, stop, step);
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const concatenate_params *p = c->params;
    int64_t at = 0;
    for (int i = 0; i < c->nin; i++) {
        int64_t count = c->in[i]->shape[p->axis];
        if (call_wants(c, i)) din[i] = cut(dout[0], p->axis, at, count);
        at += count;
    }
    return !mx_failed();
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = op_apply_n(c->op, c->params, tin, c->nin)) != NULL;
}

static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const concatenate_params *p = c->params;
    int64_t batch = op_batch_size(c, axis_in);
    mx_array **in = mx_alloc((size_t)c->nin, sizeof *in);
    bool ok = in != NULL;
    for (int i = 0; i < c->nin && ok; i++) ok = (in[i] = op_batched(c->in[i], axis_in[i], batch)) != NULL;
    axis_out[0] = 0;
    out[0] = ok ? op_apply_n(c->op, &(concatenate_params){p->axis + 1}, in, c->nin) : NULL;
    mx_free(in);
    return out[0] != NULL;
}

const mx_op mx_op_concatenate = {OP_NAMED(concatenate, "concatenate"),
                                 .fields = fields,
                                 .params_size = sizeof(concatenate_params),
                                 .flags = OP_ANY_SIZE,
                                 .shape = shape,
                                 .vjp = vjp,
                                 .jvp = jvp,
                                 .vmap = vmap};

mx_array *mx_concatenate(mx_array *const *in, int count, int axis)
{
    if (count <= 0) return mx_fail(MX_VALUE, "[concatenate] no arrays.");
    if (!op_has_all("concatenate", in, count)) return NULL;
    if (count == 1) return in[0];
    int a = axis_of("concatenate", axis, in[0]->ndim, MX_VALUE);
    if (a < 0) return NULL;
    mx_array **same = mx_alloc((size_t)count, sizeof *same);
    if (!same) return NULL;
    for (int i = 0; i < count; i++) same[i] = in[i];
    mx_array *out =
        op_promote(same, count) ? op_apply_n(&mx_op_concatenate, &(concatenate_params){a}, same, count) : NULL;
    mx_free(same);
    return out;
}

mx_array *mx_stack(mx_array *const *in, int count, int axis)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (count <= 0) return mx_fail(MX_VALUE, "[stack] no arrays.");
    if (!op_has_all("stack", in, count)) return NULL;
    int at = axis_of("stack", axis, in[0]->ndim + 1, MX_VALUE);
    mx_array **rows = at < 0 ? NULL : mx_alloc((size_t)count, sizeof *rows);
    bool ok = rows != NULL;
    for (int i = 0; i < count && ok; i++) {
        if (!shape_equal(array_shape(in[i]), array_shape(in[0]))) {
            ok = mx_fail_false(MX_VALUE, "[stack] shapes %s and %s differ.", shape_text(a, array_shape(in[0])),
                               shape_text(b, array_shape(in[i])));
        }
        ok = ok && (rows[i] = mx_expand_dims(in[i], MX_AXES(at))) != NULL;
    }
    mx_array *out = ok ? mx_concatenate(rows, count, at) : NULL;
    mx_free(rows);
    return out;
}

/* ---- split */
/* A position as a slice takes it. */
static int64_t position(int64_t i, int64_t n)
{
    i = i < 0 ? i + n : i;
    return i < 0 ? 0 : i > n ? n : i;
}

bool mx_split(mx_array *x, int count, const int64_t *at, int axis, mx_array **out)
{
    char text[SHAPE_TEXT];
    for (int i = 0; i < count; i++) out[i] = NULL;
    if (!op_has("split", x)) return false;
    int a = axis_of("split", axis, x->ndim, MX_VALUE);
    if (a < 0) return false;
    if (count <= 0) return mx_fail_false(MX_VALUE, "[split] into %d parts.", count);
    int64_t n = x->shape[a];
    if (!at && n % count) {
        return mx_fail_false(MX_VALUE, "[split] %d equal parts along axis %d of shape %s.", count, a,
                             shape_text(text, array_shape(x)));
    }
    for (int i = 0; i < count; i++) {
        int64_t from = !at ? i * (n / count) : i ? position(at[i - 1], n) : 0;
        int64_t to = !at ? from + n / count : i + 1 < count ? position(at[i], n) : n;
        if (!(out[i] = cut(x, a, from, to > from ? to - from : 0))) return false;
    }
    return true;
}
