/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform: rows are shared out among threads; a row is k butterflies in each of its m parts, then a
 * product of the parts with a matrix of order m. */
#include "core/hadamard.h"
#include "core/params/hadamard.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"

enum {
    MAX_ORDER = 28,
    PADDED = 32,  /* whole vectors */
    COLUMNS = 16, /* of a row's parts that are mixed at a time */
    BLOCK = 4096, /* points that stay in the L1 cache; a power of 4 */
};

typedef struct hadamard_plan {
    int64_t n, power; /* n = order * power */
    int order;
    double scale;
    float sign[MAX_ORDER][PADDED]; /* [j][i]: of point j in point i of the result */
} hadamard_plan;

#define TEMPLATE "cpu/kernels/hadamard_tmpl.h"
#include "cpu/kernels/each_float.h"

static hadamard_plan plan_of(const hadamard_params *p, int64_t n)
{
    hadamard_plan plan = {.n = n, .power = n / p->order, .order = p->order, .scale = p->scale};
    for (int i = 0; p->order > 1 && i < p->order; i++) {
        for (int j = 0; j < p->order; j++) {
            int value = hadamard_sign(p->order, i, j);
            if (p->transposed)
                plan.sign[i][j] = (float)value;
            else
                plan.sign[j][i] = (float)value;
        }
    }
    return plan;
}

typedef void (*rows_fn)(void *out, const void *in, void *work, const hadamard_plan *plan, int64_t rows);

typedef struct hadamard_job {
    rows_fn rows;
    hadamard_plan plan;
    const char *in;
    char *out, *work;
    int64_t row_bytes, work_bytes;
} hadamard_job;

static void run_rows(void *ctx, int64_t begin, int64_t end)
{
    const hadamard_job *job = ctx;
    job->rows(job->out + begin * job->row_bytes, job->in + begin * job->row_bytes, job->work + begin * job->work_bytes,
              &job->plan, end - begin);
}

static bool run(cpu_call *c)
{
    static const rows_fn by_dtype[MX_DTYPE_COUNT] = {[MX_FLOAT32] = hadamard_rows_f32,
                                                     [MX_FLOAT64] = hadamard_rows_f64,
                                                     [MX_FLOAT16] = hadamard_rows_f16,
                                                     [MX_BFLOAT16] = hadamard_rows_bf16};
    mx_array *x = cpu_contiguous(c, 0), *work = NULL;
    if (!x || !cpu_output_like(c, x)) return false;
    int64_t n = x->shape[x->ndim - 1], bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    hadamard_job job = {.rows = by_dtype[x->dtype],
                        .plan = plan_of(c->params, n),
                        .row_bytes = n * bytes,
                        .work_bytes = n * (bytes < 4 ? 4 : bytes)};
    if (bytes < 4 && !(work = cpu_scratch(c, array_shape(x), MX_FLOAT32))) return false;
    job.in = array_data(x);
    job.out = array_data(c->out);
    job.work = array_data(work ? work : c->out);
    cpu_split(x->size / n, cpu_rows_step(job.row_bytes + job.work_bytes), run_rows, &job);
    return true;
}

const cpu_op KERNEL(hadamard) = {.run = run};
