/* SPDX-License-Identifier: MIT
 *
 * Every function of mica.h that makes arrays, called with seeded hostile arguments: NULL, empty and huge arrays, all
 * dtypes and none, absurd sizes and axes, missing lists.
 *
 * A call gives NULL (or false) and one error that begins with a name in brackets, or a result and no error; small
 * results of small inputs are evaluated by the same rule; nothing leaks.  One line a function: its name and the kinds
 * of its arguments. */
#include "check.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Values */
enum { LISTS = 8, OUTPUTS = 64, SMALL = 1 << 14 };

typedef struct hostile {
    uint64_t state;
    bool large; /* an input is too large to compute with */
    int lists;
    int64_t list[LISTS][MX_MAX_NDIM + 2];
    int ints[LISTS][MX_MAX_NDIM + 2];
    mx_array *out[OUTPUTS];
    int nout;
} hostile;

static int64_t below(hostile *h, int64_t n) /* splitmix64 */
{
    uint64_t z = h->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)n);
}

static const int64_t bad_numbers[] = {
    -1,        -2,        17,        1000,      INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1,
    1LL << 32, 1LL << 40, 1LL << 62, INT64_MAX, INT64_MIN};
#define COUNT(list) ((int64_t)(sizeof(list) / sizeof *(list)))

static int64_t a_long(hostile *h)
{
    return below(h, 4) ? below(h, 4) : bad_numbers[below(h, COUNT(bad_numbers))];
}

static int an_int(hostile *h)
{
    static const int bad[] = {-1, -2, -3, 16, -17, INT_MAX, INT_MIN, 1 << 20};
    return below(h, 3) ? (int)below(h, 3) : bad[below(h, COUNT(bad))];
}

static bool a_bool(hostile *h)
{
    return below(h, 2);
}

static double a_number(hostile *h)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 5e-324, 0, -1, 1e18};
    return below(h, 2) ? (double)below(h, 5) : bad[below(h, COUNT(bad))];
}

static mx_dtype a_dtype(hostile *h)
{
    static const int bad[] = {MX_DTYPE_COUNT, -1, INT_MAX, INT_MIN, 99};
    return (mx_dtype)(below(h, 12) ? below(h, MX_DTYPE_COUNT) : bad[below(h, COUNT(bad))]);
}

static int a_length(hostile *h)
{
    static const int bad[] = {-1, 16, 17, INT_MAX, INT_MIN};
    return (int)(below(h, 10) ? below(h, 4) : bad[below(h, COUNT(bad))]);
}

static const int64_t *longs(hostile *h, int count)
{
    int64_t *list = h->list[h->lists++ % LISTS];
    for (int i = 0; i < MX_MAX_NDIM + 2; i++) list[i] = i < count || !below(h, 3) ? a_long(h) : 1;
    return below(h, 20) ? list : NULL;
}

static mx_shape a_shape(hostile *h)
{
    int count = a_length(h);
    return (mx_shape){count, longs(h, count)};
}

/* A list with an entry for each axis, as slices and pads read it: these carry no length, so there is always room. */
static const int64_t *a_list(hostile *h)
{
    return longs(h, MX_MAX_NDIM);
}

static mx_axes some_axes(hostile *h)
{
    int *list = h->ints[h->lists++ % LISTS];
    for (int i = 0; i < MX_MAX_NDIM + 2; i++) list[i] = an_int(h);
    return (mx_axes){a_length(h), below(h, 20) ? list : NULL};
}

static mx_array *wide_array(hostile *h)
{
    static const int64_t sizes[][2] = {
        {1LL << 40, 1LL << 18}, {INT64_MAX / 16, 1}, {1, 1LL << 33}, {1LL << 31, 2}, {1LL << 40, 0}};
    mx_array *x = mx_scalar(1, (mx_dtype)below(h, MX_DTYPE_COUNT));
    h->large = true;
    return mx_broadcast_to(x, (mx_shape){2, sizes[below(h, COUNT(sizes))]});
}

static mx_array *an_array(hostile *h)
{
    static const int64_t shapes[][4] = {{0},          {1, 3},    {1, 0}, {2, 2, 3}, {2, 3, 3},
                                        {3, 2, 1, 3}, {2, 0, 3}, {1, 1}, {2, 1, 3}};
    static const int64_t ones[MX_MAX_NDIM] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    int64_t kind = below(h, 30);
    if (kind == 0) return NULL;
    if (kind == 1) return wide_array(h);
    if (kind == 2) return mx_ones((mx_shape){MX_MAX_NDIM, ones}, MX_FLOAT32);
    const int64_t *shape = shapes[below(h, COUNT(shapes))];
    mx_dtype dtype = below(h, 2) ? MX_FLOAT32 : (mx_dtype)below(h, MX_DTYPE_COUNT);
    mx_array *x = check_random((mx_shape){(int)shape[0], shape + 1}, dtype, -3, 3, (uint64_t)below(h, 100));
    if (kind == 3) return mx_mul(x, mx_scalar(a_number(h), MX_FLOAT32));
    return kind == 4 ? mx_transpose(x, ALL_AXES) : x;
}

static mx_array *const *some_arrays(hostile *h)
{
    static mx_array *list[MX_MAX_NDIM + 2];
    for (int i = 0; i < MX_MAX_NDIM + 2; i++) list[i] = an_array(h);
    return below(h, 20) ? list : NULL;
}

static mx_array *a_key(hostile *h)
{
    return below(h, 3) ? mx_random_key(7) : an_array(h);
}

static int a_count(hostile *h)
{
    return (int)below(h, 20) - 2;
}

static mx_rope_options rope_options(hostile *h)
{
    return (mx_rope_options){an_int(h), a_bool(h), (float)a_number(h), (float)a_number(h)};
}

/* Where a function writes `count` arrays. */
static mx_array **outputs(hostile *h, int count)
{
    h->nout = count > 0 && count <= OUTPUTS ? count : 0;
    return h->out;
}

static bool split(hostile *h)
{
    int count = (int)below(h, 8) ? (int)below(h, 6) - 1 : OUTPUTS;
    mx_array *x = an_array(h);
    const int64_t *at = below(h, 2) ? NULL : h->list[0];
    for (int i = 0; at && i < MX_MAX_NDIM; i++) h->list[0][i] = a_long(h);
    if (at && count > MX_MAX_NDIM) count = 3;
    return mx_split(x, count, at, an_int(h), outputs(h, count));
}

/* ---- The functions.  The letters: */
#undef I /* of complex.h */
#define A an_array(h)
#define AS some_arrays(h)
#define I an_int(h)
#define L a_long(h)
#define LS a_list(h)
#define B a_bool(h)
#define F a_number(h)
#define D a_dtype(h)
#define S a_shape(h)
#define X some_axes(h)
#define K a_key(h)
#define N a_count(h)

/* clang-format off */
#define FUNCTIONS(ONE) \
    ONE(round_to, A, I) ONE(nan_to_num, A, (float)F, NULL, NULL) ONE(isclose, A, A, F, F, B) ONE(allclose, A, A, F, F, B) \
    ONE(array_equal, A, A, B) ONE(where, A, A, A) ONE(clip, A, A, A) ONE(astype, A, D) ONE(view, A, D) ONE(full, S, A, D) \
    ONE(zeros, S, D) ONE(ones, S, D) ONE(zeros_like, A) ONE(ones_like, A) ONE(full_like, A, A, D) ONE(arange, F, F, F, D) \
    ONE(linspace, F, F, L, D) ONE(eye, L, L, I, D) ONE(tri, L, L, I, D) ONE(tril, A, I) ONE(triu, A, I) ONE(diag, A, I) \
    ONE(diagonal, A, I, I, I) ONE(trace_of, A, I, I, I, D) ONE(var, A, X, B, I) ONE(std, A, X, B, I) ONE(softmax, A, X, B) \
    ONE(argmax, A, X, B) ONE(argmin, A, X, B) ONE(sum_to, A, S) ONE(matmul, A, A) ONE(addmm, A, A, A, (float)F, (float)F) \
    ONE(inner, A, A) ONE(outer, A, A) ONE(vecdot, A, A, I) ONE(tensordot, A, A, X, X) ONE(kron, A, A) ONE(reshape, A, S) \
    ONE(flatten, A, I, I) ONE(unflatten, A, I, S) ONE(transpose, A, X) ONE(swapaxes, A, I, I) ONE(moveaxis, A, I, I) \
    ONE(broadcast_to, A, S) ONE(expand_dims, A, X) ONE(squeeze, A, X) ONE(atleast, A, I) ONE(slice, A, LS, LS, LS) \
    ONE(slice_update, A, A, LS, LS, LS) ONE(slice_at, A, A, X, S) ONE(slice_update_at, A, A, A, X) ONE(concatenate, AS, N, I) \
    ONE(stack, AS, N, I) ONE(pad, A, X, LS, LS, below(h, 2) ? MX_PAD_CONSTANT : (mx_pad_mode)9, A) ONE(repeat, A, L, I) ONE(tile, A, S) \
    ONE(roll, A, LS, X) ONE(flip, A, X) ONE(as_strided, A, S, LS, L) ONE(copy, A) ONE(take, A, A, I) ONE(contiguous, A) \
    ONE(take_along_axis, A, A, I) ONE(put_along_axis, A, A, A, I) ONE(gather, A, AS, X, S) \
    ONE(scatter, A, AS, A, X, (mx_scatter_mode)below(h, 7)) ONE(searchsorted, A, A, B) ONE(masked_set, A, A, A) \
    ONE(scatter_along_axis, A, A, A, I, (mx_scatter_mode)below(h, 7)) ONE(rms_norm, A, A, (float)F) \
    ONE(layer_norm, A, A, A, (float)F) ONE(rope, A, rope_options(h), A, A) ONE(attention, A, A, A, (float)F, B, A, A) \
    ONE(random_split, K, L) ONE(random_bits, S, I, K) ONE(random_uniform, A, A, S, D, K) ONE(random_normal, S, D, A, A, K) \
    ONE(random_laplace, S, D, A, A, K) ONE(random_gumbel, S, D, K) ONE(random_truncated_normal, A, A, S, D, K) \
    ONE(random_randint, A, A, S, D, K) ONE(random_bernoulli, A, S, K) ONE(random_bernoulli_like, A, K) \
    ONE(random_categorical, A, I, K) ONE(random_categorical_count, A, I, L, K) ONE(random_categorical_shape, A, I, S, K) \
    ONE(like, A, F) ONE(scalar, F, D) ONE(scalar_int, L, D) ONE(int, L) ONE(float, F) ONE(random_key, (uint64_t)L)
/* These write several arrays, as many as is said first. */
#define MANY_FUNCTIONS(MANY) \
    MANY(divmod, 2, A, A) MANY(meshgrid, 3, AS, 3, B, B) MANY(broadcast_arrays, 4, AS, 4)
/* clang-format on */

#define MAKE(name, ...)                                                                                                \
    static mx_array *call_##name(hostile *h)                                                                           \
    {                                                                                                                  \
        (void)h;                                                                                                       \
        return mx_##name(__VA_ARGS__);                                                                                 \
    }
#define MAKE_UNARY(name) MAKE(name, A)
#define MAKE_BINARY(name) MAKE(name, A, A)
#define MAKE_REDUCE(name) MAKE(name, A, X, B)
#define MAKE_SCAN(name) MAKE(name, A, I, B, B)
#define MAKE_MANY(name, count, ...)                                                                                    \
    static bool call_##name(hostile *h)                                                                                \
    {                                                                                                                  \
        return mx_##name(__VA_ARGS__, outputs(h, count));                                                              \
    }
MX_UNARY_OPS(MAKE_UNARY)
MX_BINARY_OPS(MAKE_BINARY)
MX_REDUCE_OPS(MAKE_REDUCE)
MX_SCAN_OPS(MAKE_SCAN)
FUNCTIONS(MAKE)
MANY_FUNCTIONS(MAKE_MANY)

typedef struct function {
    const char *name;
    mx_array *(*one)(hostile *h);
    bool (*many)(hostile *h);
} function;
#define ROW(name, ...) {#name, call_##name, NULL},
#define ROW_MANY(name, ...) {#name, NULL, call_##name},
static const function functions[] = {MX_UNARY_OPS(ROW) MX_BINARY_OPS(ROW) MX_REDUCE_OPS(ROW) MX_SCAN_OPS(ROW)
                                         FUNCTIONS(ROW) MANY_FUNCTIONS(ROW_MANY){"split", NULL, split}};

/* ---- The rules */
static bool holds(bool ok, const function *f, int64_t seed, const char *what)
{
    mx_error_info e = mx_error();
    bool failed = e.code != MX_OK;
    if (failed != ok && (ok || (e.message[0] == '[' && strchr(e.message, ']')))) return true;
    check_that(false, __FILE__, __LINE__, "mx_%s, seed %lld: %s %s, error %d: %s", f->name, (long long)seed, what,
               ok ? "works" : "fails", (int)e.code, e.message);
    return false;
}

static bool call(const function *f, int64_t seed)
{
    hostile h = {.state = (uint64_t)seed * 1000003 + (uint64_t)(f - functions)};
    mx_scope s = mx_scope_open();
    if (f->one) h.out[h.nout++] = f->one(&h);
    bool ok = f->one ? h.out[0] != NULL : f->many(&h);
    bool fine = holds(ok, f, seed, "the call");
    for (int i = 0; i < h.nout && ok && fine && !h.large; i++) {
        if (!h.out[i]) fine = check_that(false, __FILE__, __LINE__, "mx_%s leaves a result out", f->name);
        bool small = mx_size(h.out[i]) <= SMALL; /* an empty one may be made of a large one */
        for (int d = 0; d < mx_ndim(h.out[i]); d++) small &= mx_dim(h.out[i], d) <= SMALL;
        if (fine && small) fine = holds(mx_eval(h.out[i]), f, seed, "evaluation");
    }
    mx_scope_close(s, NULL);
    return fine;
}

TEST(hostile_arguments_give_an_error_or_a_result)
{
    bool is_gpu = mx_default_device().type == MX_GPU; /* there each seed makes kernels that nothing else uses */
    int64_t seeds = check_is_full() ? 20000 : is_gpu ? 5 : 300, failures = 0;
    for (int64_t seed = 0; seed < seeds; seed++)
        for (size_t i = 0; i < sizeof functions / sizeof *functions && failures < 20; i++)
            failures += !call(&functions[i], seed);
    mx_random_set_state(NULL); /* made where a key was NULL */
}
