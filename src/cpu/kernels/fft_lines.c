/* SPDX-License-Identifier: MIT
 *
 * Lines of points through the passes: VEC lines at a time, or one long line in four steps, or a line of any length as a
 * convolution.
 *
 * Four steps of n = a b points, j = b j1 + j2, k = k1 + a k2: transforms over j1, VEC of them (adjacent j2) at a time;
 * times exp(-2 pi i j2 k1 / n); squares of VEC by VEC are transposed, so that lanes are k1; transforms over j2, whose
 * results lie in VEC adjacent places again. */
#include "cpu/kernels/fft_parts.h"
#include "cpu/kernels/kernel.h"

/* ---- Between memory and vectors */
/* `lines` of them, at most VEC; the other lanes hold zeros. */
static void load_lines(cvec *x, const fft_lines *f, int64_t n, int64_t lines)
{
    if (lines == VEC && f->line == 1) {
        for (int64_t j = 0; j < n; j++) x[j] = cvec_load(f->at + 2 * j * f->point);
        return;
    }
    int64_t done = 0;
    for (; f->point == 1 && lines == VEC && done + VEC <= n; done += VEC) {
        vec re[VEC], im[VEC];
        for (int l = 0; l < VEC; l++) {
            cvec row = cvec_load(f->at + 2 * (done + l * f->line));
            re[l] = row.re;
            im[l] = row.im;
        }
        transpose(re);
        transpose(im);
        for (int i = 0; i < VEC; i++) x[done + i] = (cvec){re[i], im[i]};
    }
    for (int64_t j = done; j < n; j++) {
        float re[VEC] = {0}, im[VEC] = {0};
        for (int64_t l = 0; l < lines; l++) {
            const float *at = f->at + 2 * (j * f->point + l * f->line);
            re[l] = at[0];
            im[l] = at[1];
        }
        x[j] = (cvec){vec_load(re), vec_load(im)};
    }
}

static void store_lines(const fft_lines *f, const cvec *x, int64_t n, int64_t lines)
{
    if (lines == VEC && f->line == 1) {
        for (int64_t j = 0; j < n; j++) cvec_store(f->at + 2 * j * f->point, x[j]);
        return;
    }
    int64_t done = 0;
    for (; f->point == 1 && lines == VEC && done + VEC <= n; done += VEC) {
        vec re[VEC], im[VEC];
        for (int i = 0; i < VEC; i++) re[i] = x[done + i].re, im[i] = x[done + i].im;
        transpose(re);
        transpose(im);
        for (int l = 0; l < VEC; l++) cvec_store(f->at + 2 * (done + l * f->line), (cvec){re[l], im[l]});
    }
    for (int64_t j = done; j < n; j++) {
        float re[VEC], im[VEC];
        vec_store(re, x[j].re);
        vec_store(im, x[j].im);
        for (int64_t l = 0; l < lines; l++) {
            float *at = f->at + 2 * (j * f->point + l * f->line);
            at[0] = re[l];
            at[1] = im[l];
        }
    }
}

static void swap_parts(cvec *x, int64_t n)
{
    for (int64_t j = 0; j < n; j++) x[j] = (cvec){x[j].im, x[j].re};
}

static void finish(cvec *x, int64_t n, const fft_job *job)
{
    vec scale = vec_set(job->scale);
    if (job->inverse) {
        for (int64_t j = 0; j < n; j++) x[j] = (cvec){x[j].im * scale, x[j].re * scale};
    } else if (job->scale != 1) {
        for (int64_t j = 0; j < n; j++) x[j] = (cvec){x[j].re * scale, x[j].im * scale};
    }
}

static fft_lines lines_from(fft_lines f, int64_t first)
{
    f.at += 2 * first * f.line;
    return f;
}

static int64_t at_most_vec(int64_t lines)
{
    return lines < VEC ? lines : VEC;
}

/* ---- Many lines across */
static void run_across(const fft_job *job, cvec *work, int64_t first)
{
    const fft_plan *plan = job->plan;
    int64_t n = plan->n, lines = at_most_vec(job->count - first);
    fft_lines from = lines_from(job->from, first), to = lines_from(job->to, first);
    load_lines(work, &from, n, lines);
    if (job->inverse) swap_parts(work, n);
    cvec *y = KERNEL(fft_passes)(plan, work, work + n);
    finish(y, n, job);
    store_lines(&to, y, n, lines);
}

/* ---- One line in four steps */
typedef struct four_steps {
    const fft_job *job; /* of one line */
    cvec *middle;       /* [k1 / VEC][j2], the lanes are k1 */
    cvec *work;         /* of a chunk: twice the longer of columns and rows */
    int64_t work_size, step;
} four_steps;

static int64_t groups_of(int64_t n)
{
    return (n + VEC - 1) / VEC;
}

/* x[k] of VEC adjacent j2 from `first`: times its roots, then into the middle. */
static void to_middle(const four_steps *f, cvec *x, int64_t first)
{
    const fft_plan *plan = f->job->plan;
    int64_t a = plan->columns->n, b = plan->rows->n, lines = at_most_vec(b - first);
    const float *group = plan->groups + 2 * (first / VEC) * a, *in_group = plan->in_group;
    for (int64_t k = 0; k < a; k++) {
        cvec w = {vec_load(in_group + 2 * k * VEC), vec_load(in_group + (2 * k + 1) * VEC)};
        if (first) w = cvec_twiddle(w, group + 2 * k);
        x[k] = cvec_mul(x[k], w.re, w.im);
    }
    for (int64_t k = 0; k < a; k += VEC) {
        vec re[VEC], im[VEC];
        for (int i = 0; i < VEC; i++) {
            int64_t at = k + i < a ? k + i : a - 1;
            re[i] = x[at].re, im[i] = x[at].im;
        }
        transpose(re);
        transpose(im);
        cvec *to = f->middle + k / VEC * b + first;
        for (int l = 0; l < lines; l++) to[l] = (cvec){re[l], im[l]};
    }
}

static void columns(void *ctx, int64_t begin, int64_t end)
{
    const four_steps *f = ctx;
    const fft_job *job = f->job;
    int64_t a = job->plan->columns->n, b = job->plan->rows->n;
    cvec *work = f->work + begin / f->step * f->work_size;
    for (int64_t g = begin; g < end; g++) {
        fft_lines from = {job->from.at + 2 * g * VEC * job->from.point, b * job->from.point, job->from.point};
        load_lines(work, &from, a, at_most_vec(b - g * VEC));
        if (job->inverse) swap_parts(work, a);
        to_middle(f, KERNEL(fft_passes)(job->plan->columns, work, work + a), g * VEC);
    }
}

static void rows(void *ctx, int64_t begin, int64_t end)
{
    const four_steps *f = ctx;
    const fft_job *job = f->job;
    int64_t a = job->plan->columns->n, b = job->plan->rows->n;
    cvec *work = f->work + begin / f->step * f->work_size;
    for (int64_t g = begin; g < end; g++) {
        cvec *y = KERNEL(fft_passes)(job->plan->rows, f->middle + g * b, work);
        finish(y, b, job);
        fft_lines to = {job->to.at + 2 * g * VEC * job->to.point, a * job->to.point, job->to.point};
        store_lines(&to, y, b, at_most_vec(a - g * VEC));
    }
}

/* Chunks are at most so many, for each has scratch memory. */
enum { CHUNKS = 16 };

static void split(int64_t n, int64_t *step, bool threaded, cpu_range_fn fn, void *ctx)
{
    *step = threaded ? (n + CHUNKS - 1) / CHUNKS : n;
    if (threaded)
        cpu_split(n, *step, fn, ctx);
    else
        fn(ctx, 0, n);
}

static int64_t longer(const fft_plan *plan)
{
    return plan->columns->n > plan->rows->n ? plan->columns->n : plan->rows->n;
}

static void run_split(const fft_job *job, void *scratch, bool threaded)
{
    int64_t a = job->plan->columns->n, b = job->plan->rows->n;
    four_steps f = {.job = job, .middle = scratch, .work_size = 2 * longer(job->plan)};
    f.work = f.middle + groups_of(a) * b;
    split(groups_of(b), &f.step, threaded, columns, &f);
    split(groups_of(a), &f.step, threaded, rows, &f);
}

/* ---- Any length: x_j c_j convolved with 1 / c, times c_k, c_j = exp(-pi i j j / n) */
static void run_chirp(const fft_job *job, float *scratch, bool threaded)
{
    const fft_plan *plan = job->plan;
    int64_t n = plan->n, m = plan->wide->n;
    float *x = scratch, *y = x + 2 * m;
    void *rest = (char *)scratch + fft_aligned(16 * m);
    const float *c = plan->chirp, *s = plan->spectrum;
    int re = job->inverse, im = !re;
    for (int64_t j = 0; j < n; j++) {
        const float *at = job->from.at + 2 * j * job->from.point;
        x[2 * j] = FMA(-at[im], c[2 * j + 1], at[re] * c[2 * j]);
        x[2 * j + 1] = FMA(at[im], c[2 * j], at[re] * c[2 * j + 1]);
    }
    memset(x + 2 * n, 0, (size_t)(m - n) * 2 * sizeof *x);
    fft_job there = {.plan = plan->wide, .from = {x, 1, m}, .to = {y, 1, m}, .count = 1, .scale = 1};
    run_split(&there, rest, threaded);
    SIMD
    for (int64_t k = 0; k < m; k++) {
        float yr = y[2 * k], yi = y[2 * k + 1];
        y[2 * k] = FMA(-yi, s[2 * k + 1], yr * s[2 * k]);
        y[2 * k + 1] = FMA(yi, s[2 * k], yr * s[2 * k + 1]);
    }
    fft_job back = {
        .plan = plan->wide, .from = {y, 1, m}, .to = {x, 1, m}, .count = 1, .inverse = true, .scale = job->scale};
    run_split(&back, rest, threaded);
    for (int64_t k = 0; k < n; k++) {
        float *at = job->to.at + 2 * k * job->to.point;
        at[re] = FMA(-x[2 * k + 1], c[2 * k + 1], x[2 * k] * c[2 * k]);
        at[im] = FMA(x[2 * k + 1], c[2 * k], x[2 * k] * c[2 * k + 1]);
    }
}

/* ---- All lines of a job */
int64_t KERNEL(fft_scratch)(const fft_plan *plan)
{
    if (plan->kind == FFT_LINES) return 2 * plan->n * (int64_t)sizeof(cvec);
    if (plan->kind == FFT_CHIRP) return fft_aligned(16 * plan->wide->n) + KERNEL(fft_scratch)(plan->wide);
    return (groups_of(plan->columns->n) * plan->rows->n + CHUNKS * 2 * longer(plan)) * (int64_t)sizeof(cvec);
}

void KERNEL(fft_run)(const fft_job *job, void *scratch, bool threaded)
{
    fft_job line = *job;
    line.count = 1;
    for (int64_t i = 0; i < job->count; i += job->plan->kind == FFT_LINES ? VEC : 1) {
        line.from = lines_from(job->from, i);
        line.to = lines_from(job->to, i);
        if (job->plan->kind == FFT_LINES)
            run_across(job, scratch, i);
        else if (job->plan->kind == FFT_SPLIT)
            run_split(&line, scratch, threaded);
        else
            run_chirp(&line, scratch, threaded);
    }
}
