/* SPDX-License-Identifier: MIT
 *
 * Outputs, scratch copies and loops of CPU kernels. */
#include "cpu/call.h"
#include "core/thread.h"
#include "cpu/dispatch.h"

bool cpu_output(cpu_call *c, int i)
{
    mx_array *out = &c->out[i];
    mx_buffer *b = buffer_new(mx_nbytes(out));
    if (!b) return false;
    array_set_row_major(out);
    array_set_buffer_take(out, b, 0);
    return true;
}

bool cpu_can_donate(const cpu_call *c, const mx_array *x, const mx_array *out)
{
    bool is_scratch = false;
    if (UNLIKELY(thread_self()->stopped)) return false; /* the input is needed again */
    for (int i = 0; i < c->scratch_count; i++) is_scratch |= c->scratch[i] == x;
    if (!is_scratch && (!c->may_donate || atomic_load_explicit(&x->refs, memory_order_acquire) != 1)) return false;
    return array_is_contiguous(x) && x->size == out->size && buffer_is_reusable(x->buffer) &&
           mx_dtype_size((mx_dtype)x->dtype) == mx_dtype_size((mx_dtype)out->dtype);
}

bool cpu_output_like(cpu_call *c, mx_array *x)
{
    if (!cpu_can_donate(c, x, c->out)) return cpu_output(c, 0);
    array_set_row_major(c->out);
    array_set_buffer_take(c->out, buffer_keep(x->buffer), x->offset);
    return true;
}

mx_array *cpu_scratch(cpu_call *c, mx_shape shape, mx_dtype dtype)
{
    mx_spec spec;
    spec_set(&spec, shape, dtype);
    if (c->scratch_count == CPU_MAX_SCRATCH) return mx_fail(MX_RUNTIME, "[%s] too many scratch arrays.", c->op->name);
    int64_t size = 1;
    for (int i = 0; i < shape.ndim; i++) size *= shape.at[i];
    mx_array *x = array_of_buffer_take(buffer_new((size_t)size * mx_dtype_size(dtype)), shape, dtype);
    if (x) c->scratch[c->scratch_count++] = x;
    return x;
}

mx_array *cpu_contiguous(cpu_call *c, int i)
{
    mx_array *x = c->in[i];
    if (array_is_contiguous(x)) return x;
    mx_array *copy = cpu_scratch(c, array_shape(x), (mx_dtype)x->dtype);
    if (copy)
        cpu_copy_strided(array_data(copy), array_data(x), array_shape(x), x->strides,
                         mx_dtype_size((mx_dtype)x->dtype));
    return copy;
}

typedef struct split_job {
    cpu_range_fn fn;
    void *ctx;
    int64_t n, step;
} split_job;

static void run_range(void *ctx, int64_t chunk)
{
    const split_job *job = ctx;
    int64_t begin = chunk * job->step, end = begin + job->step;
    job->fn(job->ctx, begin, end < job->n ? end : job->n);
}

void cpu_split(int64_t n, int64_t step, cpu_range_fn fn, void *ctx)
{
    if (n <= 0 || UNLIKELY(thread_self()->stopped)) return;
    if (n <= step) {
        fn(ctx, 0, n);
        return;
    }
    cpu_parallel((n + step - 1) / step, run_range, &(split_job){fn, ctx, n, step});
}

int64_t cpu_rows_step(int64_t row_bytes)
{
    int64_t rows = (128 << 10) / (row_bytes > 0 ? row_bytes : 1);
    return rows > 0 ? rows : 1;
}
