/* SPDX-License-Identifier: MIT
 *
 * The head of products with a few rows: matrix by vector, decoding.  They only read the matrix, so the kernel
 * (kernels/skinny.cuh) is made for memory alone; which products are such, and how they are cut, are functions of sizes,
 * strides and alignments of up to 16 bytes. */
#include "cuda/product.h"
#include "cuda/reduce.h"
#include "cuda/variant.h"
#include "cuda/kernels/skinny_args.cuh"
#include <string.h>

enum {
    BLOCKS_WANTED = 512, /* keep any GPU busy */
    CHUNK_LEAST = 256,   /* of k, for a block */
    TEAMS_FEW = 64,      /* with fewer columns a whole block has some of them */
    LONG_ROW = 1 << 16,  /* that fewer teams should not read alone */
    BLOCKS_MOST = 1 << 30,
};
_Static_assert(SKINNY_DIMS == MX_MAX_NDIM, "a batch of any product");

static int64_t bytes_of(const cuda_product *p)
{
    return (int64_t)mx_dtype_size(p->in);
}

/* Can the matrix be read in units of 16 bytes along the axis that steps by one? */
static bool in_units(const cuda_product *p, const cuda_matrix *x, int64_t stride, int64_t length)
{
    int64_t bytes = bytes_of(p), odd = (int64_t)x->at | stride * bytes | length * bytes;
    for (int i = 0; i < p->ndim; i++) odd |= x->batch[i] * bytes;
    return odd % 16 == 0;
}

/* b's elements are adjacent along k, and a's. */
static bool goes_along(const cuda_product *p)
{
    return p->b.row == 1 && p->a.col == 1 && in_units(p, &p->b, p->n > 1 ? p->b.col : 0, p->k) &&
           in_units(p, &p->a, p->m > 1 ? p->a.row : 0, p->k);
}

static bool goes_across(const cuda_product *p)
{
    return p->b.col == 1 && in_units(p, &p->b, p->k > 1 ? p->b.row : 0, p->n);
}

static int64_t batch_of(const cuda_product *p)
{
    int64_t batch = 1;
    for (int i = 0; i < p->ndim; i++) batch *= p->shape[i];
    return batch;
}

bool product_is_skinny(const cuda_product *p)
{
    bool type = p->in == p->out && (p->in == MX_FLOAT32 || p->in == MX_FLOAT16 || p->in == MX_BFLOAT16);
    if (!type || p->m > SKINNY_ROWS || !p->k) return false;
    if (p->k > LONG_ROW && p->n * batch_of(p) < TEAMS_FEW) return false;
    return goes_along(p) || goes_across(p);
}

static void set_sizes(skinny_args *a, const cuda_product *p)
{
    const cuda_matrix *x[4] = {&p->a, &p->b, &p->c, &p->d};
    memset(a, 0, sizeof *a);
    for (int i = 0; i < 4; i++) {
        a->at[i] = x[i]->at;
        a->row[i] = x[i]->row;
        a->col[i] = x[i]->col;
        memcpy(a->batch[i], x[i]->batch, sizeof a->batch[i]);
    }
    memcpy(a->shape, p->shape, sizeof a->shape);
    a->bias = p->bias;
    a->ndim = p->ndim;
    a->m = (int)p->m, a->n = p->n, a->k = p->k;
    a->alpha = p->alpha, a->beta = p->beta;
    a->chunk = p->k, a->chunks = 1;
}

static int power_of_two(int64_t n, int most)
{
    int power = 1;
    while (power < most && power < n) power *= 2;
    return power;
}

/* Number of the kernel's size. */
static uint8_t size_of(int64_t m)
{
    uint8_t size = 0;
    while (1 << size < m) size++;
    return size;
}

static bool launch(cuda_call *call, const cuda_product *p, const skinny_args *a, int order)
{
    int64_t each = order ? 1 : SKINNY_THREADS / a->lanes, blocks = (a->units + each - 1) / each;
    cuda_variant v = {
        .id = VARIANT_skinny, .t = (uint8_t)p->in, .option = (uint8_t)(order * SKINNY_SIZES + size_of(p->m))};
    return variant_run(call, v, blocks < BLOCKS_MOST ? blocks : BLOCKS_MOST, SKINNY_THREADS, a, sizeof *a);
}

static bool multiply_along(cuda_call *call, const cuda_product *p)
{
    skinny_args a;
    set_sizes(&a, p);
    int64_t columns = SKINNY_COLUMNS(1 << size_of(p->m)), vectors = p->k * bytes_of(p) / 16;
    a.tiles = (p->n + columns - 1) / columns;
    a.units = a.tiles * batch_of(p);
    a.lanes = a.units < BLOCKS_WANTED && vectors >= SKINNY_THREADS ? SKINNY_THREADS : power_of_two(vectors, 32);
    return launch(call, p, &a, 0);
}

/* Few columns: k is cut, and what the parts give is added up. */
static bool multiply_across(cuda_call *call, const cuda_product *p)
{
    skinny_args a;
    set_sizes(&a, p);
    int64_t vector = 16 / bytes_of(p), batch = batch_of(p);
    a.lanes = power_of_two(p->n / vector, SKINNY_LANES);
    a.tiles = (p->n + a.lanes * vector - 1) / (a.lanes * vector);
    bool whole = batch == 1 && (p->m == 1 || p->d.row == p->n) && p->d.col == 1;
    int64_t most = p->k / CHUNK_LEAST, wanted = BLOCKS_WANTED / (a.tiles * batch);
    int64_t chunks = !whole || wanted < 2 || most < 2 ? 1 : wanted < most ? wanted : most;
    a.chunk = (p->k + chunks - 1) / chunks;
    a.chunks = (p->k + a.chunk - 1) / a.chunk;
    a.units = a.tiles * batch * a.chunks;
    if (a.chunks == 1) return launch(call, p, &a, 1);
    cuda_block *partial = cuda_scratch(call, (size_t)(a.chunks * p->m * p->n) * sizeof(float));
    if (!partial) return false;
    a.partial = partial->at;
    int64_t n = p->m * p->n;
    return launch(call, p, &a, 1) && cuda_add_rows(call, (uint8_t)p->out, partial->at, a.chunks, n, n, p->d.at);
}

bool product_skinny(cuda_call *call, const cuda_product *p)
{
    return goes_along(p) ? multiply_along(call, p) : multiply_across(call, p);
}
