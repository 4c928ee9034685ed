/* SPDX-License-Identifier: MIT
 *
 * Reductions of the last axes. */
#include "core/params/reduce.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"

#define TEMPLATE "cpu/kernels/reduce_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef void (*rows_fn)(void *out, const void *in, int64_t rows, int64_t n);

static bool sum(cpu_call *c)
{
    static const rows_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = sum_rows_f32,
                                                     [MX_FLOAT64] = sum_rows_f64,
                                                     [MX_FLOAT16] = sum_rows_f16,
                                                     [MX_BFLOAT16] = sum_rows_bf16};
    mx_array *x = cpu_contiguous(c, 0);
    if (!x || !by_dtype[x->dtype])
        return x && mx_fail_false(MX_VALUE, "[sum] is not defined for %s.", mx_dtype_name((mx_dtype)x->dtype));
    if (!cpu_output(c, 0)) return false;
    int64_t rows = c->out->size;
    by_dtype[x->dtype](array_data(c->out), array_data(x), rows, rows ? x->size / rows : 0);
    return true;
}

const cpu_op KERNEL(sum) = {.run = sum};
