/* SPDX-License-Identifier: MIT
 *
 * argmax, argmin, searchsorted. */
#include "core/params/search.h"
#include "core/complex.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"

#define IS_NAN(x) ((x) != (x))
#define TEMPLATE "cpu/kernels/search_tmpl.h"
#include "cpu/kernels/each_float.h"
#undef IS_NAN
#define TEMPLATE "cpu/kernels/search_int_tmpl.h"
#include "cpu/kernels/each_int.h"

static bool less_c64(c64_t a, c64_t b)
{
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}

static void arg_rows_c64(uint32_t *out, const void *in, int64_t rows, int64_t n, bool largest)
{
    const c64_t *x = in;
    for (int64_t r = 0; r < rows; r++, x += n) {
        int64_t at = 0;
        for (int64_t i = 1; i < n; i++) {
            if (largest ? less_c64(x[at], x[i]) : less_c64(x[i], x[at])) at = i;
        }
        out[r] = (uint32_t)at;
    }
}

static void search_c64(uint32_t *out, const void *sorted, int64_t n, const void *values, int64_t count, bool right)
{
    const c64_t *x = sorted, *v = values;
    for (int64_t k = 0; k < count; k++) {
        int64_t low = 0, high = n;
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            bool after = right ? !less_c64(v[k], x[middle]) : less_c64(x[middle], v[k]);
            if (after)
                low = middle + 1;
            else
                high = middle;
        }
        out[k] = (uint32_t)low;
    }
}

#define BY_DTYPE(name)                                                                                                 \
    {                                                                                                                  \
        [MX_BOOL] = name##_u8, [MX_UINT8] = name##_u8, [MX_UINT16] = name##_u16, [MX_UINT32] = name##_u32,             \
        [MX_UINT64] = name##_u64, [MX_INT8] = name##_i8, [MX_INT16] = name##_i16, [MX_INT32] = name##_i32,             \
        [MX_INT64] = name##_i64, [MX_FLOAT16] = name##_f16, [MX_FLOAT32] = name##_f32, [MX_FLOAT64] = name##_f64,      \
        [MX_BFLOAT16] = name##_bf16, [MX_COMPLEX64] = name##_c64                                                       \
    }

typedef void (*arg_fn)(uint32_t *out, const void *in, int64_t rows, int64_t n, bool largest);
typedef struct arg_job {
    arg_fn fn;
    const char *in;
    uint32_t *out;
    int64_t n, row_bytes;
    bool largest;
} arg_job;

static void arg_range(void *ctx, int64_t begin, int64_t end)
{
    const arg_job *j = ctx;
    j->fn(j->out + begin, j->in + begin * j->row_bytes, end - begin, j->n, j->largest);
}

static bool arg_extreme(cpu_call *c)
{
    static const arg_fn by_dtype[MX_DTYPE_COUNT] = BY_DTYPE(arg_rows);
    mx_array *x = cpu_contiguous(c, 0);
    if (!x || !cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    int64_t n = x->shape[x->ndim - 1];
    arg_job j = {by_dtype[x->dtype],
                 array_data(x),
                 array_data(c->out),
                 n,
                 n * (int64_t)mx_dtype_size((mx_dtype)x->dtype),
                 ((const arg_params *)c->params)->largest};
    cpu_split(c->out->size, cpu_rows_step(j.row_bytes), arg_range, &j);
    return true;
}

enum { SEARCH_STEP = 4096 };
typedef void (*search_fn)(uint32_t *out, const void *sorted, int64_t n, const void *values, int64_t count, bool right);
typedef struct search_job {
    search_fn fn;
    const char *sorted, *values;
    uint32_t *out;
    int64_t n, bytes;
    bool right;
} search_job;

static void search_range(void *ctx, int64_t begin, int64_t end)
{
    const search_job *j = ctx;
    j->fn(j->out + begin, j->sorted, j->n, j->values + begin * j->bytes, end - begin, j->right);
}

/* A batch of sorted rows has as many rows of values. */
static bool searchsorted(cpu_call *c)
{
    static const search_fn by_dtype[MX_DTYPE_COUNT] = BY_DTYPE(search);
    mx_array *sorted = cpu_contiguous(c, 0), *values = sorted ? cpu_contiguous(c, 1) : NULL;
    if (!values || !cpu_output(c, 0)) return false;
    int64_t rows = sorted->ndim == 2 ? sorted->shape[0] : 1, n = sorted->shape[sorted->ndim - 1],
            count = rows ? values->size / rows : 0;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)sorted->dtype);
    bool right = ((const searchsorted_params *)c->params)->right;
    for (int64_t r = 0; r < rows; r++) {
        search_job j = {.fn = by_dtype[sorted->dtype],
                        .sorted = (char *)array_data(sorted) + r * n * bytes,
                        .values = (char *)array_data(values) + r * count * bytes,
                        .out = (uint32_t *)array_data(c->out) + r * count,
                        .n = n,
                        .bytes = bytes,
                        .right = right};
        cpu_split(count, SEARCH_STEP, search_range, &j);
    }
    return true;
}

const cpu_op KERNEL(arg_extreme) = {.run = arg_extreme};
const cpu_op KERNEL(searchsorted) = {.run = searchsorted};
