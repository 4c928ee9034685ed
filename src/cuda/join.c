/* SPDX-License-Identifier: MIT
 *
 * Concatenation: each input is copied, as it lies, to its place. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "core/params/join.h"

static bool concatenate(cuda_call *c)
{
    const concatenate_params *p = c->params;
    cu_ptr to, from;
    size_t bytes = mx_dtype_size((mx_dtype)c->out->dtype);
    if (!cuda_output(c, 0, NULL, &to)) return false;
    for (int i = 0; i < c->nin; i++) {
        mx_array *in = c->in[i];
        if (in->size && !(cuda_operand(c, in, &from) &&
                          cuda_copy_between(c, to, c->out->strides, from, in->strides, array_shape(in), bytes)))
            return false;
        /* There may be more inputs than a call has places for. */
        cuda_release(c);
        to += (cu_ptr)(in->shape[p->axis] * c->out->strides[p->axis]) * bytes;
    }
    return true;
}

const cuda_op cuda_concatenate = {.run = concatenate};
