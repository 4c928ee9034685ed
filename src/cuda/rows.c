/* SPDX-License-Identifier: MIT
 *
 * Lanes for rows: as few as keep a whole row in registers, so that short rows share a block and warps are full. */
#include "cuda/rows.h"

int rows_lanes(int64_t n, int64_t bytes)
{
    int lanes = 1;
    while (lanes < ROW_LONGEST && lanes * ROW_VALUES(bytes) < n) lanes *= 2;
    return lanes;
}

bool rows_plan(row_args *a, const mx_array *x)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype), values = ROW_VALUES(bytes);
    uint64_t addresses = a->x | a->y | a->weight | a->bias | a->out;
    a->n = x->shape[x->ndim - 1];
    a->rows = a->n ? x->size / a->n : 0;
    a->vectors = addresses % 16 == 0 && a->n * bytes % 16 == 0;
    a->lanes = rows_lanes(a->n, bytes);
    return a->lanes * values < a->n;
}

unsigned rows_threads(const row_args *a)
{
    return a->lanes <= 32 ? ROW_BLOCK : (unsigned)a->lanes;
}

int64_t rows_blocks(const row_args *a)
{
    int64_t each = rows_threads(a) / a->lanes, blocks = (a->rows + each - 1) / each, most = (int64_t)1 << 30;
    return blocks < most ? blocks : most;
}
