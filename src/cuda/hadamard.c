/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform: butterflies of near points by blocks, of far ones four distances at a time, then the product of
 * the parts with a matrix of order m; each a pass, of which the last one scales and rounds. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/hadamard_args.cuh"
#include "core/hadamard.h"
#include "core/params/hadamard.h"

enum { STAGES = 4 };

typedef struct hadamard_job {
    struct hadamard_args a;
    cu_ptr to, work;        /* what has more passes to come is in `work`, as floats */
    uint8_t type, computed; /* of what a.from has at present, and of work */
    uint8_t out;
    double scale;
} hadamard_job;

static bool pass(cuda_call *c, hadamard_job *job, variant_id id, int option, bool last)
{
    cuda_variant v = {
        .id = (uint16_t)id, .t = job->type, .u = last ? job->out : job->computed, .option = (uint8_t)option};
    job->a.to = last ? job->to : job->work;
    job->a.scale = last ? job->scale : 1;
    int64_t blocks = (job->a.total + HADAMARD_NEAR - 1) / HADAMARD_NEAR;
    bool ok = id == VARIANT_hadamard_near ? variant_run(c, v, blocks, VARIANT_BLOCK, &job->a, sizeof job->a)
                                          : variant_run_over(c, v, job->a.total, 1, &job->a, sizeof job->a);
    job->a.from = job->a.to;
    job->type = v.u;
    return ok;
}

static void set_signs(struct hadamard_args *a, int order, bool transposed)
{
    for (int i = 0; i < order; i++) {
        for (int j = 0; j < order; j++) {
            bool minus = (transposed ? hadamard_sign(order, j, i) : hadamard_sign(order, i, j)) < 0;
            a->minus[i] |= (u32)minus << j;
        }
    }
}

static bool run_passes(cuda_call *c, hadamard_job *job, const hadamard_params *p, int64_t size)
{
    int64_t power = job->a.power;
    bool mixes = p->order > 1;
    job->a.total = size;
    if (!(mixes && power == 1) && !pass(c, job, VARIANT_hadamard_near, 0, !mixes && power <= HADAMARD_NEAR))
        return false;
    for (int distance = 12; (int64_t)1 << distance < power; distance += STAGES) {
        job->a.log2_distance = distance;
        job->a.stages = 0;
        while (job->a.stages < STAGES && (int64_t)1 << (distance + job->a.stages) < power) job->a.stages++;
        job->a.total = size >> job->a.stages;
        bool last = !mixes && (int64_t)1 << (distance + job->a.stages) == power;
        if (!pass(c, job, VARIANT_hadamard_far, 0, last)) return false;
    }
    if (!mixes) return true;
    set_signs(&job->a, p->order, p->transposed);
    job->a.total = size / p->order;
    return pass(c, job, VARIANT_hadamard_mix, (p->order - 12) / 8, true);
}
_Static_assert(HADAMARD_NEAR == 1 << 12, "the first far distance");

static bool hadamard(cuda_call *c)
{
    const hadamard_params *p = c->params;
    mx_array *x = c->in[0];
    bool is_half = mx_dtype_size((mx_dtype)x->dtype) == 2;
    cuda_block *work = NULL;
    cu_ptr from;
    hadamard_job job = {
        .type = x->dtype, .out = x->dtype, .computed = is_half ? MX_FLOAT32 : x->dtype, .scale = p->scale};
    if (!x->size) return cuda_output(c, 0, NULL, &job.to);
    if (!cuda_contiguous(c, x, &from) || (is_half && !(work = cuda_scratch(c, (size_t)x->size * sizeof(float)))) ||
        !cuda_output(c, 0, x, &job.to))
        return false;
    job.a.from = from;
    job.a.power = x->shape[x->ndim - 1] / p->order;
    job.work = work ? work->at : job.to;
    return run_passes(c, &job, p, x->size);
}

const cuda_op cuda_hadamard = {.run = hadamard};
