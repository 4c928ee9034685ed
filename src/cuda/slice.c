/* SPDX-License-Identifier: MIT
 *
 * Writing into a slice: in the memory of the array itself where nobody else needs that, else in a copy. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "core/params/slice.h"

static bool slice_update(cuda_call *c)
{
    const slice_params *p = c->params;
    mx_array *x = c->in[0], *update = c->in[1];
    cu_ptr from, to;
    int64_t strides[MX_MAX_NDIM], bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    if (!cuda_operand(c, update, &from) || !cuda_output_from(c, x, &to)) return false;
    for (int i = 0; i < x->ndim; i++) {
        to += (cu_ptr)(p->start.at[i] * c->out->strides[i] * bytes);
        strides[i] = p->step.at[i] * c->out->strides[i];
    }
    return cuda_copy_between(c, to, strides, from, update->strides, array_shape(update), (size_t)bytes);
}

const cuda_op cuda_slice_update = {.run = slice_update};
