/* SPDX-License-Identifier: MIT
 *
 * Products through cuBLASLt's calls: right ones against a naive loop, and programs with one mistake each. */
#include "sim_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { R32F = 0, R64F = 1, R16F = 2, C32F = 4, R16BF = 14, COMPUTE_32F = 68, COMPUTE_64F = 70, COMPUTE_TF32 = 77 };
enum { TRANS_A = 3, TRANS_B = 4, EPILOGUE = 7, BIAS_POINTER = 8, BATCH_COUNT = 5, BATCH_STRIDE = 6, WORKSPACE = 1 };

typedef struct algo {
    uint64_t word[8];
} algo;
typedef struct heuristic {
    algo algo;
    size_t workspace_bytes;
    int state;
    float waves;
    int reserved[4];
} heuristic;

/* D (m, n) = alpha op(A) op(B) + beta C, column-major. */
typedef struct product {
    int type, out, compute, scale, ta, tb, batch;
    int64_t m, n, k, lda, ldb, ldd, stride[3];
    ptr a, b, d, bias;
    float alpha[2], beta[2];
    size_t workspace_most; /* that the heuristic may ask for */
    ptr workspace;
    size_t workspace_bytes;
} product;

static handle layout(int type, int64_t rows, int64_t columns, int64_t leading, int batch, int64_t stride)
{
    handle l;
    TRY(cublasLtMatrixLayoutCreate(&l, type, (uint64_t)rows, (uint64_t)columns, leading));
    TRY(cublasLtMatrixLayoutSetAttribute(l, BATCH_COUNT, &batch, sizeof batch));
    TRY(cublasLtMatrixLayoutSetAttribute(l, BATCH_STRIDE, &stride, sizeof stride));
    return l;
}

static heuristic multiply(const product *p)
{
    static handle lt;
    handle desc, preference;
    heuristic found;
    int count, epilogue = 4;
    double alpha = (double)p->alpha[0], beta = (double)p->beta[0];
    bool wide = p->scale == R64F;
    if (!lt) TRY(cublasLtCreate(&lt));
    TRY(cublasLtMatmulDescCreate(&desc, p->compute, p->scale));
    TRY(cublasLtMatmulDescSetAttribute(desc, TRANS_A, &p->ta, sizeof p->ta));
    TRY(cublasLtMatmulDescSetAttribute(desc, TRANS_B, &p->tb, sizeof p->tb));
    if (p->bias) {
        TRY(cublasLtMatmulDescSetAttribute(desc, EPILOGUE, &epilogue, sizeof epilogue));
        TRY(cublasLtMatmulDescSetAttribute(desc, BIAS_POINTER, &p->bias, sizeof p->bias));
    }
    handle a = layout(p->type, p->ta ? p->k : p->m, p->ta ? p->m : p->k, p->lda, p->batch, p->stride[0]);
    handle b = layout(p->type, p->tb ? p->n : p->k, p->tb ? p->k : p->n, p->ldb, p->batch, p->stride[1]);
    handle d = layout(p->out, p->m, p->n, p->ldd, p->batch, p->stride[2]);
    TRY(cublasLtMatmulPreferenceCreate(&preference));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, WORKSPACE, &p->workspace_most, sizeof p->workspace_most));
    TRY(cublasLtMatmulAlgoGetHeuristic(lt, desc, a, b, d, d, preference, 1, &found, &count));
    if (count != 1 || found.state) wrong("no algorithm");
    TRY(cublasLtMatmul(lt, desc, wide ? (void *)&alpha : (void *)p->alpha, p->a, a, p->b, b,
                       wide ? (void *)&beta : (void *)p->beta, p->d, d, p->d, d, &found.algo, p->workspace,
                       p->workspace_bytes, stream));
    return found;
}

/* ---- Right */
/* Small whole numbers, exact in every type. */
static ptr numbers(int type, int count, double *values)
{
    size_t bytes = type == R64F || type == C32F ? 8 : type == R32F ? 4 : 2;
    char *data = calloc((size_t)count, bytes);
    for (int i = 0; i < count; i++) {
        float x[2] = {(float)(rand() % 7 - 3), type == C32F ? 1.0f : 0.0f};
        double wide = values[i] = x[0];
        uint32_t bits;
        memcpy(&bits, x, 4);
        uint16_t half = (uint16_t)(bits >> 16);
        if (type == R16F) half = (uint16_t)(x[0] == 0 ? 0 : (bits >> 31 << 15) | ((bits >> 13) - (112 << 10)));
        memcpy(data + (size_t)i * bytes, type == R64F ? (void *)&wide : bytes == 2 ? (void *)&half : (void *)x, bytes);
    }
    ptr p = upload(data, (size_t)count * bytes);
    free(data);
    return p;
}

static void test_one(product p)
{
    enum { MOST = 4096 };
    static double a[MOST], b[MOST], bias[MOST];
    static char d[MOST * 8];
    int size_a = (int)(p.lda * (p.ta ? p.m : p.k)), size_b = (int)(p.ldb * (p.tb ? p.k : p.n));
    bool is_complex = p.type == C32F;
    p.stride[0] = size_a, p.stride[1] = 0, p.stride[2] = p.ldd * p.n; /* B is the same for the whole batch */
    p.a = numbers(p.type, size_a * p.batch, a);
    p.b = numbers(p.type, size_b, b);
    if (p.bias) p.bias = numbers(p.out, (int)p.m, bias);
    size_t bytes = p.out == R64F || p.out == C32F ? 8 : 4;
    p.d = device((size_t)(p.stride[2] * p.batch) * bytes);
    TRY(cuMemsetD8Async(p.d, 0, (size_t)(p.stride[2] * p.batch) * bytes, stream));
    p.alpha[0] = 2;
    multiply(&p);
    download(d, p.d, (size_t)(p.stride[2] * p.batch) * bytes);
    for (int t = 0; t < p.batch; t++)
        for (int64_t j = 0; j < p.n; j++)
            for (int64_t i = 0; i < p.m; i++) {
                double sum = 0, got = 0;
                for (int64_t k = 0; k < p.k; k++)
                    sum += a[t * p.stride[0] + (p.ta ? k + i * p.lda : i + k * p.lda)] *
                               b[p.tb ? j + k * p.ldb : k + j * p.ldb] -
                           is_complex;
                sum = 2 * sum + (p.bias ? bias[i] : 0);
                const char *at = d + (size_t)(t * p.stride[2] + i + j * p.ldd) * bytes;
                float f;
                memcpy(&f, at, 4);
                memcpy(&got, at, 8);
                if ((p.out == R64F ? got : f) != sum) wrong("a product");
            }
}

/* What the real units do with float32 under TF32: 10 bits of fraction. */
static void test_tf32(void)
{
    float x[1] = {1 + 0x1p-11f + 0x1p-20f}, d;
    product p = {R32F, R32F, COMPUTE_TF32, R32F, 0, 0, 1, 1, 1, 1, 1, 1, 1, .alpha = {1}};
    p.a = p.b = upload(x, sizeof x);
    p.d = device(sizeof x);
    multiply(&p);
    download(&d, p.d, sizeof d);
    if (d != (1 + 0x1p-10f) * (1 + 0x1p-10f)) wrong("TF32");
}

static product long_sum(void)
{
    product p = {R32F, R32F, COMPUTE_32F, R32F, 1, 0, 1, 4, 4, 2048, 2048, 2048, 4, .alpha = {1}};
    p.a = p.b = device(4 * 2048 * 4);
    p.d = device(4 * 4 * 4);
    p.workspace_most = 1 << 20;
    TRY(cuMemsetD8Async(p.a, 0, 4 * 2048 * 4, stream));
    return p;
}

/* The call as a node of a captured graph. */
static void test_capture(void)
{
    float x[4] = {1, 2, 3, 4}, d[4];
    handle graph, exec;
    product p = {R32F, R32F, COMPUTE_32F, R32F, 0, 0, 1, 2, 2, 2, 2, 2, 2, .alpha = {1}};
    p.a = p.b = upload(x, sizeof x);
    p.d = device(sizeof x);
    TRY(cuStreamBeginCapture_v2(stream, 0));
    multiply(&p);
    TRY(cuStreamEndCapture(stream, &graph));
    TRY(cuGraphInstantiateWithFlags(&exec, graph, 0));
    TRY(cuMemsetD8Async(p.d, 0, sizeof x, stream));
    TRY(cuGraphLaunch(exec, stream));
    download(d, p.d, sizeof d);
    if (d[0] != 7 || d[1] != 10 || d[2] != 15 || d[3] != 22) wrong("a captured product");
}

void test_blaslt(void)
{
    for (int turn = 0; turn < 4; turn++) {
        int ta = turn & 1, tb = turn >> 1, batch = 1 + turn;
        const int types[][4] = {{R32F, R32F, COMPUTE_32F, R32F},  {R64F, R64F, COMPUTE_64F, R64F},
                                {R16F, R32F, COMPUTE_32F, R32F},  {R16BF, R32F, COMPUTE_32F, R32F},
                                {R32F, R32F, COMPUTE_TF32, R32F}, {C32F, C32F, COMPUTE_32F, C32F}};
        for (int i = 0; i < 6; i++) {
            const int *t = types[i];
            int64_t m = 5, n = 6, k = 7;
            test_one((product){t[0], t[1], t[2], t[3], ta, tb, batch, m, n, k, (ta ? k : m) + 3, (tb ? n : k) + 1,
                               m + 2, .bias = i == 0});
        }
    }
    test_tf32();
    test_capture();
    product p = long_sum();
    p.workspace_bytes = 1 << 20;
    p.workspace = device(p.workspace_bytes);
    if (!multiply(&p).workspace_bytes) wrong("the workspace was not used");
    TRY(cuStreamSynchronize(stream));
}

/* ---- Planted */
static product small(void)
{
    product p = {R32F, R32F, COMPUTE_32F, R32F, 0, 0, 1, 8, 8, 8, 8, 8, 8, .alpha = {1}};
    p.a = device(256);
    p.b = device(256);
    p.d = device(256);
    TRY(cuMemsetD8Async(p.a, 0, 256, stream));
    TRY(cuMemsetD8Async(p.b, 0, 256, stream));
    return p;
}

static void finish(const product *p)
{
    multiply(p);
    TRY(cuStreamSynchronize(stream));
}

void lt_short_leading(void)
{
    product p = small();
    p.lda = 7;
    finish(&p);
}

void lt_long_leading(void)
{
    product p = small();
    p.lda = 9;
    finish(&p);
}

void lt_freed(void)
{
    product p = small();
    TRY(cuMemFreeAsync(p.b, stream));
    finish(&p);
}

void lt_small_workspace(void)
{
    product p = long_sum();
    p.workspace_bytes = 64;
    p.workspace = device(64);
    finish(&p);
}

void lt_misaligned(void)
{
    product p = small();
    p.n = 7;
    p.b += 4; /* the heuristic was promised 256 bytes */
    finish(&p);
}

void lt_no_event(void)
{
    product p = small();
    handle other;
    TRY(cuStreamCreate(&other, 1));
    TRY(cuStreamSynchronize(stream));
    multiply(&p);
    TRY(cuMemsetD8Async(p.a, 0, 256, other));
    TRY(cuStreamSynchronize(other));
}
