/* SPDX-License-Identifier: MIT
 *
 * Few rows times a matrix, Y = X B, and a matrix times a column, which is the same with A transposed.  Each element of
 * the matrix is used a few times only, so it is read where it lies and in long runs: if the elements of one k are
 * adjacent, a chunk adds x[k] times row k to sums that stay in L1; if those of one output are, it forms scalar
 * products. Rows of X go by fours, twos and ones.  K is cut into ranges where the outputs alone are too few chunks; the
 * sums of the ranges are added in order. */
#include "core/memory.h"
#include "cpu/kernels/gemm_parts.h"

enum {
    OUTPUTS = 8192,       /* sums of a chunk, over all rows: 32 KiB of stack */
    MAX_WIDTH = 4096,     /* outputs of one row */
    X_BLOCK = 4096,       /* k of x that a chunk takes at a time, if it is one row, */
    X_BLOCKS = 2048,      /* or several: up to FEW_ROWS x X_BLOCKS floats, 64 KiB of stack */
    CHUNK_WORK = 1 << 17, /* elements of the matrix in a chunk: what the memory takes 10 us or more to bring */
    MAX_CHUNKS = 64,      /* more ranges of K bring nothing */
    STEPS = 8,            /* rows of the matrix added in one visit of the sums */
    DOTS = 6,             /* outputs that share a load of x, if x is one row, */
    MORE_DOTS = 4,        /* or several */
};

typedef struct {
    const cpu_gemm *g;
    const void *x, *matrix;
    const int64_t *x_batch, *matrix_batch;
    int64_t x_row, x_stride, k_stride, out_stride; /* of the matrix: one of the last two is 1 */
    int64_t rows, n;                               /* of Y */
    int64_t ranges, blocks, width; /* chunks of a product: ranges of K times blocks of `width` outputs */
    int64_t per_chunk;             /* products, if they are single chunks */
    float *partial;                /* product x range x row x output, if there are several ranges */
} thin;

/* Part of the product, as floats: sum[row][output] += x[row][k] matrix[k][output]. */
typedef struct {
    float *sum;
    int64_t sum_row;
    const float *x;
    int64_t x_row;
    const void *matrix;
    int64_t stride; /* the one that is not 1 */
    int64_t n, depth;
} patch;

/* x[0 .. rows)[k .. k + depth) as floats: where it lies, or converted into the buffer. */
static void load_x(const thin *s, int64_t at, int64_t k, float *buffer, patch *p)
{
    int type = s->g->dtype;
    p->x = (const float *)s->x + at + k, p->x_row = s->x_row;
    if (type == GEMM_F32 && s->x_stride == 1) return;
    p->x = buffer, p->x_row = p->depth;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t i = 0; i < p->depth; i++)
            buffer[r * p->depth + i] = load_one(s->x, at + r * s->x_row + (k + i) * s->x_stride, type);
}

/* One vector of outputs of some rows, over some steps from k on, in this order. */
ALWAYS_INLINE void add_lanes(const patch *p, int64_t row, int64_t k, int64_t j, int lanes, const int rows,
                             const int steps, const int type)
{
    vec b[STEPS];
    UNROLL
    for (int i = 0; i < steps; i++) b[i] = load_some(p->matrix, (k + i) * p->stride + j, lanes, type);
    UNROLL
    for (int r = 0; r < rows; r++) {
        const float *x = p->x + (row + r) * p->x_row + k;
        float *sum = p->sum + (row + r) * p->sum_row + j;
        vec total = vec_load(sum);
        UNROLL
        for (int i = 0; i < steps; i++) total = vec_fma(vec_set(x[i]), b[i], total);
        vec_store(sum, total);
    }
}

ALWAYS_INLINE void add_steps(const patch *p, int64_t row, int64_t k, const int rows, const int steps, const int type)
{
    int64_t j = 0;
    for (; j + VEC <= p->n; j += VEC) add_lanes(p, row, k, j, VEC, rows, steps, type);
    if (j < p->n) add_lanes(p, row, k, j, (int)(p->n - j), rows, steps, type);
}

/* Groups of rows run inside: the rows of the matrix are still in L1 for the second. */
ALWAYS_INLINE void sum_steps(const patch *p, int64_t all_rows, int64_t k, const int steps, const int type)
{
    int64_t row = 0;
    for (; row + 4 <= all_rows; row += 4) add_steps(p, row, k, 4, steps, type);
    for (; row + 2 <= all_rows; row += 2) add_steps(p, row, k, 2, steps, type);
    if (row < all_rows) add_steps(p, row, k, 1, steps, type);
}

/* Scalar products of some rows with some outputs; chains in turn hide the latency of the additions. */
ALWAYS_INLINE void add_dots(const patch *p, int64_t row, int64_t j, const int rows, const int dots, const int chains,
                            const int type)
{
    vec total[4][DOTS][2];
    const float *x = p->x + row * p->x_row;
    const void *b = element(p->matrix, j * p->stride, type);
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int d = 0; d < dots; d++) total[r][d][0] = total[r][d][1] = vec_set(0);
    }
    int64_t k = 0;
    for (; k + chains * VEC <= p->depth; k += chains * VEC) {
        UNROLL
        for (int c = 0; c < chains; c++) {
            UNROLL
            for (int d = 0; d < dots; d++) {
                vec y = load_some(b, d * p->stride + k + c * VEC, VEC, type);
                UNROLL
                for (int r = 0; r < rows; r++)
                    total[r][d][c] = vec_fma(vec_load(x + r * p->x_row + k + c * VEC), y, total[r][d][c]);
            }
        }
    }
    for (; k < p->depth; k += VEC) {
        int lanes = (int)min_i64(VEC, p->depth - k);
        UNROLL
        for (int d = 0; d < dots; d++) {
            vec y = load_some(b, d * p->stride + k, lanes, type);
            UNROLL
            for (int r = 0; r < rows; r++)
                total[r][d][0] = vec_fma(load_some(x, r * p->x_row + k, lanes, GEMM_F32), y, total[r][d][0]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int d = 0; d < dots; d++)
            p->sum[(row + r) * p->sum_row + j + d] += vec_sum(vec_add(total[r][d][0], total[r][d][1]));
}

ALWAYS_INLINE void sum_dots(const patch *p, int64_t all_rows, int64_t j, const int dots, const int type)
{
    int64_t row = 0;
    for (; row + 4 <= all_rows; row += 4) add_dots(p, row, j, 4, dots, 1, type);
    for (; row + 2 <= all_rows; row += 2) add_dots(p, row, j, 2, dots, 2, type);
    if (row < all_rows) add_dots(p, row, j, 1, dots, 2, type);
}

ALWAYS_INLINE void sum_patch(const thin *s, const patch *p, const int type)
{
    int64_t k = 0, j = 0;
    if (s->out_stride == 1) {
        for (; k + STEPS <= p->depth; k += STEPS) sum_steps(p, s->rows, k, STEPS, type);
        for (; k < p->depth; k++) sum_steps(p, s->rows, k, 1, type);
    } else if (s->rows == 1) {
        for (; j + DOTS <= p->n; j += DOTS) add_dots(p, 0, j, 1, DOTS, 2, type);
        for (; j < p->n; j++) add_dots(p, 0, j, 1, 1, 2, type);
    } else {
        for (; j + MORE_DOTS <= p->n; j += MORE_DOTS) sum_dots(p, s->rows, j, MORE_DOTS, type);
        for (; j < p->n; j++) sum_dots(p, s->rows, j, 1, type);
    }
}

/* The sums of outputs j .. j + p->n over one range of K. */
static void sum_range(const thin *s, int64_t product, int64_t range, int64_t j, patch *p)
{
    float buffer[FEW_ROWS * X_BLOCKS] ALIGNED(64);
    int64_t k = s->g->k * range / s->ranges, end = s->g->k * (range + 1) / s->ranges;
    int64_t x_at = batch_offset(s->x_batch, product), block = s->rows == 1 ? X_BLOCK : X_BLOCKS;
    int64_t at = batch_offset(s->matrix_batch, product) + j * s->out_stride;
    memset(p->sum, 0, (size_t)(s->rows * p->sum_row) * sizeof(float));
    for (; k < end; k += block) {
        p->depth = min_i64(block, end - k);
        load_x(s, x_at, k, buffer, p);
        p->matrix = element(s->matrix, at + k * s->k_stride, s->g->dtype);
        if (s->g->dtype == GEMM_F32)
            sum_patch(s, p, GEMM_F32);
        else if (s->g->dtype == GEMM_F16)
            sum_patch(s, p, GEMM_F16);
        else
            sum_patch(s, p, GEMM_BF16);
    }
}

static void finish_outputs(const thin *s, int64_t product, int64_t j, int64_t n, const float *sum, int64_t sum_row)
{
    const cpu_gemm *g = s->g;
    gemm_area t = {.c_offset = batch_offset(g->c_batch, product), .d_offset = batch_offset(g->d_batch, product)};
    if (s->n == g->n) {
        t.col = j, t.cols = n, t.rows = g->m;
        KERNEL(gemm_finish)(g, &t, sum, sum_row);
    } else {
        t.row = j, t.rows = n, t.cols = 1;
        KERNEL(gemm_finish)(g, &t, sum, 1);
    }
    area_done(g, product, t.row, t.rows, t.col, t.cols);
}

static void thin_chunk(void *ctx, int64_t chunk)
{
    const thin *s = ctx;
    float sum[OUTPUTS + VEC] ALIGNED(64); /* the last vector of the last row may reach beyond it */
    int64_t block = chunk % s->blocks, range = chunk / s->blocks % s->ranges;
    int64_t product = chunk / s->blocks / s->ranges * s->per_chunk, end = min_i64(product + s->per_chunk, s->g->batch);
    int64_t j = block * s->width;
    patch p = {
        .sum = sum, .n = min_i64(s->width, s->n - j), .stride = s->out_stride == 1 ? s->k_stride : s->out_stride};
    p.sum_row = ceil_div(p.n, VEC) * VEC;
    for (; product < end; product++) {
        sum_range(s, product, range, j, &p);
        if (!s->partial) finish_outputs(s, product, j, p.n, sum, p.sum_row);
        for (int64_t r = 0; s->partial && r < s->rows; r++)
            memcpy(s->partial + ((product * s->ranges + range) * s->rows + r) * s->n + j, sum + r * p.sum_row,
                   (size_t)p.n * sizeof(float));
    }
}

static void add_ranges(const thin *s)
{
    int64_t size = s->rows * s->n;
    for (int64_t product = 0; product < s->g->batch; product++) {
        float *total = s->partial + product * s->ranges * size;
        for (int64_t range = 1; range < s->ranges; range++) {
            const float *more = total + range * size;
            SIMD
            for (int64_t j = 0; j < size; j++) total[j] += more[j];
        }
        finish_outputs(s, product, 0, s->n, total, s->n);
    }
}

static void plan(thin *s)
{
    int64_t k = s->g->k, batch = s->g->batch, widest = OUTPUTS / s->rows / VEC * VEC;
    s->width = min_i64(min_i64(MAX_WIDTH, widest), s->n);
    if (s->out_stride != 1)
        s->width = min_i64(s->width, max_i64(1, CHUNK_WORK / k / (DOTS * MORE_DOTS)) * DOTS * MORE_DOTS);
    s->blocks = ceil_div(s->n, s->width);
    s->ranges = min_i64(ceil_div(k * s->width, 2 * CHUNK_WORK), ceil_div(MAX_CHUNKS, s->blocks * batch));
    s->per_chunk = s->blocks * s->ranges > 1 ? 1 : min_i64(batch, ceil_div(CHUNK_WORK, s->n * k));
}

bool KERNEL(gemm_thin)(const cpu_gemm *g, cpu_parallel_fn parallel)
{
    thin s = {.g = g,
              .x = g->a,
              .x_batch = g->a_batch,
              .x_row = g->a_row,
              .x_stride = g->a_col,
              .matrix = g->b,
              .matrix_batch = g->b_batch,
              .k_stride = g->b_row,
              .out_stride = g->b_col,
              .rows = g->m,
              .n = g->n};
    if (g->n == 1)
        s = (thin){.g = g,
                   .x = g->b,
                   .x_batch = g->b_batch,
                   .x_stride = g->b_row,
                   .matrix = g->a,
                   .matrix_batch = g->a_batch,
                   .k_stride = g->a_col,
                   .out_stride = g->a_row,
                   .rows = 1,
                   .n = g->m};
    if (s.k_stride != 1 && s.out_stride != 1) return KERNEL(gemm_blocks)(g, parallel);
    plan(&s);
    size_t capacity = 0;
    if (s.ranges > 1) {
        s.partial = block_alloc((size_t)(g->batch * s.ranges * s.rows * s.n) * sizeof(float), &capacity);
        if (!s.partial) return false;
    }
    int64_t chunks = ceil_div(g->batch, s.per_chunk) * s.blocks * s.ranges;
    if (chunks == 1)
        thin_chunk(&s, 0);
    else
        parallel(chunks, thin_chunk, &s);
    if (s.partial) {
        add_ranges(&s);
        block_free(s.partial, capacity);
    }
    return true;
}
