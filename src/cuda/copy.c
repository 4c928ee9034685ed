/* SPDX-License-Identifier: MIT
 *
 * Copies between layouts: in units of up to 16 bytes where rows are adjacent on both sides, through tiles where one side's
 * rows are the other's columns. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"

enum { TRANSPOSED_LEAST = 16 };

/* ---- Walks */
struct index_divider index_divider_of(int64_t n)
{
    struct index_divider d = {.n = n};
    if (n < 1 || n >= INDEX_WIDE) return d; /* not used with 32 bits */
    while ((int64_t)1 << d.shift < n) d.shift++;
    d.magic = (u32)(((uint64_t)1 << 32) * (((uint64_t)1 << d.shift) - (uint64_t)n) / (uint64_t)n + 1);
    return d;
}

struct index_walk index_walk_of(mx_shape shape, const int64_t *a, const int64_t *b)
{
    struct index_walk w = {.ndim = 0};
    const int64_t *strides[2] = {a, b ? b : a};
    int64_t sizes[MX_MAX_NDIM + 1] = {1};
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] == 1) continue;
        int last = w.ndim - 1;
        bool merges = w.ndim > 0;
        for (int k = 0; k < 2 && merges; k++) merges = w.stride[k][last] == strides[k][i] * shape.at[i];
        if (!merges) sizes[last = w.ndim++] = 1;
        sizes[last] *= shape.at[i];
        for (int k = 0; k < 2; k++) w.stride[k][last] = strides[k][i];
    }
    if (!w.ndim) w.ndim = 1;
    for (int i = 0; i < w.ndim; i++) w.shape[i] = index_divider_of(sizes[i]);
    return w;
}

size_t index_walk_widen(struct index_walk *w, int layouts, size_t bytes, uint64_t odd)
{
    int last = w->ndim - 1;
    uint64_t all = odd | (uint64_t)w->shape[last].n * bytes;
    for (int k = 0; k < layouts; k++) {
        if (w->stride[k][last] != 1) return bytes;
        for (int i = 0; i < last; i++) all |= (uint64_t)w->stride[k][i] * bytes;
    }
    size_t unit = 16;
    while (all % unit) unit /= 2;
    if (unit <= bytes) return bytes;
    int64_t elements = (int64_t)(unit / bytes);
    w->shape[last] = index_divider_of(w->shape[last].n / elements);
    for (int k = 0; k < layouts; k++) {
        for (int i = 0; i < last; i++) w->stride[k][i] /= elements;
    }
    return unit;
}

static int64_t walk_size(const struct index_walk *w)
{
    int64_t n = 1;
    for (int i = 0; i < w->ndim; i++) n *= w->shape[i].n;
    return n;
}

/* ---- Copies */
/* The dimension along which `from` is adjacent while `to` is adjacent along the last; -1: there is no such thing. */
static int transposed_dimension(const struct index_walk *w)
{
    int last = w->ndim - 1;
    if (w->stride[0][last] != 1 || w->stride[1][last] == 1 || w->shape[last].n < TRANSPOSED_LEAST) return -1;
    for (int i = last - 1; i >= 0; i--) {
        if (w->stride[1][i] == 1 && w->shape[i].n >= TRANSPOSED_LEAST) return i;
    }
    return -1;
}

static bool transpose(cuda_call *c, struct index_walk w, int row, cu_ptr to, cu_ptr from, size_t bytes)
{
    int side = bytes > 2 ? 32 : 64, last = w.ndim - 1;
    struct transpose_args a = {.to = to,
                               .from = from,
                               .rows = w.shape[row].n,
                               .columns = w.shape[last].n,
                               .to_row = w.stride[0][row],
                               .from_column = w.stride[1][last],
                               .batch = {.ndim = 1, .shape = {index_divider_of(1)}}};
    a.row_tiles = index_divider_of((a.rows + side - 1) / side);
    a.column_tiles = index_divider_of((a.columns + side - 1) / side);
    int n = 0;
    for (int i = 0; i < last; i++) {
        if (i == row) continue;
        a.batch.shape[n] = w.shape[i];
        a.batch.stride[0][n] = w.stride[0][i];
        a.batch.stride[1][n++] = w.stride[1][i];
    }
    if (n) a.batch.ndim = n;
    a.blocks = walk_size(&a.batch) * a.row_tiles.n * a.column_tiles.n;
    int64_t most = (int64_t)c->queue->device->sm_count * 64;
    cuda_variant v = {.id = VARIANT_transpose, .t = variant_unit(bytes)};
    return variant_run(c, v, a.blocks < most ? a.blocks : most, VARIANT_BLOCK, &a, sizeof a);
}

static bool fill(cuda_call *c, struct copy_args *a, size_t bytes)
{
    cuda_variant v = {.id = VARIANT_fill, .t = variant_unit(bytes)};
    a->total = walk_size(&a->walk);
    return variant_run_over(c, v, a->total, 1, a, sizeof *a);
}

bool cuda_copy_between(cuda_call *c, cu_ptr to, const int64_t *to_strides, cu_ptr from, const int64_t *from_strides,
                       mx_shape shape, size_t bytes)
{
    struct copy_args a = {.to = to, .from = from, .walk = index_walk_of(shape, to_strides, from_strides)};
    for (int i = 0; i < shape.ndim; i++) {
        if (!shape.at[i]) return true;
    }
    int row = transposed_dimension(&a.walk);
    if (row >= 0) return transpose(c, a.walk, row, to, from, bytes);
    if (a.walk.stride[1][a.walk.ndim - 1] == 0) {
        struct copy_args repeated = a;
        if (index_walk_widen(&repeated.walk, 1, bytes, to) == 16) return fill(c, &repeated, bytes);
    }
    size_t unit = index_walk_widen(&a.walk, 2, bytes, to | from);
    a.total = walk_size(&a.walk);
    cuda_variant v = {.id = VARIANT_copy, .t = variant_unit(unit), .option = a.total >= INDEX_WIDE};
    return variant_run_over(c, v, a.total, unit == 16 ? 2 : 4, &a, sizeof a);
}

/* ---- Whole arrays */
static bool copy_row_major(cuda_call *c, cu_ptr to, const mx_array *x, cu_ptr from)
{
    int64_t strides[MX_MAX_NDIM];
    shape_row_major(array_shape(x), strides);
    return cuda_copy_between(c, to, strides, from, x->strides, array_shape(x), mx_dtype_size((mx_dtype)x->dtype));
}

bool cuda_contiguous(cuda_call *c, mx_array *x, cu_ptr *at)
{
    cu_ptr from;
    if (!cuda_operand(c, x, &from)) return false;
    *at = from;
    if (array_is_contiguous(x)) return true;
    cuda_block *copy = cuda_scratch(c, mx_nbytes(x));
    return copy && copy_row_major(c, *at = copy->at, x, from);
}

bool cuda_output_from(cuda_call *c, mx_array *x, cu_ptr *at)
{
    cu_ptr from;
    if (!cuda_operand(c, x, &from) || !cuda_output(c, 0, x, at)) return false;
    return c->out->buffer == x->buffer || copy_row_major(c, *at, x, from);
}

bool cuda_copy(cuda_call *c, mx_array *x)
{
    cu_ptr from = 0, to;
    if ((x->size && !cuda_operand(c, x, &from)) || !cuda_output(c, 0, NULL, &to)) return false;
    return copy_row_major(c, to, x, from);
}
