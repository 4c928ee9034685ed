/* SPDX-License-Identifier: MIT
 *
 * Scans: rows are shared out among threads. */
#include "core/params/scan.h"
#include "core/complex.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include <math.h>

enum { SCAN_STRETCH = 1 << 16 }; /* between two looks at Ctrl-C */

#define TEMPLATE "cpu/kernels/scan_float_tmpl.h"
#include "cpu/kernels/each_float.h"
#define TEMPLATE "cpu/kernels/scan_int_tmpl.h"
#include "cpu/kernels/each_int.h"

static c64_t scan_one_c64(c64_t a, c64_t v, int kind)
{
    bool greater = v.re > a.re || (v.re == a.re && v.im > a.im), less = v.re < a.re || (v.re == a.re && v.im < a.im);
    switch (kind) {
    case SCAN_SUM: return add_c64(a, v);
    case SCAN_PROD: return mul_c64(a, v);
    case SCAN_MAX: return greater ? v : a;
    case SCAN_MIN: return less ? v : a;
    default: return logaddexp_c64(a, v);
    }
}

static c64_t scan_identity_c64(int kind)
{
    float sign = kind == SCAN_MIN ? 1.0f : -1.0f;
    return kind == SCAN_SUM    ? (c64_t){0, 0}
           : kind == SCAN_PROD ? (c64_t){1, 0}
                               : (c64_t){sign * INFINITY, kind == SCAN_LOGADDEXP ? 0 : sign * INFINITY};
}

static void scan_rows_c64(void *out, const void *in, int64_t rows, int64_t n, const scan_params *p)
{
    const c64_t *x = in;
    c64_t *y = out;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        c64_t total = scan_identity_c64(p->kind);
        for (int64_t k = 0; k < n && !(k && k % SCAN_STRETCH == 0 && cpu_stopped()); k++) {
            int64_t i = p->reverse ? n - 1 - k : k;
            c64_t before = total;
            total = k == 0 ? x[i] : scan_one_c64(total, x[i], p->kind);
            y[i] = p->inclusive ? total : before;
        }
    }
}

/* and, or: a product and a maximum of bools. */
static void scan_rows_bool(void *out, const void *in, int64_t rows, int64_t n, const scan_params *p)
{
    scan_params bytes = *p;
    if (p->kind == SCAN_PROD) bytes.kind = SCAN_MIN;
    scan_rows_u8(out, in, rows, n, &bytes);
    uint8_t *y = out; /* the identity of the minimum is 255 */
    for (int64_t i = 0; i < rows * n && !p->inclusive; i++) y[i] = y[i] != 0;
}

typedef void (*scan_fn)(void *out, const void *in, int64_t rows, int64_t n, const scan_params *p);
typedef struct scan_job {
    scan_fn fn;
    const scan_params *p;
    const char *in;
    char *out;
    int64_t n, row_bytes;
} scan_job;

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const scan_job *j = ctx;
    j->fn(j->out + begin * j->row_bytes, j->in + begin * j->row_bytes, end - begin, j->n, j->p);
}

static bool scan(cpu_call *c)
{
    static const scan_fn by_dtype[MX_DTYPE_COUNT] = {
        [MX_BOOL] = scan_rows_bool,     [MX_UINT8] = scan_rows_u8,     [MX_UINT16] = scan_rows_u16,
        [MX_UINT32] = scan_rows_u32,    [MX_UINT64] = scan_rows_u64,   [MX_INT8] = scan_rows_i8,
        [MX_INT16] = scan_rows_i16,     [MX_INT32] = scan_rows_i32,    [MX_INT64] = scan_rows_i64,
        [MX_FLOAT16] = scan_rows_f16,   [MX_FLOAT32] = scan_rows_f32,  [MX_FLOAT64] = scan_rows_f64,
        [MX_BFLOAT16] = scan_rows_bf16, [MX_COMPLEX64] = scan_rows_c64};
    mx_array *x = cpu_contiguous(c, 0);
    if (!x || !cpu_output_like(c, x)) return false;
    if (x->size == 0) return true;
    int64_t n = x->shape[x->ndim - 1];
    scan_job j = {by_dtype[x->dtype], c->params, array_data(x),
                  array_data(c->out), n,         n * (int64_t)mx_dtype_size((mx_dtype)x->dtype)};
    cpu_split(x->size / n, cpu_rows_step(2 * j.row_bytes), run_range, &j);
    return true;
}

const cpu_op KERNEL(scan) = {.run = scan};
