/* SPDX-License-Identifier: MIT
 *
 * RMS norm and layer norm.  Weight gradients are summed over fixed chunks of rows, then over the chunks, so their bits
 * do not depend on the threads. */
#include "core/params/norm.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include <math.h>

enum { STRIP = 256, LANES = 64, PREFETCH_BYTES = 12 << 10 };

#define TEMPLATE "cpu/kernels/norm_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef void (*forward_fn)(void *out, const void *in, const void *weight, const void *bias, int64_t rows, int64_t n,
                           float eps, bool stream);
typedef void (*backward_fn)(void *out, const void *in, const void *weight, const void *dout, void *dw, void *db,
                            int64_t rows, int64_t n, float eps);
typedef void (*parts_fn)(void *out, const void *parts, int64_t count, int64_t stride, int64_t n);

#define BY_FLOAT(name)                                                                                                 \
    {                                                                                                                  \
        [MX_FLOAT32] = name##_f32, [MX_FLOAT64] = name##_f64, [MX_FLOAT16] = name##_f16, [MX_BFLOAT16] = name##_bf16   \
    }

typedef struct norm_job {
    forward_fn forward;
    backward_fn backward;
    const char *x, *dout;
    const void *weight, *bias;
    char *out, *parts; /* backward: n sums of the weight, then n of the bias, for each chunk */
    int64_t rows, n, bytes, step, part_bytes;
    float eps;
    bool stream;
} norm_job;

static void forward_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_job *j = ctx;
    int64_t at = begin * j->n * j->bytes;
    j->forward(j->out + at, j->x + at, j->weight, j->bias, end - begin, j->n, j->eps, j->stream);
}

static bool run_forward(cpu_call *c, const forward_fn *by_dtype)
{
    mx_array *in[3] = {NULL};
    for (int i = 0; i < c->nin; i++) {
        if (!(in[i] = cpu_contiguous(c, i))) return false;
    }
    if (!cpu_output_like(c, in[0])) return false;
    mx_array *x = in[0];
    if (x->size == 0) return true;
    int64_t n = x->shape[x->ndim - 1];
    norm_job j = {.forward = by_dtype[x->dtype],
                  .x = array_data(x),
                  .weight = array_data(in[1]),
                  .bias = in[2] ? array_data(in[2]) : NULL,
                  .out = array_data(c->out),
                  .n = n,
                  .bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype),
                  .eps = ((const norm_params *)c->params)->eps,
                  .stream = c->out->buffer != x->buffer && cpu_beyond_caches(mx_nbytes(c->out))};
    cpu_split(x->size / n, cpu_rows_step(2 * n * j.bytes), forward_range, &j);
    return true;
}

static void backward_range(void *ctx, int64_t begin, int64_t end)
{
    const norm_job *j = ctx;
    int64_t at = begin * j->n * j->bytes;
    char *dw = j->parts + begin / j->step * 2 * j->part_bytes;
    j->backward(j->out + at, j->x + at, j->weight, j->dout + at, dw, dw + j->part_bytes, end - begin, j->n, j->eps);
}

static bool run_backward(cpu_call *c, const backward_fn *by_dtype)
{
    static const parts_fn add_by_dtype[MX_DTYPE_COUNT] = BY_FLOAT(add_parts);
    mx_array *x = cpu_contiguous(c, 0), *w = x ? cpu_contiguous(c, 1) : NULL, *dout = w ? cpu_contiguous(c, 2) : NULL;
    if (!dout) return false;
    for (int i = 0; i < c->nout; i++) {
        if (!cpu_output(c, i)) return false;
    }
    int64_t n = x->shape[x->ndim - 1], rows = n ? x->size / n : 0, bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    norm_job j = {.backward = by_dtype[x->dtype],
                  .x = array_data(x),
                  .weight = array_data(w),
                  .dout = array_data(dout),
                  .out = array_data(&c->out[0]),
                  .n = n,
                  .bytes = bytes,
                  .part_bytes = n * (x->dtype == MX_FLOAT64 ? 8 : 4),
                  .eps = ((const norm_params *)c->params)->eps};
    /* At most 64 parts, or long rows would have parts as large as x. */
    j.step = cpu_rows_step(3 * n * bytes);
    if (j.step < rows / 64) j.step = rows / 64;
    int64_t chunks = (rows + j.step - 1) / j.step;
    mx_array *parts = cpu_scratch(c, MX_SHAPE(chunks * 2 * j.part_bytes), MX_UINT8);
    if (!parts) return false;
    j.parts = array_data(parts);
    cpu_split(rows, j.step, backward_range, &j);
    int64_t stride = 2 * n;
    add_by_dtype[x->dtype](array_data(&c->out[1]), j.parts, chunks, stride, n);
    if (c->nout == 3) add_by_dtype[x->dtype](array_data(&c->out[2]), j.parts + j.part_bytes, chunks, stride, n);
    return true;
}

static bool rms_norm(cpu_call *c)
{
    return run_forward(c, (const forward_fn[MX_DTYPE_COUNT])BY_FLOAT(rms_norm_rows));
}
static bool layer_norm(cpu_call *c)
{
    return run_forward(c, (const forward_fn[MX_DTYPE_COUNT])BY_FLOAT(layer_norm_rows));
}
static const cpu_row_op rms_norm_row_op = {.body = BY_FLOAT(rms_norm_body), .keeps = true, .own = 1};
static const cpu_row_op layer_norm_row_op = {.body = BY_FLOAT(layer_norm_body), .keeps = true, .own = 1};
static bool rms_norm_vjp(cpu_call *c)
{
    return run_backward(c, (const backward_fn[MX_DTYPE_COUNT])BY_FLOAT(rms_norm_back_rows));
}
static bool layer_norm_vjp(cpu_call *c)
{
    return run_backward(c, (const backward_fn[MX_DTYPE_COUNT])BY_FLOAT(layer_norm_back_rows));
}

const cpu_op KERNEL(rms_norm) = {.run = rms_norm, .rows = &rms_norm_row_op};
const cpu_op KERNEL(layer_norm) = {.run = layer_norm, .rows = &layer_norm_row_op};
const cpu_op KERNEL(rms_norm_vjp) = {.run = rms_norm_vjp};
const cpu_op KERNEL(layer_norm_vjp) = {.run = layer_norm_vjp};
