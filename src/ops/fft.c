/* SPDX-License-Identifier: MIT
 *
 * Discrete Fourier transforms.  One op for all: axes, direction, reals or complex numbers, and a factor, so that the
 * adjoint is the same op in the other direction.
 *
 * Of reals only half of the spectrum is kept: the adjoint of that counts each kept point once, the inverse transform counts
 * those twice that stand for two; so there is a factor of a half, or two, for each point between. */
#include "core/params/fft.h"
#include "mica/fft.h"
#include "ops/rules.h"
#include <math.h>

static const mx_field fields[] = {FIELD_AXES(fft_params, axes),
                                  FIELD_INT64(fft_params, n),
                                  FIELD_INT64(fft_params, points),
                                  FIELD_DOUBLE(fft_params, scale),
                                  FIELD_BOOL(fft_params, inverse),
                                  FIELD_BOOL(fft_params, real),
                                  FIELD_END};

static bool shape(const mx_call *c, mx_spec *out)
{
    const fft_params *p = c->params;
    spec_set(out, array_shape(c->in[0]), p->real && p->inverse ? MX_FLOAT32 : MX_COMPLEX64);
    if (p->real) out->shape[p->axes.at[p->axes.count - 1]] = p->inverse ? p->n : p->n / 2 + 1;
    return true;
}

/* 1 for the points of the last listed axis that stand for themselves, `between` for the others. */
static mx_array *weights(const mx_array *like, const fft_params *p, double between)
{
    int axis = p->axes.at[p->axes.count - 1], after = like->ndim - 1 - axis;
    int64_t half = p->n / 2 + 1, sizes[MX_MAX_NDIM] = {half};
    mx_array *k = mx_arange(0, (double)half, 1, MX_INT32), *alone = mx_equal(k, mx_int(0));
    if (p->n % 2 == 0) alone = mx_logical_or(alone, mx_equal(k, mx_int(half - 1)));
    for (int i = 0; i < after; i++) sizes[i + 1] = 1;
    return mx_reshape(mx_where(alone, mx_float(1), mx_float(between)), (mx_shape){after + 1, sizes});
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    fft_params p = *(const fft_params *)c->params;
    mx_array *d = dout[0];
    if (p.real && !p.inverse) d = mx_mul(d, weights(d, &p, 0.5));
    p.inverse = !p.inverse;
    d = op_apply(&mx_op_fft, &p, d);
    if (d && p.real && !p.inverse) d = mx_mul(d, weights(d, &p, 2));
    return (din[0] = d) != NULL;
}

static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    fft_params p = *(const fft_params *)c->params;
    (void)axis_in;
    for (int i = 0; i < p.axes.count; i++) p.axes.at[i]++;
    axis_out[0] = 0;
    return (out[0] = op_apply(&mx_op_fft, &p, c->in[0])) != NULL;
}

/* MLX's inverse divides by the number of points, its forward transform by nothing: the rest is a product. */
static bool spell(const mx_call *c, mx_array **out)
{
    fft_params p = *(const fft_params *)c->params;
    double factor = p.scale;
    p.scale = p.inverse ? 1 / (double)p.points : 1;
    factor /= p.scale;
    return (out[0] = mx_mul(op_apply(&mx_op_fft, &p, c->in[0]), mx_float(factor))) != NULL;
}

static double flops(const mx_call *c)
{
    const fft_params *p = c->params;
    const mx_array *full = p->real && !p->inverse ? c->in[0] : c->out[0];
    return (p->real ? 2.5 : 5) * (double)full->size * log2((double)(p->points < 2 ? 2 : p->points));
}

const mx_op mx_op_fft = {OP_NAMED(fft, "fft"), .fields = fields, .params_size = sizeof(fft_params),
                         .shape = shape,       .vjp = vjp,       .jvp = op_jvp_linear,
                         .vmap = vmap,         .spell = spell,   .flops = flops};

/* ---- Public functions */
/* Writes the axes, not negative, and the points of each; false: an error is recorded. */
static bool read_axes(const mx_array *x, mx_shape n, mx_axes axes, bool from_half, fft_params *p, int64_t *points)
{
    bool given = n.ndim >= 0;
    if (given && axes.count < 0)
        return mx_fail_false(MX_VALUE, "[fftn] `axes` should not be None if the sizes are given.");
    if (given && n.ndim != axes.count)
        return mx_fail_false(MX_VALUE, "[fftn] %d sizes for %d axes.", n.ndim, axes.count);
    if (axes.count > MX_MAX_NDIM) return mx_fail_false(MX_VALUE, "[fftn] %d axes.", axes.count);
    p->axes.count = axes.count < 0 ? x->ndim : axes.count;
    bool seen[MX_MAX_NDIM] = {false};
    for (int i = 0; i < p->axes.count; i++) {
        int axis = axis_of("fftn", axes.count < 0 ? i : axes.at[i], x->ndim, given ? MX_VALUE : MX_INDEX);
        if (axis < 0) return false;
        if (seen[axis]) return mx_fail_false(MX_VALUE, "[fftn] axis %d is there twice.", axis);
        seen[axis] = true;
        p->axes.at[i] = axis;
        points[i] = given ? n.at[i] : x->shape[axis];
        if (!given && from_half && i == p->axes.count - 1) points[i] = 2 * (points[i] - 1);
        if (points[i] <= 0)
            return mx_fail_false(MX_VALUE, "[fftn] a transform of %lld points along axis %d.", (long long)points[i],
                                 axis);
    }
    return x->ndim > 0 || mx_fail_false(MX_VALUE, "[fftn] an array without dimensions has no axis to transform.");
}

/* Each listed axis cut or padded with zeros at its end. */
static mx_array *fit(mx_array *x, const fft_params *p, const int64_t *points)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM], none[MX_MAX_NDIM] = {0},
            missing[MX_MAX_NDIM];
    int axes[MX_MAX_NDIM], count = p->axes.count;
    bool cut = false, padded = false;
    for (int i = 0; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    for (int i = 0; i < count; i++) {
        int axis = axes[i] = p->axes.at[i];
        bool half = p->real && p->inverse && i == count - 1;
        int64_t want = half ? points[i] / 2 + 1 : points[i];
        missing[i] = want > x->shape[axis] ? want - x->shape[axis] : 0;
        padded |= missing[i] > 0;
        cut |= want < x->shape[axis];
        if (want < x->shape[axis]) stop[axis] = want;
    }
    if (cut) x = mx_slice(x, start, stop, step);
    return x && padded ? mx_pad(x, (mx_axes){count, axes}, none, missing, MX_PAD_CONSTANT, mx_like(x, 0)) : x;
}

static mx_array *transform(const char *op, mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm, bool inverse,
                           bool real)
{
    fft_params p = {.inverse = inverse, .real = real};
    int64_t points[MX_MAX_NDIM];
    if (!op_has(op, x) || !read_axes(x, n, axes, real && inverse, &p, points)) return NULL;
    if (norm != MX_FFT_BACKWARD && norm != MX_FFT_ORTHO && norm != MX_FFT_FORWARD)
        return mx_fail(MX_VALUE, "[%s] norm %d is none.", op, (int)norm);
    if (p.axes.count == 0) return x;
    if ((p.points = shape_size(op, (mx_shape){p.axes.count, points})) < 0) return NULL;
    double total = (double)p.points;
    bool divided = norm == (inverse ? MX_FFT_BACKWARD : MX_FFT_FORWARD);
    p.scale = norm == MX_FFT_ORTHO ? 1 / sqrt(total) : divided ? 1 / total : 1;
    p.n = points[p.axes.count - 1];
    x = fit(x, &p, points);
    mx_dtype dtype = real && !inverse ? MX_FLOAT32 : MX_COMPLEX64;
    if (x && x->dtype != dtype) x = mx_astype(x, dtype);
    return x ? op_apply(&mx_op_fft, &p, x) : NULL;
}

mx_array *mx_fft(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm)
{
    return transform("fft", x, n, axes, norm, false, false);
}
mx_array *mx_ifft(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm)
{
    return transform("ifft", x, n, axes, norm, true, false);
}
mx_array *mx_rfft(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm)
{
    return transform("rfft", x, n, axes, norm, false, true);
}
mx_array *mx_irfft(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm)
{
    return transform("irfft", x, n, axes, norm, true, true);
}

/* Rolls each axis by half its size, rounded down, or back. */
static mx_array *shift(const char *op, mx_array *x, mx_axes axes, bool back)
{
    int list[MX_MAX_NDIM];
    int64_t shifts[MX_MAX_NDIM];
    if (!op_has(op, x)) return NULL;
    int count = axes_of(op, axes, x->ndim, MX_VALUE, list);
    for (int i = 0; i < count; i++) shifts[i] = back ? -(x->shape[list[i]] / 2) : x->shape[list[i]] / 2;
    return count < 0 ? NULL : mx_roll(x, shifts, (mx_axes){count, list});
}

mx_array *mx_fftshift(mx_array *x, mx_axes axes)
{
    return shift("fftshift", x, axes, false);
}
mx_array *mx_ifftshift(mx_array *x, mx_axes axes)
{
    return shift("ifftshift", x, axes, true);
}

/* k / (n d) for k from `first` on. */
static mx_array *frequencies(int64_t first, int64_t count, int64_t n, double d)
{
    return mx_mul(mx_arange((double)first, (double)(first + count), 1, MX_FLOAT32), mx_float(1 / ((double)n * d)));
}

mx_array *mx_fftfreq(int64_t n, double d)
{
    if (n <= 0) return mx_fail(MX_VALUE, "[fftfreq] n is %lld and must be positive.", (long long)n);
    int64_t positive = (n + 1) / 2;
    mx_array *parts[2] = {frequencies(0, positive, n, d), frequencies(-(n / 2), n / 2, n, d)};
    return mx_concatenate(parts, 2, 0);
}
mx_array *mx_rfftfreq(int64_t n, double d)
{
    if (n <= 0) return mx_fail(MX_VALUE, "[rfftfreq] n is %lld and must be positive.", (long long)n);
    return frequencies(0, n / 2 + 1, n, d);
}
