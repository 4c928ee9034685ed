/* SPDX-License-Identifier: MIT
 *
 * Reductions of the last axes.  Two plans: rows whose elements are adjacent are folded along themselves; where the kept
 * axis is adjacent instead (sums of columns), whole rows are folded into a row of partial results, without a transposed
 * copy.  Anything else is copied to rows first.  Long reductions are cut into chunks of fixed sizes whose partial
 * results are combined in order, so the bits do not depend on the threads. */
#include "core/params/reduce.h"
#include "core/complex.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/reduce.h"
#include "cpu/kernels/walk.h"
#include <math.h>

/* NaN wins: once in, it stays. */
#define FOLD_SUM(a, v) ((a) + (v))
#define FOLD_PROD(a, v) ((a) * (v))
#define FOLD_MIN(a, v) ((v) < (a) || (v) != (v) ? (v) : (a))
#define FOLD_MAX(a, v) ((v) > (a) || (v) != (v) ? (v) : (a))

#define RNAME(name) NAME(sum_##name)
#define FOLD FOLD_SUM
#define IDENTITY 0
#define TEMPLATE "cpu/kernels/reduce_tmpl.h"
#include "cpu/kernels/each_float.h"
#define TEMPLATE "cpu/kernels/reduce_int_tmpl.h"
#include "cpu/kernels/each_int.h"
#undef RNAME
#undef FOLD
#undef IDENTITY

#define RNAME(name) NAME(prod_##name)
#define FOLD FOLD_PROD
#define IDENTITY 1
#define TEMPLATE "cpu/kernels/reduce_tmpl.h"
#include "cpu/kernels/each_float.h"
#define TEMPLATE "cpu/kernels/reduce_int_tmpl.h"
#include "cpu/kernels/each_int.h"
#undef RNAME
#undef FOLD
#undef IDENTITY

#define RNAME(name) NAME(min_##name)
#define FOLD FOLD_MIN
#define IDENTITY HIGHEST
#define TEMPLATE "cpu/kernels/reduce_extreme_tmpl.h"
#include "cpu/kernels/each_float.h"
#define TEMPLATE "cpu/kernels/reduce_int_tmpl.h"
#include "cpu/kernels/each_int.h"
#undef RNAME
#undef FOLD
#undef IDENTITY

#define RNAME(name) NAME(max_##name)
#define FOLD FOLD_MAX
#define IDENTITY LOWEST
#define TEMPLATE "cpu/kernels/reduce_extreme_tmpl.h"
#include "cpu/kernels/each_float.h"
#define TEMPLATE "cpu/kernels/reduce_int_tmpl.h"
#include "cpu/kernels/each_int.h"
#undef RNAME
#undef FOLD
#undef IDENTITY

/* ---- complex64 and bool */
#define T c64_t
#define ACC c64_t
#define LOAD(x) (x)
#define STORE(x) (x)
#define RNAME(name) sum_##name##_c64
#define FOLD(a, v) add_c64(a, v)
#define IDENTITY ((c64_t){0, 0})
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
#define RNAME(name) prod_##name##_c64
#define FOLD(a, v) mul_c64(a, v)
#define IDENTITY ((c64_t){1, 0})
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
/* Ordered by the real part, then the imaginary one, as they are sorted. */
ALWAYS_INLINE c64_t extreme_c64(c64_t a, c64_t v, bool largest)
{
    bool less = v.re < a.re || (v.re == a.re && v.im < a.im), greater = v.re > a.re || (v.re == a.re && v.im > a.im);
    return (largest ? greater : less) || v.re != v.re ? v : a;
}
#define RNAME(name) min_##name##_c64
#define FOLD(a, v) extreme_c64(a, v, false)
#define IDENTITY ((c64_t){INFINITY, INFINITY})
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
#define RNAME(name) max_##name##_c64
#define FOLD(a, v) extreme_c64(a, v, true)
#define IDENTITY ((c64_t){-INFINITY, -INFINITY})
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
#undef T
#undef ACC
#define T bool
#define ACC bool
#define RNAME(name) all_##name##_bool
#define FOLD(a, v) ((a) & (v))
#define IDENTITY true
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
#define RNAME(name) any_##name##_bool
#define FOLD(a, v) ((a) | (v))
#define IDENTITY false
#include "cpu/kernels/reduce_tmpl.h"
#undef RNAME
#undef FOLD
#undef IDENTITY
#undef T
#undef ACC
#undef LOAD
#undef STORE

/* ---- Plans */
typedef struct reduce_job {
    const reduction *r;
    walk kept; /* operand 0: offsets of rows in the input */
    const char *in;
    char *out, *partials;
    int64_t bytes;           /* of an element */
    int64_t rows, n;         /* results; elements folded into each */
    int64_t stride, columns; /* columns: step from one folded row to the next; adjacent results */
    int64_t chunk, chunks;   /* folded elements (rows) of a chunk; chunks of each result (block) */
    int64_t blocks;          /* columns: blocks of adjacent results */
} reduce_job;

/* Offset of result `row` among all kept axes. */
static int64_t kept_offset(const walk *w, int64_t row)
{
    int64_t last = w->ndim - 1;
    return walk_row_offset(w, 0, row / w->shape[last]) + row % w->shape[last] * w->stride[0][last];
}

static void fold_short_rows(void *ctx, int64_t begin, int64_t end)
{
    const reduce_job *j = ctx;
    int64_t last = j->kept.ndim - 1, length = j->kept.shape[last], stride = j->kept.stride[0][last];
    for (int64_t row = begin; row < end;) {
        int64_t rest = length - row % length, rows = rest < end - row ? rest : end - row;
        j->r->fold_each(j->out + row * j->bytes, j->in + kept_offset(&j->kept, row) * j->bytes, rows, stride, j->n);
        row += rows;
    }
}

static void fold_row_chunk(void *ctx, int64_t i)
{
    const reduce_job *j = ctx;
    int64_t row = i / j->chunks, at = i % j->chunks * j->chunk, n = j->n - at < j->chunk ? j->n - at : j->chunk;
    j->r->fold_chunk(j->partials + i * j->r->partial_bytes, j->in + (kept_offset(&j->kept, row) + at) * j->bytes, n);
}

static void fold_column_chunk(void *ctx, int64_t i)
{
    const reduce_job *j = ctx;
    int64_t chunk = i % j->chunks, block = i / j->chunks % j->blocks, outer = i / j->chunks / j->blocks;
    int64_t first = block * COLUMN_BLOCK,
            columns = j->columns - first < COLUMN_BLOCK ? j->columns - first : COLUMN_BLOCK;
    int64_t row = chunk * j->chunk, rows = j->n - row < j->chunk ? j->n - row : j->chunk;
    int64_t offset = kept_offset(&j->kept, outer * j->columns + first) + row * j->stride;
    double local[2 * COLUMN_BLOCK];
    char *partial = j->chunks == 1
                        ? (char *)local
                        : j->partials + ((outer * j->chunks + chunk) * j->columns + first) * j->r->partial_bytes;
    j->r->fold_rows(partial, j->in + offset * j->bytes, rows, j->stride, columns);
    if (j->chunks == 1) j->r->finish(j->out + (outer * j->columns + first) * j->bytes, partial, 1, 0, columns);
}

/* Merged strides of the axes that stay, and of those that go. */
static walk walk_of(const mx_array *x, int first, int count)
{
    int64_t strides[1][MX_MAX_NDIM];
    for (int i = 0; i < count; i++) strides[0][i] = x->strides[first + i];
    return walk_merge((mx_shape){count, x->shape + first}, 1, (const int64_t(*)[MX_MAX_NDIM])strides);
}

static char *partials_of(cpu_call *c, int64_t count, int64_t bytes)
{
    mx_array *scratch = cpu_scratch(c, MX_SHAPE(count * bytes), MX_UINT8);
    return scratch ? array_data(scratch) : NULL;
}

static bool fold_along_rows(cpu_call *c, reduce_job *j)
{
    j->chunk = REDUCE_CHUNK;
    j->chunks = (j->n + REDUCE_CHUNK - 1) / REDUCE_CHUNK;
    if (j->chunks <= 1) {
        cpu_split(j->rows, cpu_rows_step(j->n * j->bytes), fold_short_rows, j);
        return true;
    }
    if (!(j->partials = partials_of(c, j->rows * j->chunks, j->r->partial_bytes))) return false;
    cpu_parallel(j->rows * j->chunks, fold_row_chunk, j);
    for (int64_t row = 0; row < j->rows; row++) {
        j->r->finish(j->out + row * j->bytes, j->partials + row * j->chunks * j->r->partial_bytes, j->chunks, 1, 1);
    }
    return true;
}

static bool fold_columns(cpu_call *c, reduce_job *j)
{
    int64_t outer = j->rows / j->columns;
    j->blocks = (j->columns + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    j->chunk = reduce_column_rows(j->columns);
    j->chunks = j->n > j->chunk ? (j->n + j->chunk - 1) / j->chunk : 1; /* one for empty columns too */
    if (j->chunks > 1 && !(j->partials = partials_of(c, outer * j->chunks * j->columns, j->r->partial_bytes)))
        return false;
    cpu_parallel(outer * j->blocks * j->chunks, fold_column_chunk, j);
    for (int64_t o = 0; o < outer && j->chunks > 1; o++) {
        j->r->finish(j->out + o * j->columns * j->bytes, j->partials + o * j->chunks * j->columns * j->r->partial_bytes,
                     j->chunks, j->columns, j->columns);
    }
    return true;
}

static bool reduce(cpu_call *c, const reduction *const *by_dtype)
{
    const reduce_params *p = c->params;
    mx_array *x = c->in[0];
    int kept_axes = x->ndim - p->count;
    const reduction *r = by_dtype[x->dtype];
    if (!r)
        return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", c->op->name, mx_dtype_name((mx_dtype)x->dtype));
    if (!cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    walk kept = walk_of(x, 0, kept_axes), gone = walk_of(x, kept_axes, p->count);
    int64_t last = kept.ndim - 1;
    bool one_step = gone.ndim == 1,
         columns = one_step && gone.stride[0][0] != 1 && kept.stride[0][last] == 1 && kept.shape[last] > 1;
    bool rows = one_step && (gone.stride[0][0] == 1 || gone.shape[0] == 1);
    if (!rows && !columns) {
        if (!(x = cpu_contiguous(c, 0))) return false;
        /* A broadcast input is contiguous in no sense: the copy is. */
        kept = walk_of(x, 0, kept_axes);
    }
    reduce_job j = {.r = r,
                    .kept = kept,
                    .in = array_data(x),
                    .out = array_data(c->out),
                    .bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype),
                    .rows = c->out->size,
                    .n = x->size / c->out->size,
                    .stride = gone.stride[0][0],
                    .columns = kept.shape[kept.ndim - 1]};
    return columns ? fold_columns(c, &j) : fold_along_rows(c, &j);
}

/* ---- The ops */
#define BY_DTYPE(op, prefix, suffix)                                                                                   \
    [MX_UINT8] = prefix op##_##suffix##_u8, [MX_UINT16] = prefix op##_##suffix##_u16,                                  \
    [MX_UINT32] = prefix op##_##suffix##_u32, [MX_UINT64] = prefix op##_##suffix##_u64,                                \
    [MX_INT8] = prefix op##_##suffix##_i8, [MX_INT16] = prefix op##_##suffix##_i16,                                    \
    [MX_INT32] = prefix op##_##suffix##_i32, [MX_INT64] = prefix op##_##suffix##_i64,                                  \
    [MX_FLOAT32] = prefix op##_##suffix##_f32, [MX_FLOAT64] = prefix op##_##suffix##_f64,                              \
    [MX_FLOAT16] = prefix op##_##suffix##_f16, [MX_BFLOAT16] = prefix op##_##suffix##_bf16,                            \
    [MX_COMPLEX64] = prefix op##_##suffix##_c64

#define REDUCE_OP(op, folds_list, rows_list)                                                                           \
    static const reduction *const op##_folds[MX_DTYPE_COUNT] = {folds_list};                                           \
    static const cpu_row_op op##_rows = {.body = {rows_list}, .own = 1};                                               \
    static bool run_##op(cpu_call *c)                                                                                  \
    {                                                                                                                  \
        return reduce(c, op##_folds);                                                                                  \
    }                                                                                                                  \
    const cpu_op KERNEL(op) = {.run = run_##op, .rows = &op##_rows, .folds = op##_folds};
#define LIST(...) __VA_ARGS__

REDUCE_OP(sum, LIST(BY_DTYPE(sum, &, reduction)), LIST(BY_DTYPE(sum, , rows)))
REDUCE_OP(prod, LIST(BY_DTYPE(prod, &, reduction)), LIST(BY_DTYPE(prod, , rows)))
REDUCE_OP(min, LIST(BY_DTYPE(min, &, reduction), [MX_BOOL] = &all_reduction_bool),
          LIST(BY_DTYPE(min, , rows), [MX_BOOL] = all_rows_bool))
REDUCE_OP(max, LIST(BY_DTYPE(max, &, reduction), [MX_BOOL] = &any_reduction_bool),
          LIST(BY_DTYPE(max, , rows), [MX_BOOL] = any_rows_bool))
REDUCE_OP(all, LIST([MX_BOOL] = &all_reduction_bool), LIST([MX_BOOL] = all_rows_bool))
REDUCE_OP(any, LIST([MX_BOOL] = &any_reduction_bool), LIST([MX_BOOL] = any_rows_bool))
