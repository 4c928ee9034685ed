/* SPDX-License-Identifier: MIT
 *
 * Rotary positions.  Angles depend on the position only, so their sines and cosines are tabled once for each distinct
 * offset. */
#include "core/params/rope.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include <math.h>
#include <string.h>

#define TEMPLATE "cpu/kernels/rope_tmpl.h"
#include "cpu/kernels/each_float.h"

typedef void (*rope_fn)(void *out, const void *in, const float *cosine, const float *sine, const rope_params *p,
                        int64_t n);

typedef struct rope_job {
    const rope_params *p;
    rope_fn row;
    const char *in;
    char *out;
    const mx_array *x; /* in its own strides: heads are often a transposed view */
    int64_t n, positions, bytes;
    int64_t rows_per_offset; /* rows that share an offset */
    float *cosine, *sine;    /* (offsets, positions, dims/2) */
} rope_job;

static void fill_table(rope_job *job, const int32_t *offsets, int64_t offset_stride, int64_t count, const float *freqs,
                       int64_t freqs_stride)
{
    const rope_params *p = job->p;
    int64_t half = p->dims / 2;
    double back = p->backward ? -1 : 1;
    for (int64_t i = 0; i < half; i++) {
        float inverse = freqs ? 1.0f / freqs[i * freqs_stride] : powf(p->base, -(float)i / (float)half);
        for (int64_t k = 0; k < count; k++) {
            for (int64_t t = 0; t < job->positions; t++) {
                float angle = ((float)offsets[k * offset_stride] + (float)t) * p->scale * inverse;
                int64_t at = (k * job->positions + t) * half + i;
                job->cosine[at] = (float)cos((double)angle);
                job->sine[at] = (float)(back * sin((double)angle));
            }
        }
    }
}

static int64_t row_offset(const mx_array *x, int64_t row)
{
    int64_t offset = 0;
    for (int i = x->ndim - 2; i >= 0; i--) {
        offset += row % x->shape[i] * x->strides[i];
        row /= x->shape[i];
    }
    return offset;
}

static void run_rows(void *ctx, int64_t begin, int64_t end)
{
    const rope_job *job = ctx;
    for (int64_t r = begin; r < end; r++) {
        int64_t at = (r / job->rows_per_offset * job->positions + r % job->positions) * (job->p->dims / 2);
        job->row(job->out + r * job->n * job->bytes, job->in + row_offset(job->x, r) * job->bytes, job->cosine + at,
                 job->sine + at, job->p, job->n);
    }
}

static bool run(cpu_call *c)
{
    static const rope_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = rope_row_f32,
                                                     [MX_FLOAT64] = rope_row_f64,
                                                     [MX_FLOAT16] = rope_row_f16,
                                                     [MX_BFLOAT16] = rope_row_bf16};
    mx_array *x = c->in[0], *offset = c->in[1], *freqs = c->nin == 3 ? c->in[2] : NULL;
    if (x->strides[x->ndim - 1] != 1 && !(x = cpu_contiguous(c, 0))) return false;
    rope_job job = {.p = c->params,
                    .row = by_dtype[x->dtype],
                    .x = x,
                    .n = x->shape[x->ndim - 1],
                    .positions = x->shape[x->ndim - 2],
                    .bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype)};
    if (!cpu_output_like(c, x)) return false;
    if (x->size == 0) return true;
    int64_t rows = x->size / job.n, count = offset->ndim ? offset->shape[0] : 1,
            entries = count * job.positions * (job.p->dims / 2);
    mx_array *table = cpu_scratch(c, SHAPE(2, entries), MX_FLOAT32);
    if (!table) return false;
    job.in = array_data(x);
    job.out = array_data(c->out);
    job.rows_per_offset = rows / count;
    job.cosine = array_data(table);
    job.sine = job.cosine + entries;
    fill_table(&job, array_data(offset), offset->ndim ? offset->strides[0] : 0, count, freqs ? array_data(freqs) : NULL,
               freqs ? freqs->strides[0] : 0);
    cpu_split(rows, cpu_rows_step(2 * job.n * job.bytes), run_rows, &job);
    return true;
}

const cpu_op KERNEL(rope) = {.run = run};
