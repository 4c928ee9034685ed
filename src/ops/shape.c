/* SPDX-License-Identifier: MIT
 *
 * Shapes by name: what reshape, broadcast_to, slice and concatenate say in other words. */
#include "core/memory.h"
#include "ops/rules.h"

/* ---- Axes of size 1 */
/* As NumPy: a vector becomes (1, n) and (1, n, 1), a matrix (m, n, 1). */
mx_array *mx_atleast(mx_array *x, int ndim)
{
    if (!op_has("atleast", x)) return NULL;
    if (ndim < 0 || ndim > 3) return mx_fail(MX_VALUE, "[atleast] %d dimensions; 0 to 3 are known.", ndim);
    if (x->ndim >= ndim) return x;
    int64_t n = x->ndim ? x->shape[0] : 1;
    if (ndim == 1) return mx_reshape(x, MX_SHAPE(n));
    if (ndim == 2) return mx_reshape(x, MX_SHAPE(1, n));
    return x->ndim == 2 ? mx_reshape(x, MX_SHAPE(n, x->shape[1], 1)) : mx_reshape(x, MX_SHAPE(1, n, 1));
}

/* ---- Broadcasting */
bool mx_broadcast_arrays(mx_array *const *in, int count, mx_array **out)
{
    mx_spec spec = {.ndim = 0};
    if (!op_has_all("broadcast_arrays", in, count)) return false;
    for (int i = 0; i < count; i++) {
        if (!shape_broadcast_into("broadcast_arrays", &spec, array_shape(in[i]))) return false;
    }
    for (int i = 0; i < count; i++) {
        if (!(out[i] = mx_broadcast_to(in[i], spec_shape(&spec)))) return false;
    }
    return true;
}

bool mx_meshgrid(mx_array *const *in, int count, bool sparse, bool ij, mx_array **out)
{
    if (!op_has_all("meshgrid", in, count)) return false;
    if (count > MX_MAX_NDIM)
        return mx_fail_false(MX_VALUE, "[meshgrid] %d arrays; %d is the most.", count, MX_MAX_NDIM);
    int64_t shape[MX_MAX_NDIM];
    for (int i = 0; i < count; i++) {
        int axis = !ij && count > 1 && i < 2 ? 1 - i : i;
        for (int k = 0; k < count; k++) shape[k] = k == axis ? in[i]->size : 1;
        if (!(out[i] = mx_reshape(in[i], (mx_shape){count, shape}))) return false;
    }
    return sparse || mx_broadcast_arrays(out, count, out);
}

/* ---- Repeating */
/* `count` copies of each element along an axis (inner), or of the whole axis. */
static mx_array *multiply_axis(const char *op, mx_array *x, int axis, int64_t count, bool inner)
{
    int64_t wide[MX_MAX_NDIM], flat[MX_MAX_NDIM];
    if (count == 1) return x;
    mx_array *y = mx_expand_dims(x, MX_AXES(axis + inner));
    if (!y) return NULL;
    for (int i = 0; i < y->ndim; i++) wide[i] = i == axis + inner ? count : y->shape[i];
    for (int i = 0; i < x->ndim; i++) flat[i] = x->shape[i];
    if (MUL_OVERFLOWS(flat[axis], count, &flat[axis]))
        return mx_fail(MX_OVERFLOW, "[%s] %lld copies are too many.", op, (long long)count);
    y = mx_broadcast_to(y, (mx_shape){y->ndim, wide});
    return y ? mx_reshape(y, (mx_shape){x->ndim, flat}) : NULL;
}

mx_array *mx_repeat(mx_array *x, int64_t count, int axis)
{
    if (!op_has("repeat", x)) return NULL;
    int a = axis_of("repeat", axis, x->ndim, MX_VALUE);
    if (a < 0) return NULL;
    if (count < 0) return mx_fail(MX_VALUE, "[repeat] %lld repeats.", (long long)count);
    return multiply_axis("repeat", x, a, count, true);
}

mx_array *mx_tile(mx_array *x, mx_shape counts)
{
    int64_t shape[MX_MAX_NDIM];
    if (!op_has("tile", x) || !shape_readable("tile", counts)) return NULL;
    for (int i = 0; i < counts.ndim; i++) {
        if (counts.at[i] < 0) return mx_fail(MX_VALUE, "[tile] %lld copies.", (long long)counts.at[i]);
    }
    int ndim = x->ndim > counts.ndim ? x->ndim : counts.ndim;
    for (int i = 0; i < ndim; i++) shape[i] = i < ndim - x->ndim ? 1 : x->shape[i - (ndim - x->ndim)];
    mx_array *y = mx_reshape(x, (mx_shape){ndim, shape});
    for (int i = 1; i <= counts.ndim && y; i++)
        y = multiply_axis("tile", y, ndim - i, counts.at[counts.ndim - i], false);
    return y;
}

/* ---- Slices of the whole */
mx_array *mx_flip(mx_array *x, mx_axes axes)
{
    int at[MX_MAX_NDIM];
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!op_has("flip", x)) return NULL;
    int count = axes_of("flip", axes, x->ndim, MX_VALUE, at);
    if (count < 0) return NULL;
    for (int i = 0; i < x->ndim; i++) {
        start[i] = 0;
        stop[i] = x->shape[i];
        step[i] = 1;
    }
    for (int i = 0; i < count; i++) {
        start[at[i]] = -1;
        stop[at[i]] = -x->shape[at[i]] - 1;
        step[at[i]] = -1;
    }
    return mx_slice(x, start, stop, step);
}

mx_array *mx_roll(mx_array *x, const int64_t *shifts, mx_axes axes)
{
    if (!op_has("roll", x)) return NULL;
    int count = axes.count < 0 ? x->ndim : axes.count;
    if (count > 0 && (!shifts || (axes.count > 0 && !axes.at))) return mx_fail(MX_VALUE, "[roll] A list is NULL.");
    for (int i = 0; i < count && x; i++) {
        int axis = axis_of("roll", axes.count < 0 ? i : axes.at[i], x->ndim, MX_VALUE);
        if (axis < 0) return NULL;
        int64_t n = x->shape[axis], shift = n ? shifts[i] % n : 0, at = shift > 0 ? n - shift : -shift;
        mx_array *part[2];
        if (at == 0) continue;
        if (!mx_split(x, 2, &at, axis, part)) return NULL;
        x = mx_concatenate((mx_array *const[]){part[1], part[0]}, 2, axis);
    }
    return x;
}

/* ---- pad */
static mx_array *pad_constant(mx_array *x, const int64_t *low, const int64_t *high, mx_array *value)
{
    int64_t shape[MX_MAX_NDIM], start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++) {
        if (low[i] > INT64_MAX / 4 || high[i] > INT64_MAX / 4)
            return mx_fail(MX_OVERFLOW, "[pad] axis %d becomes too long.", i);
        start[i] = low[i];
        stop[i] = low[i] + x->shape[i];
        step[i] = 1;
        shape[i] = stop[i] + high[i];
    }
    if (!op_has("pad", value)) return NULL;
    if (value->size != 1) {
        mx_array *first = mx_reshape(value, MX_SHAPE(value->size));
        value = first && first->size ? mx_slice(first, (int64_t[]){0}, (int64_t[]){1}, (int64_t[]){1}) : NULL;
        if (!value) return mx_fail(MX_VALUE, "[pad] the value has no elements.");
    }
    value = mx_reshape(value, MX_SCALAR_SHAPE);
    return mx_slice_update(mx_full((mx_shape){x->ndim, shape}, value, (mx_dtype)x->dtype), x, start, stop, step);
}

/* Which of the n elements stands at place i of the padded axis; i may be negative. */
static int64_t mirror(int64_t i, int64_t n, mx_pad_mode mode)
{
    if (mode == MX_PAD_EDGE) return i < 0 ? 0 : i < n ? i : n - 1;
    if (mode == MX_PAD_REFLECT && n == 1) return 0;
    int64_t period = mode == MX_PAD_REFLECT ? 2 * n - 2 : 2 * n, at = i % period;
    at = at < 0 ? at + period : at;
    return at < n ? at : mode == MX_PAD_REFLECT ? period - at : period - 1 - at;
}

/* Elements of x at places [from, from + count) of its padded axis. */
static mx_array *border(mx_array *x, int axis, int64_t from, int64_t count, mx_pad_mode mode)
{
    int64_t *places = mx_alloc((size_t)count, sizeof *places);
    if (!places) return NULL;
    for (int64_t i = 0; i < count; i++) places[i] = mirror(from + i, x->shape[axis], mode);
    mx_array *index = mx_from_data(places, MX_SHAPE(count), MX_INT64);
    mx_free(places);
    return mx_take(x, index, axis);
}

static mx_array *pad_axis(mx_array *x, int axis, int64_t low, int64_t high, mx_pad_mode mode)
{
    static const char *const names[] = {"constant", "edge", "reflect", "symmetric"};
    mx_array *part[3];
    int n = 0;
    int64_t size = x->shape[axis];
    if (low == 0 && high == 0) return x;
    if (size == 0) return mx_fail(MX_VALUE, "[pad] Cannot pad empty axis %d using mode '%s'.", axis, names[mode]);
    if (low) part[n++] = border(x, axis, -low, low, mode);
    part[n++] = x;
    if (high) part[n++] = border(x, axis, size, high, mode);
    for (int i = 0; i < n; i++) {
        if (!part[i]) return NULL;
    }
    return mx_concatenate(part, n, axis);
}

mx_array *mx_pad(mx_array *x, mx_axes axes, const int64_t *low, const int64_t *high, mx_pad_mode mode, mx_array *value)
{
    int64_t before[MX_MAX_NDIM] = {0}, after[MX_MAX_NDIM] = {0};
    if (!op_has("pad", x)) return NULL;
    if ((unsigned)mode > MX_PAD_SYMMETRIC) return mx_fail(MX_VALUE, "[pad] there is no mode %d.", (int)mode);
    int count = axes.count < 0 ? x->ndim : axes.count;
    bool none = true;
    if (count > 0 && (!low || !high || (axes.count > 0 && !axes.at))) return mx_fail(MX_VALUE, "[pad] A list is NULL.");
    for (int i = 0; i < count; i++) {
        int axis = axis_of("pad", axes.count < 0 ? i : axes.at[i], x->ndim, MX_VALUE);
        if (axis < 0) return NULL;
        if (low[i] < 0 || high[i] < 0) {
            return mx_fail(MX_VALUE, "[pad] widths %lld and %lld of axis %d; they must not be negative.",
                           (long long)low[i], (long long)high[i], axis);
        }
        if (ADD_OVERFLOWS(before[axis], low[i], &before[axis]) || ADD_OVERFLOWS(after[axis], high[i], &after[axis]))
            return mx_fail(MX_OVERFLOW, "[pad] axis %d becomes too long.", axis);
        none &= low[i] == 0 && high[i] == 0;
    }
    if (mode == MX_PAD_CONSTANT && !op_has("pad", value)) return NULL;
    if (none) return x;
    if (mode == MX_PAD_CONSTANT) return pad_constant(x, before, after, value);
    for (int i = 0; i < count && x; i++) {
        int axis = axis_of("pad", axes.count < 0 ? i : axes.at[i], x->ndim, MX_VALUE);
        x = pad_axis(x, axis, before[axis], after[axis], mode);
        before[axis] = after[axis] = 0; /* an axis that is given twice is padded once, by the sum */
    }
    return x;
}
