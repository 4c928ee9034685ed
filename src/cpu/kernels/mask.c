/* SPDX-License-Identifier: MIT
 *
 * Masked assignment, row by row: which value an entry gets depends on all entries before it. */
#include "cpu/kernels/kernel.h"

#define TEMPLATE "cpu/kernels/mask_tmpl.h"
#include "cpu/kernels/each_size.h"

typedef void (*masked_fn)(void *to, const bool *mask, const void *from, int64_t n);

static bool enough_values(const bool *mask, int64_t rows, int64_t n, int64_t values)
{
    for (int64_t r = 0; r < rows; r++, mask += n) {
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) count += mask[i];
        if (count <= values) continue;
        return mx_fail_false(MX_RUNTIME, "[masked_scatter] %lld places but only %lld values.", (long long)count,
                             (long long)values);
    }
    return true;
}

static bool masked_set(cpu_call *c)
{
    static const masked_fn by_size[] = {[1] = masked_row_1, [2] = masked_row_2, [4] = masked_row_4, [8] = masked_row_8};
    mx_array *x = c->in[0], *mask = cpu_contiguous(c, 1), *values = cpu_contiguous(c, 2);
    if (!mask || !values) return false;
    int64_t rows = mask->shape[0], n = mask->shape[1], m = values->shape[1];
    const bool *is_true = array_data(mask);
    if (!enough_values(is_true, rows, n, m) || !cpu_output_like(c, x)) return false;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    char *to = array_data(c->out);
    if (c->out->buffer != x->buffer) KERNEL(copy_strided)(to, array_data(x), array_shape(x), x->strides, (size_t)bytes);
    const char *from = array_data(values);
    for (int64_t r = 0; r < rows; r++) by_size[bytes](to + r * n * bytes, is_true + r * n, from + r * m * bytes, n);
    return true;
}

const cpu_op KERNEL(masked_set) = {.run = masked_set};
