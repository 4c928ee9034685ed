/* SPDX-License-Identifier: MIT
 *
 * cuBLASLt: one handle a device, and plans (descriptors and the algorithm that the library's heuristic names first) kept by a binary
 * key in a cache of fixed size.  A product is collected like a kernel and issued when its batch starts, between the kernels before and after
 * it.  Partial sums are never added by atomics, so results repeat.
 *
 * Without the library Mica's own kernel multiplies (product.c), which is said once: it is slower, not wrong. */
#include "cuda/blaslt.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 64, WAYS = 4, WORKSPACE_MOST = 32 << 20, WORKSPACE_ALIGNMENT = 256, ALIGNMENT_SHIFT = 4 };

/* Zero it first: its padding is compared too.  Alignments count up to 16 bytes, the most that is read at once: where a block
 * happens to lie must not choose the algorithm. */
typedef struct plan_key {
    int64_t m, n, k, batch, leading[4], stride[4];
    uint8_t in, out, a_transposed, b_transposed, bias;
    uint8_t alignment[5]; /* of A, B, C, D and the bias: its logarithm */
} plan_key;
_Static_assert(sizeof(plan_key) % sizeof(uint64_t) == 0, "hashed by words");
typedef struct plan {
    plan_key key;
    uint64_t last_used; /* 0: an empty place */
    bool possible;      /* there is an algorithm */
    lt_desc desc;
    lt_layout layouts[4];
    lt_algo algo;
    size_t workspace_bytes;
} plan;
typedef struct blaslt_plans {
    pthread_mutex_t lock; /* of all below; taken under a queue's */
    const cuda_blaslt *lib;
    lt_handle handle;
    bool tf32;
    uint64_t clock;
    plan plans[SETS][WAYS];
} blaslt_plans;

/* ---- Types */
typedef struct lt_types {
    int stored, compute, scale;
} lt_types;

static lt_types types_of(const blaslt_plans *b, mx_dtype dtype)
{
    switch (dtype) {
    case MX_FLOAT16: return (lt_types){LT_F16, LT_COMPUTE_F32, LT_F32};
    case MX_BFLOAT16: return (lt_types){LT_BF16, LT_COMPUTE_F32, LT_F32};
    case MX_FLOAT64: return (lt_types){LT_F64, LT_COMPUTE_F64, LT_F64};
    case MX_COMPLEX64: return (lt_types){LT_C64, LT_COMPUTE_F32, LT_C64};
    default: return (lt_types){LT_F32, b->tf32 ? LT_COMPUTE_TF32 : LT_COMPUTE_F32, LT_F32};
    }
}

static bool good(const cuda_blaslt *lib, lt_result r, const char *what)
{
    if (LIKELY(r == LT_OK)) return true;
    return mx_fail_false(r == LT_NO_MEMORY ? MX_MEMORY : MX_RUNTIME, "[matmul] GPU: cuBLASLt: %s: %s (%d).", what,
                         lib->cublasLtGetStatusString(r), r);
}

/* ---- Opening */
static const cuda_blaslt *library_of(cuda_gpu *gpu)
{
    pthread_mutex_lock(&runtime.gpu_lock);
    if (!gpu->blaslt_asked) {
        gpu->blaslt_asked = true;
        if (cuda_open_blaslt(&gpu->blaslt, gpu->driver.version, gpu->blaslt_reason)) {
            gpu->blaslt_reason[0] = 0;
        } else {
            fprintf(stderr, "mica: matrix products on the GPU are made by Mica's own kernel, which is slower: %s.\n",
                    gpu->blaslt_reason);
        }
    }
    pthread_mutex_unlock(&runtime.gpu_lock);
    return gpu->blaslt_reason[0] ? NULL : &gpu->blaslt;
}

/* As MLX: float32 products may round their factors to TF32 unless the environment says 0. */
static bool wants_tf32(void)
{
    const char *text = getenv("MLX_ENABLE_TF32");
    return !text || !*text || strtol(text, NULL, 10) != 0;
}

/* NULL: an error is recorded. */
static blaslt_plans *plans_of(cuda_device *d, const cuda_blaslt *lib)
{
    pthread_mutex_lock(&d->lock);
    blaslt_plans *b = d->products;
    if (!b && (b = mx_alloc(1, sizeof *b))) {
        b->lib = lib;
        b->tf32 = wants_tf32();
        pthread_mutex_init(&b->lock, NULL);
        lt_result r = lib->cublasLtCreate(&b->handle);
        if (r == LT_NO_MEMORY) {
            pool_trim(&d->pool);
            r = lib->cublasLtCreate(&b->handle);
        }
        if (good(lib, r, "starting")) {
            d->products = b;
        } else {
            pthread_mutex_destroy(&b->lock);
            mx_free(b);
            b = NULL;
        }
    }
    pthread_mutex_unlock(&d->lock);
    return b;
}

/* ---- Plans */
static void drop_plan(const blaslt_plans *b, plan *p)
{
    for (int i = 0; i < 4; i++) {
        if (p->layouts[i]) b->lib->cublasLtMatrixLayoutDestroy(p->layouts[i]);
    }
    if (p->desc) b->lib->cublasLtMatmulDescDestroy(p->desc);
    *p = (plan){0};
}

static bool describe(const blaslt_plans *b, plan *p)
{
    const cuda_blaslt *lib = b->lib;
    const plan_key *k = &p->key;
    lt_types t = types_of(b, (mx_dtype)k->in);
    int out = types_of(b, (mx_dtype)k->out).stored, batch = (int)k->batch, bias = LT_EPILOGUE_BIAS;
    int transposed[2] = {k->a_transposed, k->b_transposed};
    uint64_t rows[4] = {(uint64_t)(k->a_transposed ? k->k : k->m), (uint64_t)(k->b_transposed ? k->n : k->k),
                        (uint64_t)k->m, (uint64_t)k->m};
    uint64_t columns[4] = {(uint64_t)(k->a_transposed ? k->m : k->k), (uint64_t)(k->b_transposed ? k->k : k->n),
                           (uint64_t)k->n, (uint64_t)k->n};
    bool ok = good(lib, lib->cublasLtMatmulDescCreate(&p->desc, t.compute, t.scale), "a product");
    for (int i = 0; i < 2 && ok; i++) {
        lt_result r = lib->cublasLtMatmulDescSetAttribute(p->desc, i ? LT_DESC_TRANS_B : LT_DESC_TRANS_A,
                                                          &transposed[i], sizeof transposed[i]);
        ok = good(lib, r, "a transposed operand");
    }
    if (ok && k->bias)
        ok = good(lib, lib->cublasLtMatmulDescSetAttribute(p->desc, LT_DESC_EPILOGUE, &bias, sizeof bias), "a bias");
    for (int i = 0; i < 4 && ok; i++) {
        lt_result r =
            lib->cublasLtMatrixLayoutCreate(&p->layouts[i], i < 2 ? t.stored : out, rows[i], columns[i], k->leading[i]);
        if (r == LT_OK && batch > 1)
            r = lib->cublasLtMatrixLayoutSetAttribute(p->layouts[i], LT_LAYOUT_BATCH_COUNT, &batch, sizeof batch);
        if (r == LT_OK && batch > 1)
            r = lib->cublasLtMatrixLayoutSetAttribute(p->layouts[i], LT_LAYOUT_BATCH_STRIDE, &k->stride[i],
                                                      sizeof k->stride[i]);
        ok = good(lib, r, "a layout");
    }
    return ok;
}

static bool set_preference(const cuda_blaslt *lib, lt_preference preference, const plan_key *k)
{
    uint64_t workspace = WORKSPACE_MOST;
    uint32_t reductions = LT_REDUCE_COMPUTED; /* not through atomics, nor in 16 bits */
    lt_result r =
        lib->cublasLtMatmulPreferenceSetAttribute(preference, LT_PREFERENCE_WORKSPACE, &workspace, sizeof workspace);
    if (r == LT_OK)
        r = lib->cublasLtMatmulPreferenceSetAttribute(preference, LT_PREFERENCE_REDUCTIONS, &reductions,
                                                      sizeof reductions);
    for (int i = 0; i < 4 && r == LT_OK; i++) {
        uint32_t alignment = 1u << k->alignment[i];
        r = lib->cublasLtMatmulPreferenceSetAttribute(preference, LT_PREFERENCE_ALIGNMENT + i, &alignment,
                                                      sizeof alignment);
    }
    return good(lib, r, "a preference");
}

static void trace_plan(const plan *p, lt_result r, float waves)
{
    const plan_key *k = &p->key;
    fprintf(stderr, "[blaslt] %lldx%lldx%lld, %lld of them, %s to %s: ", (long long)k->m, (long long)k->n,
            (long long)k->k, (long long)k->batch, mx_dtype_name((mx_dtype)k->in), mx_dtype_name((mx_dtype)k->out));
    if (p->possible) {
        fprintf(stderr, "%.2f waves, %zu bytes\n", (double)waves, p->workspace_bytes);
    } else {
        fprintf(stderr, "no algorithm (%d)\n", r);
    }
}

/* Fills a plan whose key is set; some heuristics look at the bias.  False: an error is recorded; a product that the
 * library cannot do is none. */
static bool make_plan(const blaslt_plans *b, plan *p, cu_ptr bias)
{
    const cuda_blaslt *lib = b->lib;
    lt_preference preference = NULL;
    lt_heuristic found = {.waves = 0};
    int count = 0;
    bool ok = describe(b, p) && good(lib, lib->cublasLtMatmulPreferenceCreate(&preference), "a preference") &&
              set_preference(lib, preference, &p->key);
    if (ok && bias)
        ok = good(lib, lib->cublasLtMatmulDescSetAttribute(p->desc, LT_DESC_BIAS, &bias, sizeof bias), "a bias");
    if (ok) {
        lt_result r = lib->cublasLtMatmulAlgoGetHeuristic(b->handle, p->desc, p->layouts[0], p->layouts[1],
                                                          p->layouts[2], p->layouts[3], preference, 1, &found, &count);
        ok = r != LT_NO_MEMORY || good(lib, r, "choosing an algorithm");
        p->possible = r == LT_OK && count > 0 && found.state == LT_OK;
        if (p->possible) p->algo = found.algo, p->workspace_bytes = found.workspace_bytes;
        if (environment_lists("MICA_TRACE", "jit")) trace_plan(p, r, found.waves);
    }
    if (preference) lib->cublasLtMatmulPreferenceDestroy(preference);
    if (!ok) drop_plan(b, p);
    return ok;
}

static uint64_t hash_key(const plan_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], h = 1469598103934665603u;
    memcpy(words, key, sizeof *key);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        h = (h ^ words[i]) * 1099511628211u;
        h ^= h >> 29;
    }
    return h;
}

/* The plan of a key, made where there is none, in the place of the one of its set that was not used for longest.  The
 * lock is held.  NULL: an error is recorded. */
static plan *find_plan(blaslt_plans *b, const plan_key *key, cu_ptr bias)
{
    plan *set = b->plans[hash_key(key) % SETS], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].last_used && memcmp(&set[i].key, key, sizeof *key) == 0) {
            set[i].last_used = ++b->clock;
            return &set[i];
        }
        if (set[i].last_used < oldest->last_used) oldest = &set[i];
    }
    drop_plan(b, oldest);
    memcpy(&oldest->key, key, sizeof *key);
    if (!make_plan(b, oldest, bias)) return NULL;
    oldest->last_used = ++b->clock;
    return oldest;
}

/* ---- Issuing */
typedef struct product_args {
    plan_key key;
    cu_ptr at[4], bias, workspace;
    size_t workspace_bytes;
    float alpha, beta;
    const char *op;
} product_args;

typedef union lt_scalar {
    float f32[2]; /* complex: and its imaginary part */
    double f64;
} lt_scalar;

static lt_scalar scalar_of(float x, mx_dtype dtype)
{
    lt_scalar s = {.f32 = {x, 0}};
    if (dtype == MX_FLOAT64) s.f64 = (double)x;
    return s;
}

static lt_result multiply(const blaslt_plans *b, const plan *p, const product_args *a, cu_stream stream)
{
    lt_scalar alpha = scalar_of(a->alpha, (mx_dtype)a->key.in), beta = scalar_of(a->beta, (mx_dtype)a->key.in);
    const void *at[4];
    for (int i = 0; i < 4; i++) at[i] = (const void *)(uintptr_t)a->at[i];
    if (a->bias) {
        lt_result r = b->lib->cublasLtMatmulDescSetAttribute(p->desc, LT_DESC_BIAS, &a->bias, sizeof a->bias);
        if (r != LT_OK) return r;
    }
    return b->lib->cublasLtMatmul(b->handle, p->desc, &alpha, at[0], p->layouts[0], at[1], p->layouts[1], &beta, at[2],
                                  p->layouts[2], (void *)(uintptr_t)a->at[3], p->layouts[3], &p->algo,
                                  (void *)(uintptr_t)a->workspace, a->workspace_bytes, stream);
}

/* The plan may have been dropped since the product was collected; the one made anew is the same. */
static mx_failure *issue(cuda_queue *q, const void *args)
{
    const product_args *a = args;
    blaslt_plans *b = q->device->products;
    mx_failure *failure = NULL;
    pthread_mutex_lock(&b->lock);
    plan *p = find_plan(b, &a->key, a->bias);
    lt_result r = p ? multiply(b, p, a, q->handle) : LT_OK;
    pthread_mutex_unlock(&b->lock);
    if (!p) {
        failure = failure_take();
    } else if (r != LT_OK) {
        failure =
            failure_make(MX_RUNTIME, "[%s] GPU: cuBLASLt: %s (%d).", a->op, b->lib->cublasLtGetStatusString(r), r);
    }
    return failure;
}

static void fill_key(plan_key *k, const blaslt_product *p)
{
    const blaslt_operand *operands[4] = {&p->a, &p->b, &p->c, &p->d};
    cu_ptr at[5] = {p->a.at, p->b.at, p->c.at, p->d.at, p->bias};
    memset(k, 0, sizeof *k);
    k->m = p->m, k->n = p->n, k->k = p->k, k->batch = p->batch;
    k->in = (uint8_t)p->in, k->out = (uint8_t)p->out;
    k->a_transposed = p->a.transposed, k->b_transposed = p->b.transposed;
    k->bias = p->bias != 0;
    for (int i = 0; i < 4; i++) {
        k->leading[i] = operands[i]->leading;
        k->stride[i] = p->batch > 1 ? operands[i]->stride : 0;
    }
    for (int i = 0; i < 5; i++) {
        while (k->alignment[i] < ALIGNMENT_SHIFT && !(at[i] >> k->alignment[i] & 1)) k->alignment[i]++;
    }
}

/* Products of one call run one after the other: they share it.  0: an error is recorded. */
static cu_ptr workspace_of(cuda_call *c, size_t bytes)
{
    bytes += WORKSPACE_ALIGNMENT;
    if (!c->workspace || c->workspace->capacity < bytes) c->workspace = cuda_scratch(c, bytes);
    if (!c->workspace) return 0;
    return (c->workspace->at + WORKSPACE_ALIGNMENT - 1) / WORKSPACE_ALIGNMENT * WORKSPACE_ALIGNMENT;
}

blaslt_answer blaslt_collect(cuda_call *c, const blaslt_product *p)
{
    const cuda_blaslt *lib = library_of(c->queue->device->gpu);
    blaslt_plans *b = lib ? plans_of(c->queue->device, lib) : NULL;
    product_args a = {.at = {p->a.at, p->b.at, p->c.at, p->d.at},
                      .bias = p->bias,
                      .alpha = p->alpha,
                      .beta = p->beta,
                      .op = c->op->name};
    if (!b) return lib ? BLASLT_FAILED : BLASLT_ABSENT;
    fill_key(&a.key, p);
    pthread_mutex_lock(&b->lock);
    const plan *found = find_plan(b, &a.key, a.bias);
    bool possible = found && found->possible;
    a.workspace_bytes = possible ? found->workspace_bytes : 0;
    pthread_mutex_unlock(&b->lock);
    if (!possible) return found ? BLASLT_NONE : BLASLT_FAILED;
    if (a.workspace_bytes && !(a.workspace = workspace_of(c, a.workspace_bytes))) return BLASLT_FAILED;
    cuda_launch launch = {.issue = issue, .op = c->op->name};
    return cuda_collect(c, &launch, &a, sizeof a) ? BLASLT_COLLECTED : BLASLT_FAILED;
}
