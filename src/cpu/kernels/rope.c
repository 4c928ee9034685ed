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

typedef void (*rope_fn)(void *out, const void *in, int64_t in_row, const float *cosine, const float *sine,
                        const rope_params *p, int64_t n, int64_t rows);

typedef struct rope_job {
    const rope_params *p;
    rope_fn rows;
    const char *in;
    char *out;
    const mx_array *x; /* in its own strides: heads are often a transposed view */
    int64_t n, positions, bytes;
    int64_t rows_per_offset; /* rows that share an offset */
    const int32_t *offsets;
    const float *freqs; /* or NULL */
    int64_t offset_stride, freqs_stride;
    float *cosine, *sine; /* (offsets, positions, dims/2) */
} rope_job;

enum { TABLE_STEP = 16 }; /* rows of the table that are worth another thread */

static void fill_table(void *ctx, int64_t begin, int64_t end)
{
    const rope_job *job = ctx;
    const rope_params *p = job->p;
    int64_t half = p->dims / 2;
    double back = p->backward ? -1 : 1;
    for (int64_t i = 0; i < half; i++) {
        float inverse = job->freqs ? 1.0f / job->freqs[i * job->freqs_stride] : powf(p->base, -(float)i / (float)half);
        for (int64_t row = begin; row < end; row++) {
            float offset = (float)job->offsets[row / job->positions * job->offset_stride];
            float angle = (offset + (float)(row % job->positions)) * p->scale * inverse;
            job->cosine[row * half + i] = (float)cos((double)angle);
            job->sine[row * half + i] = (float)(back * sin((double)angle));
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

/* Positions of one sequence at a time: dividing indices row by row would take longer than the rotations. */
static void run_rows(void *ctx, int64_t begin, int64_t end)
{
    const rope_job *job = ctx;
    for (int64_t r = begin, count; r < end; r += count) {
        int64_t position = r % job->positions;
        int64_t at = (r / job->rows_per_offset * job->positions + position) * (job->p->dims / 2);
        count = job->positions - position < end - r ? job->positions - position : end - r;
        job->rows(job->out + r * job->n * job->bytes, job->in + row_offset(job->x, r) * job->bytes,
                  job->x->strides[job->x->ndim - 2], job->cosine + at, job->sine + at, job->p, job->n, count);
    }
}

static bool run(cpu_call *c)
{
    static const rope_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = rope_rows_f32,
                                                     [MX_FLOAT64] = rope_rows_f64,
                                                     [MX_FLOAT16] = rope_rows_f16,
                                                     [MX_BFLOAT16] = rope_rows_bf16};
    mx_array *x = c->in[0], *offset = c->in[1], *freqs = c->nin == 3 ? c->in[2] : NULL;
    if (x->strides[x->ndim - 1] != 1 && !(x = cpu_contiguous(c, 0))) return false;
    rope_job job = {.p = c->params,
                    .rows = by_dtype[x->dtype],
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
    job.offsets = array_data(offset);
    job.offset_stride = offset->ndim ? offset->strides[0] : 0;
    job.freqs = freqs ? array_data(freqs) : NULL;
    job.freqs_stride = freqs ? freqs->strides[0] : 0;
    cpu_split(count * job.positions, TABLE_STEP, fill_table, &job);
    cpu_split(rows, cpu_rows_step(2 * job.n * job.bytes), run_rows, &job);
    return true;
}

const cpu_op KERNEL(rope) = {.run = run};
