/* SPDX-License-Identifier: MIT
 *
 * Numbers on the test's side: random ones, their bits in each dtype, arrays over them in any layout.
 *
 * Everything here is written a second time on purpose: a test of a cast to bfloat16 must not use the library's cast. */
#include "laws.h"
#include "core/array.h"
#include "core/shape.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const layout_names[LAYOUT_COUNT] = {"row-major", "column-major", "gaps", "reversed"};

/* ---- Bits */
uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double random_in(uint64_t *state, double low, double high)
{
    return low + (high - low) * ldexp((double)(random_bits(state) >> 11), -53);
}

/* A 16-bit float with that many bits of mantissa. */
static int mantissa_bits(mx_dtype dtype)
{
    return dtype == MX_FLOAT16 ? 10 : 7;
}

static uint16_t encode_16(double x, int mantissa)
{
    int bias = (1 << (14 - mantissa)) - 1, exponent;
    uint16_t sign = signbit(x) ? 0x8000 : 0, infinite = (uint16_t)(((1 << (15 - mantissa)) - 1) << mantissa);
    if (isnan(x)) return (uint16_t)(sign | infinite | 1 << (mantissa - 1));
    if (isinf(x)) return sign | infinite;
    if (x == 0) return sign;
    frexp(fabs(x), &exponent);
    int lowest = 1 - bias - mantissa, quantum = exponent - 1 - mantissa;
    if (quantum < lowest) quantum = lowest;
    double n = nearbyint(ldexp(fabs(x), -quantum));
    double bits = ldexp(quantum + mantissa + bias, mantissa) + n - ldexp(1, mantissa);
    return bits >= infinite ? sign | infinite : (uint16_t)(sign | (uint16_t)bits);
}

static double decode_16(uint16_t bits, int mantissa)
{
    int bias = (1 << (14 - mantissa)) - 1, top = (1 << (15 - mantissa)) - 1;
    int e = bits >> mantissa & top, m = bits & ((1 << mantissa) - 1);
    double x = e == top ? (m ? NAN : INFINITY)
               : e == 0 ? ldexp(m, 1 - bias - mantissa)
                        : ldexp(m | 1 << mantissa, e - bias - mantissa);
    return bits & 0x8000 ? -x : x;
}

double dtype_round(double x, mx_dtype dtype)
{
    switch (dtype) {
    case MX_FLOAT16:
    case MX_BFLOAT16: return decode_16(encode_16(x, mantissa_bits(dtype)), mantissa_bits(dtype));
    case MX_FLOAT32:
    case MX_COMPLEX64: return (float)x;
    default: return x;
    }
}

double dtype_eps(mx_dtype dtype)
{
    switch (dtype) {
    case MX_FLOAT16:
    case MX_BFLOAT16: return ldexp(1, -mantissa_bits(dtype));
    case MX_FLOAT32:
    case MX_COMPLEX64: return ldexp(1, -23);
    case MX_FLOAT64: return ldexp(1, -52);
    default: return 0;
    }
}

double dtype_tiny(mx_dtype dtype)
{
    switch (dtype) {
    case MX_FLOAT16: return ldexp(1, -24);
    case MX_BFLOAT16: return ldexp(1, -133);
    case MX_FLOAT32:
    case MX_COMPLEX64: return ldexp(1, -149);
    case MX_FLOAT64: return ldexp(1, -1074);
    default: return 0;
    }
}

int64_t whole_wrap(int64_t whole, mx_dtype dtype)
{
    switch (dtype) {
    case MX_BOOL: return whole != 0;
    case MX_UINT8: return (uint8_t)whole;
    case MX_UINT16: return (uint16_t)whole;
    case MX_UINT32: return (uint32_t)whole;
    case MX_INT8: return (int8_t)whole;
    case MX_INT16: return (int16_t)whole;
    case MX_INT32: return (int32_t)whole;
    default: return whole;
    }
}

void dtype_encode(void *to, mx_dtype dtype, double re, double im, int64_t whole)
{
    float parts[2] = {(float)re, (float)im};
    uint16_t half;
    switch (dtype) {
    case MX_FLOAT16:
    case MX_BFLOAT16:
        half = encode_16(re, mantissa_bits(dtype));
        memcpy(to, &half, sizeof half);
        break;
    case MX_FLOAT32:
    case MX_COMPLEX64: memcpy(to, parts, mx_dtype_size(dtype)); break;
    case MX_FLOAT64: memcpy(to, &re, sizeof re); break;
    default: memcpy(to, &whole, mx_dtype_size(dtype)); break; /* little-endian: the low bytes */
    }
}

void dtype_decode(const void *from, mx_dtype dtype, double *re, double *im, int64_t *whole)
{
    float parts[2] = {0, 0};
    uint16_t half;
    *im = 0;
    *whole = 0;
    switch (dtype) {
    case MX_FLOAT16:
    case MX_BFLOAT16:
        memcpy(&half, from, sizeof half);
        *re = decode_16(half, mantissa_bits(dtype));
        break;
    case MX_FLOAT32:
    case MX_COMPLEX64:
        memcpy(parts, from, mx_dtype_size(dtype));
        *re = parts[0];
        *im = parts[1];
        break;
    case MX_FLOAT64: memcpy(re, from, sizeof *re); break;
    default:
        memcpy(whole, from, mx_dtype_size(dtype));
        *whole = whole_wrap(*whole, dtype);
        *re = dtype == MX_UINT64 ? (double)(uint64_t)*whole : (double)*whole;
    }
}

/* ---- Making and reading */
numbers numbers_new(int ndim, const int64_t *shape, mx_dtype dtype)
{
    numbers a = {.dtype = dtype, .ndim = ndim, .size = 1};
    for (int d = 0; d < ndim; d++) a.size *= a.shape[d] = shape[d];
    size_t n = a.size ? (size_t)a.size : 1;
    double *block = calloc(n, 4 * sizeof *block);
    if (!block) {
        fprintf(stderr, "the test harness is out of memory\n");
        exit(2);
    }
    a.re = block;
    a.im = block + n;
    a.scale = block + 2 * n;
    a.whole = (int64_t *)(block + 3 * n);
    return a;
}

void numbers_free(numbers *a)
{
    free(a->re);
    *a = (numbers){0};
}

numbers numbers_copy(const numbers *a)
{
    numbers b = numbers_new(a->ndim, a->shape, a->dtype);
    for (int64_t i = 0; i < a->size; i++) copy_element(&b, i, a, i);
    return b;
}

numbers numbers_slice(const numbers *a, int64_t at)
{
    numbers b = numbers_new(a->ndim - 1, a->shape + 1, a->dtype);
    for (int64_t i = 0; i < b.size; i++) copy_element(&b, i, a, at * b.size + i);
    return b;
}

bool numbers_read(mx_array *x, numbers *out)
{
    const int64_t *strides;
    if (!x || !mx_eval(x)) return false;
    const char *data = mx_data_strided(x, &strides);
    if (!data && mx_size(x)) return false;
    mx_shape shape = mx_shape_of(x);
    int64_t width = (int64_t)mx_dtype_size(mx_dtype_of(x)), index[MX_MAX_NDIM];
    *out = numbers_new(shape.ndim, shape.at, mx_dtype_of(x));
    for (int64_t i = 0; i < out->size; i++) {
        int64_t at = 0;
        index_unravel(out, i, index);
        for (int d = 0; d < out->ndim; d++) at += index[d] * strides[d];
        dtype_decode(data + at * width, out->dtype, &out->re[i], &out->im[i], &out->whole[i]);
    }
    return true;
}

double numbers_largest(const numbers *a)
{
    double most = 0;
    for (int64_t i = 0; i < a->size; i++) {
        double size = hypot(a->re[i], a->im[i]);
        if (isfinite(size) && size > most) most = size;
    }
    return most;
}

void numbers_scale(numbers *a, double least)
{
    double scale = fmax(numbers_largest(a), least);
    for (int64_t i = 0; i < a->size; i++) a->scale[i] = scale;
}

/* Numbers through their bits, so that what the reference sees is what the library sees. */
static void set_number(numbers *a, int64_t i, double re, double im, int64_t whole)
{
    char bits[16];
    dtype_encode(bits, a->dtype, re, im, whole);
    dtype_decode(bits, a->dtype, &a->re[i], &a->im[i], &a->whole[i]);
}

static double special(mx_dtype dtype, uint64_t *state)
{
    double eps = dtype_eps(dtype), tiny = dtype_tiny(dtype), normal = tiny / eps, huge = (2 - eps) * (2 / normal);
    const double choices[] = {0,    1,        2,   0.5,  1 + eps, tiny, 3 * tiny, normal, normal - tiny,
                              huge, INFINITY, NAN, 1e-3, 100,     88.5, 709};
    uint64_t bits = random_bits(state);
    double x = choices[bits % (sizeof choices / sizeof *choices)];
    return bits >> 32 & 1 ? -x : x;
}

static int64_t special_whole(uint64_t *state)
{
    const int64_t choices[] = {0, 1, -1, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, INT16_MIN, INT16_MAX, -128, 127};
    uint64_t bits = random_bits(state), n = sizeof choices / sizeof *choices;
    return bits % (2 * n) < n ? choices[bits % n] : (int64_t)random_bits(state);
}

static int64_t random_whole(const numbers *a, double low, double high, uint64_t *state)
{
    int64_t from = (int64_t)ceil(low), to = (int64_t)floor(high);
    if (mx_dtype_is(a->dtype, MX_UNSIGNED_INTEGER) && from < 0) from = 0;
    if (a->dtype == MX_BOOL) from = 0, to = 1;
    if (to < from) to = from;
    return from + (int64_t)(random_bits(state) % (uint64_t)(to - from + 1));
}

void numbers_random(numbers *a, const op_input *how, uint64_t seed)
{
    bool given = how->low != how->high, whole = is_whole(a);
    double low = given ? how->low : whole ? -9 : -2, high = given ? how->high : whole ? 9 : 2;
    for (int64_t i = 0; i < a->size; i++) {
        if (how->kind == INPUT_SPECIAL && whole) {
            set_number(a, i, 0, 0, special_whole(&seed));
        } else if (how->kind == INPUT_SPECIAL) {
            double re = special(a->dtype, &seed);
            set_number(a, i, re, special(a->dtype, &seed), 0);
        } else if (whole) {
            set_number(a, i, 0, 0, random_whole(a, low, high, &seed));
        } else {
            double re = random_in(&seed, low, high);
            set_number(a, i, re, random_in(&seed, low, high), 0);
        }
    }
}

/* ---- Layouts */
static mx_array *array_over(const numbers *a, const int64_t *strides, int64_t first, int64_t room)
{
    int64_t width = (int64_t)mx_dtype_size(a->dtype), index[MX_MAX_NDIM];
    mx_shape shape = {a->ndim, a->shape};
    mx_buffer *buffer = buffer_new((size_t)((room ? room : 1) * width));
    if (!buffer) return NULL;
    char *data = buffer->data;
    memset(data, 0xff, (size_t)(room * width)); /* gaps hold NaN */
    mx_array *x = array_of_buffer_take(buffer, shape, a->dtype);
    if (!x) return NULL;
    for (int64_t i = 0; i < a->size; i++) {
        int64_t at = first;
        index_unravel(a, i, index);
        for (int d = 0; d < a->ndim; d++) at += index[d] * strides[d];
        dtype_encode(data + at * width, a->dtype, a->re[i], a->im[i], a->whole[i]);
    }
    for (int d = 0; d < a->ndim; d++) x->strides[d] = strides[d];
    x->offset = first * width;
    array_set_contiguity(x);
    return mx_temporary(x);
}

mx_array *numbers_array(const numbers *a, layout how)
{
    int64_t strides[MX_MAX_NDIM], stride = how == GAPS ? 2 : 1, first = how == GAPS;
    for (int k = 0; k < a->ndim; k++) {
        int d = how == COLUMN_MAJOR ? k : a->ndim - 1 - k;
        strides[d] = how == REVERSED ? -stride : stride;
        if (how == REVERSED && a->shape[d] > 0) first += (a->shape[d] - 1) * stride;
        stride *= a->shape[d] ? a->shape[d] : 1;
    }
    return array_over(a, strides, first, how == GAPS ? 2 * a->size + 1 : a->size);
}

mx_array *numbers_array_repeated(const numbers *a, int axis)
{
    int64_t strides[MX_MAX_NDIM], stride = 1;
    for (int d = a->ndim - 1; d >= 0; d--) {
        strides[d] = d == axis ? 0 : stride;
        if (d != axis) stride *= a->shape[d] ? a->shape[d] : 1;
    }
    return array_over(a, strides, 0, stride);
}

/* ---- Comparing */
static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_form(const numbers *got, const numbers *want, char text[TEXT])
{
    bool same = got->ndim == want->ndim && got->dtype == want->dtype;
    for (int d = 0; same && d < got->ndim; d++) same = got->shape[d] == want->shape[d];
    if (same) return true;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    snprintf(text, TEXT, "it is %s%s, not %s%s", mx_dtype_name(got->dtype),
             shape_text(a, (mx_shape){got->ndim, got->shape}), mx_dtype_name(want->dtype),
             shape_text(b, (mx_shape){want->ndim, want->shape}));
    return false;
}

static void describe(const numbers *got, const numbers *want, int64_t i, double allowed, char text[TEXT])
{
    if (is_whole(want)) {
        snprintf(text, TEXT, "element %lld is %lld, not %lld", (long long)i, (long long)got->whole[i],
                 (long long)want->whole[i]);
    } else if (want->dtype == MX_COMPLEX64) {
        snprintf(text, TEXT, "element %lld is %.9g%+.9gj, not %.9g%+.9gj (%.3g allowed)", (long long)i, got->re[i],
                 got->im[i], want->re[i], want->im[i], allowed);
    } else {
        snprintf(text, TEXT, "element %lld is %.17g, not %.17g (off by %.3g, %.3g allowed)", (long long)i, got->re[i],
                 want->re[i], fabs(got->re[i] - want->re[i]), allowed);
    }
}

bool numbers_same(const numbers *got, const numbers *want, char text[TEXT])
{
    if (!same_form(got, want, text)) return false;
    for (int64_t i = 0; i < want->size; i++) {
        bool same = is_whole(want) ? got->whole[i] == want->whole[i]
                                   : same_double(got->re[i], want->re[i]) && same_double(got->im[i], want->im[i]);
        if (!same) return describe(got, want, i, 0, text), false;
    }
    return true;
}

static bool near_double(double got, double want, double allowed, mx_dtype dtype)
{
    double beyond = dtype == MX_FLOAT16 ? ldexp(1, 16) : dtype == MX_FLOAT64 ? DBL_MAX : ldexp(1, 128);
    if (same_double(got, dtype_round(want, dtype))) return true;
    if (isinf(want)) return false;
    if (isinf(got)) got = copysign(beyond, got); /* just above the largest */
    return fabs(got - want) <= allowed;          /* false for NaN */
}

bool numbers_near(const numbers *got, const numbers *want, double eps, char text[TEXT])
{
    if (!same_form(got, want, text)) return false;
    mx_dtype dtype = want->dtype;
    for (int64_t i = 0; i < want->size; i++) {
        bool ok;
        double allowed = 0;
        if (is_whole(want)) {
            ok = got->whole[i] == whole_wrap(want->whole[i], dtype);
        } else if (eps == 0) {
            ok = same_double(got->re[i], dtype_round(want->re[i], dtype)) &&
                 same_double(got->im[i], dtype_round(want->im[i], dtype));
        } else {
            double size = fmax(hypot(want->re[i], want->im[i]), want->scale[i]);
            allowed = eps * dtype_eps(dtype) * size + dtype_tiny(dtype);
            ok = near_double(got->re[i], want->re[i], allowed, dtype) &&
                 near_double(got->im[i], want->im[i], allowed, dtype);
        }
        if (!ok) return describe(got, want, i, allowed, text), false;
    }
    return true;
}

/* ---- Bits */
static bool is_nan_at(mx_dtype t, const unsigned char *p)
{
    float f;
    double d;
    uint16_t h;
    switch (t) {
    case MX_FLOAT32: return memcpy(&f, p, 4), isnan(f);
    case MX_FLOAT64: return memcpy(&d, p, 8), isnan(d);
    case MX_FLOAT16: return memcpy(&h, p, 2), (h & 0x7fff) > 0x7c00;
    case MX_BFLOAT16: return memcpy(&h, p, 2), (h & 0x7fff) > 0x7f80;
    default: return false;
    }
}

bool same_bits(mx_array *a, mx_array *b)
{
    mx_dtype t = mx_dtype_of(a) == MX_COMPLEX64 ? MX_FLOAT32 : mx_dtype_of(a);
    size_t bytes = mx_nbytes(a), step = mx_dtype_size(t);
    unsigned char *x = mx_alloc(bytes + 1, 1), *y = mx_alloc(bytes + 1, 1);
    bool same = x && y && mx_dtype_of(a) == mx_dtype_of(b) && mx_nbytes(b) == bytes && mx_read(a, x, bytes) &&
                mx_read(b, y, bytes);
    for (size_t i = 0; i < bytes && same; i += step)
        same = memcmp(x + i, y + i, step) == 0 || (is_nan_at(t, x + i) && is_nan_at(t, y + i));
    mx_free(x);
    mx_free(y);
    return same;
}
