/* SPDX-License-Identifier: MIT
 *
 * Programs in terms of what MLX's files can hold: an op without a counterpart is made again from plain ones, as often as
 * needed, and the result is captured anew. */
#include "core/memory.h"
#include "core/params/attention.h"
#include "core/params/hadamard.h"
#include "core/params/index.h"
#include "core/params/matmul.h"
#include "core/params/norm.h"
#include "core/params/rope.h"
#include "core/params/slice.h"
#include "io/mlxfn.h"
#include "mica/array.h"
#include "mica/error.h"
#include "mica/fast.h"
#include "mica/ops.h"
#include "mica/stream.h"
#include <math.h>

typedef bool (*lowering)(void *params, mx_array *const *in, int nin, mx_array **out, int nout); /* an mx_fn */

/* ---- Small ones */
static bool lower_reciprocal(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)params, (void)nin, (void)nout;
    return (out[0] = mx_div(mx_like(in[0], 1), in[0])) != NULL;
}

static bool lower_invert(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_dtype dtype = mx_dtype_of(in[0]);
    (void)params, (void)nin, (void)nout;
    if (dtype == MX_BOOL) return (out[0] = mx_not_equal(in[0], mx_bool(true))) != NULL;
    return (out[0] = mx_bitwise_xor(in[0], mx_scalar_int(-1, dtype))) != NULL;
}

static bool lower_scaled_product(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const matmul_params *p = params;
    (void)nin, (void)nout;
    mx_array *y = mx_matmul(in[0], in[1]);
    return y && (out[0] = mx_mul(y, mx_like(y, p->alpha))) != NULL;
}

static bool lower_softmax_vjp(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *yv = mx_mul(in[0], in[1]);
    (void)params, (void)nin, (void)nout;
    return (out[0] = mx_sub(yv, mx_mul(in[0], mx_sum(yv, MX_AXES(-1), true)))) != NULL;
}

static mx_array *wide(mx_array *x)
{
    return mx_astype(x, mx_dtype_promote(mx_dtype_of(x), MX_FLOAT32));
}

static bool lower_cross_entropy(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *x = wide(in[0]), *hit = mx_take_along_axis(x, mx_expand_dims(in[1], MX_AXES(-1)), -1);
    (void)params, (void)nin, (void)nout;
    return (out[0] = mx_sub(mx_logsumexp(x, MX_AXES(-1), false), mx_squeeze(hit, MX_AXES(-1)))) != NULL;
}

static bool lower_cross_entropy_vjp(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *y = mx_softmax(wide(in[0]), MX_AXES(-1), true), *at = mx_expand_dims(in[1], MX_AXES(-1));
    mx_array *apart = mx_scatter_along_axis(y, at, mx_like(y, -1), -1, MX_SCATTER_ADD);
    (void)params, (void)nin, (void)nout;
    return (out[0] = mx_astype(mx_mul(apart, mx_expand_dims(in[2], MX_AXES(-1))), mx_dtype_of(in[0]))) != NULL;
}

/* A gather puts the points first; they go where the axis was. */
static bool lower_take(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const take_params *p = params;
    mx_array *x = in[0], *index = in[1];
    int64_t sizes[MX_MAX_NDIM];
    int order[MX_MAX_NDIM], n = 0, points = mx_ndim(index);
    (void)nin, (void)nout;
    for (int i = 0; i < mx_ndim(x); i++) sizes[i] = i == p->axis ? 1 : mx_shape_of(x).at[i];
    mx_array *y = mx_gather(x, &index, MX_AXES(p->axis), (mx_shape){mx_ndim(x), sizes});
    y = mx_squeeze(y, MX_AXES(points + p->axis));
    for (int i = 0; i < p->axis; i++) order[n++] = points + i;
    for (int i = 0; i < points; i++) order[n++] = i;
    for (; n < mx_ndim(y); n++) order[n] = n;
    return y && (out[0] = mx_transpose(y, (mx_axes){n, order})) != NULL;
}

/* Element i of a diagonal of the last two axes is element first + i * (columns + 1) of both as one. */
static bool lower_diagonal(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const diagonal_params *p = params;
    mx_shape s = mx_shape_of(in[0]);
    int64_t rows = s.at[s.ndim - 2], columns = s.at[s.ndim - 1], row = p->offset < 0 ? -p->offset : 0,
            column = p->offset > 0 ? p->offset : 0;
    int64_t count = rows - row < columns - column ? rows - row : columns - column;
    (void)nin, (void)nout;
    if (count < 0) count = 0;
    mx_array *flat = mx_flatten(in[0], -2, -1);
    mx_array *at =
        mx_add(mx_mul(mx_arange(0, (double)count, 1, MX_INT32), mx_int(columns + 1)), mx_int(row * columns + column));
    return (out[0] = mx_take(flat, at, s.ndim - 2)) != NULL;
}

/* ---- Norms, in float32 as the kernels compute */
static mx_array *unit_rows(mx_array *x, float eps, bool centred)
{
    mx_dtype wide = mx_dtype_promote(mx_dtype_of(x), MX_FLOAT32);
    mx_array *y = mx_astype(x, wide);
    if (centred) y = mx_sub(y, mx_mean(y, MX_AXES(-1), true));
    return mx_mul(y, mx_rsqrt(mx_add(mx_mean(mx_square(y), MX_AXES(-1), true), mx_float(eps))));
}

/* What stands for a weight or a bias that was not given. */
static bool is_filled(const mx_array *x, double value)
{
    const mx_array *from = x->op == &mx_op_broadcast_like ? x->in[0] : NULL;
    return from && array_state(from) == STATE_DONE && mx_value((mx_array *)from) == value;
}

static bool lower_rms_norm(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const norm_params *p = params;
    (void)nin, (void)nout;
    mx_array *y = mx_astype(unit_rows(in[0], p->eps, false), mx_dtype_of(in[0]));
    return (out[0] = is_filled(in[1], 1) ? y : mx_mul(y, in[1])) != NULL;
}

static bool lower_layer_norm(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const norm_params *p = params;
    (void)nout;
    mx_array *y = mx_astype(unit_rows(in[0], p->eps, true), mx_dtype_of(in[0]));
    if (nin > 1 && !is_filled(in[1], 1)) y = mx_mul(y, in[1]);
    if (nin > 2 && !is_filled(in[2], 0)) y = mx_add(y, in[2]);
    return (out[0] = y) != NULL;
}

/* Inputs: x, weight, dout. */
static bool lower_rms_norm_vjp(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *y;
    (void)nin, (void)nout;
    return mx_vjp(lower_rms_norm, params, in, 2, &in[2], 1, &y, out);
}

static bool lower_layer_norm_vjp(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *y, *all[3] = {in[0], in[1], mx_zeros_like(in[1])};
    (void)nin, (void)nout;
    return mx_vjp(lower_layer_norm, params, all, 3, &in[2], 1, &y, out);
}

/* ---- Rotary positions (Su et al. 2021) */
static mx_array *cut(mx_array *x, int64_t from, int64_t to, int64_t step)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], steps[MX_MAX_NDIM];
    mx_shape s = mx_shape_of(x);
    for (int i = 0; i < s.ndim; i++) stop[i] = s.at[i], steps[i] = 1;
    start[s.ndim - 1] = from, stop[s.ndim - 1] = to, steps[s.ndim - 1] = step;
    return mx_slice(x, start, stop, steps);
}

/* Angles (..., T, dims/2) that broadcast against the rotated pairs. */
static mx_array *angles(const rope_params *p, mx_array *x, mx_array *offset, mx_array *freqs)
{
    mx_shape s = mx_shape_of(x);
    int half = p->dims / 2;
    mx_array *t = mx_arange(0, (double)s.at[s.ndim - 2], 1, MX_FLOAT32);
    if (mx_ndim(offset) == 1) {
        int64_t shape[MX_MAX_NDIM];
        for (int i = 0; i < s.ndim - 1; i++) shape[i] = i == 0 ? mx_size(offset) : 1;
        offset = mx_reshape(offset, (mx_shape){s.ndim - 1, shape});
    }
    t = mx_mul(mx_add(t, mx_astype(offset, MX_FLOAT32)), mx_float(p->scale));
    mx_array *turns = freqs
                          ? mx_reciprocal(freqs)
                          : mx_exp(mx_mul(mx_arange(0, -half, -1, MX_FLOAT32), mx_float(log(p->base) / (double)half)));
    return mx_mul(mx_expand_dims(t, MX_AXES(-1)), turns);
}

static bool lower_rope(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const rope_params *p = params;
    mx_array *x = in[0], *theta = angles(p, x, in[1], nin > 2 ? in[2] : NULL);
    mx_shape s = mx_shape_of(x);
    int64_t half = p->dims / 2;
    (void)nout;
    mx_array *cosine = mx_astype(mx_cos(theta), mx_dtype_of(x)), *sine = mx_astype(mx_sin(theta), mx_dtype_of(x));
    if (p->backward) sine = mx_neg(sine);
    mx_array *a = p->traditional ? cut(x, 0, p->dims, 2) : cut(x, 0, half, 1);
    mx_array *b = p->traditional ? cut(x, 1, p->dims, 2) : cut(x, half, p->dims, 1);
    mx_array *parts[3] = {mx_sub(mx_mul(a, cosine), mx_mul(b, sine)), mx_add(mx_mul(a, sine), mx_mul(b, cosine)),
                          cut(x, p->dims, s.at[s.ndim - 1], 1)};
    if (p->traditional) parts[0] = mx_flatten(mx_stack(parts, 2, -1), -2, -1);
    if (p->traditional) parts[1] = parts[2];
    int count = (p->traditional ? 1 : 2) + (s.at[s.ndim - 1] > p->dims);
    return (out[0] = count == 1 ? parts[0] : mx_concatenate(parts, count, -1)) != NULL;
}

/* ---- Attention: the result, and the logsumexp of each row of scores */
static bool lower_attention(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const attention_params *p = params;
    mx_shape q = mx_shape_of(in[0]), k = mx_shape_of(in[1]);
    int64_t groups = q.at[1] / k.at[1];
    (void)nin;
    mx_array *queries = mx_mul(mx_unflatten(in[0], 1, MX_SHAPE(k.at[1], groups)), mx_like(in[0], p->scale));
    mx_array *scores =
        mx_matmul(queries, mx_swapaxes(mx_expand_dims(in[1], MX_AXES(2)), -1, -2)); /* (B, Nkv, groups, Lq, Lk) */
    if (p->causal) {
        mx_array *kept = mx_tri(q.at[2], k.at[2], (int)(k.at[2] - q.at[2]), MX_BOOL);
        scores = mx_where(kept, scores, mx_like(scores, -INFINITY));
    }
    mx_array *y = mx_matmul(mx_softmax(scores, MX_AXES(-1), true), mx_expand_dims(in[2], MX_AXES(2)));
    out[0] = mx_flatten(y, 1, 2);
    if (nout > 1) out[1] = mx_flatten(mx_logsumexp(mx_astype(scores, MX_FLOAT32), MX_AXES(-1), false), 1, 2);
    return !mx_failed();
}

/* Inputs: q, k, v, result, logsumexp, dout. */
static bool lower_attention_vjp(void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *y;
    (void)nout;
    return mx_vjp(lower_attention, params, in, 3, &in[nin - 1], 1, &y, out);
}

static const lowering lowerings[OP_COUNT] = {
    [OP_reciprocal] = lower_reciprocal,
    [OP_bitwise_invert] = lower_invert,
    [OP_matmul] = lower_scaled_product,
    [OP_softmax_vjp] = lower_softmax_vjp,
    [OP_cross_entropy] = lower_cross_entropy,
    [OP_cross_entropy_vjp] = lower_cross_entropy_vjp,
    [OP_take] = lower_take,
    [OP_diagonal] = lower_diagonal,
    [OP_rms_norm] = lower_rms_norm,
    [OP_layer_norm] = lower_layer_norm,
    [OP_rms_norm_vjp] = lower_rms_norm_vjp,
    [OP_layer_norm_vjp] = lower_layer_norm_vjp,
    [OP_rope] = lower_rope,
    [OP_attention] = lower_attention,
    [OP_attention_vjp] = lower_attention_vjp,
};

/* ---- Making the program again */
static bool apply_step(const program_step *s, mx_array **values)
{
    mx_array *few[8], **in = s->nin <= 8 ? few : mx_alloc(s->nin, sizeof *in);
    if (!in) return false;
    for (int i = 0; i < s->nin; i++) in[i] = values[s->in[i]];
    bool direct = mlxfn_is_direct(s);
    mx_call c = {.op = s->op, .params = s->params, .in = in, .nin = s->nin, .nout = s->nout};
    bool ok = !direct && s->op->spell ? s->op->spell(&c, &values[s->out])
              : !direct && lowerings[s->op->id]
                  ? lowerings[s->op->id]((void *)s->params, in, s->nin, &values[s->out], s->nout)
                  : op_apply_resized(s->op, s->params, in, s->nin, &values[s->out], s->nout);
    if (in != few) mx_free(in);
    return ok && !mx_failed();
}

static bool run_program(const mx_program *p, mx_array *const *in, mx_array **values, mx_array **out)
{
    for (uint32_t i = 0; i < p->nin; i++) values[i] = in[i];
    for (uint32_t i = 0; i < p->constant_count; i++) values[p->constants[i].value] = p->constants[i].array;
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!apply_step(&p->steps[i], values)) return false;
    }
    for (uint32_t i = 0; i < p->nout; i++) out[i] = values[p->outputs[i]];
    return true;
}

static mx_program *lower_once(const mx_program *p, bool shapeless)
{
    mx_scope scope = mx_scope_open();
    size_t count = 2 * (size_t)p->nin + p->nout + p->value_count;
    mx_array **like = mx_alloc(count, sizeof *like), **traced = like ? like + p->nin : NULL;
    mx_program *made = NULL;
    bool ok = like != NULL;
    for (uint32_t i = 0; i < p->nin && ok; i++)
        ok = (like[i] = mx_zeros(p->values[i].shape, p->values[i].dtype)) != NULL;
    mx_trace *t = ok ? mx_trace_begin_captured(like, (int)p->nin, shapeless, traced) : NULL;
    mx_array **out = like ? traced + p->nin : NULL, **values = like ? out + p->nout : NULL;
    if (t && run_program(p, traced, values, out)) made = mx_trace_program(t, out, (int)p->nout);
    mx_trace_end(&t);
    mx_scope_close(scope, NULL);
    mx_free(like);
    return made;
}

static bool is_low(const mx_program *p)
{
    for (uint32_t i = 0; i < p->step_count; i++) {
        const program_step *s = &p->steps[i];
        if (!mlxfn_is_direct(s) && (lowerings[s->op->id] || s->op->spell)) return false;
    }
    return true;
}

/* A gradient may need what its function needed: a few rounds. */
mx_program *mlxfn_lower(const mx_program *p, bool shapeless)
{
    enum { ROUNDS = 8 };
    mx_program *low = mx_program_keep((mx_program *)p);
    for (int i = 0; low && i < ROUNDS && !is_low(low); i++) {
        mx_program *next = lower_once(low, shapeless);
        mx_program_drop(low);
        low = next;
    }
    if (!low || !shapeless || low->shapeless) return low;
    mlxfn_sized(low);
    mx_program_drop(low);
    return NULL;
}
