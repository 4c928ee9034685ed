/* SPDX-License-Identifier: MIT
 *
 * The head of all reductions: kernels/reduce.cuh takes any layout, so nothing is copied or transposed first.  Dimensions
 * are put in the order of their strides and merged; where the innermost is one that stays, the kernel folds columns,
 * else rows.  Lanes and chunks are functions of sizes alone, so that every GPU gives the same bits. */
#include "cuda/reduce.h"
#include "core/params/reduce.h"
#include "cuda/dispatch.h"
#include "cuda/variant.h"
#include <string.h>

enum {
    BLOCKS_WANTED = 2048, /* keep any GPU busy */
    CHUNK_LEAST = 8192,   /* elements of a row that are worth a block */
    CHUNK_MOST = 1 << 18, /* or a thread adds up so many that rounding shows */
    CHUNK_STEP = 4096,    /* whole vectors */
    ROWS_LEAST = 8,       /* elements of a column that are worth a thread */
    ROWS_MOST = 4096,
    LANES_LEAST = 8, /* of columns: 128 bytes side by side */
    BLOCKS_MOST = 1 << 30,
};

static int64_t ceiling(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}
static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* ---- Layout */
typedef struct dims {
    int ndim;
    int64_t shape[REDUCE_DIMS], in[REDUCE_DIMS], out[REDUCE_DIMS];
} dims;

static void dims_add(dims *d, int64_t shape, int64_t in, int64_t out)
{
    if (shape == 1) return;
    d->shape[d->ndim] = shape;
    d->in[d->ndim] = in;
    d->out[d->ndim++] = out;
}

/* Broadcast dimensions outermost, then the longest strides. */
static bool belongs_before(int64_t a, int64_t b)
{
    return magnitude(a) > magnitude(b) ? b != 0 : a == 0 && b != 0;
}

static void dims_sort(dims *d)
{
    for (int i = 1; i < d->ndim; i++) {
        int64_t shape = d->shape[i], in = d->in[i], out = d->out[i];
        int j = i;
        for (; j > 0 && belongs_before(in, d->in[j - 1]); j--) {
            d->shape[j] = d->shape[j - 1];
            d->in[j] = d->in[j - 1];
            d->out[j] = d->out[j - 1];
        }
        d->shape[j] = shape;
        d->in[j] = in;
        d->out[j] = out;
    }
}

/* Neighbours become one where the strides allow it; at least one dimension is left. */
static void dims_merge(dims *d)
{
    int last = 0;
    if (d->ndim == 0) *d = (dims){.ndim = 1, .shape = {1}};
    for (int i = 1; i < d->ndim; i++) {
        bool merges = d->in[last] == d->in[i] * d->shape[i] && d->out[last] == d->out[i] * d->shape[i];
        if (!merges) last++;
        d->shape[last] = merges ? d->shape[last] * d->shape[i] : d->shape[i];
        d->in[last] = d->in[i];
        d->out[last] = d->out[i];
    }
    d->ndim = last + 1;
}

static void set_dims(reduce_args *a, const dims *kept, const dims *gone)
{
    memset(a, 0, sizeof *a);
    a->kept_ndim = kept->ndim;
    a->outer_ndim = gone->ndim - 1;
    a->results = a->outer = 1;
    for (int i = 0; i < kept->ndim; i++) {
        a->kept_shape[i] = kept->shape[i];
        a->kept_in[i] = kept->in[i];
        a->kept_out[i] = kept->out[i];
        a->results *= kept->shape[i];
    }
    for (int i = 0; i < a->outer_ndim; i++) {
        a->outer_shape[i] = gone->shape[i];
        a->outer_in[i] = gone->in[i];
        a->outer *= gone->shape[i];
    }
    a->inner = gone->shape[a->outer_ndim];
    a->stride = gone->in[a->outer_ndim];
}

/* Do all loads of `vector` elements along the innermost dimension lie on as many? */
static bool in_vectors(const reduce_args *a, int64_t vector, int64_t element_bytes)
{
    bool fits = a->in % (uint64_t)(vector * element_bytes) == 0;
    fits &= (a->columns ? a->kept_shape[a->kept_ndim - 1] : a->inner) % vector == 0;
    for (int i = 0; i < a->kept_ndim - a->columns; i++) fits &= a->kept_in[i] % vector == 0;
    for (int i = 0; i < a->outer_ndim; i++) fits &= a->outer_in[i] % vector == 0;
    return fits && (!a->columns || a->stride % vector == 0);
}

/* ---- Plans */
static int power_of_two(int64_t n, int most)
{
    int p = 1;
    while (p < most && p < n) p *= 2;
    return p;
}

/* Chunks of about `elements`, whole segments where they are short.  0: no chunks. */
static void cut(reduce_args *a, int64_t elements, int64_t step)
{
    int64_t inner = ceiling(elements, step) * step;
    a->inner_chunk = elements && inner < a->inner ? inner : a->inner;
    a->outer_chunk = !elements ? a->outer : a->inner_chunk < a->inner ? 1 : ceiling(elements, a->inner);
    a->inner_chunks = a->inner ? ceiling(a->inner, a->inner_chunk) : 1;
    a->outer_chunks = a->outer ? ceiling(a->outer, a->outer_chunk) : 1;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static void plan_rows(reduce_args *a, int64_t bytes, bool whole)
{
    int64_t vector = 16 / bytes, n = a->outer * a->inner;
    a->vectors = a->stride == 1 && (a->inner >= 16 * vector || in_vectors(a, vector, bytes));
    int64_t along = a->vectors ? ceiling(a->inner, vector) : a->inner, loads = a->outer * along;
    bool long_row = loads > 1024 || (loads > 256 && a->results < 2 * BLOCKS_WANTED);
    a->lanes = long_row ? REDUCE_THREADS : power_of_two(ceiling(loads, 4), 32);
    a->inner_lanes = power_of_two(along, a->lanes);
    bool cuts = long_row && !whole && (a->results < BLOCKS_WANTED || n > CHUNK_MOST);
    cut(a, cuts ? clamp(ceiling(n, ceiling(BLOCKS_WANTED, a->results)), CHUNK_LEAST, CHUNK_MOST) : 0, CHUNK_STEP);
}

static void plan_columns(reduce_args *a, int64_t bytes, int64_t acc_bytes, bool whole)
{
    int64_t vector = REDUCE_COLUMNS(bytes, acc_bytes), width = a->kept_shape[a->kept_ndim - 1];
    int64_t rest = a->results / width, n = a->outer * a->inner, each;
    a->vectors = a->kept_in[a->kept_ndim - 1] == 1 && in_vectors(a, vector, bytes);
    each = a->vectors ? vector : 1;
    a->lanes = power_of_two(ceiling(width, each), 32);
    while (a->lanes < REDUCE_THREADS && a->lanes * each < width && n < REDUCE_THREADS / a->lanes * ROWS_LEAST)
        a->lanes *= 2;
    while (a->lanes > LANES_LEAST && n >= REDUCE_THREADS / a->lanes * 2 * ROWS_LEAST &&
           rest * ceiling(width, a->lanes * each) < BLOCKS_WANTED / 4)
        a->lanes /= 2;
    a->tiles = ceiling(width, a->lanes * each);
    int64_t down = REDUCE_THREADS / a->lanes, blocks = rest * a->tiles;
    a->inner_lanes = power_of_two(a->inner, (int)down);
    bool cuts = !whole && (blocks < BLOCKS_WANTED || n > down * ROWS_MOST) && n > down * ROWS_LEAST;
    cut(a, cuts ? clamp(ceiling(n, ceiling(BLOCKS_WANTED, blocks)), down * ROWS_LEAST, down * ROWS_MOST) : 0, 1);
}

/* `whole`: never in chunks. */
static void plan(reduce_args *a, int64_t bytes, int64_t acc_bytes, bool whole)
{
    int64_t kept = magnitude(a->kept_in[a->kept_ndim - 1]), gone = magnitude(a->stride);
    a->columns = kept != 0 && (gone == 0 || kept < gone);
    if (a->columns) {
        plan_columns(a, bytes, acc_bytes, whole);
    } else {
        plan_rows(a, bytes, whole);
    }
}

/* ---- Launches */
static int64_t compute_bytes(uint8_t dtype)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)dtype);
    return mx_dtype_is((mx_dtype)dtype, MX_FLOATING) && bytes == 2 ? 4 : bytes;
}

/* sizeof(ACC) of kernels/folds.cuh. */
static int64_t accumulator_bytes(int kind, uint8_t dtype)
{
    int64_t bytes = compute_bytes(dtype);
    if (kind == REDUCE_LOGSUMEXP) return 2 * bytes;
    if (kind == REDUCE_ARGMIN || kind == REDUCE_ARGMAX) return bytes <= 4 ? 8 : 16;
    return bytes;
}

int64_t cuda_reduce_blocks(const reduce_args *a)
{
    int64_t rows = REDUCE_THREADS / a->lanes, chunks = a->outer_chunks * a->inner_chunks;
    int64_t blocks = a->columns ? a->results / a->kept_shape[a->kept_ndim - 1] * a->tiles * chunks
                                : ceiling(a->results * chunks, rows);
    return least(blocks, BLOCKS_MOST);
}

static bool launch(cuda_call *c, int kind, uint8_t dtype, int pass, const reduce_args *a)
{
    bool own = kind == REDUCE_LOGSUMEXP;
    cuda_variant v = {.id = own ? VARIANT_logsumexp : VARIANT_reduce, .t = dtype, .u = TYPE_NONE};
    v.option = (uint8_t)(own ? pass : kind * REDUCE_PASSES + pass);
    return variant_run(c, v, cuda_reduce_blocks(a), REDUCE_THREADS, a, sizeof *a);
}

/* The partial results of `a`, side by side for each result, into the results. */
static void last_pass(reduce_args *last, const reduce_args *a, int64_t acc_bytes)
{
    int64_t stride = a->outer_chunks * a->inner_chunks;
    dims kept = {.ndim = a->kept_ndim}, gone = {.ndim = 1, .shape = {stride}, .in = {1}};
    for (int i = a->kept_ndim - 1; i >= 0; i--) {
        kept.shape[i] = a->kept_shape[i];
        kept.out[i] = a->kept_out[i];
        kept.in[i] = stride;
        stride *= a->kept_shape[i];
    }
    set_dims(last, &kept, &gone);
    last->in = a->out;
    plan_rows(last, acc_bytes, true);
}

int64_t cuda_reduce_width(const reduce_args *a, int kind, uint8_t dtype)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)dtype);
    return a->columns ? REDUCE_COLUMNS(bytes, accumulator_bytes(kind, dtype)) : 16 / bytes;
}

bool cuda_reduce_partial(cuda_call *c, int kind, uint8_t dtype, reduce_args *a)
{
    int64_t chunks = a->outer_chunks * a->inner_chunks;
    cuda_block *partial = cuda_scratch(c, (size_t)(a->results * chunks * accumulator_bytes(kind, dtype)));
    if (partial) a->out = partial->at;
    return partial != NULL;
}

bool cuda_reduce_finish(cuda_call *c, int kind, uint8_t dtype, const reduce_args *a, cu_ptr out)
{
    reduce_args last;
    last_pass(&last, a, accumulator_bytes(kind, dtype));
    last.out = out;
    return launch(c, kind, dtype, REDUCE_LAST, &last);
}

static bool run(cuda_call *c, int kind, uint8_t dtype, reduce_args *a)
{
    plan(a, (int64_t)mx_dtype_size((mx_dtype)dtype), accumulator_bytes(kind, dtype), false);
    if (cuda_reduce_is_whole(a)) return launch(c, kind, dtype, REDUCE_WHOLE, a);
    cu_ptr out = a->out;
    return cuda_reduce_partial(c, kind, dtype, a) && launch(c, kind, dtype, REDUCE_FIRST, a) &&
           cuda_reduce_finish(c, kind, dtype, a, out);
}

/* Sets the dimensions; returns the place of x's lowest element, from its first. */
static int64_t lay_out(reduce_args *a, const mx_array *x, const mx_array *out, int count, bool positions)
{
    dims kept = {0}, gone = {0};
    int stay = x->ndim - count;
    int64_t from = 0;
    for (int i = 0; i < stay; i++) dims_add(&kept, x->shape[i], x->strides[i], out->strides[i]);
    for (int i = stay; i < x->ndim; i++) {
        bool back = x->strides[i] < 0 && !positions; /* the order does not matter, so the first is the lowest */
        if (back) from += (x->shape[i] - 1) * x->strides[i];
        dims_add(&gone, x->shape[i], back ? -x->strides[i] : x->strides[i], 0);
    }
    dims_sort(&kept);
    if (!positions) dims_sort(&gone);
    dims_merge(&kept);
    dims_merge(&gone);
    set_dims(a, &kept, &gone);
    return from;
}

void cuda_reduce_plan(reduce_args *a, int kind, const mx_array *x, const mx_array *out, int count)
{
    lay_out(a, x, out, count, false);
    plan(a, (int64_t)mx_dtype_size((mx_dtype)x->dtype), accumulator_bytes(kind, x->dtype), false);
}

bool cuda_reduce(cuda_call *c, int kind, mx_array *x, int count)
{
    reduce_args a;
    cu_ptr in = 0, to;
    bool positions = kind == REDUCE_ARGMIN || kind == REDUCE_ARGMAX;
    if (x->size && !cuda_operand(c, x, &in)) return false;
    if (!cuda_output(c, 0, NULL, &to)) return false;
    if (c->out->size == 0) return true;
    int64_t from = lay_out(&a, x, c->out, count, positions);
    a.in = in + (cu_ptr)(x->size ? from * (int64_t)mx_dtype_size((mx_dtype)x->dtype) : 0);
    a.out = to;
    return run(c, kind, x->dtype, &a);
}

bool cuda_reduce_rows(int64_t rows, int64_t n, int64_t bytes, int *lanes, bool *vectors)
{
    reduce_args a;
    dims kept = {0}, gone = {0};
    dims_add(&kept, rows, n, 1);
    dims_add(&gone, n, 1, 0);
    dims_merge(&kept);
    dims_merge(&gone);
    set_dims(&a, &kept, &gone);
    a.in = a.out = 0;
    plan(&a, bytes, bytes, false);
    *lanes = a.lanes;
    *vectors = a.vectors;
    return !a.columns && a.outer_chunks * a.inner_chunks == 1 && a.inner_lanes == a.lanes;
}

bool cuda_add_rows(cuda_call *c, uint8_t dtype, cu_ptr in, int64_t rows, int64_t stride, int64_t n, cu_ptr out)
{
    reduce_args a;
    dims kept = {.ndim = 1, .shape = {n}, .in = {1}, .out = {1}}, gone = {.ndim = 1, .shape = {rows}, .in = {stride}};
    int64_t acc_bytes = compute_bytes(dtype);
    set_dims(&a, &kept, &gone);
    a.in = in;
    a.out = out;
    plan(&a, acc_bytes, acc_bytes, true);
    return launch(c, REDUCE_SUM, dtype, REDUCE_LAST, &a);
}

/* ---- The ops */
static bool reduce(cuda_call *c, int kind)
{
    const reduce_params *p = c->params;
    return cuda_reduce(c, kind, c->in[0], p->count);
}

/* Bools have no sum. */
static bool arithmetic(cuda_call *c, int kind)
{
    if (c->in[0]->dtype == MX_BOOL) return mx_fail_false(MX_VALUE, "[%s] is not defined for bool.", c->op->name);
    return reduce(c, kind);
}

#define REDUCE_OP(op, call, kind)                                                                                      \
    static bool run_##op(cuda_call *c)                                                                                 \
    {                                                                                                                  \
        return call(c, kind);                                                                                          \
    }                                                                                                                  \
    const cuda_op cuda_##op = {.run = run_##op, .fold = kind + 1};

REDUCE_OP(sum, arithmetic, REDUCE_SUM)
REDUCE_OP(prod, arithmetic, REDUCE_PROD)
REDUCE_OP(min, reduce, REDUCE_MIN)
REDUCE_OP(max, reduce, REDUCE_MAX)
REDUCE_OP(all, reduce, REDUCE_MIN) /* of bools */
REDUCE_OP(any, reduce, REDUCE_MAX)
