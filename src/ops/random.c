/* SPDX-License-Identifier: MIT
 *
 * Random numbers, equal to MLX's bit for bit: one primitive makes the bits, and the distributions are composed of ops in
 * MLX's order, because every rounding counts.  Where MLX's exp, log, erf and erfinv round otherwise than ours, there are
 * ops of their own here. */
#include "mica/random.h"
#include "core/params/random.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/threefry.h"
#include "ops/rules.h"
#include <math.h>
#include <time.h>

/* ---- Bits */
static const mx_field bits_fields[] = {FIELD_SHAPE(random_bits_params, shape), FIELD_INT(random_bits_params, width),
                                       FIELD_END};

static bool bits_shape(const mx_call *c, mx_spec *out)
{
    const random_bits_params *p = c->params;
    const mx_array *keys = c->in[0];
    int batch = keys->ndim - 1;
    if (batch + p->shape.ndim > MX_MAX_NDIM)
        return mx_fail_false(MX_VALUE, "[bits] more than %d dimensions.", MX_MAX_NDIM);
    spec_set(out, (mx_shape){batch, keys->shape}, p->width == 1 ? MX_UINT8 : p->width == 2 ? MX_UINT16 : MX_UINT32);
    for (int i = 0; i < p->shape.ndim; i++) out->shape[batch + i] = p->shape.at[i];
    out->ndim = batch + p->shape.ndim;
    return true;
}

const mx_op mx_op_random_bits = {OP_NAMED(random_bits, "bits"), .fields = bits_fields,
                                 .params_size = sizeof(random_bits_params), .shape = bits_shape,
                                 .vmap = op_vmap_leading};

static bool check_key(const mx_array *key)
{
    char text[SHAPE_TEXT];
    if (key->dtype != MX_UINT32) {
        return mx_fail_false(MX_VALUE, "[bits] Expected key type uint32 but received %s.",
                             mx_dtype_name((mx_dtype)key->dtype));
    }
    if (key->ndim == 1 && key->shape[0] == 2) return true;
    return mx_fail_false(MX_VALUE, "[bits] Expected key shape (2) but received %s.",
                         shape_text(text, array_shape(key)));
}

/* ---- Keys and the thread's state */
static mx_array *key_of(const uint32_t words[2])
{
    return mx_from_data(words, SHAPE(2), MX_UINT32);
}

mx_array *mx_random_key(uint64_t seed)
{
    return key_of((uint32_t[]){(uint32_t)(seed >> 32), (uint32_t)seed});
}

/* A process starts from the clock, and each of its threads from the same seed, as MLX's do. */
static uint64_t first_seed(void)
{
    uint64_t seed = atomic_load(&runtime.first_seed);
    if (seed) return seed;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    return atomic_compare_exchange_strong(&runtime.first_seed, &seed, now) ? now : seed;
}

static bool set_state(mx_array *key)
{
    mx_thread *self = thread_self();
    if (!key) return false;
    mx_keep(key);
    mx_drop(self->random_key);
    self->random_key = key;
    return true;
}

static mx_array *state(void)
{
    mx_thread *self = thread_self();
    if (!self->random_key && !set_state(mx_random_key(first_seed()))) return NULL;
    return self->random_key;
}

mx_array *mx_random_state(void)
{
    return mx_temporary(mx_keep(state()));
}

bool mx_random_seed(uint64_t seed)
{
    return set_state(mx_random_key(seed));
}

bool mx_random_set_state(mx_array *key)
{
    if (key) return check_key(key) && set_state(key);
    mx_thread *self = thread_self();
    mx_drop(self->random_key);
    self->random_key = NULL;
    return true;
}

static mx_array *row(mx_array *keys, int64_t i)
{
    return mx_reshape(mx_slice(keys, (int64_t[]){i, 0}, (int64_t[]){i + 1, 2}, (int64_t[]){1, 1}), MX_SHAPE(2));
}

/* The state becomes row 0 of split(state, 2), the draw uses row 1.  Computed at once where the state is known: four
 * words cost less than the nodes that would compute them. */
static mx_array *next_key(void)
{
    mx_array *now = state();
    uint32_t k[2], first[2] = {0, 1}, second[2] = {2, 3};
    if (!now) return NULL;
    if (array_state(now) != STATE_DONE) {
        mx_array *both = mx_random_split(now, 2);
        return set_state(row(both, 0)) ? row(both, 1) : NULL;
    }
    if (!mx_read(now, k, sizeof k)) return NULL;
    for (int i = 0; i < 2; i++) threefry(k[0], k[1], &first[i], &second[i]);
    mx_array *next = key_of(second);
    return next && set_state(key_of(first)) ? next : NULL;
}

static mx_array *bits(mx_shape shape, int width, mx_array *key)
{
    if (shape_size("bits", shape) < 0 || (key && !check_key(key))) return NULL;
    /* A key that could not be made is NULL too: that error must not turn into a draw from the state. */
    if (!key && (mx_failed() || !(key = next_key()))) return NULL;
    random_bits_params p = {.shape = param_shape_of(shape), .width = width};
    return op_apply(&mx_op_random_bits, &p, key);
}

mx_array *mx_random_bits(mx_shape shape, int width, mx_array *key)
{
    if (width == 1 || width == 2 || width == 4) return bits(shape, width, key);
    return mx_fail(MX_VALUE, "[bits] The width must be 1, 2 or 4 bytes, not %d.", width);
}

mx_array *mx_random_split(mx_array *key, int64_t count)
{
    return op_has("split", key) ? bits(SHAPE(count, 2), 4, key) : NULL;
}

/* ---- MLX's formulas: y, and dy/dx from x and y */
#define FORMULA(id, text, expression)                                                                                  \
    static mx_array *id##_derivative(mx_array *x, mx_array *y)                                                         \
    {                                                                                                                  \
        (void)x, (void)y;                                                                                              \
        return expression;                                                                                             \
    }                                                                                                                  \
    static bool id##_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)                                      \
    {                                                                                                                  \
        return (din[0] = mx_mul(dout[0], id##_derivative(c->in[0], c->out[0]))) != NULL;                               \
    }                                                                                                                  \
    static bool id##_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)                                      \
    {                                                                                                                  \
        return (tout[0] = mx_mul(tin[0], id##_derivative(c->in[0], c->out[0]))) != NULL;                               \
    }                                                                                                                  \
    const mx_op mx_op_random_##id = {OP_NAMED(random_##id, text),                                                      \
                                     .flags = OP_ELEMENTWISE,                                                          \
                                     .shape = op_shape_same,                                                           \
                                     .vjp = id##_vjp,                                                                  \
                                     .jvp = id##_jvp,                                                                  \
                                     .vmap = op_vmap_elementwise}

FORMULA(erfinv, "erfinv", mx_mul(mx_like(x, 0.88622692545275801365), mx_exp(mx_square(y))));  /* sqrt(pi) / 2 */
FORMULA(erf, "erf", mx_mul(mx_like(x, 1.1283791670955125739), mx_exp(mx_neg(mx_square(x))))); /* 2 / sqrt(pi) */
FORMULA(exp, "exp", y);
FORMULA(log, "log", mx_reciprocal(x));
FORMULA(log1p, "log1p", mx_reciprocal(mx_add(x, mx_like(x, 1))));

#define APPLY(id, x) op_apply(&mx_op_random_##id, NULL, x)

/* ---- Uniform */
/* u in [0, 1) of the dtype.  Words near 2^32 would round to 1: they stay below. */
static mx_array *unit_uniform(mx_shape shape, mx_dtype dtype, mx_array *key)
{
    double top = dtype == MX_FLOAT16 ? 0.99951171875 : dtype == MX_BFLOAT16 ? 0.99609375 : 0.999999940395355224609375;
    mx_array *u = mx_mul(mx_astype(bits(shape, 4, key), MX_FLOAT32), mx_float(0x1p-32));
    return mx_astype(mx_minimum(u, mx_float(top)), dtype);
}

static mx_array *scaled_uniform(mx_array *low, mx_array *high, mx_shape shape, mx_dtype dtype, mx_array *key)
{
    low = mx_astype(low, dtype);
    mx_array *range = mx_sub(mx_astype(high, dtype), low);
    return mx_add(mx_mul(range, unit_uniform(shape, dtype, key)), low);
}

/* Do the bounds broadcast to the shape? */
static bool check_bounds(const char *op, const mx_array *low, const mx_array *high, mx_shape shape)
{
    mx_spec spec;
    char asked[SHAPE_TEXT], got[SHAPE_TEXT];
    if (shape_size("bits", shape) < 0) return false;
    spec_set(&spec, array_shape(low), MX_FLOAT32);
    if (!shape_broadcast_into("broadcast_shapes", &spec, array_shape(high)) ||
        !shape_broadcast_into("broadcast_shapes", &spec, shape))
        return false;
    if (shape_equal(spec_shape(&spec), shape)) return true;
    return mx_fail_false(MX_VALUE, "[%s] Cannot generate random values of shape %s from broadcasted shape %s.", op,
                         shape_text(asked, shape), shape_text(got, spec_shape(&spec)));
}

static bool check_uniform_dtype(mx_dtype dtype)
{
    if (!mx_dtype_is(dtype, MX_FLOATING)) {
        return mx_fail_false(
            MX_VALUE, "[uniform] Can only generate uniform numbers with real floating point type, not with dtype %s.",
            mx_dtype_name(dtype));
    }
    return dtype != MX_FLOAT64 || mx_fail_false(MX_RUNTIME, "[uniform] Unsupported type float64.");
}

mx_array *mx_random_uniform(mx_array *low, mx_array *high, mx_shape shape, mx_dtype dtype, mx_array *key)
{
    if (!op_has("uniform", low) || !op_has("uniform", high) || !check_uniform_dtype(dtype)) return NULL;
    if (!check_bounds("uniform", low, high, shape)) return NULL;
    return scaled_uniform(low, high, shape, dtype, key);
}

/* ---- Normal, Laplace, Gumbel */
/* Uniform in (-1, 1), float32: from the float above -1, over a range that rounds to 2. */
static mx_array *symmetric_uniform(mx_shape shape, mx_array *key)
{
    mx_array *u = unit_uniform(shape, MX_FLOAT32, key);
    return mx_add(mx_mul(mx_float(2), u), mx_float((double)nextafterf(-1, 0)));
}

/* loc + (scale times x), each in the dtype, each only if it is there. */
static mx_array *move(mx_array *x, mx_dtype dtype, mx_array *loc, mx_array *scale)
{
    if (scale) x = mx_mul(mx_astype(scale, dtype), x);
    return loc ? mx_add(mx_astype(loc, dtype), x) : x;
}

static mx_array *complex_normal(mx_shape shape, mx_array *loc, mx_array *scale, mx_array *key)
{
    int64_t pairs[MX_MAX_NDIM + 1];
    for (int i = 0; i < shape.ndim; i++) pairs[i] = shape.at[i];
    pairs[shape.ndim] = 2;
    mx_array *e = APPLY(erfinv, symmetric_uniform((mx_shape){shape.ndim + 1, pairs}, key));
    mx_array *x = e ? mx_reshape(mx_view(e, MX_COMPLEX64), shape) : NULL;
    return move(x, MX_COMPLEX64, loc, scale);
}

mx_array *mx_random_normal(mx_shape shape, mx_dtype dtype, mx_array *loc, mx_array *scale, mx_array *key)
{
    if (!mx_dtype_is(dtype, MX_INEXACT)) {
        return mx_fail(MX_VALUE, "[normal] Only floating point and complex64 types are supported, not %s.",
                       mx_dtype_name(dtype));
    }
    if (shape_size("bits", shape) < 0) return NULL;
    if (dtype == MX_COMPLEX64) return complex_normal(shape, loc, scale, key);
    mx_array *e = mx_astype(APPLY(erfinv, symmetric_uniform(shape, key)), dtype);
    mx_array *root = mx_scalar((double)sqrtf(2), dtype);
    if (scale) root = mx_mul(root, mx_astype(scale, dtype));
    return move(mx_mul(root, e), dtype, loc, NULL);
}

mx_array *mx_random_laplace(mx_shape shape, mx_dtype dtype, mx_array *loc, mx_array *scale, mx_array *key)
{
    if (!mx_dtype_is(dtype, MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[laplace] Only real floating point types are supported, not %s.",
                       mx_dtype_name(dtype));
    }
    mx_array *s = symmetric_uniform(shape, key);
    mx_array *x = mx_mul(mx_sign(s), APPLY(log1p, mx_neg(mx_abs(s))));
    return move(mx_astype(x, dtype), dtype, loc, scale);
}

mx_array *mx_random_gumbel(mx_shape shape, mx_dtype dtype, mx_array *key)
{
    if (!check_uniform_dtype(dtype)) return NULL;
    mx_array *u = scaled_uniform(mx_float(0), mx_float(1), shape, dtype, key);
    return mx_neg(APPLY(log, mx_neg(APPLY(log, u))));
}

mx_array *mx_random_truncated_normal(mx_array *lower, mx_array *upper, mx_shape shape, mx_dtype dtype, mx_array *key)
{
    if (!op_has("trunc_normal", lower) || !op_has("trunc_normal", upper)) return NULL;
    if (!mx_dtype_is(dtype, MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[trunc_normal] trunc_normal only accepts floating point dtypes, not %s.",
                       mx_dtype_name(dtype));
    }
    if (!check_uniform_dtype(dtype) || !check_bounds("uniform", lower, upper, shape)) return NULL;
    mx_array *root = mx_scalar((double)sqrtf(2), dtype);
    lower = mx_astype(lower, dtype);
    upper = mx_astype(upper, dtype);
    mx_array *a = APPLY(erf, mx_div(lower, root)), *b = APPLY(erf, mx_div(upper, root));
    mx_array *x = mx_mul(root, APPLY(erfinv, scaled_uniform(a, b, shape, dtype, key)));
    return mx_maximum(mx_minimum(x, upper), lower);
}

/* ---- Whole numbers and choices */
/* Drawn in float32, so a large range is not dense. */
mx_array *mx_random_randint(mx_array *low, mx_array *high, mx_shape shape, mx_dtype dtype, mx_array *key)
{
    if (!op_has("randint", low) || !op_has("randint", high)) return NULL;
    if (mx_dtype_is(dtype, MX_INEXACT)) {
        return mx_fail(MX_VALUE, "[randint] randint only accepts integer dtypes and bool, not %s.",
                       mx_dtype_name(dtype));
    }
    if (!check_bounds("uniform", low, high, shape)) return NULL;
    mx_array *x = mx_astype(mx_floor(scaled_uniform(low, high, shape, MX_FLOAT32, key)), dtype);
    mx_array *last = mx_astype(mx_sub(high, mx_like(high, 1)), dtype);
    return mx_maximum(mx_minimum(x, last), mx_astype(low, dtype));
}

/* The bound is not 2^32 but the next float: a p of 1 is always true. */
mx_array *mx_random_bernoulli(mx_array *p, mx_shape shape, mx_array *key)
{
    if (!op_has("bernoulli", p)) return NULL;
    if (!mx_dtype_is((mx_dtype)p->dtype, MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[bernoulli] bernoulli probability `p` must be a float type, not %s.",
                       mx_dtype_name((mx_dtype)p->dtype));
    }
    if (!check_bounds("bernoulli", p, p, shape)) return NULL;
    mx_array *bound = mx_mul(mx_astype(p, MX_FLOAT32), mx_float(4294967808.0));
    return mx_less(mx_astype(bits(shape, 4, key), MX_FLOAT32), bound);
}

mx_array *mx_random_bernoulli_like(mx_array *p, mx_array *key)
{
    return op_has("bernoulli", p) ? mx_random_bernoulli(p, array_shape(p), key) : NULL;
}

/* ---- Categorical */
static int category_axis(const mx_array *logits, int axis)
{
    int a = axis < 0 ? axis + logits->ndim : axis;
    if (a >= 0 && a < logits->ndim) return a;
    mx_fail(MX_VALUE, "[categorical] Invalid axis %d for logits with %d dimensions.", axis, logits->ndim);
    return -1;
}

/* argmax(logits + Gumbel noise) along the axis (Gumbel, "Statistical theory of extreme values", 1954). */
static mx_array *draw_by_noise(mx_array *logits, int axis, mx_shape noise_shape, mx_array *key)
{
    mx_array *noise = mx_random_gumbel(noise_shape, MX_FLOAT32, key);
    return mx_argmax(mx_add(noise, logits), AXES(axis), false);
}

/* Many draws from one distribution: the last position whose cumulated weight is not above u, so the cost of a draw is
 * a binary search.  An infinite logit takes all: the weights are then 1 at the largest. */
static mx_array *draw_by_search(mx_array *logits, mx_shape shape, mx_array *key)
{
    mx_array *x = mx_astype(mx_reshape(logits, SHAPE(-1)), MX_FLOAT32), *peak = mx_max(x, ALL_AXES, false);
    mx_array *weights = APPLY(exp, mx_sub(x, peak)), *at_peak = mx_astype(mx_equal(x, peak), MX_FLOAT32);
    weights = mx_where(mx_isinf(peak), at_peak, weights);
    /* The total as MLX adds it up, from left to right: the last running sum, which is the largest. */
    mx_array *below = mx_cumsum(weights, 0, false, false);
    mx_array *total = mx_max(mx_cumsum(weights, 0, false, true), ALL_AXES, false);
    mx_array *u = mx_mul(unit_uniform(shape, MX_FLOAT32, key), total);
    mx_array *after = mx_searchsorted(below, u, true), *one = mx_scalar_int(1, MX_UINT32);
    return mx_sub(mx_maximum(after, one), one);
}

static bool is_one_distribution(const mx_array *logits, int axis, int draw_ndim)
{
    return draw_ndim > 0 && logits->size == logits->shape[axis] && logits->size > 0;
}

mx_array *mx_random_categorical_shape(mx_array *logits, int axis, mx_shape shape, mx_array *key)
{
    if (!op_has("categorical", logits)) return NULL;
    int a = category_axis(logits, axis);
    if (a < 0 || shape_size("categorical", shape) < 0) return NULL;
    mx_spec spec, reduced;
    int64_t rest[MX_MAX_NDIM], noise[MX_MAX_NDIM + 1];
    for (int i = 0, n = 0; i < logits->ndim; i++) {
        if (i != a) rest[n++] = logits->shape[i];
    }
    spec_set(&reduced, (mx_shape){logits->ndim - 1, rest}, MX_UINT32);
    spec_set(&spec, shape, MX_UINT32);
    if (!shape_broadcast_into("broadcast_shapes", &spec, spec_shape(&reduced))) return NULL;
    if (!shape_equal(spec_shape(&spec), shape)) {
        char asked[SHAPE_TEXT], have[SHAPE_TEXT];
        return mx_fail(MX_VALUE, "[categorical] Requested shape %s is not broadcast compatible with reduced logits %s.",
                       shape_text(asked, shape), shape_text(have, spec_shape(&reduced)));
    }
    if (is_one_distribution(logits, a, shape.ndim)) return draw_by_search(logits, shape, key);
    int at = shape.ndim - (logits->ndim - 1) + a;
    for (int i = 0; i <= shape.ndim; i++) noise[i] = i == at ? logits->shape[a] : shape.at[i < at ? i : i - 1];
    return draw_by_noise(logits, at, (mx_shape){shape.ndim + 1, noise}, key);
}

mx_array *mx_random_categorical(mx_array *logits, int axis, mx_array *key)
{
    if (!op_has("categorical", logits)) return NULL;
    int a = category_axis(logits, axis);
    int64_t rest[MX_MAX_NDIM];
    if (a < 0) return NULL;
    for (int i = 0, n = 0; i < logits->ndim; i++) {
        if (i != a) rest[n++] = logits->shape[i];
    }
    return mx_random_categorical_shape(logits, a, (mx_shape){logits->ndim - 1, rest}, key);
}

mx_array *mx_random_categorical_count(mx_array *logits, int axis, int64_t count, mx_array *key)
{
    if (!op_has("categorical", logits)) return NULL;
    int a = category_axis(logits, axis), n = 0;
    int64_t shape[MX_MAX_NDIM + 1];
    if (a < 0) return NULL;
    for (int i = 0; i < logits->ndim; i++) {
        if (i != a) shape[n++] = logits->shape[i];
    }
    shape[n++] = count;
    if (shape_size("categorical", (mx_shape){n, shape}) < 0) return NULL;
    if (is_one_distribution(logits, a, n)) return draw_by_search(logits, (mx_shape){n, shape}, key);
    for (int i = 0; i < logits->ndim; i++) shape[i] = logits->shape[i];
    shape[logits->ndim] = count;
    return draw_by_noise(mx_expand_dims(logits, AXES(-1)), a, (mx_shape){logits->ndim + 1, shape}, key);
}

/* ---- Permutations */
mx_array *mx_random_permutation(int64_t n, mx_array *key)
{
    return mx_argsort(bits(SHAPE(n), 4, key), 0);
}

mx_array *mx_random_permutation_of(mx_array *x, int axis, mx_array *key)
{
    int a = op_has("permutation", x) ? axis_of("permutation", axis, x->ndim, MX_INDEX) : -1;
    if (a < 0) return NULL;
    note_sizes();
    mx_array *order = mx_random_permutation(x->shape[a], key);
    return order ? mx_take(x, order, a) : NULL;
}
