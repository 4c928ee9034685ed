/* SPDX-License-Identifier: MIT
 *
 * Random numbers against MLX's, bit for bit, by hashes; errors; the thread's state. */
#include "check.h"
#include "mica/random.h"
#include "mica/transforms.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- Samples */
static mx_array *bits_of(mx_array *const *x)
{
    return mx_random_bits(SHAPE(3, 5), 4, x[0]);
}
static mx_array *bytes_of(mx_array *const *x)
{
    return mx_random_bits(SHAPE(7), 1, x[0]);
}
static mx_array *words_of(mx_array *const *x)
{
    return mx_random_bits(SHAPE(2, 3), 2, x[0]);
}
static mx_array *many_bits(mx_array *const *x)
{
    return mx_random_bits(SHAPE(100003), 4, x[0]);
}
static mx_array *no_bits(mx_array *const *x)
{
    return mx_random_bits(SHAPE(0, 3), 4, x[0]);
}

const op_sample samples_random_bits[] = {
    {"words", bits_of, {IN_OF(MX_UINT32, 0, 1e9, 2)}, DTYPE(MX_UINT32), 0, NO_GRAD | NULL_ALLOWED},
    {"bytes", bytes_of, {IN_OF(MX_UINT32, 0, 1e9, 2)}, DTYPE(MX_UINT32), 0, NO_GRAD | NULL_ALLOWED},
    {"half words", words_of, {IN_OF(MX_UINT32, 0, 1e9, 2)}, DTYPE(MX_UINT32), 0, NO_GRAD | NULL_ALLOWED},
    {"many words", many_bits, {IN_OF(MX_UINT32, 0, 1e9, 2)}, DTYPE(MX_UINT32), 0, NO_GRAD | NULL_ALLOWED},
    {"none", no_bits, {IN_OF(MX_UINT32, 0, 1e9, 2)}, DTYPE(MX_UINT32), 0, NO_GRAD | NULL_ALLOWED},
    {0},
};

/* The formulas come with distributions only: bounds of a truncated normal pass through erf and erfinv. */
static mx_array *truncated(mx_array *const *x)
{
    return mx_random_truncated_normal(x[0], x[1], SHAPE(4, 3), MX_FLOAT32, mx_random_key(3));
}
static mx_array *gumbel(mx_array *const *x)
{
    return mx_mul(mx_random_gumbel(SHAPE(4, 3), MX_FLOAT32, mx_random_key(3)), x[0]);
}
static mx_array *laplace(mx_array *const *x)
{
    return mx_random_laplace(SHAPE(4, 3), MX_FLOAT32, x[0], x[1], mx_random_key(3));
}
static mx_array *draw_one(mx_array *const *x)
{
    return mx_random_categorical_count(x[0], 0, 50, mx_random_key(3));
}
#define BOUNDS                                                                                                         \
    {                                                                                                                  \
        IN_RANGE(-2, -0.5, 3), IN_RANGE(0.5, 2, 3)                                                                     \
    }
const op_sample samples_random_erf[] = {{"of bounds", truncated, BOUNDS, DTYPE(MX_FLOAT32), 1e3}, {0}};
const op_sample samples_random_erfinv[] = {{"of a uniform", truncated, BOUNDS, DTYPE(MX_FLOAT32), 1e3}, {0}};
const op_sample samples_random_log[] = {{"of a uniform", gumbel, {IN(3)}, DTYPE(MX_FLOAT32), 16}, {0}};
const op_sample samples_random_log1p[] = {
    {"of a uniform", laplace, {IN(3), IN(3)}, DTYPE(MX_FLOAT32), 16, NULL_ALLOWED}, {0}};
const op_sample samples_random_exp[] = {{"of logits", draw_one, {IN(9)}, DTYPE(MX_FLOAT32), 8, NO_GRAD | NO_VMAP}, {0}};

/* ---- Golden */
typedef struct golden_draw {
    const char *name;
    size_t bytes;
    uint64_t hash;
} golden_draw;
#include "golden_random.h"

static void check_draw(const char *name, mx_array *x)
{
    const golden_draw *g = golden, *end = golden + sizeof golden / sizeof *golden;
    while (g < end && strcmp(g->name, name) != 0) g++;
    mx_array *rows = mx_contiguous(x);
    const unsigned char *p = rows ? mx_data(rows) : NULL;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; p && i < mx_nbytes(x); i++) hash = (hash ^ p[i]) * 0x100000001b3u;
    check_that(g < end && x && mx_nbytes(x) == g->bytes && hash == g->hash, __FILE__, __LINE__,
               "%s: not the bits that MLX draws", name);
}

static mx_array *key(uint64_t seed)
{
    return mx_random_key(seed);
}

TEST(random_bits_are_those_of_mlx)
{
    check_draw("key", key(((uint64_t)1 << 32) + 7));
    check_draw("split", mx_random_split(key(5), 33));
    check_draw("split into none", mx_random_split(key(5), 0));
    check_draw("many words", mx_random_split(key(6), 70001));
}

TEST(random_uniforms_are_those_of_mlx)
{
    mx_array *low = mx_float(0), *high = mx_float(1);
    check_draw("uniform f32", mx_random_uniform(low, high, SHAPE(100003), MX_FLOAT32, key(1)));
    check_draw("uniform f16", mx_random_uniform(low, high, SHAPE(5003), MX_FLOAT16, key(1)));
    check_draw("uniform bf16", mx_random_uniform(low, high, SHAPE(5003), MX_BFLOAT16, key(1)));
    low = mx_from_data((float[]){0, -1, 3}, SHAPE(3), MX_FLOAT32);
    high = mx_from_data((float[]){1, 5}, SHAPE(2, 1), MX_FLOAT32);
    check_draw("uniform bounds", mx_random_uniform(low, high, SHAPE(40, 2, 3), MX_FLOAT32, key(2)));
}

/* As numbers: complex ones are two. */
static const float *floats_of(mx_array *x, size_t *count)
{
    mx_array *y = mx_dtype_of(x) == MX_COMPLEX64 ? mx_contiguous(x) : mx_contiguous(mx_astype(x, MX_FLOAT32));
    *count = y ? mx_nbytes(y) / sizeof(float) : 0;
    return y ? mx_data(y) : NULL;
}

static void check_near(const char *name, mx_array *x, mx_array *exact)
{
    mx_dtype dtype = mx_dtype_of(x);
    double error = dtype == MX_FLOAT16 ? 0x1p-10 : dtype == MX_BFLOAT16 ? 0x1p-7 : 0x1p-18;
    size_t count, other, wrong = 0;
    const float *a = floats_of(x, &count), *b = floats_of(exact, &other);
    for (size_t i = 0; a && b && i < count; i++)
        wrong += !(fabs((double)a[i] - b[i]) <= error * (1 + fabs((double)b[i])));
    check_that(a && b && count == other && !wrong, __FILE__, __LINE__, "%s: %zu of %zu are not those that MLX draws",
               name, wrong, count);
}

/* A GPU has a logarithm of its own: what goes through one is MLX's to the bit on the CPU, and near that on the GPU. */
#define CHECK_LOGARITHMIC(name, draw)                                                                                  \
    do {                                                                                                               \
        mx_array *here = (draw);                                                                                       \
        mx_use_stream(mx_default_stream((mx_device){MX_CPU, 0}));                                                      \
        mx_array *exact = (draw);                                                                                      \
        check_draw(name, exact);                                                                                       \
        check_near(name, here, exact);                                                                                 \
        mx_use_stream(NULL);                                                                                           \
    } while (0)

TEST(random_normals_are_those_of_mlx)
{
    mx_array *loc = mx_float(-1.5), *scale = mx_float(3);
    CHECK_LOGARITHMIC("normal f32", mx_random_normal(SHAPE(100003), MX_FLOAT32, NULL, NULL, key(7)));
    CHECK_LOGARITHMIC("normal f16", mx_random_normal(SHAPE(5003), MX_FLOAT16, loc, scale, key(7)));
    CHECK_LOGARITHMIC("normal bf16", mx_random_normal(SHAPE(5003), MX_BFLOAT16, loc, scale, key(7)));
    CHECK_LOGARITHMIC("normal c64", mx_random_normal(SHAPE(5003), MX_COMPLEX64, loc, scale, key(7)));
    CHECK_LOGARITHMIC("laplace f32", mx_random_laplace(SHAPE(5003), MX_FLOAT32, loc, scale, key(8)));
    CHECK_LOGARITHMIC("laplace bf16", mx_random_laplace(SHAPE(5003), MX_BFLOAT16, NULL, NULL, key(8)));
    CHECK_LOGARITHMIC("gumbel f32", mx_random_gumbel(SHAPE(100003), MX_FLOAT32, key(9)));
    CHECK_LOGARITHMIC("gumbel f16", mx_random_gumbel(SHAPE(5003), MX_FLOAT16, key(9)));
    mx_array *a = mx_float(-1), *b = mx_float(2);
    CHECK_LOGARITHMIC("truncated f32", mx_random_truncated_normal(a, b, SHAPE(5003), MX_FLOAT32, key(10)));
    CHECK_LOGARITHMIC("truncated bf16", mx_random_truncated_normal(a, b, SHAPE(5003), MX_BFLOAT16, key(10)));
    CHECK_LOGARITHMIC("truncated f16", mx_random_truncated_normal(a, b, SHAPE(5003), MX_FLOAT16, key(10)));
}

TEST(random_integers_are_those_of_mlx)
{
    int64_t far = (int64_t)1 << 40;
    check_draw("randint i32", mx_random_randint(mx_int(-5), mx_int(1000), SHAPE(5003), MX_INT32, key(4)));
    check_draw("randint i64", mx_random_randint(mx_int(-far), mx_int(far), SHAPE(5003), MX_INT64, key(4)));
    check_draw("randint u8 wraps", mx_random_randint(mx_int(0), mx_int(300), SHAPE(5003), MX_UINT8, key(4)));
    check_draw("randint bool", mx_random_randint(mx_int(0), mx_int(2), SHAPE(5003), MX_BOOL, key(4)));
    check_draw("randint nothing", mx_random_randint(mx_int(5), mx_int(5), SHAPE(7), MX_INT32, key(4)));
    mx_array *p = mx_from_data((float[]){0, 0.2f, 1}, SHAPE(3), MX_FLOAT32);
    check_draw("bernoulli", mx_random_bernoulli(p, SHAPE(5000, 3), key(5)));
    p = mx_astype(mx_from_data((float[]){0.1f, 0.2f, 0.9f}, SHAPE(3), MX_FLOAT32), MX_FLOAT16);
    check_draw("bernoulli f16", mx_random_bernoulli(p, SHAPE(5000, 3), key(5)));
}

/* As numpy.linspace(-3, 3, 60)^2: the steps are made in double. */
static mx_array *logits(mx_shape shape)
{
    float x[60];
    for (int i = 0; i < 60; i++) {
        x[i] = (float)(i == 59 ? 3.0 : i * (6.0 / 59) + -3.0);
        x[i] *= x[i];
    }
    return mx_from_data(x, shape, MX_FLOAT32);
}

TEST(random_choices_are_those_of_mlx)
{
    mx_array *x = logits(SHAPE(3, 4, 5)), *row = logits(SHAPE(60));
    check_draw("categorical", mx_random_categorical(x, -1, key(1)));
    check_draw("categorical axis", mx_random_categorical(x, 1, key(1)));
    check_draw("categorical count", mx_random_categorical_count(x, 0, 500, key(1)));
    check_draw("categorical shape", mx_random_categorical_shape(x, 1, SHAPE(200, 3, 5), key(1)));
    check_draw("categorical one", mx_random_categorical_count(row, -1, 5003, key(1)));
    mx_array *half = mx_astype(mx_reshape(row, SHAPE(1, 60)), MX_FLOAT16);
    check_draw("categorical one f16", mx_random_categorical_shape(half, 1, SHAPE(2, 3, 1), key(1)));
    x = mx_from_data((float[]){1, INFINITY, 2, INFINITY}, SHAPE(4), MX_FLOAT32);
    check_draw("categorical one, infinite", mx_random_categorical_shape(x, 0, SHAPE(500), key(1)));
    x = mx_full(SHAPE(3), mx_float(-(double)INFINITY), MX_FLOAT32);
    check_draw("categorical one, all minus infinity", mx_random_categorical_shape(x, 0, SHAPE(500), key(1)));
}

static bool five_normals(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_random_normal(SHAPE(5), MX_FLOAT32, NULL, NULL, in[0])) != NULL;
}

TEST(random_keys_are_mapped)
{
    mx_array *keys = mx_random_split(key(2), 7), *out = NULL;
    CHECK(mx_vmap(five_normals, NULL, &keys, (int[]){0}, 1, &out, (int[]){0}, 1));
    check_draw("vmap", out);
}

/* ---- The state */
TEST(random_state_is_drawn_from)
{
    CHECK(mx_random_seed(17));
    uint32_t before[2], want[4], got[2];
    CHECK(mx_read(mx_random_state(), before, sizeof before) && before[0] == 0 && before[1] == 17);
    CHECK(mx_read(mx_random_split(key(17), 2), want, sizeof want));
    mx_array *x = mx_random_bits(SHAPE(3), 4, NULL);
    CHECK(mx_read(mx_random_state(), got, sizeof got) && memcmp(got, want, sizeof got) == 0);
    mx_array *y = mx_random_bits(SHAPE(3), 4, mx_from_data(want + 2, SHAPE(2), MX_UINT32));
    uint32_t a[3], b[3];
    CHECK(mx_read(x, a, sizeof a) && mx_read(y, b, sizeof b) && memcmp(a, b, sizeof a) == 0);
    CHECK(mx_random_set_state(key(5)) && mx_read(mx_random_state(), got, sizeof got) && got[1] == 5);
    CHECK_CODE(mx_random_set_state(mx_zeros(SHAPE(3), MX_UINT32)), MX_VALUE, "[bits] Expected key shape (2)");
    CHECK(mx_random_set_state(NULL));
}

static void *other_thread(void *seen)
{
    mx_read(mx_random_state(), seen, 8);
    return NULL;
}

TEST(random_seed_is_the_threads_own)
{
    uint32_t seen[2] = {0, 0};
    pthread_t thread;
    CHECK(mx_random_seed(17));
    CHECK(pthread_create(&thread, NULL, other_thread, seen) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(seen[0] > 0); /* the clock's milliseconds are more than 32 bits */
    CHECK(mx_random_set_state(NULL));
}

/* ---- Errors */
TEST(random_names_what_is_wrong)
{
    mx_array *zero = mx_float(0), *one = mx_float(1), *three = mx_zeros(SHAPE(3), MX_FLOAT32);
    CHECK_CODE(mx_random_uniform(zero, one, SHAPE(2), MX_FLOAT64, NULL), MX_RUNTIME, "[uniform]");
    CHECK_CODE(mx_random_uniform(zero, one, SHAPE(2), MX_INT32, NULL), MX_VALUE, "[uniform] Can only");
    CHECK_CODE(mx_random_uniform(three, one, SHAPE(2), MX_FLOAT32, NULL), MX_VALUE, "[broadcast_shapes]");
    CHECK_CODE(mx_random_uniform(three, one, SCALAR_SHAPE, MX_FLOAT32, NULL), MX_VALUE, "[uniform] Cannot generate");
    CHECK_CODE(mx_random_uniform(NULL, one, SHAPE(2), MX_FLOAT32, NULL), MX_VALUE, "[uniform]");
    CHECK_CODE(mx_random_bits(SHAPE(-1), 4, key(0)), MX_VALUE, "[bits] Negative");
    CHECK_CODE(mx_random_bits(SHAPE(1), 8, key(0)), MX_VALUE, "[bits] The width");
    CHECK_CODE(mx_random_bits(SHAPE(1), 4, one), MX_VALUE, "[bits] Expected key type uint32 but received float32");
    CHECK_CODE(mx_random_split(NULL, 2), MX_VALUE, "[split]");
    CHECK_CODE(mx_random_normal(SHAPE(2), MX_INT32, NULL, NULL, NULL), MX_VALUE, "[normal]");
    CHECK_CODE(mx_random_laplace(SHAPE(2), MX_COMPLEX64, NULL, NULL, NULL), MX_VALUE, "[laplace]");
    CHECK_CODE(mx_random_gumbel(SHAPE(2), MX_FLOAT64, NULL), MX_RUNTIME, "[uniform]");
    CHECK_CODE(mx_random_truncated_normal(zero, one, SHAPE(2), MX_INT8, NULL), MX_VALUE, "[trunc_normal]");
    CHECK_CODE(mx_random_randint(zero, one, SHAPE(2), MX_FLOAT32, NULL), MX_VALUE, "[randint]");
    CHECK_CODE(mx_random_bernoulli(mx_int(1), SHAPE(2), NULL), MX_VALUE, "[bernoulli]");
    CHECK_CODE(mx_random_bernoulli(three, SCALAR_SHAPE, NULL), MX_VALUE, "[bernoulli]");
    CHECK_CODE(mx_random_categorical(three, 1, NULL), MX_VALUE, "[categorical] Invalid axis 1");
    CHECK_CODE(mx_random_categorical(one, 0, NULL), MX_VALUE, "[categorical] Invalid axis 0");
    CHECK_CODE(mx_random_categorical_count(logits(SHAPE(6, 10)), 0, -1, NULL), MX_VALUE, "[categorical] Negative");
    CHECK_CODE(mx_random_categorical_shape(logits(SHAPE(6, 10)), 0, SHAPE(1), NULL), MX_VALUE, "[categorical] Req");
    CHECK(mx_random_set_state(NULL));
}
