/* SPDX-License-Identifier: MIT
 *
 * Partitions of rows, which threads share. */
#include "core/params/sort.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/sort.h"

#define TEMPLATE "cpu/kernels/sort_key_tmpl.h"
#include "cpu/kernels/each_size.h"
#define TEMPLATE "cpu/kernels/sort_lanes_tmpl.h"
#include "cpu/kernels/each_size.h"
#define TEMPLATE "cpu/kernels/partition_tmpl.h"
#include "cpu/kernels/each_size.h"

typedef void (*partition_fn)(void *out, const void *in, void *work, int64_t n, int64_t kth, sort_order order);
typedef struct partition_job {
    partition_fn row;
    sort_order order;
    const char *in;
    char *out, *work;
    int64_t n, kth, in_bytes, out_bytes, step, lanes; /* lanes: rows that go side by side; 0: none do */
} partition_job;

/* Each range has work space of its own. */
static void partition_range(void *ctx, int64_t begin, int64_t end)
{
    const partition_job *j = ctx;
    char *work = j->work + begin / j->step * j->in_bytes;
    for (; j->lanes && end - begin >= j->lanes; begin += j->lanes)
        j->row(j->out + begin * j->out_bytes, j->in + begin * j->in_bytes, NULL, j->n, j->kth, j->order);
    for (int64_t r = begin; r < end; r++)
        j->row(j->out + r * j->out_bytes, j->in + r * j->in_bytes, work, j->n, j->kth, j->order);
}

static bool partition_rows(cpu_call *c, const partition_fn by_size[4], bool positions)
{
    enum { RANGES = 64 };
    mx_array *x = cpu_contiguous(c, 0), *work;
    if (!x || !cpu_output(c, 0)) return false;
    if (x->size == 0) return true;
    int64_t size = (int64_t)mx_dtype_size((mx_dtype)x->dtype), n = x->shape[x->ndim - 1], rows = x->size / n;
    if (n > UINT32_MAX)
        return mx_fail_false(MX_VALUE, "[%s] %lld elements are more than uint32 counts.", c->op->name, (long long)n);
    int64_t step = cpu_rows_step(n * size), least = (rows + RANGES - 1) / RANGES;
    if (step < least) step = least;
    int64_t ranges = (rows + step - 1) / step;
    if (!(work = cpu_scratch(c, MX_SHAPE(ranges * n * size), MX_UINT8))) return false;
    partition_job j = {.row = by_size[size == 1   ? 0
                                      : size == 2 ? 1
                                      : size == 4 ? 2
                                                  : 3],
                       .order = sort_order_of((mx_dtype)x->dtype),
                       .in = array_data(x),
                       .out = array_data(c->out),
                       .work = array_data(work),
                       .n = n,
                       .kth = ((const partition_params *)c->params)->kth,
                       .in_bytes = n * size,
                       .out_bytes = n * (positions ? (int64_t)sizeof(uint32_t) : size),
                       .step = step,
                       .lanes = n > SORT_LANES_MOST ? 0
                                : size == 8         ? LANES_8
                                                    : LANES_4};
    cpu_split(rows, step, partition_range, &j);
    return true;
}

static bool partition(cpu_call *c)
{
    static const partition_fn by_size[4] = {partition_row_1, partition_row_2, partition_row_4, partition_row_8};
    return partition_rows(c, by_size, false);
}

static bool argpartition(cpu_call *c)
{
    static const partition_fn by_size[4] = {argpartition_row_1, argpartition_row_2, argpartition_row_4,
                                            argpartition_row_8};
    return partition_rows(c, by_size, true);
}

const cpu_op KERNEL(partition) = {.run = partition};
const cpu_op KERNEL(argpartition) = {.run = argpartition};
