/* SPDX-License-Identifier: MIT
 *
 * Sorts of rows by radix, which costs the same for all numbers: threads share the rows, or, of few long ones, each row.
 * Positions go with their keys: in 64 bits where the key has 32 at most, in two words else. */
#include "cpu/kernels/sort.h"
#include "cpu/kernels/kernel.h"
#include <string.h>

#define TEMPLATE "cpu/kernels/sort_key_tmpl.h"
#include "cpu/kernels/each_size.h"

/* Counts become places: digit by digit, chunk by chunk.  False: one digit has all n, so nothing would move. */
static bool radix_places(int64_t (*counts)[SORT_RADIX], int chunks, int64_t n)
{
    int64_t at = 0;
    for (int d = 0; d < SORT_RADIX; d++) {
        int64_t first = at;
        for (int k = 0; k < chunks; k++) {
            int64_t count = counts[k][d];
            counts[k][d] = at;
            at += count;
        }
        if (at - first == n) return false;
    }
    return true;
}

#define ORDER(x) (x)
#define DIGIT(x, shift) ((uint8_t)((x) >> (shift)))
#define T uint8_t
#define KEY uint8_t
#define NAME(name) name##_1
#include "cpu/kernels/sort_radix_tmpl.h"
#define ORDER(x) (x)
#define DIGIT(x, shift) ((uint8_t)((x) >> (shift)))
#define T uint16_t
#define KEY uint16_t
#define NAME(name) name##_2
#include "cpu/kernels/sort_radix_tmpl.h"
#define ORDER(x) (x)
#define DIGIT(x, shift) ((uint8_t)((x) >> (shift)))
#define T uint32_t
#define KEY uint32_t
#define NAME(name) name##_4
#include "cpu/kernels/sort_radix_tmpl.h"
#define ORDER(x) (x)
#define DIGIT(x, shift) ((uint8_t)((x) >> (shift)))
#define T uint64_t
#define KEY uint64_t
#define NAME(name) name##_8
#include "cpu/kernels/sort_radix_tmpl.h"
#define ORDER(x) ((x).key)
#define DIGIT(x, shift) ((uint8_t)((x).key >> (shift)))
#define T sort_pair
#define KEY uint64_t
#define NAME(name) name##_pair
#include "cpu/kernels/sort_radix_tmpl.h"

#define TEMPLATE "cpu/kernels/sort_lanes_tmpl.h"
#include "cpu/kernels/each_size.h"
#define TEMPLATE "cpu/kernels/sort_row_tmpl.h"
#include "cpu/kernels/each_size.h"

/* ---- Rows */
typedef void (*row_fn_of_order)(void *out, const void *in, void *work, int64_t n, sort_order order);
typedef void (*short_rows_fn)(void *out, const void *in, int64_t n, sort_order order);
typedef struct row_sort {
    row_fn_of_order row;
    short_rows_fn short_rows; /* `lanes` of them */
    int lanes;
} row_sort;
typedef struct sort_job {
    row_sort sort;
    int64_t lanes; /* rows that are sorted side by side; 0: none are */
    sort_order order;
    const char *in;
    char *out, *work;
    int64_t n, in_bytes, out_bytes, work_bytes, step; /* of a row */
} sort_job;

/* Each range has work space of its own. */
static void sort_range(void *ctx, int64_t begin, int64_t end)
{
    const sort_job *j = ctx;
    char *work = j->work + begin / j->step * j->work_bytes;
    for (; j->lanes && end - begin >= j->lanes; begin += j->lanes)
        j->sort.short_rows(j->out + begin * j->out_bytes, j->in + begin * j->in_bytes, j->n, j->order);
    for (int64_t r = begin; r < end; r++)
        j->sort.row(j->out + r * j->out_bytes, j->in + r * j->in_bytes, work, j->n, j->order);
}

static bool sort_rows(cpu_call *c, const row_sort by_size[4], bool positions)
{
    enum { RANGES = 64, FEW_ROWS = 8 };
    mx_array *x = cpu_contiguous(c, 0), *work;
    if (!x || !cpu_output(c, 0)) return false;
    if (x->size == 0) return true;
    mx_dtype dtype = (mx_dtype)x->dtype;
    int64_t size = (int64_t)mx_dtype_size(dtype), n = x->shape[x->ndim - 1], rows = x->size / n;
    if (positions && n > UINT32_MAX)
        return mx_fail_false(MX_VALUE, "[%s] %lld elements are more than uint32 counts.", c->op->name, (long long)n);
    bool pairs = positions || dtype == MX_COMPLEX64;
    int64_t work_bytes = n * (!pairs ? size : size == 8 ? 2 * (int64_t)sizeof(sort_pair) : 16);
    int64_t step = n > 2 * SORT_CHUNK && rows < FEW_ROWS ? rows : cpu_rows_step(n * size),
            least = (rows + RANGES - 1) / RANGES;
    if (step < least) step = least;
    int64_t ranges = (rows + step - 1) / step;
    if (!(work = cpu_scratch(c, MX_SHAPE(ranges * work_bytes), MX_UINT8))) return false;
    const row_sort *by = &by_size[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
    bool side_by_side = n <= SORT_LANES_MOST && dtype != MX_COMPLEX64;
    sort_job j = {.sort = *by,
                  .lanes = side_by_side ? by->lanes : 0,
                  .order = sort_order_of(dtype),
                  .in = array_data(x),
                  .out = array_data(c->out),
                  .work = array_data(work),
                  .n = n,
                  .in_bytes = n * size,
                  .out_bytes = n * (positions ? (int64_t)sizeof(uint32_t) : size),
                  .work_bytes = work_bytes,
                  .step = step};
    cpu_split(rows, step, sort_range, &j);
    return true;
}

static bool sort(cpu_call *c)
{
    static const row_sort by_size[4] = {{sort_row_1, sort_short_rows_1, LANES_1},
                                        {sort_row_2, sort_short_rows_2, LANES_2},
                                        {sort_row_4, sort_short_rows_4, LANES_4},
                                        {sort_row_8, sort_short_rows_8, LANES_8}};
    return sort_rows(c, by_size, false);
}

static bool argsort(cpu_call *c)
{
    static const row_sort by_size[4] = {{order_row_1, order_short_rows_1, LANES_8},
                                        {order_row_2, order_short_rows_2, LANES_8},
                                        {order_row_4, order_short_rows_4, LANES_8},
                                        {.row = order_row_8}};
    return sort_rows(c, by_size, true);
}

const cpu_op KERNEL(sort) = {.run = sort};
const cpu_op KERNEL(argsort) = {.run = argsort};
