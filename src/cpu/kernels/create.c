/* SPDX-License-Identifier: MIT
 *
 * Counting. */
#include "core/complex.h"
#include "core/params/create.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"

/* A double as an integer dtype has it: small ones wrap, as a cast by way of int64 does. */
static uint64_t whole(double x)
{
    if (x > -0x1p63 && x < 0x1p63) return (uint64_t)(int64_t)x;
    return x > 0 && x < 0x1p64 ? (uint64_t)x : UINT64_C(1) << 63;
}

#define TEMPLATE "cpu/kernels/create_tmpl.h"
#include "cpu/kernels/each_int.h"
#define TEMPLATE "cpu/kernels/create_float_tmpl.h"
#include "cpu/kernels/each_float.h"

static void arange_c64(void *out, double start, double step, int64_t begin, int64_t end)
{
    c64_t *y = out;
    for (int64_t i = begin; i < end; i++) y[i] = (c64_t){(float)(start + (double)i * step), 0};
}

typedef void (*arange_fn)(void *out, double start, double step, int64_t begin, int64_t end);
static const arange_fn by_dtype[MX_DTYPE_COUNT] = {
    [MX_UINT8] = arange_u8,     [MX_UINT16] = arange_u16,  [MX_UINT32] = arange_u32,    [MX_UINT64] = arange_u64,
    [MX_INT8] = arange_i8,      [MX_INT16] = arange_i16,   [MX_INT32] = arange_i32,     [MX_INT64] = arange_i64,
    [MX_FLOAT16] = arange_f16,  [MX_FLOAT32] = arange_f32, [MX_BFLOAT16] = arange_bf16, [MX_FLOAT64] = arange_f64,
    [MX_COMPLEX64] = arange_c64};

typedef struct arange_job {
    const arange_params *p;
    void *out;
} arange_job;

static void arange_range(void *ctx, int64_t begin, int64_t end)
{
    const arange_job *job = ctx;
    by_dtype[job->p->dtype](job->out, job->p->start, job->p->step, begin, end);
}

static bool arange(cpu_call *c)
{
    enum { STEP = 1 << 15 };
    if (!cpu_output(c, 0)) return false;
    cpu_split(c->out->size, STEP, arange_range, &(arange_job){c->params, array_data(c->out)});
    return true;
}

const cpu_op KERNEL(arange) = {.run = arange};
