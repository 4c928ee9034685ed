/* SPDX-License-Identifier: MIT
 *
 * Sorts and partitions of the last axis.  Short rows in shared memory; long ones by radix, two or three launches a
 * digit: counts by tiles, places, moves.  A partition selects its key digit by digit, then moves once, by what is less, equal, greater. */
#include "core/params/sort.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/sort_args.cuh"

enum { BLOCKS_MOST = 1 << 30 };

static bool launch(cuda_call *c, variant_id id, uint8_t type, int option, int64_t blocks, const sort_args *a)
{
    cuda_variant v = {.id = (uint16_t)id, .t = type, .option = (uint8_t)option};
    unsigned threads = id == VARIANT_sort_short ? SORT_SHORT_THREADS : SORT_THREADS;
    return variant_run(c, v, blocks < BLOCKS_MOST ? blocks : BLOCKS_MOST, threads, a, sizeof *a);
}

static bool sort_short(cuda_call *c, sort_args *a, uint8_t type, int option)
{
    for (a->padded = 2; a->padded < a->n; a->padded *= 2) {}
    int64_t each = SORT_SHORT / a->padded;
    return launch(c, VARIANT_sort_short, type, option, (a->rows + each - 1) / each, a);
}

/* One pass of a long row: from a->from to a->to. */
static bool move_by_digit(cuda_call *c, const sort_args *a, uint8_t type, int option)
{
    return launch(c, VARIANT_sort_count, type, option & SORT_PARTS, a->rows * a->tiles, a) &&
           (a->tiles <= SORT_TILES_FEW || launch(c, VARIANT_sort_place, 0, 0, a->rows * SORT_RADIX, a)) &&
           launch(c, VARIANT_sort_move, type, option, a->rows * a->tiles, a);
}

/* Passes go to and fro between two buffers, the last one to the result. */
static bool sort_long(cuda_call *c, sort_args a, uint8_t type, int option)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)type), size = a.rows * a.n;
    bool positions = option & SORT_POSITIONS;
    int passes = type == MX_BOOL ? 1 : (int)bytes;
    cuda_block *spare = cuda_scratch(c, (size_t)(size * bytes)), *second = NULL, *order = NULL;
    if (positions) {
        second = cuda_scratch(c, (size_t)(size * bytes));
        order = cuda_scratch(c, (size_t)size * sizeof(uint32_t));
    }
    if (!spare || (positions && (!second || !order))) return false;
    cu_ptr out = a.to, elements[2] = {positions ? second->at : out, spare->at},
           orders[2] = {out, positions ? order->at : 0};
    for (int pass = 0; pass < passes; pass++) {
        int to = (passes - 1 - pass) % 2;
        a.shift = 8 * pass;
        a.to = positions && pass == passes - 1 ? 0 : elements[to];
        if (positions) a.to_positions = orders[to];
        if (!move_by_digit(c, &a, type, option)) return false;
        a.from = a.to;
        a.from_positions = a.to_positions;
    }
    return true;
}

static bool partition_long(cuda_call *c, sort_args a, uint8_t type, int option)
{
    int bits = 8 * (int)mx_dtype_size((mx_dtype)type);
    cuda_block *picked = cuda_scratch(c, (size_t)a.rows * sizeof(select_state));
    if (!picked) return false;
    a.picked = picked->at;
    if (!launch(c, VARIANT_select_pick, 0, 1, a.rows, &a)) return false;
    for (a.shift = bits - 8; a.shift >= 0; a.shift -= 8) {
        if (!launch(c, VARIANT_select_count, type, 0, a.rows * a.tiles, &a) ||
            !launch(c, VARIANT_select_pick, 0, 0, a.rows, &a))
            return false;
    }
    a.shift = 0;
    if (option & SORT_POSITIONS) {
        a.to_positions = a.to;
        a.to = 0;
    }
    return move_by_digit(c, &a, type, option);
}

static bool sort_rows(cuda_call *c, int option, int64_t kth)
{
    mx_array *x = c->in[0];
    sort_args a = {.kth = kth};
    if (x->size && !cuda_contiguous(c, x, &a.from)) return false;
    if (x->size && x->shape[x->ndim - 1] > SORT_SHORT) {
        a.n = x->shape[x->ndim - 1];
        int tile = mx_dtype_size((mx_dtype)x->dtype) == 8 ? SORT_TILE_WIDE : SORT_TILE;
        a.tiles = (a.n + tile - 1) / tile;
    }
    cu_ptr out;
    if (!cuda_output(c, 0, NULL, &out)) return false;
    a.to = out;
    if (x->size == 0) return true;
    a.n = x->shape[x->ndim - 1];
    a.rows = x->size / a.n;
    if (a.n <= SORT_SHORT) return sort_short(c, &a, x->dtype, option);
    if (option & SORT_POSITIONS && a.n > UINT32_MAX)
        return mx_fail_false(MX_VALUE, "[%s] %lld elements are more than uint32 counts.", c->op->name, (long long)a.n);
    cuda_block *counts = cuda_scratch(c, (size_t)(a.rows * (a.tiles + 1) * SORT_RADIX) * sizeof(int64_t));
    if (!counts) return false;
    a.counts = counts->at;
    a.totals = counts->at + (cu_ptr)(a.rows * a.tiles * SORT_RADIX) * sizeof(int64_t);
    return option & SORT_PARTS ? partition_long(c, a, x->dtype, option) : sort_long(c, a, x->dtype, option);
}

static bool sort(cuda_call *c)
{
    return sort_rows(c, 0, 0);
}
static bool argsort(cuda_call *c)
{
    return sort_rows(c, SORT_POSITIONS, 0);
}
static bool partition(cuda_call *c)
{
    return sort_rows(c, SORT_PARTS, ((const partition_params *)c->params)->kth);
}
static bool argpartition(cuda_call *c)
{
    return sort_rows(c, SORT_PARTS | SORT_POSITIONS, ((const partition_params *)c->params)->kth);
}

const cuda_op cuda_sort = {.run = sort};
const cuda_op cuda_argsort = {.run = argsort};
const cuda_op cuda_partition = {.run = partition};
const cuda_op cuda_argpartition = {.run = argpartition};
