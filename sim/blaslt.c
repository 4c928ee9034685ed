/* SPDX-License-Identifier: MIT
 *
 * cuBLASLt's matrix product: descriptors, a heuristic with two algorithms, and the call, which becomes a command of its stream (or a
 * node of the graph being captured).  Refuses what the library's documentation refuses: sizes that do not fit, leading dimensions below
 * the rows, types that do not go together, pointers less aligned than the algorithm was asked for, another problem's algorithm, too small
 * a workspace.  blaslt_multiply.c computes. */
#include "blaslt.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 130000, MAGIC = 0x6c74, SPLIT_K = 1024, VECTOR = 16, WORKSPACE_ALIGNMENT = 256 };
enum { OK, NOT_INITIALIZED, ALLOC_FAILED = 3, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

struct sim_lt_handle {
    int live;
};
struct sim_desc {
    int compute, scale, op_a, op_b, epilogue;
    uint64_t bias;
};
struct sim_layout {
    int type, batch;
    uint64_t rows, columns;
    int64_t leading, stride;
};
struct sim_preference {
    uint64_t workspace_bytes;
    uint32_t reductions, alignment[4];
};
typedef struct problem {
    const sim_desc *desc;
    const sim_layout *layout[4]; /* A, B, C, D */
} problem;

static int enter(const char *name)
{
    sim_result r = sim_enter(name);
    return r == SIM_OK                ? OK
           : r == SIM_NOT_INITIALIZED ? NOT_INITIALIZED
           : r == SIM_OUT_OF_MEMORY   ? ALLOC_FAILED
                                      : EXECUTION_FAILED;
}

static int refuse(int status, const char *why)
{
    sim_report("cublasLtMatmul: %s", why);
    return status;
}

/* ---- Descriptors */
API size_t cublasLtGetVersion(void)
{
    if (enter("cublasLtGetVersion")) return 0;
    sim_leave(SIM_OK);
    return VERSION;
}

API const char *cublasLtGetStatusString(int status)
{
    switch (status) {
    case OK: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "an unknown status";
    }
}

API int cublasLtCreate(sim_lt_handle **handle)
{
    int r = enter("cublasLtCreate");
    if (r) return r;
    *handle = calloc(1, sizeof **handle);
    if (*handle) (*handle)->live = 1;
    sim_leave(SIM_OK);
    return *handle ? OK : ALLOC_FAILED;
}

API int cublasLtDestroy(sim_lt_handle *handle)
{
    free(handle);
    return OK;
}

API int cublasLtMatmulDescCreate(sim_desc **desc, int compute, int scale)
{
    if (!(*desc = calloc(1, sizeof **desc))) return ALLOC_FAILED;
    **desc = (sim_desc){.compute = compute, .scale = scale, .epilogue = LT_EPILOGUE_DEFAULT};
    return OK;
}

API int cublasLtMatmulDescDestroy(sim_desc *desc)
{
    free(desc);
    return OK;
}

static int set(void *field, size_t field_bytes, const void *value, size_t bytes)
{
    if (!value || bytes != field_bytes) return INVALID_VALUE;
    memcpy(field, value, bytes);
    return OK;
}

API int cublasLtMatmulDescSetAttribute(sim_desc *d, int attribute, const void *value, size_t bytes)
{
    if (!d) return INVALID_VALUE;
    switch (attribute) {
    case LT_TRANS_A: return set(&d->op_a, sizeof d->op_a, value, bytes);
    case LT_TRANS_B: return set(&d->op_b, sizeof d->op_b, value, bytes);
    case LT_EPILOGUE: return set(&d->epilogue, sizeof d->epilogue, value, bytes);
    case LT_BIAS_POINTER: return set(&d->bias, sizeof d->bias, value, bytes);
    default: return refuse(INVALID_VALUE, "an attribute of the product that is not simulated");
    }
}

API int cublasLtMatrixLayoutCreate(sim_layout **layout, int type, uint64_t rows, uint64_t columns, int64_t leading)
{
    if (!(*layout = calloc(1, sizeof **layout))) return ALLOC_FAILED;
    **layout = (sim_layout){.type = type, .batch = 1, .rows = rows, .columns = columns, .leading = leading};
    return OK;
}

API int cublasLtMatrixLayoutDestroy(sim_layout *layout)
{
    free(layout);
    return OK;
}

API int cublasLtMatrixLayoutSetAttribute(sim_layout *l, int attribute, const void *value, size_t bytes)
{
    if (!l) return INVALID_VALUE;
    switch (attribute) {
    case LT_BATCH_COUNT: return set(&l->batch, sizeof l->batch, value, bytes);
    case LT_BATCH_STRIDE: return set(&l->stride, sizeof l->stride, value, bytes);
    default: return refuse(INVALID_VALUE, "an attribute of a layout that is not simulated");
    }
}

API int cublasLtMatmulPreferenceCreate(sim_preference **p)
{
    if (!(*p = calloc(1, sizeof **p))) return ALLOC_FAILED;
    **p = (sim_preference){.reductions = 7, .alignment = {256, 256, 256, 256}};
    return OK;
}

API int cublasLtMatmulPreferenceDestroy(sim_preference *p)
{
    free(p);
    return OK;
}

API int cublasLtMatmulPreferenceSetAttribute(sim_preference *p, int attribute, const void *value, size_t bytes)
{
    if (!p) return INVALID_VALUE;
    switch (attribute) {
    case LT_PREFERENCE_WORKSPACE: return set(&p->workspace_bytes, sizeof p->workspace_bytes, value, bytes);
    case LT_PREFERENCE_REDUCTIONS: return set(&p->reductions, sizeof p->reductions, value, bytes);
    case LT_PREFERENCE_ALIGNMENT:
    case LT_PREFERENCE_ALIGNMENT + 1:
    case LT_PREFERENCE_ALIGNMENT + 2:
    case LT_PREFERENCE_ALIGNMENT + 3:
        return set(&p->alignment[attribute - LT_PREFERENCE_ALIGNMENT], sizeof p->alignment[0], value, bytes);
    default: return refuse(INVALID_VALUE, "a preference that is not simulated");
    }
}

/* ---- What goes together */
unsigned sim_lt_bytes(int type)
{
    return type == LT_R_64F || type == LT_C_32F    ? 8
           : type == LT_R_32F                      ? 4
           : type == LT_R_16F || type == LT_R_16BF ? 2
                                                   : 0;
}

static bool types_fit(const problem *p)
{
    const sim_desc *d = p->desc;
    int a = p->layout[0]->type, out = p->layout[3]->type;
    if (a != p->layout[1]->type || out != p->layout[2]->type) return false;
    bool float32 = d->compute == LT_COMPUTE_32F || d->compute == LT_COMPUTE_TF32;
    switch (a) {
    case LT_R_64F: return d->compute == LT_COMPUTE_64F && d->scale == LT_R_64F && out == a;
    case LT_C_32F: return float32 && d->scale == LT_C_32F && out == a;
    case LT_R_32F: return float32 && d->scale == LT_R_32F && out == a;
    case LT_R_16F:
    case LT_R_16BF: return d->compute == LT_COMPUTE_32F && d->scale == LT_R_32F && (out == a || out == LT_R_32F);
    default: return false;
    }
}

/* Matrices of a batch lie behind each other or in each other's gaps. */
static bool overlaps(const sim_layout *l)
{
    int64_t rows = (int64_t)l->rows, whole = ((int64_t)l->columns - 1) * l->leading + rows;
    if (l->batch == 1 || l->stride >= whole) return false;
    return l->stride < rows || (l->batch - 1) * l->stride + rows > l->leading;
}

static int check(const problem *p)
{
    const sim_desc *d = p->desc;
    for (int i = 0; i < 4; i++) {
        const sim_layout *l = p->layout[i];
        if (!d || !l) return refuse(INVALID_VALUE, "a descriptor is NULL");
        if (!l->rows || !l->columns || l->batch < 1) return refuse(INVALID_VALUE, "an operand is empty");
        if (l->leading < 0 || (uint64_t)l->leading < l->rows)
            return refuse(INVALID_VALUE, "a leading dimension is less than the rows");
        if (l->batch != p->layout[3]->batch) return refuse(INVALID_VALUE, "the batches differ");
        if (l->rows > INT32_MAX || l->columns > INT32_MAX || l->leading > INT32_MAX) return NOT_SUPPORTED;
        if (i == 3 && overlaps(l)) return refuse(INVALID_VALUE, "the results of a batch overlap");
        if (l->stride < 0) return NOT_SUPPORTED;
    }
    const sim_layout *a = p->layout[0], *b = p->layout[1], *c = p->layout[2], *out = p->layout[3];
    uint64_t m = d->op_a ? a->columns : a->rows, k = d->op_a ? a->rows : a->columns;
    uint64_t n = d->op_b ? b->rows : b->columns, k2 = d->op_b ? b->columns : b->rows;
    if (k != k2 || out->rows != m || out->columns != n || c->rows != m || c->columns != n)
        return refuse(INVALID_VALUE, "the sizes do not fit");
    if (d->op_a > 1 || d->op_b > 1 || !types_fit(p)) return NOT_SUPPORTED;
    bool bias = d->epilogue == LT_EPILOGUE_BIAS;
    if (d->epilogue != LT_EPILOGUE_DEFAULT && !bias) return NOT_SUPPORTED;
    return bias && d->compute == LT_COMPUTE_64F ? NOT_SUPPORTED : OK;
}

/* ---- Algorithms */
static uint64_t hash_problem(const problem *p)
{
    const int flags[] = {p->desc->compute, p->desc->scale, p->desc->op_a, p->desc->op_b, p->desc->epilogue};
    uint64_t h = sim_hash(flags, sizeof flags, 2);
    for (int i = 0; i < 4; i++) {
        const sim_layout *l = p->layout[i];
        const int64_t words[] = {l->type, l->batch, (int64_t)l->rows, (int64_t)l->columns, l->leading, l->stride};
        h = sim_hash(words, sizeof words, h);
    }
    return h;
}

/* Reads an operand in vectors where that is known to be aligned. */
static uint64_t alignment_needed(const sim_layout *l, uint32_t promised)
{
    unsigned bytes = sim_lt_bytes(l->type);
    bool vectors = promised >= VECTOR && (uint64_t)l->leading * bytes % VECTOR == 0 &&
                   (l->batch == 1 || (uint64_t)l->stride * bytes % VECTOR == 0);
    return vectors ? VECTOR : bytes;
}

/* A long sum over few results is split; its parts need a workspace. */
static uint64_t workspace_wanted(const problem *p)
{
    const sim_layout *a = p->layout[0], *out = p->layout[3];
    uint64_t k = p->desc->op_a ? a->rows : a->columns;
    uint64_t bytes = out->rows * out->columns * (uint64_t)out->batch * 16;
    return k >= SPLIT_K && out->rows * out->columns < k ? bytes : 0;
}

static sim_algo choose(const problem *p, uint64_t workspace_bytes, const uint32_t *alignment)
{
    sim_algo algo = {.magic = MAGIC, .problem = hash_problem(p), .workspace_bytes = workspace_bytes};
    for (int i = 0; i < 4; i++) algo.alignment |= alignment_needed(p->layout[i], alignment[i]) << 16 * i;
    return algo;
}

API int cublasLtMatmulAlgoGetHeuristic(sim_lt_handle *handle, const sim_desc *desc, const sim_layout *a,
                                       const sim_layout *b, const sim_layout *c, const sim_layout *d,
                                       const sim_preference *preference, int asked, sim_heuristic *found, int *count)
{
    if (!handle || !handle->live) return NOT_INITIALIZED;
    if (asked <= 0 || !preference || !found || !count) return INVALID_VALUE;
    int r = enter("cublasLtMatmulAlgoGetHeuristic");
    if (r) return r;
    sim_leave(SIM_OK);
    problem p = {desc, {a, b, c, d}};
    *count = 0;
    if ((r = check(&p))) return r;
    uint64_t wanted = workspace_wanted(&p);
    if (wanted && wanted <= preference->workspace_bytes && (preference->reductions & 6)) {
        found[0] = (sim_heuristic){.algo = choose(&p, wanted, preference->alignment), .workspace_bytes = wanted};
        if (++*count == asked) return OK;
    }
    found[*count] = (sim_heuristic){.algo = choose(&p, 0, preference->alignment)};
    ++*count;
    return OK;
}

/* ---- The call */
static int check_call(const problem *p, const sim_algo *algo, const uint64_t *at, uint64_t workspace, size_t bytes)
{
    int r = check(p);
    if (r) return r;
    if (algo->magic != MAGIC || algo->problem != hash_problem(p))
        return refuse(INVALID_VALUE, "the algorithm was found for another problem");
    if (bytes < algo->workspace_bytes) return refuse(INVALID_VALUE, "the workspace is too small");
    if (algo->workspace_bytes && (!workspace || workspace % WORKSPACE_ALIGNMENT))
        return refuse(INVALID_VALUE, "the workspace is not on 256 bytes");
    for (int i = 0; i < 4; i++)
        if (!at[i] || at[i] % (algo->alignment >> 16 * i & 0xffff))
            return refuse(INVALID_VALUE, "an operand is less aligned than the algorithm needs");
    const sim_layout *c = p->layout[2], *d = p->layout[3];
    if (at[2] == at[3] && (c->leading != d->leading || c->stride != d->stride))
        return refuse(INVALID_VALUE, "C and D share memory in different layouts");
    return p->desc->epilogue == LT_EPILOGUE_BIAS && !p->desc->bias ? refuse(INVALID_VALUE, "there is no bias") : OK;
}

static void fill(sim_product *q, const problem *p, const uint64_t *at)
{
    for (int i = 0; i < 4; i++) {
        const sim_layout *l = p->layout[i];
        q->operand[i] = (sim_operand){at[i], l->type, l->rows, l->columns, l->leading, l->batch > 1 ? l->stride : 0};
    }
    q->batch = p->layout[3]->batch;
    q->a_transposed = p->desc->op_a != 0;
    q->b_transposed = p->desc->op_b != 0;
    q->tf32 = p->desc->compute == LT_COMPUTE_TF32;
    q->bias = p->desc->epilogue == LT_EPILOGUE_BIAS ? p->desc->bias : 0;
}

static void read_scale(double out[2], int type, const void *from)
{
    const float *f = from;
    out[1] = 0;
    if (type == LT_R_64F) {
        memcpy(out, from, sizeof *out);
    } else {
        out[0] = f[0];
        if (type == LT_C_32F) out[1] = f[1];
    }
}

API int cublasLtMatmul(sim_lt_handle *handle, const sim_desc *desc, const void *alpha, const void *a,
                       const sim_layout *la, const void *b, const sim_layout *lb, const void *beta, const void *c,
                       const sim_layout *lc, void *d, const sim_layout *ld, const sim_algo *algo, void *workspace,
                       size_t workspace_bytes, sim_stream *stream)
{
    if (!handle || !handle->live) return NOT_INITIALIZED;
    static const uint32_t nothing_promised[4] = {1, 1, 1, 1};
    problem p = {desc, {la, lb, lc, ld}};
    const uint64_t at[4] = {(uintptr_t)a, (uintptr_t)b, (uintptr_t)c, (uintptr_t)d};
    sim_product q = {.workspace = (uintptr_t)workspace};
    int r = check(&p);
    if (r) return r;
    sim_algo own = choose(&p, 0, nothing_promised);
    if (!algo) algo = &own;
    if ((r = check_call(&p, algo, at, (uintptr_t)workspace, workspace_bytes)) || (r = enter("cublasLtMatmul")))
        return r;
    fill(&q, &p, at);
    q.workspace_bytes = algo->workspace_bytes;
    read_scale(q.alpha, desc->scale, alpha);
    read_scale(q.beta, desc->scale, beta);
    sim_command *command = sim_command_new(sim_stream_of(stream), LIBRARY);
    command->bytes = sizeof q;
    command->library = sim_multiply;
    if (!(command->staged = malloc(sizeof q))) abort();
    memcpy(command->staged, &q, sizeof q);
    return sim_leave(sim_push(command)) ? EXECUTION_FAILED : OK;
}
