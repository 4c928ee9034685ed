/* SPDX-License-Identifier: MIT
 *
 * References of control flow: the loops of the samples in tests/c/test_control.c, written out. */
#include "ref.h"
#include <stdlib.h>

/* What the scan samples say; the same struct is in the test file. */
typedef struct scan_says {
    bool reverse, last, sum, flat;
} scan_says;

/* c' = sin(c) w + x, y = c' c, elementwise over rows of n; `w` NULL means ones. */
static void recur(const double *init, const double *xs, const double *w, int64_t steps, int64_t n, bool reverse,
                  double *carry, double *ys)
{
    for (int64_t k = 0; k < n; k++) carry[k] = init[k];
    for (int64_t i = 0; i < steps; i++) {
        int64_t at = reverse ? steps - 1 - i : i;
        for (int64_t k = 0; k < n; k++) {
            double next = sin(carry[k]) * (w ? w[k] : 1) + xs[at * n + k];
            ys[at * n + k] = next * carry[k];
            carry[k] = next;
        }
    }
}

void ref_scan_recurrence(const ref_call *c);
void ref_scan_recurrence(const ref_call *c)
{
    const scan_says *s = c->params;
    const ref_array *init = &c->in[0], *xs = &c->in[1];
    int64_t n = init->size, steps = xs->size / n;
    double *carry = calloc((size_t)n, sizeof *carry), *ys = calloc((size_t)(xs->size + 1), sizeof *ys);
    recur(init->re, xs->re, c->in[2].re, steps, n, s->reverse, carry, ys);
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] = s->last ? carry[i] : ys[i];
        for (int64_t k = 0; s->sum && k < steps; k++) c->out->re[i] += ys[k * n + i];
        c->out->scale[i] = 8;
    }
    free(carry);
    free(ys);
}

void ref_scan_loop(const ref_call *c);
void ref_scan_loop(const ref_call *c)
{
    int64_t n = c->in[0].size;
    recur(c->in[0].re, c->in[1].re, NULL, c->in[1].size / n, n, false, c->out[0].re, c->out[1].re);
}

static void grow(const ref_array *count, const ref_array *start, const double *w, double *out)
{
    for (int64_t k = 0; k < start->size; k++) {
        out[k] = start->re[k];
        for (int64_t i = 0; i < count->whole[0]; i++) out[k] += sin(out[k]) * (w ? w[k] : 1);
    }
}

void ref_while_growth(const ref_call *c);
void ref_while_growth(const ref_call *c)
{
    grow(&c->in[0], &c->in[1], c->in[2].re, c->out->re);
    for (int64_t i = 0; i < c->out->size; i++) c->out->scale[i] = 8;
}

void ref_while_loop(const ref_call *c);
void ref_while_loop(const ref_call *c)
{
    c->out[0].whole[0] = c->in[0].whole[0] < 0 ? c->in[0].whole[0] : 0;
    grow(&c->in[0], &c->in[1], NULL, c->out[1].re);
}

void ref_cond_choice(const ref_call *c);
void ref_cond_choice(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) {
        double x = c->in[1].re[i];
        c->out->re[i] = c->in[0].whole[0] ? sin(x) * c->in[2].re[i] : x * x;
    }
}

void ref_cond(const ref_call *c);
void ref_cond(const ref_call *c)
{
    ref_cond_choice(c);
}
