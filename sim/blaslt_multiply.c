/* SPDX-License-Identifier: MIT
 *
 * The product itself: operands are checked as ranges of device memory, packed column by column into float (double for what is
 * computed in double) and multiplied in plain loops, sums in the order of K. */
#include "blaslt.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 4 };

/* ---- Elements */
static float half_to_float(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    float x = exponent == 31 ? (fraction ? NAN : INFINITY)
              : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                             : ldexpf((float)fraction, -24);
    return h & 0x8000 ? -x : x;
}

static uint16_t float_to_half(float x)
{
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    x = fabsf(x);
    if (isnan(x)) return sign | 0x7e00;
    if (x >= 65520) return sign | 0x7c00;
    if (x < 0x1p-14f) return (uint16_t)(sign | (uint16_t)rintf(x * 0x1p24f));
    int exponent;
    float fraction = frexpf(x, &exponent);             /* x = fraction 2^exponent, from 1/2 to 1 */
    uint32_t steps = (uint32_t)rintf(fraction * 2048); /* 1024 to 2048, which carries into the exponent */
    return (uint16_t)(sign | (((uint32_t)(exponent + 14) << 10) + (steps - 1024)));
}

static uint16_t float_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x)) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float bf16_to_float(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 10 bits of fraction, ties away from zero. */
static float round_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7f800000) != 0x7f800000) bits = (bits + 0x1000) & ~0x1fffu;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static const char *address(const sim_operand *o, int64_t batch, uint64_t i, uint64_t j)
{
    int64_t element = (int64_t)i + (int64_t)j * o->leading + batch * o->stride;
    return (const char *)(uintptr_t)o->at + element * (int64_t)sim_lt_bytes(o->type);
}

static float load_float(const char *p, int type)
{
    float x;
    uint16_t h;
    if (type == LT_R_32F) return memcpy(&x, p, sizeof x), x;
    memcpy(&h, p, sizeof h);
    return type == LT_R_16F ? half_to_float(h) : bf16_to_float(h);
}

static void store_float(char *p, int type, float x)
{
    uint16_t h = type == LT_R_16F ? float_to_half(x) : float_to_bf16(x);
    if (type == LT_R_32F)
        memcpy(p, &x, sizeof x);
    else
        memcpy(p, &h, sizeof h);
}

/* A double, or a complex number in doubles. */
typedef struct wide {
    double re, im;
} wide;

static wide load_wide(const char *p, int type)
{
    wide x = {0, 0};
    float z[2];
    if (type == LT_R_64F) return memcpy(&x.re, p, sizeof x.re), x;
    memcpy(z, p, sizeof z);
    return (wide){(double)z[0], (double)z[1]};
}

static void store_wide(char *p, int type, wide x)
{
    float z[2] = {(float)x.re, (float)x.im};
    memcpy(p, type == LT_R_64F ? (void *)&x.re : (void *)z, sizeof x.re);
}

static wide add_product(wide sum, wide x, wide y)
{
    return (wide){sum.re + x.re * y.re - x.im * y.im, sum.im + x.re * y.im + x.im * y.re};
}

/* ---- Ranges */
bool sim_library_touches(const char *call, uint64_t p, size_t bytes, const char *what, bool write)
{
    bool mapped = sim_is_pinned((void *)(uintptr_t)p) && sim_is_pinned((void *)(uintptr_t)(p + bytes - 1));
    const char *fault = mapped ? NULL : sim_is_device(p) ? sim_range_fault(p, bytes) : "not device memory";
    if (fault) {
        rt_fail(SIM_ILLEGAL_ADDRESS, "%s #%u: %zu bytes of %s are %s", call, sim.running->id, bytes, what, fault);
        sim_fault(SIM_ILLEGAL_ADDRESS);
        return false;
    }
    check_range(p, bytes, write);
    return !sim.sticky;
}

/* Column by column, so that what lies between them may be anybody's. */
static bool check_operand(const sim_product *q, int which, bool write)
{
    static const char *const names[] = {"operand A", "operand B", "operand C", "operand D"};
    const sim_operand *o = &q->operand[which];
    bool whole = (uint64_t)o->leading == o->rows;
    uint64_t columns = whole ? 1 : o->columns, bytes = (whole ? o->rows * o->columns : o->rows) * sim_lt_bytes(o->type);
    for (int64_t b = 0; b < (o->stride ? q->batch : 1); b++)
        for (uint64_t j = 0; j < columns; j++)
            if (!sim_library_touches("cublasLtMatmul", (uint64_t)(uintptr_t)address(o, b, 0, j), bytes, names[which],
                                     write))
                return false;
    return true;
}

static bool check_operands(const sim_product *q)
{
    bool adds = q->beta[0] != 0 || q->beta[1] != 0;
    if (!check_operand(q, 0, false) || !check_operand(q, 1, false) || (adds && !check_operand(q, 2, false)))
        return false;
    const sim_operand *d = &q->operand[3];
    if (q->bias && !sim_library_touches("cublasLtMatmul", q->bias, d->rows * sim_lt_bytes(d->type), "the bias", false))
        return false;
    if (q->workspace_bytes) {
        if (!sim_library_touches("cublasLtMatmul", q->workspace, q->workspace_bytes, "the workspace", true))
            return false;
        memset((void *)(uintptr_t)q->workspace, 0xfd, q->workspace_bytes); /* nobody else's data may lie there */
    }
    return check_operand(q, 3, true);
}

/* ---- Float */
/* op(A) with its rows adjacent, or op(B) with its columns': element (i, k) at k * rows + i. */
static void pack_float(float *to, const sim_operand *o, int64_t batch, uint64_t rows, uint64_t k, bool across,
                       bool tf32)
{
    for (uint64_t p = 0; p < k; p++)
        for (uint64_t i = 0; i < rows; i++) {
            float x = load_float(across ? address(o, batch, p, i) : address(o, batch, i, p), o->type);
            to[p * rows + i] = tf32 ? round_tf32(x) : x;
        }
}

/* TILE columns of op(A) op(B), m sums each. */
static inline __attribute__((always_inline)) void multiply_columns(float *restrict sum, const float *restrict a,
                                                                   const float *restrict b, uint64_t m, uint64_t n,
                                                                   uint64_t k, uint64_t count)
{
    memset(sum, 0, TILE * m * sizeof *sum);
    for (uint64_t p = 0; p < k; p++) {
        const float *column = a + p * m, *row = b + p * n;
        float x[TILE] = {0};
        for (uint64_t j = 0; j < count; j++) x[j] = row[j];
        for (uint64_t i = 0; i < m; i++) {
            sum[i] += column[i] * x[0];
            sum[m + i] += column[i] * x[1];
            sum[2 * m + i] += column[i] * x[2];
            sum[3 * m + i] += column[i] * x[3];
        }
    }
}

typedef void (*multiply_fn)(float *, const float *, const float *, uint64_t, uint64_t, uint64_t, uint64_t);

static void multiply_base(float *sum, const float *a, const float *b, uint64_t m, uint64_t n, uint64_t k,
                          uint64_t count)
{
    multiply_columns(sum, a, b, m, n, k, count);
}

#if defined __x86_64__
__attribute__((target("avx2,fma"))) static void multiply_avx2(float *sum, const float *a, const float *b, uint64_t m,
                                                              uint64_t n, uint64_t k, uint64_t count)
{
    multiply_columns(sum, a, b, m, n, k, count);
}

static multiply_fn best_multiply(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? multiply_avx2 : multiply_base;
}
#else
static multiply_fn best_multiply(void)
{
    return multiply_base;
}
#endif

static void finish_float(const sim_product *q, int64_t batch, uint64_t j, const float *sum)
{
    const sim_operand *c = &q->operand[2], *d = &q->operand[3];
    const char *bias = (const char *)(uintptr_t)q->bias;
    float alpha = (float)q->alpha[0], beta = (float)q->beta[0];
    for (uint64_t i = 0; i < d->rows; i++) {
        float x = alpha * sum[i];
        if (beta != 0) x += beta * load_float(address(c, batch, i, j), c->type);
        if (bias) x += load_float(bias + i * sim_lt_bytes(d->type), d->type);
        store_float((char *)address(d, batch, i, j), d->type, x);
    }
}

static void run_float(const sim_product *q, uint64_t k)
{
    const sim_operand *a = &q->operand[0], *b = &q->operand[1], *d = &q->operand[3];
    uint64_t m = d->rows, n = d->columns;
    float *pa = malloc((m * k + n * k + TILE * m) * sizeof *pa), *pb = pa + m * k, *sum = pb + n * k;
    multiply_fn multiply = best_multiply();
    if (!pa) abort();
    for (int64_t batch = 0; batch < q->batch; batch++) {
        if (!batch || a->stride) pack_float(pa, a, batch, m, k, q->a_transposed, q->tf32);
        if (!batch || b->stride) pack_float(pb, b, batch, n, k, !q->b_transposed, q->tf32);
        for (uint64_t j = 0; j < n; j += TILE) {
            uint64_t count = n - j < TILE ? n - j : TILE;
            multiply(sum, pa, pb + j, m, n, k, count);
            for (uint64_t i = 0; i < count; i++) finish_float(q, batch, j + i, sum + i * m);
        }
    }
    free(pa);
}

/* ---- Double, and complex in double */
/* Rows of op(A), or columns of op(B): element (i, k) at i * k_count + k. */
static void pack_wide(wide *to, const sim_operand *o, int64_t batch, uint64_t rows, uint64_t k, bool across)
{
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t p = 0; p < k; p++)
            to[i * k + p] = load_wide(across ? address(o, batch, p, i) : address(o, batch, i, p), o->type);
}

static void run_wide(const sim_product *q, uint64_t k)
{
    const sim_operand *c = &q->operand[2], *d = &q->operand[3];
    const wide alpha = {q->alpha[0], q->alpha[1]}, beta = {q->beta[0], q->beta[1]}, one = {1, 0}, zero = {0, 0};
    const char *bias = (const char *)(uintptr_t)q->bias;
    uint64_t m = d->rows, n = d->columns;
    wide *pa = malloc((m * k + n * k + 1) * sizeof *pa), *pb = pa + m * k;
    if (!pa) abort();
    for (int64_t batch = 0; batch < q->batch; batch++) {
        pack_wide(pa, &q->operand[0], batch, m, k, q->a_transposed);
        pack_wide(pb, &q->operand[1], batch, n, k, !q->b_transposed);
        for (uint64_t j = 0; j < n; j++)
            for (uint64_t i = 0; i < m; i++) {
                wide sum = zero;
                for (uint64_t p = 0; p < k; p++) sum = add_product(sum, pa[i * k + p], pb[j * k + p]);
                sum = add_product(zero, alpha, sum);
                if (beta.re != 0 || beta.im != 0)
                    sum = add_product(sum, beta, load_wide(address(c, batch, i, j), c->type));
                if (bias) sum = add_product(sum, one, load_wide(bias + i * sim_lt_bytes(d->type), d->type));
                store_wide((char *)address(d, batch, i, j), d->type, sum);
            }
    }
    free(pa);
}

void sim_multiply(const void *product)
{
    const sim_product *q = product;
    const sim_operand *a = &q->operand[0];
    uint64_t k = q->a_transposed ? a->rows : a->columns;
    if (!check_operands(q)) return;
    if (a->type == LT_R_64F || a->type == LT_C_32F)
        run_wide(q, k);
    else
        run_float(q, k);
}
