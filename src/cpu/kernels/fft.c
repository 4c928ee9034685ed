/* SPDX-License-Identifier: MIT
 *
 * The discrete Fourier transform, axis after axis.  Units of work are VEC lines, or one that is not run across; long lines
 * are shared out themselves.
 *
 * n = 2 h reals are h complex numbers z; with Z their transform and w = exp(-pi i k / h), the transform of the reals is
 * X_k = (Z_k + Z*_(h-k)) / 2 - i w (Z_k - Z*_(h-k)) / 2, and back 2 Z_k = X_k + X*_(h-k) + i w* (X_k - X*_(h-k)).  An odd
 * number of reals is transformed as complex numbers. */
#include "core/params/fft.h"
#include "cpu/kernels/fft_parts.h"
#include "cpu/kernels/kernel.h"

enum { LONG_LINE = 1 << 16, CHUNKS = 32 };

typedef enum axis_form { COMPLEX, FROM_REALS, TO_REALS } axis_form;

typedef struct axis_job {
    axis_form form;
    const fft_plan *plan, *half; /* half: of an even number of reals */
    int64_t n;                   /* points, or reals */
    const float *from;
    float *to;
    int64_t lines, point, block; /* COMPLEX: lines of a block, complex numbers between points and between blocks */
    bool inverse;
    float scale;
    int64_t width, units, step; /* lines of a unit */
    char *scratch;
    int64_t scratch_bytes;
    bool threaded;
} axis_job;

/* ---- Complex lines */
static void complex_unit(const axis_job *a, int64_t unit, char *scratch)
{
    int64_t per_block = (a->lines + a->width - 1) / a->width, first = unit % per_block * a->width;
    int64_t left = a->lines - first, at = 2 * (unit / per_block * a->block);
    int64_t line = a->point == 1 ? a->n : 1;
    fft_job job = {
        .plan = a->plan, .count = left < a->width ? left : a->width, .inverse = a->inverse, .scale = a->scale};
    job.from = (fft_lines){(float *)a->from + at + 2 * first * line, a->point, line};
    job.to = (fft_lines){a->to + at + 2 * first * line, a->point, line};
    KERNEL(fft_run)(&job, scratch, a->threaded);
}

/* ---- Real lines; they are rows */
/* In place: h points to h + 1. */
static void unpack(float *x, int64_t h, const float *w, float scale)
{
    float re = x[0], im = x[1], half = 0.5f * scale;
    x[0] = (re + im) * scale;
    x[1] = 0;
    x[2 * h] = (re - im) * scale;
    x[2 * h + 1] = 0;
    for (int64_t k = 1; k <= h / 2; k++) {
        float *a = x + 2 * k, *b = x + 2 * (h - k);
        float er = a[0] + b[0], ei = a[1] - b[1], dr = a[0] - b[0], di = a[1] + b[1];
        float c = w[2 * k], s = w[2 * k + 1];
        float tr = FMA(dr, s, di * c), ti = FMA(di, s, -(dr * c)); /* -i w d */
        a[0] = (er + tr) * half;
        a[1] = (ei + ti) * half;
        b[0] = (er - tr) * half;
        b[1] = (ti - ei) * half;
    }
}

static void pack(float *z, const float *x, int64_t h, const float *w)
{
    z[0] = x[0] + x[2 * h];
    z[1] = x[0] - x[2 * h];
    for (int64_t k = 1; k <= h / 2; k++) {
        const float *a = x + 2 * k, *b = x + 2 * (h - k);
        float er = a[0] + b[0], ei = a[1] - b[1], dr = a[0] - b[0], di = a[1] + b[1];
        float c = w[2 * k], s = w[2 * k + 1];
        float tr = FMA(dr, s, -(di * c)), ti = FMA(di, s, dr * c); /* i w* d */
        z[2 * k] = er + tr;
        z[2 * k + 1] = ei + ti;
        z[2 * (h - k)] = er - tr;
        z[2 * (h - k) + 1] = ti - ei;
    }
}

static void from_reals_unit(const axis_job *a, int64_t unit, char *scratch)
{
    int64_t first = unit * a->width, left = a->lines - first, count = left < a->width ? left : a->width;
    int64_t n = a->n, h = n / 2;
    const float *x = a->from + first * n;
    float *y = a->to + 2 * first * (h + 1), *all = (float *)scratch;
    if (a->half) {
        fft_job job = {a->plan, {(float *)x, 1, h}, {y, 1, h + 1}, count, false, 1};
        KERNEL(fft_run)(&job, scratch, a->threaded);
        for (int64_t l = 0; l < count; l++) unpack(y + 2 * l * (h + 1), h, a->half->chirp, a->scale);
        return;
    }
    for (int64_t i = 0; i < count * n; i++) {
        all[2 * i] = x[i];
        all[2 * i + 1] = 0;
    }
    fft_job job = {a->plan, {all, 1, n}, {all, 1, n}, count, false, a->scale};
    KERNEL(fft_run)(&job, scratch + fft_aligned(8 * a->width * n), a->threaded);
    for (int64_t l = 0; l < count; l++) {
        memcpy(y + 2 * l * (h + 1), all + 2 * l * n, (size_t)(h + 1) * 8);
        y[2 * l * (h + 1) + 1] = 0;
    }
}

static void to_reals_unit(const axis_job *a, int64_t unit, char *scratch)
{
    int64_t first = unit * a->width, left = a->lines - first, count = left < a->width ? left : a->width;
    int64_t n = a->n, h = n / 2;
    const float *x = a->from + 2 * first * (h + 1);
    float *y = a->to + first * n, *all = (float *)scratch;
    if (a->half) {
        for (int64_t l = 0; l < count; l++) pack(all + 2 * l * h, x + 2 * l * (h + 1), h, a->half->chirp);
        fft_job job = {a->plan, {all, 1, h}, {y, 1, h}, count, true, a->scale};
        KERNEL(fft_run)(&job, scratch + fft_aligned(8 * a->width * n), a->threaded);
        return;
    }
    for (int64_t l = 0; l < count; l++, x += 2 * (h + 1)) {
        float *z = all + 2 * l * n;
        z[0] = x[0];
        z[1] = 0;
        for (int64_t k = 1; k <= h; k++) {
            z[2 * k] = z[2 * (n - k)] = x[2 * k];
            z[2 * k + 1] = x[2 * k + 1];
            z[2 * (n - k) + 1] = -x[2 * k + 1];
        }
    }
    fft_job job = {a->plan, {all, 1, n}, {all, 1, n}, count, true, a->scale};
    KERNEL(fft_run)(&job, scratch + fft_aligned(8 * a->width * n), a->threaded);
    for (int64_t i = 0; i < count * n; i++) y[i] = all[2 * i];
}

/* ---- Units */
static void run_units(void *ctx, int64_t begin, int64_t end)
{
    static void (*const unit_of[])(const axis_job *, int64_t, char *) = {complex_unit, from_reals_unit, to_reals_unit};
    const axis_job *a = ctx;
    char *scratch = a->scratch + begin / a->step * a->scratch_bytes;
    for (int64_t i = begin; i < end; i++) unit_of[a->form](a, i, scratch);
}

static bool run_axis(cpu_call *c, axis_job *a, int64_t blocks)
{
    bool even = a->form != COMPLEX && a->n % 2 == 0;
    int64_t points = even ? a->n / 2 : a->n;
    fft_kind kind = fft_kind_of(points, a->form == COMPLEX && a->point > 1);
    fft_plan *plan = fft_plan_get(points, VEC, kind), *half = NULL;
    if (!plan || (even && !(half = fft_plan_get(points, VEC, FFT_REAL)))) {
        fft_plan_drop(plan);
        return false;
    }
    a->plan = plan;
    a->half = half;
    a->width = kind == FFT_LINES ? VEC : 1;
    a->units = blocks * ((a->lines + a->width - 1) / a->width);
    a->threaded = kind != FFT_LINES && points >= LONG_LINE;
    int64_t step = cpu_rows_step(8 * points * a->width), most = (a->units + CHUNKS - 1) / CHUNKS;
    a->step = a->threaded ? a->units : step > most ? step : most;
    a->scratch_bytes = KERNEL(fft_scratch)(plan) + (a->form == COMPLEX ? 0 : fft_aligned(8 * a->width * a->n));
    a->scratch_bytes = fft_aligned(a->scratch_bytes);
    mx_array *scratch = cpu_scratch(c, SHAPE((a->units + a->step - 1) / a->step * a->scratch_bytes), MX_UINT8);
    if (scratch) {
        a->scratch = array_data(scratch);
        if (a->threaded)
            run_units(a, 0, a->units);
        else
            cpu_split(a->units, a->step, run_units, a);
    }
    fft_plan_drop(plan);
    fft_plan_drop(half);
    return scratch != NULL;
}

static bool complex_axis(cpu_call *c, const void *from, mx_array *to, int axis, bool inverse, double scale)
{
    int64_t blocks = 1, inner = 1, n = to->shape[axis];
    for (int i = 0; i < axis; i++) blocks *= to->shape[i];
    for (int i = axis + 1; i < to->ndim; i++) inner *= to->shape[i];
    axis_job a = {
        .form = COMPLEX, .n = n, .from = from, .to = array_data(to), .inverse = inverse, .scale = (float)scale};
    a.point = inner;
    a.lines = inner == 1 ? blocks : inner;
    a.block = n * inner;
    return run_axis(c, &a, inner == 1 ? 1 : blocks);
}

/* The layout of a row-major array with `axis` moved to the end, and its shape. */
static mx_shape axis_last(const mx_array *x, int axis, int64_t *shape, int64_t *strides)
{
    int at = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (i == axis) continue;
        shape[at] = x->shape[i];
        strides[at++] = x->strides[i];
    }
    shape[at] = x->shape[axis];
    strides[at] = x->strides[axis];
    return (mx_shape){x->ndim, shape};
}

/* Rows of x, a row-major array, along the axis; NULL: an error is recorded. */
static mx_array *rows_along(cpu_call *c, mx_array *x, int axis, bool fill)
{
    int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
    if (axis == x->ndim - 1) return x;
    mx_array *rows = cpu_scratch(c, axis_last(x, axis, shape, strides), (mx_dtype)x->dtype);
    if (rows && fill)
        KERNEL(copy_between)
        (array_data(rows), rows->strides, array_data(x), strides, array_shape(rows), mx_dtype_size((mx_dtype)x->dtype));
    return rows;
}

static bool real_axis(cpu_call *c, mx_array *from, mx_array *to, int axis, const fft_params *p, double scale)
{
    int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
    mx_array *x = rows_along(c, from, axis, true), *y = x ? rows_along(c, to, axis, false) : NULL;
    if (!y) return false;
    axis_job a = {.form = p->inverse ? TO_REALS : FROM_REALS,
                  .n = p->n,
                  .from = array_data(x),
                  .to = array_data(y),
                  .lines = x->size / x->shape[x->ndim - 1],
                  .scale = (float)scale};
    if (!run_axis(c, &a, 1)) return false;
    if (y == to) return true;
    axis_last(to, axis, shape, strides);
    KERNEL(copy_between)
    (array_data(to), strides, array_data(y), y->strides, array_shape(y), mx_dtype_size((mx_dtype)to->dtype));
    return true;
}

static bool run(cpu_call *c)
{
    const fft_params *p = c->params;
    mx_array *x = cpu_contiguous(c, 0), *work = c->out;
    int count = p->axes.count, last = p->axes.at[count - 1];
    if (!x || !cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    if (p->real && !p->inverse) {
        if (!real_axis(c, x, work, last, p, count == 1 ? p->scale : 1)) return false;
        count--;
        x = work;
    } else if (p->real && count > 1 && !(work = cpu_scratch(c, array_shape(x), MX_COMPLEX64))) {
        return false;
    }
    bool to_reals = p->real && p->inverse;
    count -= to_reals;
    for (int i = 0; i < count; i++) {
        double scale = i == count - 1 && !to_reals ? p->scale : 1;
        if (!complex_axis(c, array_data(x), work, p->axes.at[i], p->inverse, scale)) return false;
        x = work;
    }
    return !to_reals || real_axis(c, x, c->out, last, p, p->scale);
}

const cpu_op KERNEL(fft) = {.run = run};
