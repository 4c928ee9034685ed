/* SPDX-License-Identifier: MIT
 *
 * softmax and logsumexp: rows are shared out among threads. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include <math.h>

enum { STRIP = 4096 };

#define TEMPLATE "cpu/kernels/softmax_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef void (*rows_fn)(void *out, const void *in, int64_t rows, int64_t n);

typedef struct rows_job {
    rows_fn fn;
    const char *in;
    char *out;
    int64_t n, in_bytes, out_bytes; /* elements of a row; bytes of its input and its output */
} rows_job;

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const rows_job *job = ctx;
    job->fn(job->out + begin * job->out_bytes, job->in + begin * job->in_bytes, end - begin, job->n);
}

static bool run_rows(cpu_call *c, const rows_fn *by_dtype, bool keeps_rows)
{
    mx_array *x = cpu_contiguous(c, 0);
    if (!x) return false;
    if (!by_dtype[x->dtype])
        return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", c->op->name, mx_dtype_name((mx_dtype)x->dtype));
    if (!(keeps_rows ? cpu_output_like(c, x) : cpu_output(c, 0))) return false;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype), n = x->shape[x->ndim - 1];
    rows_job job = {.fn = by_dtype[x->dtype],
                    .in = array_data(x),
                    .out = array_data(c->out),
                    .n = n,
                    .in_bytes = n * bytes,
                    .out_bytes = keeps_rows ? n * bytes : bytes};
    if (x->size) cpu_split(x->size / n, cpu_rows_step(2 * n * bytes), run_range, &job);
    return true;
}

static bool softmax(cpu_call *c)
{
    static const rows_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = softmax_rows_f32,
                                                     [MX_FLOAT64] = softmax_rows_f64,
                                                     [MX_FLOAT16] = softmax_rows_f16,
                                                     [MX_BFLOAT16] = softmax_rows_bf16};
    return run_rows(c, by_dtype, true);
}

static bool logsumexp(cpu_call *c)
{
    static const rows_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = logsumexp_rows_f32,
                                                     [MX_FLOAT64] = logsumexp_rows_f64,
                                                     [MX_FLOAT16] = logsumexp_rows_f16,
                                                     [MX_BFLOAT16] = logsumexp_rows_bf16};
    return run_rows(c, by_dtype, false);
}

typedef void (*pair_rows_fn)(void *out, const void *in, const void *cotangent, int64_t rows, int64_t n);
typedef struct pair_job {
    pair_rows_fn fn;
    const char *y, *v;
    char *out;
    int64_t n, row_bytes;
} pair_job;

static void run_pairs(void *ctx, int64_t begin, int64_t end)
{
    const pair_job *j = ctx;
    int64_t at = begin * j->row_bytes;
    j->fn(j->out + at, j->y + at, j->v + at, end - begin, j->n);
}

static bool softmax_vjp(cpu_call *c)
{
    static const pair_rows_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = softmax_vjp_rows_f32,
                                                          [MX_FLOAT64] = softmax_vjp_rows_f64,
                                                          [MX_FLOAT16] = softmax_vjp_rows_f16,
                                                          [MX_BFLOAT16] = softmax_vjp_rows_bf16};
    mx_array *y = cpu_contiguous(c, 0), *v = y ? cpu_contiguous(c, 1) : NULL;
    if (!v || !cpu_output_like(c, v)) return false;
    int64_t n = y->shape[y->ndim - 1], row_bytes = n * (int64_t)mx_dtype_size((mx_dtype)y->dtype);
    pair_job job = {by_dtype[y->dtype], array_data(y), array_data(v), array_data(c->out), n, row_bytes};
    if (y->size) cpu_split(y->size / n, cpu_rows_step(3 * row_bytes), run_pairs, &job);
    return true;
}

const cpu_op KERNEL(softmax_vjp) = {.run = softmax_vjp};
const cpu_op KERNEL(softmax) = {.run = softmax};
const cpu_op KERNEL(logsumexp) = {.run = logsumexp};
