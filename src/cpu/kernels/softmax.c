/* SPDX-License-Identifier: MIT
 *
 * softmax, its derivative and logsumexp: rows are shared out among threads. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include <math.h>

enum { STRIP = 4096 };

#define TEMPLATE "cpu/kernels/softmax_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef struct rows_job {
    row_fn body;
    const char *in[2];
    char *out;
    int64_t n, in_bytes, out_bytes; /* elements of a row; bytes of its input and its output */
    int nin;
} rows_job;

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const rows_job *j = ctx;
    const void *in[2] = {j->in[0] + begin * j->in_bytes, j->nin > 1 ? j->in[1] + begin * j->in_bytes : NULL};
    j->body(NULL, j->out + begin * j->out_bytes, in, end - begin, j->n);
}

static bool run_rows(cpu_call *c, const cpu_row_op *op)
{
    rows_job j = {.nin = c->nin};
    mx_array *x = NULL;
    for (int i = 0; i < c->nin; i++) {
        if (!(x = cpu_contiguous(c, i))) return false;
        j.in[i] = array_data(x);
    }
    if (!(j.body = op->body[x->dtype]))
        return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", c->op->name, mx_dtype_name((mx_dtype)x->dtype));
    if (!(op->keeps ? cpu_output_like(c, x) : cpu_output(c, 0))) return false;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    j.out = array_data(c->out);
    j.n = x->shape[x->ndim - 1];
    j.in_bytes = j.n * bytes;
    j.out_bytes = op->keeps ? j.in_bytes : bytes;
    if (x->size) cpu_split(x->size / j.n, cpu_rows_step((j.nin + 1) * j.in_bytes), run_range, &j);
    return true;
}

#define BY_FLOAT(name)                                                                                                 \
    {                                                                                                                  \
        [MX_FLOAT32] = name##_f32, [MX_FLOAT64] = name##_f64, [MX_FLOAT16] = name##_f16, [MX_BFLOAT16] = name##_bf16   \
    }
#define ROW_OP(name, keeps_rows, inputs)                                                                               \
    static const cpu_row_op name##_row_op = {.body = BY_FLOAT(name##_rows), .keeps = keeps_rows, .own = inputs};       \
    static bool name(cpu_call *c)                                                                                      \
    {                                                                                                                  \
        return run_rows(c, &name##_row_op);                                                                            \
    }                                                                                                                  \
    const cpu_op KERNEL(name) = {.run = name, .rows = &name##_row_op};

ROW_OP(softmax, true, 1)
ROW_OP(softmax_vjp, true, 2)
ROW_OP(logsumexp, false, 1)
