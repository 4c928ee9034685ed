/* SPDX-License-Identifier: MIT
 *
 * softmax, its derivative, logsumexp, and cross entropy with its gradient: rows are shared out among threads. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include <math.h>

enum { STRIP = 4096 };

/* The class of row r; params: are the indices of 64 bits?  Negative ones count from the end, others outside are clamped. */
static int64_t class_of(const void *params, const void *classes, int64_t r, int64_t n)
{
    int64_t at = *(const bool *)params ? ((const int64_t *)classes)[r] : ((const int32_t *)classes)[r];
    if (at < 0) at += n;
    return at < 0 ? 0 : at < n ? at : n - 1;
}

#define TEMPLATE "cpu/kernels/softmax_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef struct rows_job {
    row_fn body;
    const void *params;
    const char *in[3];
    char *out;
    int64_t n, in_bytes[3], out_bytes; /* elements of a row; bytes of its inputs and its output */
    int nin;
} rows_job;

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const rows_job *j = ctx;
    const void *in[3] = {NULL};
    for (int i = 0; i < j->nin; i++) in[i] = j->in[i] + begin * j->in_bytes[i];
    j->body(j->params, j->out + begin * j->out_bytes, in, end - begin, j->n);
}

/* Rows of the first input; other inputs and the output have a row, or one element, for each of them. */
static bool run_rows(cpu_call *c, const row_fn *by_dtype, bool keeps, const void *params)
{
    rows_job j = {.nin = c->nin, .params = params, .body = by_dtype[c->in[0]->dtype]};
    mx_array *like = NULL;
    int ndim = c->in[0]->ndim;
    int64_t bytes = 0;
    j.n = c->in[0]->shape[ndim - 1];
    if (!j.body)
        return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", c->op->name,
                             mx_dtype_name((mx_dtype)c->in[0]->dtype));
    for (int i = 0; i < c->nin; i++) {
        mx_array *in = cpu_contiguous(c, i);
        if (!in) return false;
        if (in->ndim == ndim) like = in;
        j.in[i] = array_data(in);
        j.in_bytes[i] = (in->ndim == ndim ? j.n : 1) * (int64_t)mx_dtype_size((mx_dtype)in->dtype);
        bytes += j.in_bytes[i];
    }
    if (!(keeps ? cpu_output_like(c, like) : cpu_output(c, 0))) return false;
    j.out = array_data(c->out);
    j.out_bytes = (keeps ? j.n : 1) * (int64_t)mx_dtype_size((mx_dtype)c->out->dtype);
    if (like->size) cpu_split(like->size / j.n, cpu_rows_step(bytes + j.in_bytes[0]), run_range, &j);
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
        return run_rows(c, name##_row_op.body, keeps_rows, NULL);                                                      \
    }                                                                                                                  \
    const cpu_op KERNEL(name) = {.run = name, .rows = &name##_row_op};

ROW_OP(softmax, true, 1)
ROW_OP(softmax_vjp, true, 2)
ROW_OP(logsumexp, false, 1)

/* Classes are read as they come, so these are no rows of groups. */
#define CLASS_OP(name, keeps_rows)                                                                                     \
    static const row_fn name##_by_dtype[MX_DTYPE_COUNT] = BY_FLOAT(name##_rows);                                       \
    static bool name(cpu_call *c)                                                                                      \
    {                                                                                                                  \
        bool wide = c->in[1]->dtype == MX_INT64;                                                                       \
        return run_rows(c, name##_by_dtype, keeps_rows, &wide);                                                        \
    }                                                                                                                  \
    const cpu_op KERNEL(name) = {.run = name};

CLASS_OP(cross_entropy, false)
CLASS_OP(cross_entropy_vjp, true)
