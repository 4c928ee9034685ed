/* SPDX-License-Identifier: MIT
 *
 * Writing into a slice: in the memory of the array itself where nobody else needs that, else in a copy. */
#include "core/params/slice.h"
#include "cpu/kernels/kernel.h"

static bool slice_update(cpu_call *c)
{
    const slice_params *p = c->params;
    mx_array *x = c->in[0], *update = c->in[1], *out = c->out;
    size_t bytes = mx_dtype_size((mx_dtype)x->dtype);
    int64_t first = 0, strides[MX_MAX_NDIM];
    if (!cpu_output_like(c, x)) return false;
    if (out->buffer != x->buffer)
        KERNEL(copy_strided)(array_data(out), array_data(x), array_shape(x), x->strides, bytes);
    for (int i = 0; i < out->ndim; i++) {
        first += p->start.at[i] * out->strides[i];
        strides[i] = p->step.at[i] * out->strides[i];
    }
    if (update->size == 0) return true;
    KERNEL(copy_between)
    ((char *)array_data(out) + first * (int64_t)bytes, strides, array_data(update), update->strides,
     array_shape(update), bytes);
    return true;
}

const cpu_op KERNEL(slice_update) = {.run = slice_update};
