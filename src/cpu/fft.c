/* SPDX-License-Identifier: MIT
 *
 * Plans of Fourier transforms.  Passes: Stockham's self-sorting form (Cochran et al., 1967) with radices 8, 4, 2, 3, 5 and
 * the primes up to 61.  Long transforms: four steps (Bailey, 1990), so that each line fits into a cache and vectors run
 * across lines.  Other primes: the chirp transform (Bluestein, 1970). */
#include "cpu/fft.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <math.h>
#include <string.h>

enum { LONGEST_LINE = 64, LONGEST_LINE_ACROSS = 8192, MOST_PLANS = 64, MOST_BYTES = 1 << 26 };

/* ---- Numbers */
static bool is_smooth(int64_t n)
{
    for (int p = 2; p <= FFT_MAX_PRIME; p++) {
        while (n % p == 0) n /= p;
    }
    return n == 1;
}

/* The divisor of n that is next to its root from below. */
static int64_t middle_divisor(int64_t n)
{
    int64_t d = (int64_t)sqrt((double)n);
    while (n % d) d--;
    return d;
}

fft_kind fft_kind_of(int64_t n, bool across)
{
    if (!is_smooth(n)) return FFT_CHIRP;
    return n <= (across ? LONGEST_LINE_ACROSS : LONGEST_LINE) || middle_divisor(n) == 1 ? FFT_LINES : FFT_SPLIT;
}

/* exp(-2 pi i k / n) */
static void root_of_unity(double *re, double *im, int64_t k, int64_t n)
{
    const double turn = -6.283185307179586476925286766559;
    double angle = turn * ((double)(k % n) / (double)n);
    *re = cos(angle);
    *im = sin(angle);
}

static void set_root(float *at, int64_t k, int64_t n)
{
    double re, im;
    root_of_unity(&re, &im, k, n);
    at[0] = (float)re;
    at[1] = (float)im;
}

/* A table of the plan of so many floats. */
static float *table_of(fft_plan *p, int64_t count)
{
    float *t = mx_alloc((size_t)count, sizeof *t);
    if (!t) return NULL;
    p->bytes += count * (int64_t)sizeof *t;
    return p->tables[p->table_count++] = t;
}

/* ---- Passes */
static int next_radix(int64_t n)
{
    static const int first[] = {8, 4, 2, 3, 5};
    bool four_fours = n % 16 == 0 && n % 32 != 0; /* 16 is 4 * 4, not 8 * 2 */
    for (int i = four_fours; i < 5; i++) {
        if (n % first[i] == 0) return first[i];
    }
    for (int p = 7; p <= FFT_MAX_PRIME; p += 2) {
        if (n % p == 0) return p;
    }
    return 0;
}

static bool plan_lines(fft_plan *plan)
{
    int64_t left = plan->n, s = 1;
    while (left > 1) {
        fft_pass *pass = &plan->passes[plan->pass_count++];
        int r = pass->radix = next_radix(left);
        int64_t m = pass->m = left / r;
        pass->s = s;
        float *w = table_of(plan, 2 * m * (r - 1)), *roots = r > 5 && r != 8 && w ? table_of(plan, 2 * r) : NULL;
        if (!w || (r > 5 && r != 8 && !roots)) return false;
        pass->twiddle = w;
        pass->roots = roots;
        for (int64_t p = 0; p < m; p++) {
            for (int k = 1; k < r; k++, w += 2) set_root(w, p * k, left);
        }
        for (int k = 0; roots && k < r; k++) set_root(&roots[2 * k], k, r);
        s *= r;
        left = m;
    }
    return true;
}

/* ---- Four steps */
static bool plan_split(fft_plan *plan)
{
    int64_t n = plan->n, a = middle_divisor(n), lanes = plan->lanes, groups = (n / a + lanes - 1) / lanes;
    plan->columns = fft_plan_get(a, plan->lanes, FFT_LINES);
    plan->rows = plan->columns ? fft_plan_get(n / a, plan->lanes, FFT_LINES) : NULL;
    if (!plan->rows || !(plan->groups = table_of(plan, 2 * groups * a)) ||
        !(plan->in_group = table_of(plan, 2 * a * lanes)))
        return false;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t k = 0; k < a; k++) set_root(&plan->groups[2 * (g * a + k)], g * lanes * k, n);
    }
    for (int64_t k = 0; k < a; k++) {
        for (int64_t l = 0; l < lanes; l++) {
            float w[2];
            set_root(w, l * k, n);
            plan->in_group[2 * k * lanes + l] = w[0];
            plan->in_group[(2 * k + 1) * lanes + l] = w[1];
        }
    }
    return true;
}

/* ---- Chirps */
/* The least even 2^a 3^b 5^c that is at least n. */
static int64_t good_size(int64_t n)
{
    int64_t best = 2;
    while (best < n) best *= 2;
    for (int64_t five = 1; five < best; five *= 5) {
        for (int64_t three = five; three < best; three *= 3) {
            int64_t size = 2 * three;
            while (size < n) size *= 2;
            if (size < best) best = size;
        }
    }
    return best;
}

/* out = transform of n points `step` apart, in double (Cooley and Tukey, 1965); work has n points, root[k] is
 * exp(-2 pi i k / (n step)). */
static void transform(double *out, const double *in, double *work, const double *root, int64_t n, int64_t step)
{
    if (n == 1) {
        memcpy(out, in, 2 * sizeof *out);
        return;
    }
    int64_t r = n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : 5, m = n / r;
    for (int64_t j = 0; j < r; j++) transform(work + 2 * j * m, in + 2 * j * step, out + 2 * j * m, root, m, r * step);
    for (int64_t k = 0; k < n; k++) {
        double re = 0, im = 0;
        for (int64_t j = 0; j < r; j++) {
            const double *w = &root[2 * (j * k % n * step)], *x = &work[2 * (j * m + k % m)];
            re += x[0] * w[0] - x[1] * w[1];
            im += x[0] * w[1] + x[1] * w[0];
        }
        out[2 * k] = re;
        out[2 * k + 1] = im;
    }
}

static bool plan_chirp(fft_plan *plan)
{
    int64_t n = plan->n, m = good_size(2 * n - 1 < 128 ? 128 : 2 * n - 1);
    plan->wide = fft_plan_get(m, plan->lanes, FFT_SPLIT);
    plan->chirp = plan->wide ? table_of(plan, 2 * n) : NULL;
    plan->spectrum = plan->chirp ? table_of(plan, 2 * m) : NULL;
    double *all = plan->spectrum ? mx_alloc((size_t)m, 8 * sizeof *all) : NULL;
    if (!all) return false;
    double *chirp = all, *out = all + 2 * m, *work = all + 4 * m, *root = all + 6 * m;
    memset(chirp, 0, (size_t)m * 2 * sizeof *chirp);
    for (int64_t j = 0; j < n; j++) {
        double re, im;
        root_of_unity(&re, &im, (int64_t)(((uint64_t)j * (uint64_t)j) % (uint64_t)(2 * n)), 2 * n);
        plan->chirp[2 * j] = (float)re;
        plan->chirp[2 * j + 1] = (float)im;
        chirp[2 * j] = re;
        chirp[2 * j + 1] = -im;
        if (j == 0) continue;
        chirp[2 * (m - j)] = re;
        chirp[2 * (m - j) + 1] = -im;
    }
    for (int64_t k = 0; k < m; k++) root_of_unity(&root[2 * k], &root[2 * k + 1], k, m);
    transform(out, chirp, work, root, m, 1);
    for (int64_t k = 0; k < 2 * m; k++) plan->spectrum[k] = (float)(out[k] / (double)m);
    mx_free(all);
    return true;
}

static bool plan_real(fft_plan *plan)
{
    if (!(plan->chirp = table_of(plan, 2 * (plan->n + 1)))) return false;
    for (int64_t j = 0; j <= plan->n; j++) set_root(&plan->chirp[2 * j], j, 2 * plan->n);
    return true;
}

/* ---- The list, most recently used first */
void fft_plan_drop(fft_plan *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1) return;
    fft_plan_drop(p->columns);
    fft_plan_drop(p->rows);
    fft_plan_drop(p->wide);
    for (int i = 0; i < p->table_count; i++) mx_free(p->tables[i]);
    mx_free(p);
}

static fft_plan *make(int64_t n, int lanes, fft_kind kind)
{
    static bool (*const plan_of[])(fft_plan *) = {plan_lines, plan_split, plan_chirp, plan_real};
    fft_plan *p = mx_alloc(1, sizeof *p);
    if (!p) return NULL;
    *p = (fft_plan){.kind = kind, .lanes = lanes, .n = n, .bytes = sizeof *p};
    atomic_init(&p->refs, 1);
    if (plan_of[kind](p)) return p;
    fft_plan_drop(p);
    return NULL;
}

/* Unlinks the plan, if it is there, and puts it first. */
static fft_plan *find_first(int64_t n, int lanes, fft_kind kind)
{
    for (fft_plan **at = &runtime.fft_plans; *at; at = &(*at)->next) {
        fft_plan *p = *at;
        if (p->n != n || p->lanes != lanes || p->kind != kind) continue;
        *at = p->next;
        p->next = runtime.fft_plans;
        atomic_fetch_add(&p->refs, 1);
        return runtime.fft_plans = p;
    }
    return NULL;
}

/* What is beyond the bounds leaves the list; it lives on while somebody uses it. */
static void trim(void)
{
    int64_t count = 0, bytes = 0;
    fft_plan **at = &runtime.fft_plans;
    for (; *at && count < MOST_PLANS && (count == 0 || bytes + (*at)->bytes <= MOST_BYTES); at = &(*at)->next) {
        count++;
        bytes += (*at)->bytes;
    }
    for (fft_plan *p = *at, *next; p; p = next) {
        next = p->next;
        fft_plan_drop(p);
    }
    *at = NULL;
}

fft_plan *fft_plan_get(int64_t n, int lanes, fft_kind kind)
{
    pthread_mutex_lock(&runtime.fft_lock);
    fft_plan *p = find_first(n, lanes, kind);
    pthread_mutex_unlock(&runtime.fft_lock);
    if (p || !(p = make(n, lanes, kind))) return p;
    pthread_mutex_lock(&runtime.fft_lock);
    atomic_fetch_add(&p->refs, 1);
    p->next = runtime.fft_plans;
    runtime.fft_plans = p;
    trim();
    pthread_mutex_unlock(&runtime.fft_lock);
    return p;
}
