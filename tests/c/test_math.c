/* SPDX-License-Identifier: MIT
 *
 * The math of the CPU kernels against libm in double, at each SIMD level this machine has.
 *
 * Every unary function is run over bit patterns spread evenly over all floats (2^18; "full": 2^24 and 2^32 for the half
 * conversions; "all NAME": 2^32 for one function) and a list of special values; the worst error is printed in ulp of
 * the true value and must be below 2.  "time" prints nanoseconds per element instead. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/half_bits.h"
#include "math_levels.h"

enum { CHUNK = 4096 };

static int failures;
static const char *const level_names[] = {"base", "avx2", "avx512"};

static const math_level *level_at(int i)
{
    if (i == 0) return &cpu_math_base;
#ifdef __x86_64__
    if (i == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &cpu_math_avx2;
    if (i == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return &cpu_math_avx512;
#endif
    return NULL;
}

static const math_unary_row *find_unary(int l, const char *name)
{
    const math_unary_row *row = level_at(l) ? level_at(l)->unary : NULL;
    while (row && row->name && strcmp(row->name, name)) row++;
    return row && row->name ? row : NULL;
}

static const math_binary_row *find_binary(int l, const char *name)
{
    const math_binary_row *row = level_at(l) ? level_at(l)->binary : NULL;
    while (row && row->name && strcmp(row->name, name)) row++;
    return row && row->name ? row : NULL;
}

/* ---- references ---- */

static double ref_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double ref_rsqrt(double x)
{
    return 1 / sqrt(x);
}

static double ref_erfinv(double x)
{
    double a = fabs(x), w = -log1p(-a * a),
           y = sqrt(sqrt((4.33 + w / 2) * (4.33 + w / 2) - w / 0.147) * 0 + w) * 0.8862;
    if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
    if (a < 1e-3) return x * 0.886226925452758 * (1 + x * x * 0.2617993877991494);
    /* Newton in y on erf; near 1 on log(erfc), which is smooth there. */
    for (int i = 0; i < 60; i++) {
        double step = a < 0.5 ? (erf(y) - a) / (1.1283791670955126 * exp(-y * y))
                              : -erfc(y) * log(erfc(y) / (1 - a)) / (1.1283791670955126 * exp(-y * y));
        y -= step;
        if (fabs(step) < 1e-15 * y) break;
    }
    return copysign(y, x);
}

static double ref_logaddexp(double x, double y)
{
    double high = fmax(x, y), low = fmin(x, y);
    if (x != x || y != y) return NAN;
    return high == low ? high + 0.69314718055994531 : high + log1p(exp(low - high));
}

typedef struct {
    const char *name;
    double (*f)(double);
} unary_ref;

static const unary_ref unary_refs[] = {
    {"exp", exp},     {"exp2", exp2},   {"expm1", expm1},         {"log", log},
    {"log2", log2},   {"log10", log10}, {"log1p", log1p},         {"sin", sin},
    {"cos", cos},     {"tan", tan},     {"sinh", sinh},           {"cosh", cosh},
    {"tanh", tanh},   {"asin", asin},   {"acos", acos},           {"atan", atan},
    {"asinh", asinh}, {"acosh", acosh}, {"atanh", atanh},         {"erf", erf},
    {"rint", rint},   {"floor", floor}, {"sigmoid", ref_sigmoid}, {"rsqrt", ref_rsqrt},
    {"ceil", ceil},   {"trunc", trunc}, {"erfinv", ref_erfinv},   {0},
};

typedef struct {
    const char *name;
    double (*f)(double, double);
} binary_ref;

static const binary_ref binary_refs[] = {{"pow", pow}, {"atan2", atan2}, {"logaddexp", ref_logaddexp}, {0}};

/* ---- errors ---- */

/* |got - want| in units of the last place of want; infinity counts as 2^128, zero and subnormals have the smallest
 * unit. */
static double ulp_error(float got, double want)
{
    if (want != want) return got != got ? 0 : INFINITY;
    if (got != got) return INFINITY;
    double g = isinf(got) ? copysign(0x1p128, got) : got;
    double w = fabs(want) > 0x1p128 ? copysign(0x1p128, want) : want;
    if (g == 0 && w == 0) return !signbit(got) == !signbit(want) ? 0 : INFINITY;
    int e;
    frexp(w, &e);
    e = e > 128 ? 128 : e < -125 ? -125 : e;
    return fabs(g - w) / ldexp(1, e - 24);
}

static float float_of(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static uint32_t scramble(uint32_t u)
{
    u = (u ^ u >> 16) * 0x7feb352du;
    u = (u ^ u >> 15) * 0x846ca68bu;
    return u ^ u >> 16;
}

/* The i-th of 2^log_n patterns: one from each of 2^log_n equal parts of the bit patterns. */
static uint32_t pattern(uint32_t i, int log_n)
{
    return log_n == 32 ? i : i << (32 - log_n) | scramble(i) >> log_n;
}

static const float specials[] = {
    0.0f,       -0.0f,     1.0f,      -1.0f,       0.5f,         -0.5f,         1.5f,        2.5f,        -1.5f,
    2.0f,       INFINITY,  -INFINITY, NAN,         0x1p-149f,    -0x1p-149f,    FLT_MIN,     -FLT_MIN,    FLT_MAX,
    -FLT_MAX,   88.72283f, 88.72284f, -87.3365f,   -103.97f,     -103.98f,      -104.0f,     127.999f,    128.0f,
    -149.0f,    -149.999f, -150.0f,   89.41f,      89.42f,       1e-8f,         -1e-8f,      0x1p23f,     0x1p24f,
    8388607.5f, 3.0f,      -2.0f,     -3.0f,       0.49999997f,  0.75f,         10.0f,       1e5f,        -1e5f,
    1e10f,      0x1p28f,   0x1p127f,  0.99999994f, 1.0000001f,   -0.99999994f,  16777216.0f, 33554432.0f, 3.1415927f,
    1.5707964f, 3e38f,     1e-38f,    88.0f,       2.1474836e9f, -2.1474836e9f,
};
enum { SPECIALS = sizeof specials / sizeof *specials };

static void check_worst(const char *level, const char *name, double worst, float x, float y, float got, double want)
{
    bool bad = !(worst < 2);
    if (bad) failures++;
    printf("%-7s %-10s %8.4f ulp at %.9g (%08" PRIx32 "), %.9g: got %.9g, true %.17g%s\n", level, name, worst, x,
           bits_of(x), y, got, want, bad ? "  FAILED" : "");
}

static void fill_unary(float *x, int64_t from, int log_n)
{
    for (int64_t i = 0; i < CHUNK; i++)
        x[i] = from < 0 ? specials[i % SPECIALS] : float_of(pattern((uint32_t)(from + i), log_n));
}

static void test_unary(const unary_ref *ref, int log_n)
{
    float x[CHUNK], y[CHUNK], worst_x[3] = {0}, worst_y[3] = {0};
    double want[CHUNK], worst[3] = {0}, worst_want[3] = {0};
    for (int64_t from = -CHUNK; from < INT64_C(1) << log_n; from += CHUNK) {
        fill_unary(x, from, log_n);
        for (int i = 0; i < CHUNK; i++) want[i] = ref->f(x[i]);
        for (int l = 0; l < 3; l++) {
            const math_unary_row *row = find_unary(l, ref->name);
            if (!row) continue;
            row->run(y, x, CHUNK);
            for (int i = 0; i < CHUNK; i++) {
                if (log_n == 32 && y[i] == (float)want[i]) continue; /* correctly rounded: no time for more */
                double e = ulp_error(y[i], want[i]);
                if (e > worst[l]) worst[l] = e, worst_x[l] = x[i], worst_y[l] = y[i], worst_want[l] = want[i];
            }
        }
    }
    for (int l = 0; l < 3; l++)
        if (level_at(l)) check_worst(level_names[l], ref->name, worst[l], worst_x[l], 0, worst_y[l], worst_want[l]);
}

/* Half of the pairs are any two floats, half are moderate; the first chunks pair each special value with each. */
static void fill_binary(float *x, float *y, int64_t from, int log_n)
{
    for (int64_t i = 0; i < CHUNK; i++) {
        uint32_t at = (uint32_t)(from + i), a = pattern(at, log_n), b = scramble(at * 2 + 1);
        x[i] = float_of(a);
        y[i] = float_of(b);
        if (from < 0) {
            x[i] = specials[i / SPECIALS % SPECIALS];
            y[i] = specials[i % SPECIALS];
        } else if (at & 1) {
            x[i] = ldexpf((float)(a & 0xffffffu), (int)(a >> 24 & 15) - 28);
            y[i] = (float)((int32_t)b % 100000) / (float)(1 << (b & 15));
        }
    }
}

/* logaddexp may cancel: its error counts against its larger argument. */
static double binary_error(const binary_ref *ref, float got, double want, float x, float y)
{
    if (ref->f == ref_logaddexp && want != 0 && fabs(want) < fmax(x, y))
        return fabs(got - want) / (fmax(x, y) * 0x1p-23);
    if (ref->f == ref_logaddexp && fabs(want) < 1e-5) return fabs(got - want) < 1e-12 ? 0 : INFINITY;
    return ulp_error(got, want);
}

static void test_binary(const binary_ref *ref, int log_n)
{
    float x[CHUNK], y[CHUNK], z[CHUNK], worst_x[3] = {0}, worst_y[3] = {0}, worst_z[3] = {0};
    double want[CHUNK], worst[3] = {0}, worst_want[3] = {0};
    for (int64_t from = -CHUNK; from < INT64_C(1) << log_n; from += CHUNK) {
        fill_binary(x, y, from, log_n);
        for (int i = 0; i < CHUNK; i++) want[i] = ref->f(x[i], y[i]);
        for (int l = 0; l < 3; l++) {
            const math_binary_row *row = find_binary(l, ref->name);
            if (!row) continue;
            row->run(z, x, y, CHUNK);
            for (int i = 0; i < CHUNK; i++) {
                double e = binary_error(ref, z[i], want[i], x[i], y[i]);
                if (!(e > worst[l])) continue;
                worst[l] = e, worst_x[l] = x[i], worst_y[l] = y[i], worst_z[l] = z[i], worst_want[l] = want[i];
            }
        }
    }
    for (int l = 0; l < 3; l++)
        if (level_at(l))
            check_worst(level_names[l], ref->name, worst[l], worst_x[l], worst_y[l], worst_z[l], worst_want[l]);
}

/* Tiles of any length, in place, with huge arguments in a few pieces: the same bits as one by one. */
static void test_trig_tiles(void)
{
    enum { N = 1000 };
    static const char *const names[] = {"sin", "cos", "tan"};
    float x[N], y[N], one;
    for (int l = 0; l < 3; l++) {
        for (int f = 0; f < 3 && level_at(l); f++) {
            const math_unary_row *row = find_unary(l, names[f]);
            for (int n = 0; n < N; n += 111) {
                for (int i = 0; i < N; i++)
                    x[i] = y[i] = i % 300 == 7 ? 1e30f * (float)i : i == 500 ? NAN : (float)i * 0.37f;
                row->run(y, y, n);
                for (int i = 0; i < N; i++) {
                    row->run(&one, &x[i], 1);
                    bool same = bits_of(y[i]) == bits_of(i < n ? one : x[i]) || (i < n && y[i] != y[i] && one != one);
                    if (same) continue;
                    failures++;
                    printf("%s %s in place, %d of %d  FAILED\n", level_names[l], names[f], i, n);
                }
            }
        }
    }
}

/* ---- double ---- */

static long double long_sigmoid(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}
static long double long_rsqrt(long double x)
{
    return 1 / sqrtl(x);
}

/* Newton from the double value: its error is squared. */
static long double long_erfinv(long double x)
{
    long double a = fabsl(x);
    if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
    if (a < 1e-9L) return x * 0.886226925452758013649083741670572592L;
    long double y = ref_erfinv((double)x);
    y = fabsl(y);
    for (int i = 0; i < 2; i++)
        y -= (a < 0.5L ? erfl(y) - a : (1 - a) - erfcl(y)) / (1.12837916709551257390L * expl(-y * y));
    return copysignl(y, x);
}

static const struct {
    const char *name;
    long double (*f)(long double);
} double_refs[] = {{"exp", expl},           {"log", logl},         {"sigmoid", long_sigmoid},
                   {"erfinv", long_erfinv}, {"rsqrt", long_rsqrt}, {0}};

static double ulp_error_double(double got, long double want)
{
    if (want != want) return got != got ? 0 : INFINITY;
    long double g = isinf(got) ? copysignl(0x1p1024L, got) : got;
    long double w = fabsl(want) > 0x1p1024L ? copysignl(0x1p1024L, want) : want;
    if (g == w) return 0;
    int e;
    frexpl(w, &e);
    e = e > 1024 ? 1024 : e < -1021 ? -1021 : e;
    return (double)(fabsl(g - w) / ldexpl(1, e - 53));
}

/* All bit patterns, and as many in the range where exp and erfinv are of interest. */
static void fill_double(double *x, int64_t from, int log_n)
{
    for (int64_t i = 0; i < CHUNK; i++) {
        uint64_t high = pattern((uint32_t)(from + i), log_n), bits = high << 32 | scramble((uint32_t)(from + i));
        memcpy(&x[i], &bits, sizeof bits);
        if (i % 4 == 1) x[i] = ((double)(high >> 8) / 0x1p24 - 0.5) * 1500;
        if (i % 4 == 2) x[i] = (double)(int64_t)bits * 0x1p-63;
        if (i % 4 == 3) x[i] = 1 + (double)((int64_t)bits >> 40) * 0x1p-26;
        if (from < 0) x[i] = specials[i % SPECIALS];
    }
}

static void test_double(int which, int log_n)
{
    double x[CHUNK], y[CHUNK];
    long double want[CHUNK];
    for (int l = 0; l < 3; l++) {
        if (!level_at(l)) continue;
        const math_double_row *row = level_at(l)->doubles;
        while (strcmp(row->name, double_refs[which].name)) row++;
        double worst = 0, worst_x = 0;
        for (int64_t from = -CHUNK; from < INT64_C(1) << log_n; from += CHUNK) {
            fill_double(x, from, log_n);
            row->run(y, x, CHUNK);
            for (int i = 0; i < CHUNK; i++) {
                want[i] = double_refs[which].f(x[i]);
                double e = ulp_error_double(y[i], want[i]);
                if (e > worst) worst = e, worst_x = x[i];
            }
        }
        bool bad = !(worst < 2);
        if (bad) failures++;
        printf("%-7s %s_f64 %8.4f ulp at %.17g%s\n", level_names[l], row->name, worst, worst_x, bad ? "  FAILED" : "");
    }
}

/* ---- halves ---- */

static void check(bool ok, const char *what, uint32_t at)
{
    if (ok) return;
    if (failures++ < 20) printf("FAILED %s at %08" PRIx32 "\n", what, at);
}

/* The value of a half by its definition, and narrowing by search for the nearest: they share nothing with core/half_bits.h.
 */
static double half_value(uint32_t half, int fraction_bits)
{
    int exponent = (int)(half & 0x7fffu) >> fraction_bits, bias = (1 << (14 - fraction_bits)) - 1;
    double fraction = half & ((1u << fraction_bits) - 1), unit = ldexp(1, -fraction_bits);
    double v = exponent == 0 ? ldexp(fraction * unit, 1 - bias) : ldexp(1 + fraction * unit, exponent - bias);
    return half & 0x8000u ? -v : v;
}

static uint16_t narrow_by_search(double x, int fraction_bits)
{
    uint32_t low = 0, high = (0x8000u >> fraction_bits << fraction_bits) - (1u << fraction_bits),
             sign = signbit(x) ? 0x8000u : 0;
    double a = fabs(x);
    while (high - low > 1) { /* value(low) <= a < value(high), infinity taken as the next power of two */
        uint32_t mid = (low + high) / 2;
        if (half_value(mid, fraction_bits) <= a)
            low = mid;
        else
            high = mid;
    }
    double below = a - half_value(low, fraction_bits), above = half_value(high, fraction_bits) - a;
    return (uint16_t)(sign | (below < above || (below == above && !(low & 1)) ? low : high));
}

static void test_half_scalar(void)
{
    for (uint32_t h = 0; h < 65536; h++) {
        bool nan16 = (h & 0x7fffu) > 0x7c00u, nanb = (h & 0x7fffu) > 0x7f80u;
        if (!nan16 && (h & 0x7c00u) != 0x7c00u)
            check(f16_to_f32((uint16_t)h) == (float)half_value(h, 10), "f16_to_f32", h);
        if (!nanb && (h & 0x7f80u) != 0x7f80u)
            check(bf16_to_f32((uint16_t)h) == (float)half_value(h, 7), "bf16_to_f32", h);
        check(f32_to_f16(f16_to_f32((uint16_t)h)) == (nan16 ? h | 0x200u : h), "f16 there and back", h);
        check(f32_to_bf16(bf16_to_f32((uint16_t)h)) == (nanb ? h | 0x40u : h), "bf16 there and back", h);
        check(f64_to_f16(f16_to_f32((uint16_t)h)) == (nan16 ? h | 0x200u : h), "f16 to double and back", h);
        check(f64_to_bf16(bf16_to_f32((uint16_t)h)) == (nanb ? h | 0x40u : h), "bf16 to double and back", h);
        if (nan16 || nanb || (h & 0x7c00u) == 0x7c00u || (h & 0x7f80u) == 0x7f80u) continue;
        for (int kind = 0; kind < 2; kind++) { /* around each tie, in double: a double rounding would show */
            int bits = kind ? 7 : 10;
            double tie = (half_value(h, bits) + half_value(h + 1, bits)) / 2;
            for (int side = -1; side <= 1; side++) {
                double x = side ? nextafter(tie, side * INFINITY) : tie;
                check((kind ? f64_to_bf16(x) : f64_to_f16(x)) == narrow_by_search(x, bits),
                      kind ? "f64_to_bf16" : "f64_to_f16", h);
                check((kind ? f32_to_bf16((float)x) : f32_to_f16((float)x)) == narrow_by_search((float)x, bits),
                      "narrowing float", h);
            }
        }
    }
}

static void test_half_widening(const math_level *level)
{
    static uint16_t half[65536];
    static float wide[65536];
    for (uint32_t h = 0; h < 65536; h++) half[h] = (uint16_t)h;
    for (int64_t from = 0; from < 2;
         from++) { /* from 1: unaligned, and an odd count, so that the last are done one by one */
        level->f16_to_f32(wide + from, half + from, 65536 - from);
        for (uint32_t h = (uint32_t)from; h < 65536; h++)
            check(bits_of(wide[h]) == bits_of(f16_to_f32((uint16_t)h)), "f16 tile", h);
        level->bf16_to_f32(wide + from, half + from, 65536 - from);
        for (uint32_t h = (uint32_t)from; h < 65536; h++) check(bits_of(wide[h]) == h << 16, "bf16 tile", h);
    }
}

static void test_half_narrowing(int log_n)
{
    enum { N = 4096 };
    static uint16_t got[N], want16[N], want_b[N];
    static float wide[N];
    for (int64_t from = 0; from < INT64_C(1) << log_n; from += N) {
        for (uint32_t i = 0; i < N; i++) {
            wide[i] = float_of(pattern((uint32_t)from + i, log_n));
            want16[i] = f32_to_f16(wide[i]);
            want_b[i] = f32_to_bf16(wide[i]);
        }
        for (int l = 0; l < 3; l++) {
            if (!level_at(l)) continue;
            level_at(l)->f32_to_f16(got, wide, N);
            if (memcmp(got, want16, sizeof got))
                for (uint32_t i = 0; i < N; i++) check(got[i] == want16[i], "f32_to_f16_tile", bits_of(wide[i]));
            level_at(l)->f32_to_bf16(got, wide, N);
            if (memcmp(got, want_b, sizeof got))
                for (uint32_t i = 0; i < N; i++) check(got[i] == want_b[i], "f32_to_bf16_tile", bits_of(wide[i]));
        }
    }
}

/* ---- time ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_all(void)
{
    enum { ROUNDS = 20 };
    float x[CHUNK], y[CHUNK], z[CHUNK];
    uint16_t h[CHUNK];
    for (int i = 0; i < CHUNK; i++) x[i] = (float)i / CHUNK * 0.98f + 0.01f, y[i] = 3 - x[i];
    for (int l = 0; l < 3; l++) {
        if (!level_at(l)) continue;
        for (int which = 0; which < 40; which++) {
            int binaries = 3, unaries = sizeof unary_refs / sizeof *unary_refs - 1, at = which - unaries - binaries;
            if (at >= 4) break;
            const char *name = which < unaries ? unary_refs[which].name
                               : at < 0        ? binary_refs[at + binaries].name
                                               : "half";
            const math_unary_row *unary = find_unary(l, name);
            const math_binary_row *binary = find_binary(l, name);
            double best = 1;
            for (int r = 0; r < ROUNDS; r++) {
                double start = seconds();
                if (unary) unary->run(z, x, CHUNK);
                if (binary) binary->run(z, x, y, CHUNK);
                if (at == 0) level_at(l)->f32_to_f16(h, x, CHUNK);
                if (at == 1) level_at(l)->f16_to_f32(z, h, CHUNK);
                if (at == 2) level_at(l)->f32_to_bf16(h, x, CHUNK);
                if (at == 3) level_at(l)->bf16_to_f32(z, h, CHUNK);
                best = fmin(best, seconds() - start);
            }
            static const char *const halves[] = {"f32_to_f16", "f16_to_f32", "f32_to_bf16", "bf16_to_f32"};
            printf("%-7s %-12s %.3f ns\n", level_names[l], at < 0 ? name : halves[at], best / CHUNK * 1e9);
        }
    }
}

int main(int argc, char **argv)
{
    bool full = argc > 1 && !strcmp(argv[1], "full"), all = argc > 2 && !strcmp(argv[1], "all");
    if (argc > 1 && !strcmp(argv[1], "time")) {
        time_all();
        return 0;
    }
    int log_n = all ? 32 : full ? 24 : 18;
    for (const unary_ref *ref = unary_refs; ref->name; ref++)
        if (argc < 3 || !strcmp(argv[2], ref->name)) test_unary(ref, log_n);
    for (const binary_ref *ref = binary_refs; ref->name; ref++)
        if (argc < 3 || !strcmp(argv[2], ref->name)) test_binary(ref, log_n);
    if (argc < 3) {
        for (int i = 0; double_refs[i].name; i++) test_double(i, full ? 18 : 14);
        failures += check_math_c64();
        test_trig_tiles();
        test_half_scalar();
        for (int l = 0; l < 3; l++)
            if (level_at(l)) test_half_widening(level_at(l));
        test_half_narrowing(full ? 32 : 18);
    }
    printf("%d failed\n", failures);
    return failures != 0;
}
