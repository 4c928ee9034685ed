/* SPDX-License-Identifier: MIT
 *
 * MLX's primitives made from arrays, in public functions, which check what they are given: a file is not trusted.
 * What comes out must have the dtype that the file says and, unless sizes are free, the shape.  data table */
#include "core/memory.h"
#include "core/shape.h"
#include "io/mlxfn.h"
#include "mica/array.h"
#include "mica/error.h"
#include "mica/fast.h"
#include "mica/fft.h"
#include "mica/linalg.h"
#include "mica/ops.h"
#include "mica/random.h"
#include "mica/transforms.h"
#include <string.h>

#define APPLY(name)                                                                                                    \
    static bool name(const mlxfn_primitive *p, const mlxfn_function *f, const mlxfn_entry *e, mx_array *const *in,     \
                     mx_array **out)
#define UNUSED (void)p, (void)f, (void)e, (void)in
#define GIVE(expression) return (out[0] = (expression)) != NULL

/* ---- Fields */
static mx_axes axes_of_field(const mx_export_field *field, int at[MX_MAX_NDIM])
{
    if (field->count > MX_MAX_NDIM)
        return mx_fail(MX_RUNTIME, "[import_function] %d axes.", field->count), (mx_axes){0};
    for (int i = 0; i < field->count; i++) at[i] = (int)field->list[i];
    return (mx_axes){field->count, at};
}

static mx_shape shape_of_field(const mx_export_field *field)
{
    return (mx_shape){field->count, field->list};
}

static bool wants_entries(const mx_export_field *field, int count)
{
    return field->count == count ||
           mx_fail_false(MX_RUNTIME, "[import_function] a list of %d entries for %d dimensions.", field->count, count);
}

/* ---- Elementwise */
APPLY(apply_unary)
{
    UNUSED;
    GIVE(p->unary(in[0]));
}
APPLY(apply_binary)
{
    UNUSED;
    GIVE(p->binary(in[0], in[1]));
}
APPLY(apply_divide)
{
    UNUSED;
    GIVE(mx_dtype_is(mx_dtype_of(in[0]), MX_INEXACT) ? mx_div(in[0], in[1]) : mx_floor_div(in[0], in[1]));
}
APPLY(apply_divmod)
{
    UNUSED;
    return e->nout == 2 ? mx_divmod(in[0], in[1], out)
                        : mx_fail_false(MX_RUNTIME, "[import_function] DivMod with %d outputs.", e->nout);
}
APPLY(apply_equal)
{
    UNUSED;
    mx_array *same = mx_equal(in[0], in[1]);
    if (!e->fields[0].whole) GIVE(same);
    GIVE(mx_logical_or(same, mx_logical_and(mx_isnan(in[0]), mx_isnan(in[1]))));
}
APPLY(apply_log)
{
    UNUSED;
    int64_t base = e->fields[0].whole;
    GIVE(base == 0 ? mx_log2(in[0]) : base == 1 ? mx_log10(in[0]) : mx_log(in[0]));
}
APPLY(apply_sqrt)
{
    UNUSED;
    GIVE(e->fields[0].whole ? mx_rsqrt(in[0]) : mx_sqrt(in[0]));
}
APPLY(apply_bitwise)
{
    UNUSED;
    static mx_array *(*const functions[])(mx_array *, mx_array *) = {mx_bitwise_and, mx_bitwise_or, mx_bitwise_xor,
                                                                     mx_left_shift, mx_right_shift};
    int64_t kind = e->fields[0].whole;
    if (kind < 0 || kind > 4) return mx_fail_false(MX_RUNTIME, "[import_function] BitwiseBinary %d.", (int)kind);
    GIVE(functions[kind](in[0], in[1]));
}
APPLY(apply_select)
{
    UNUSED;
    GIVE(mx_where(in[0], in[1], in[2]));
}
APPLY(apply_astype)
{
    UNUSED;
    GIVE(mx_astype(in[0], (mx_dtype)e->fields[0].whole));
}
APPLY(apply_view)
{
    UNUSED;
    GIVE(mx_view(in[0], (mx_dtype)e->fields[0].whole));
}

/* ---- Reductions */
APPLY(apply_reduce)
{
    UNUSED;
    static mx_array *(*const functions[])(mx_array *, mx_axes, bool) = {mx_all,  mx_any, mx_sum,
                                                                        mx_prod, mx_min, mx_max};
    int64_t kind = e->fields[0].whole;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[1], at);
    if (kind < 0 || kind > 5) return mx_fail_false(MX_RUNTIME, "[import_function] Reduce %d.", (int)kind);
    if (mx_failed()) return false;
    GIVE(mx_astype(functions[kind](in[0], axes, true), f->values[e->out[0]].dtype));
}
APPLY(apply_logsumexp)
{
    UNUSED;
    GIVE(mx_logsumexp(in[0], MX_AXES(-1), true));
}
APPLY(apply_arg_reduce)
{
    UNUSED;
    mx_axes axis = MX_AXES((int)e->fields[1].whole);
    GIVE(e->fields[0].whole ? mx_argmax(in[0], axis, true) : mx_argmin(in[0], axis, true));
}
APPLY(apply_scan)
{
    UNUSED;
    static mx_array *(*const functions[])(mx_array *, int, bool, bool) = {mx_cummax, mx_cummin, mx_cumsum, mx_cumprod,
                                                                          mx_logcumsumexp};
    int64_t kind = e->fields[0].whole;
    if (kind < 0 || kind > 4) return mx_fail_false(MX_RUNTIME, "[import_function] Scan %d.", (int)kind);
    mx_array *y = functions[kind](in[0], (int)e->fields[1].whole, e->fields[2].whole, e->fields[3].whole);
    GIVE(mx_astype(y, f->values[e->out[0]].dtype));
}
APPLY(apply_softmax)
{
    UNUSED;
    GIVE(mx_softmax(in[0], MX_AXES(-1), e->fields[0].whole));
}
APPLY(apply_searchsorted)
{
    UNUSED;
    GIVE(mx_searchsorted(in[0], in[1], e->fields[0].whole));
}
APPLY(apply_sort)
{
    UNUSED;
    GIVE(mx_sort(in[0], (int)e->fields[0].whole));
}
APPLY(apply_argsort)
{
    UNUSED;
    GIVE(mx_argsort(in[0], (int)e->fields[0].whole));
}
APPLY(apply_partition)
{
    UNUSED;
    GIVE(mx_partition(in[0], e->fields[0].whole, (int)e->fields[1].whole));
}
APPLY(apply_argpartition)
{
    UNUSED;
    GIVE(mx_argpartition(in[0], e->fields[0].whole, (int)e->fields[1].whole));
}
APPLY(apply_count)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_number_of_elements(in[0], axes, e->fields[1].whole, (mx_dtype)e->fields[2].whole));
}

/* ---- Products */
APPLY(apply_addmm)
{
    UNUSED;
    GIVE(mx_addmm(in[2], in[0], in[1], (float)e->fields[0].real, (float)e->fields[1].real));
}
APPLY(apply_hadamard)
{
    UNUSED;
    GIVE(mx_hadamard_transform(in[0], &(double){e->fields[0].real}));
}

/* The sizes of the axes are those of what is not half a spectrum. */
APPLY(apply_fft)
{
    UNUSED;
    bool inverse = e->fields[1].whole, real = e->fields[2].whole;
    int at[MX_MAX_NDIM];
    int64_t points[MX_MAX_NDIM];
    const param_shape *made = &f->values[e->out[0]].shape;
    mx_shape full = real && inverse ? (mx_shape){made->ndim, made->at} : mx_shape_of(in[0]);
    mx_axes axes = axes_of_field(&e->fields[0], at);
    if (mx_failed()) return false;
    for (int i = 0; i < axes.count; i++) {
        if (at[i] < 0 || at[i] >= full.ndim)
            return mx_fail_false(MX_RUNTIME, "[import_function] FFT of axis %d of %d.", at[i], full.ndim);
        points[i] = full.at[at[i]];
    }
    mx_shape n = {axes.count, points};
    GIVE(real ? (inverse ? mx_irfft : mx_rfft)(in[0], n, axes, MX_FFT_BACKWARD)
              : (inverse ? mx_ifft : mx_fft)(in[0], n, axes, MX_FFT_BACKWARD));
}

/* ---- Linear algebra */
static bool has_outputs(const mlxfn_entry *e, bool vectors, int count)
{
    return e->nout == (vectors ? count : 1) ||
           mx_fail_false(MX_RUNTIME, "[import_function] %s with %d outputs.", e->primitive->name, e->nout);
}
APPLY(apply_inverse)
{
    UNUSED;
    GIVE(e->fields[0].whole ? mx_linalg_tri_inv(in[0], e->fields[1].whole) : mx_linalg_inv(in[0]));
}
APPLY(apply_cholesky)
{
    UNUSED;
    GIVE(mx_linalg_cholesky(in[0], e->fields[0].whole));
}
APPLY(apply_qr)
{
    UNUSED;
    return has_outputs(e, true, 2) && mx_linalg_qr(in[0], out);
}
APPLY(apply_svd)
{
    UNUSED;
    bool vectors = e->fields[0].whole;
    if (!has_outputs(e, vectors, 3)) return false;
    if (vectors) return mx_linalg_svd(in[0], out);
    GIVE(mx_linalg_svdvals(in[0]));
}
APPLY(apply_eig)
{
    UNUSED;
    bool vectors = e->fields[0].whole;
    if (!has_outputs(e, vectors, 2)) return false;
    if (vectors) return mx_linalg_eig(in[0], out);
    GIVE(mx_linalg_eigvals(in[0]));
}

APPLY(apply_eigh)
{
    UNUSED;
    bool vectors = e->fields[1].whole, upper = e->fields[0].whole == 'U';
    if (!has_outputs(e, vectors, 2)) return false;
    if (vectors) return mx_linalg_eigh(in[0], upper, out);
    GIVE(mx_linalg_eigvalsh(in[0], upper));
}

/* ---- Layout */
APPLY(apply_reshape)
{
    UNUSED;
    GIVE(mx_reshape_given(in[0], shape_of_field(&e->fields[0])));
}
/* With more operands it broadcasts against them, whatever the shape that was. */
static bool broadcast(const mlxfn_entry *e, mx_array *const *in, mx_array **out)
{
    mx_array *all[16];
    if (e->nin > 16) return mx_fail_false(MX_RUNTIME, "[import_function] Broadcast of %d operands.", e->nin);
    if (e->nin == 1) return (out[0] = mx_broadcast_to(in[0], shape_of_field(&e->fields[0]))) != NULL;
    return mx_broadcast_arrays(in, e->nin, all) && (out[0] = all[0]) != NULL;
}
APPLY(apply_broadcast)
{
    UNUSED;
    return broadcast(e, in, out);
}
/* Broadcasts but for the named axes (negative ones), which stay as the first operand has them. */
APPLY(apply_broadcast_axes)
{
    UNUSED;
    mx_array *all[16];
    if (e->nin > 16) return mx_fail_false(MX_RUNTIME, "[import_function] BroadcastAxes of %d operands.", e->nin);
    int64_t shape[MX_MAX_NDIM];
    for (int i = 0; i < e->nin; i++) {
        mx_shape s = mx_shape_of(in[i]);
        int64_t one[MX_MAX_NDIM];
        for (int k = 0; k < s.ndim; k++) one[k] = s.at[k];
        for (int k = 0; k < e->fields[0].count; k++) {
            int64_t axis = e->fields[0].list[k] + s.ndim;
            if (axis < 0 || axis >= s.ndim) return mx_fail_false(MX_RUNTIME, "[import_function] BroadcastAxes axis.");
            one[axis] = 1;
        }
        if (!(all[i] = mx_zeros((mx_shape){s.ndim, one}, MX_BOOL))) return false;
    }
    mx_array *same[16];
    if (!mx_broadcast_arrays(all, e->nin, same)) return false;
    mx_shape to = mx_shape_of(same[0]), own = mx_shape_of(in[0]);
    for (int k = 0; k < to.ndim; k++) shape[k] = to.at[k];
    for (int k = 0; k < e->fields[0].count; k++) {
        int64_t back = e->fields[0].list[k];
        shape[to.ndim + back] = own.at[own.ndim + back];
    }
    GIVE(mx_broadcast_to(in[0], (mx_shape){to.ndim, shape}));
}
APPLY(apply_expand_dims)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_expand_dims(in[0], axes));
}
APPLY(apply_squeeze)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_squeeze(in[0], axes));
}
APPLY(apply_transpose)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_transpose(in[0], axes));
}
APPLY(apply_flatten)
{
    UNUSED;
    GIVE(mx_flatten(in[0], (int)e->fields[0].whole, (int)e->fields[1].whole));
}
APPLY(apply_unflatten)
{
    UNUSED;
    GIVE(mx_unflatten_given(in[0], (int)e->fields[0].whole, shape_of_field(&e->fields[1])));
}
APPLY(apply_as_strided)
{
    UNUSED;
    if (!wants_entries(&e->fields[1], e->fields[0].count)) return false;
    GIVE(mx_as_strided(in[0], shape_of_field(&e->fields[0]), e->fields[1].list, e->fields[2].whole));
}
APPLY(apply_concatenate)
{
    UNUSED;
    GIVE(mx_concatenate(in, e->nin, (int)e->fields[0].whole));
}
APPLY(apply_split)
{
    UNUSED;
    if (!wants_entries(&e->fields[0], e->nout - 1)) return false;
    return mx_split(in[0], e->nout, e->fields[0].list, (int)e->fields[1].whole, out);
}
APPLY(apply_pad)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    if (mx_failed() || !wants_entries(&e->fields[1], axes.count) || !wants_entries(&e->fields[2], axes.count))
        return false;
    GIVE(mx_pad(in[0], axes, e->fields[1].list, e->fields[2].list, MX_PAD_CONSTANT, in[1]));
}

/* ---- Slices: where one goes backwards, what lies before the first element is no index */
static bool slice_bounds(const mlxfn_entry *e, int from, mx_array *x, int64_t start[MX_MAX_NDIM],
                         int64_t stop[MX_MAX_NDIM])
{
    mx_shape s = mx_shape_of(x);
    for (int k = 0; k < 3; k++) {
        if (!wants_entries(&e->fields[from + k], s.ndim)) return false;
    }
    for (int i = 0; i < s.ndim; i++) {
        start[i] = e->fields[from].list[i];
        stop[i] = e->fields[from + 1].list[i];
        if (e->fields[from + 2].list[i] < 0 && stop[i] < 0) stop[i] = -s.at[i] - 1;
    }
    return true;
}
APPLY(apply_slice)
{
    UNUSED;
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM];
    const param_shape *size = &f->values[e->out[0]].shape;
    if (!slice_bounds(e, 0, in[0], start, stop)) return false;
    if (size->ndim != mx_ndim(in[0])) return mx_fail_false(MX_RUNTIME, "[import_function] Slice changes dimensions.");
    /* MLX writes step 1 where one element is taken, whatever the end. */
    for (int i = 0; i < size->ndim; i++) {
        if (size->at[i] == 1 && e->fields[2].list[i] == 1) stop[i] = start[i] + 1;
    }
    GIVE(mx_slice(in[0], start, stop, e->fields[2].list));
}
APPLY(apply_slice_update)
{
    UNUSED;
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM];
    if (!slice_bounds(e, 1, in[0], start, stop)) return false;
    const int64_t *step = e->fields[3].list;
    mx_array *old = mx_slice(in[0], start, stop, step), *update = in[1];
    switch (e->fields[0].whole) {
    case 0: update = mx_maximum(old, update); break;
    case 1: update = mx_minimum(old, update); break;
    case 2: update = mx_add(old, update); break;
    case 3: update = mx_mul(old, update); break;
    default: break;
    }
    GIVE(mx_slice_update(in[0], update, start, stop, step));
}
APPLY(apply_dynamic_slice)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_slice_at(in[0], in[1], axes, shape_of_field(&e->fields[1])));
}
APPLY(apply_dynamic_update)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    GIVE(mx_failed() ? NULL : mx_slice_update_at(in[0], in[1], in[2], axes));
}

/* ---- Indexing */
APPLY(apply_gather)
{
    UNUSED;
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[0], at);
    if (mx_failed() || !wants_entries(&e->fields[0], e->nin - 1)) return false;
    GIVE(mx_gather(in[0], in + 1, axes, shape_of_field(&e->fields[1])));
}
APPLY(apply_scatter)
{
    UNUSED;
    static const mx_scatter_mode modes[] = {MX_SCATTER_MAX, MX_SCATTER_MIN, MX_SCATTER_ADD, MX_SCATTER_PROD,
                                            MX_SCATTER_SET};
    int at[MX_MAX_NDIM];
    mx_axes axes = axes_of_field(&e->fields[1], at);
    int64_t mode = e->fields[0].whole;
    if (mode < 0 || mode > 4) return mx_fail_false(MX_RUNTIME, "[import_function] Scatter %d.", (int)mode);
    if (mx_failed() || !wants_entries(&e->fields[1], e->nin - 2)) return false;
    GIVE(mx_scatter(in[0], in + 1, in[e->nin - 1], axes, modes[mode]));
}
APPLY(apply_gather_axis)
{
    UNUSED;
    GIVE(mx_take_along_axis(in[0], in[1], (int)e->fields[0].whole));
}
APPLY(apply_scatter_axis)
{
    UNUSED;
    mx_scatter_mode mode = e->fields[0].whole ? MX_SCATTER_SET : MX_SCATTER_ADD;
    GIVE(mx_scatter_along_axis(in[0], in[1], in[2], (int)e->fields[1].whole, mode));
}

/* ---- Making */
APPLY(apply_arange)
{
    UNUSED;
    GIVE(mx_arange(e->fields[0].real, e->fields[1].real, e->fields[2].real, f->values[e->out[0]].dtype));
}
APPLY(apply_random_bits)
{
    UNUSED;
    mx_shape shape = shape_of_field(&e->fields[0]);
    if (mx_ndim(in[0]) != 1) return mx_fail_false(MX_RUNTIME, "[import_function] RandomBits of several keys.");
    GIVE(mx_random_bits(shape, (int)e->fields[1].whole, in[0]));
}
APPLY(apply_depends)
{
    UNUSED;
    for (int i = 0; i < e->nout; i++) out[i] = in[i];
    return e->nout <= e->nin || mx_fail_false(MX_RUNTIME, "[import_function] Depends has more outputs than inputs.");
}
APPLY(apply_rms_norm)
{
    UNUSED;
    GIVE(mx_rms_norm(in[0], mx_ndim(in[1]) ? in[1] : NULL, (float)e->fields[0].real));
}
APPLY(apply_layer_norm)
{
    UNUSED;
    mx_array *weight = mx_ndim(in[1]) ? in[1] : NULL, *bias = mx_ndim(in[2]) ? in[2] : NULL;
    GIVE(mx_layer_norm(in[0], weight, bias, (float)e->fields[0].real));
}
APPLY(apply_rope)
{
    UNUSED;
    mx_rope_options o = {(int)e->fields[0].whole, e->fields[1].whole, (float)e->fields[2].real,
                         (float)e->fields[3].real};
    if (!e->fields[4].whole) return mx_fail_false(MX_RUNTIME, "[import_function] RoPE backwards is not supported.");
    if (e->nin > 2) o.base = 0;
    GIVE(mx_rope(in[0], o, in[1], e->nin > 2 ? in[2] : NULL));
}

/* ---- The table */
#define UNARY(text, function)                                                                                          \
    {                                                                                                                  \
        .name = text, .fields = "", .apply = apply_unary, .nin = 1, .unary = function                                  \
    }
#define BINARY(text, function)                                                                                         \
    {                                                                                                                  \
        .name = text, .fields = "", .apply = apply_binary, .nin = 2, .binary = function                                \
    }
#define OTHER(text, kinds, count, function)                                                                            \
    {                                                                                                                  \
        .name = text, .fields = kinds, .apply = function, .nin = count                                                 \
    }
#define SIZED(text, kinds, count, function)                                                                            \
    {                                                                                                                  \
        .name = text, .fields = kinds, .apply = function, .nin = count, .sized = true                                  \
    }
static const mlxfn_primitive primitives[] = {UNARY("Abs", mx_abs),
                                             UNARY("ArcCos", mx_arccos),
                                             UNARY("ArcCosh", mx_arccosh),
                                             UNARY("ArcSin", mx_arcsin),
                                             UNARY("ArcSinh", mx_arcsinh),
                                             UNARY("ArcTan", mx_arctan),
                                             UNARY("ArcTanh", mx_arctanh),
                                             UNARY("Ceil", mx_ceil),
                                             UNARY("Conjugate", mx_conjugate),
                                             UNARY("Copy", mx_copy),
                                             UNARY("Cos", mx_cos),
                                             UNARY("Cosh", mx_cosh),
                                             UNARY("Erf", mx_erf),
                                             UNARY("ErfInv", mx_erfinv),
                                             UNARY("Exp", mx_exp),
                                             UNARY("Expm1", mx_expm1),
                                             UNARY("Floor", mx_floor),
                                             UNARY("Full", mx_copy),
                                             UNARY("Imag", mx_imag),
                                             UNARY("Log1p", mx_log1p),
                                             UNARY("LogicalNot", mx_logical_not),
                                             UNARY("Negative", mx_neg),
                                             UNARY("Real", mx_real),
                                             UNARY("Round", mx_round),
                                             UNARY("Sigmoid", mx_sigmoid),
                                             UNARY("Sign", mx_sign),
                                             UNARY("Sin", mx_sin),
                                             UNARY("Sinh", mx_sinh),
                                             UNARY("Square", mx_square),
                                             UNARY("StopGradient", mx_stop_gradient),
                                             UNARY("Tan", mx_tan),
                                             UNARY("Tanh", mx_tanh),
                                             BINARY("Add", mx_add),
                                             BINARY("ArcTan2", mx_arctan2),
                                             BINARY("Greater", mx_greater),
                                             BINARY("GreaterEqual", mx_greater_equal),
                                             BINARY("Less", mx_less),
                                             BINARY("LessEqual", mx_less_equal),
                                             BINARY("LogicalAnd", mx_logical_and),
                                             BINARY("LogicalOr", mx_logical_or),
                                             BINARY("LogAddExp", mx_logaddexp),
                                             BINARY("Matmul", mx_matmul),
                                             BINARY("Maximum", mx_maximum),
                                             BINARY("Minimum", mx_minimum),
                                             BINARY("Multiply", mx_mul),
                                             BINARY("NotEqual", mx_not_equal),
                                             BINARY("Power", mx_power),
                                             BINARY("Remainder", mx_remainder),
                                             BINARY("Subtract", mx_sub),
                                             OTHER("AddMM", "ff", 3, apply_addmm),
                                             OTHER("Arange", "ddd", 0, apply_arange),
                                             OTHER("ArgPartition", "ii", 1, apply_argpartition),
                                             OTHER("ArgReduce", "ei", 1, apply_arg_reduce),
                                             OTHER("ArgSort", "i", 1, apply_argsort),
                                             SIZED("AsStrided", "LQo", 1, apply_as_strided),
                                             OTHER("AsType", "t", 1, apply_astype),
                                             OTHER("BitwiseBinary", "e", 2, apply_bitwise),
                                             OTHER("Broadcast", "L", 1, apply_broadcast),
                                             OTHER("BroadcastAxes", "L", 1, apply_broadcast_axes),
                                             OTHER("Concatenate", "i", 1, apply_concatenate),
                                             OTHER("Depends", "", 1, apply_depends),
                                             OTHER("Divide", "", 2, apply_divide),
                                             OTHER("DivMod", "", 2, apply_divmod),
                                             SIZED("DynamicSlice", "LL", 2, apply_dynamic_slice),
                                             OTHER("DynamicSliceUpdate", "L", 3, apply_dynamic_update),
                                             OTHER("Equal", "b", 2, apply_equal),
                                             OTHER("ExpandDims", "L", 1, apply_expand_dims),
                                             SIZED("FFT", "Qbb", 1, apply_fft),
                                             OTHER("Flatten", "ii", 1, apply_flatten),
                                             SIZED("Gather", "LL", 1, apply_gather),
                                             OTHER("Cholesky", "b", 1, apply_cholesky),
                                             OTHER("Eig", "b", 1, apply_eig),
                                             OTHER("Eigh", "sb", 1, apply_eigh),
                                             OTHER("Inverse", "bb", 1, apply_inverse),
                                             OTHER("QRF", "", 1, apply_qr),
                                             OTHER("SVD", "b", 1, apply_svd),
                                             OTHER("GatherAxis", "i", 2, apply_gather_axis),
                                             OTHER("Hadamard", "f", 1, apply_hadamard),
                                             OTHER("LayerNorm", "f", 3, apply_layer_norm),
                                             OTHER("Log", "e", 1, apply_log),
                                             OTHER("LogSumExp", "", 1, apply_logsumexp),
                                             OTHER("NumberOfElements", "Lbt", 1, apply_count),
                                             OTHER("Pad", "LLL", 2, apply_pad),
                                             OTHER("Partition", "ii", 1, apply_partition),
                                             OTHER("RandomBits", "Li", 1, apply_random_bits),
                                             OTHER("Reduce", "eL", 1, apply_reduce),
                                             OTHER("Reshape", "L", 1, apply_reshape),
                                             OTHER("RMSNorm", "f", 2, apply_rms_norm),
                                             OTHER("RoPE", "ibffb", 2, apply_rope),
                                             OTHER("Scan", "eibb", 1, apply_scan),
                                             OTHER("Scatter", "eL", 2, apply_scatter),
                                             OTHER("ScatterAxis", "ei", 3, apply_scatter_axis),
                                             OTHER("SearchSorted", "b", 2, apply_searchsorted),
                                             OTHER("Select", "", 3, apply_select),
                                             SIZED("Slice", "LLL", 1, apply_slice),
                                             SIZED("SliceUpdate", "eLLL", 2, apply_slice_update),
                                             OTHER("Softmax", "b", 1, apply_softmax),
                                             OTHER("Sort", "i", 1, apply_sort),
                                             SIZED("Split", "Li", 1, apply_split),
                                             OTHER("Sqrt", "b", 1, apply_sqrt),
                                             OTHER("Squeeze", "L", 1, apply_squeeze),
                                             OTHER("Transpose", "L", 1, apply_transpose),
                                             OTHER("Unflatten", "iL", 1, apply_unflatten),
                                             OTHER("View", "t", 1, apply_view)};

const mlxfn_primitive *mlxfn_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        if (strlen(primitives[i].name) == length && memcmp(primitives[i].name, name, length) == 0)
            return &primitives[i];
    }
    return NULL;
}

/* ---- Running */
static bool check_output(const mlxfn_function *f, const mlxfn_entry *e, int i, mx_array *made)
{
    const mlxfn_value *v = &f->values[e->out[i]];
    if (!made || mx_failed()) return false;
    mx_shape said = {v->shape.ndim, v->shape.at}, shape = mx_shape_of(made);
    bool same = mx_dtype_of(made) == v->dtype && shape.ndim == said.ndim;
    if (same && (f->shapeless || shape_equal(shape, said))) return true;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    return mx_fail_false(MX_RUNTIME, "[import_function] %s made %s of shape %s, the file says %s of shape %s.",
                         e->primitive->name, mx_dtype_name(mx_dtype_of(made)), shape_text(a, shape),
                         mx_dtype_name(v->dtype), shape_text(b, said));
}

/* In a function for all sizes: a primitive whose fields hold those of its first operand is for that shape only. */
static bool takes_sizes(const mlxfn_function *f, const mlxfn_entry *e, mx_array *const *in)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!f->shapeless || !e->primitive->sized || e->nin == 0) return true;
    const param_shape *made_for = &f->values[e->in[0]].shape;
    mx_note_sizes();
    if (shape_equal(mx_shape_of(in[0]), (mx_shape){made_for->ndim, made_for->at})) return true;
    return mx_fail_false(MX_VALUE, "[import_function] %s was exported for an array of shape %s, this one has %s.",
                         e->primitive->name, shape_text(a, (mx_shape){made_for->ndim, made_for->at}),
                         shape_text(b, mx_shape_of(in[0])));
}

static bool apply_entry(const mlxfn_function *f, const mlxfn_entry *e, mx_array **values)
{
    mx_array *few[16], **in = e->nin <= 16 ? few : mx_alloc((size_t)e->nin, sizeof *in),
                       *out[MLXFN_MAX_OUTPUTS] = {NULL};
    if (!in) return false;
    for (int i = 0; i < e->nin; i++) in[i] = values[e->in[i]];
    bool ok = takes_sizes(f, e, in) && e->primitive->apply(e->primitive, f, e, in, out);
    for (int i = 0; i < e->nout && ok; i++) {
        ok = check_output(f, e, i, out[i]);
        values[e->out[i]] = out[i];
    }
    if (in != few) mx_free(in);
    return ok;
}

bool mlxfn_apply_all(const mlxfn_function *f, mx_array *const *in, mx_array **out)
{
    mx_array **values = mx_alloc(f->value_count + 1, sizeof *values);
    bool ok = values != NULL;
    for (int i = 0; i < f->nin && ok; i++) values[f->inputs[i]] = in[i];
    for (size_t i = 0; i < f->entry_count && ok; i++) {
        const mlxfn_entry *e = &f->entries[i];
        if (e->primitive) {
            ok = apply_entry(f, e, values);
        } else {
            values[e->out[0]] = e->constant;
        }
    }
    for (int i = 0; i < f->nout; i++) out[i] = ok ? values[f->outputs[i]] : NULL;
    mx_free(values);
    return ok;
}
