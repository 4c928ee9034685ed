/* SPDX-License-Identifier: MIT
 *
 * References of running folds along the last axis. */
#include "core/params/scan.h"
#include "ref.h"

void ref_scan(const ref_call *c);

/* The running value, of which one or the other half is used. */
typedef struct running {
    double re, im, scale;
    int64_t whole;
} running;

static running identity(const ref_array *x, int kind)
{
    int bits = (int)mx_dtype_size(x->dtype) * 8;
    running r = {0, 0, 0, 0};
    if (kind == SCAN_PROD) r.re = 1, r.whole = 1;
    if (kind == SCAN_MAX || kind == SCAN_LOGADDEXP) r.re = -INFINITY;
    if (kind == SCAN_MIN) r.re = INFINITY;
    if (kind == SCAN_MAX && !is_unsigned(x)) r.whole = -(int64_t)((uint64_t)1 << (bits - 1));
    if (kind == SCAN_MIN) r.whole = is_unsigned(x) ? -1 : (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
    return r;
}

static double log_add(double a, double b)
{
    double most = a > b ? a : b, least = a > b ? b : a;
    if (isnan(a) || isnan(b)) return NAN;
    return isinf(most) || isinf(least) ? most : most + log1p(exp(least - most));
}

static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

static int64_t extreme_whole(const ref_array *x, int64_t a, int64_t b, bool largest)
{
    bool less = is_unsigned(x) ? (uint64_t)a < (uint64_t)b : a < b;
    return less == largest ? b : a;
}

static running step(const ref_array *x, int64_t i, running r, int kind)
{
    double re = x->re[i], im = x->im[i];
    running to = r;
    switch (kind) {
    case SCAN_SUM:
        to.re = r.re + re;
        to.im = r.im + im;
        to.scale = r.scale + hypot(re, im);
        to.whole = (int64_t)((uint64_t)r.whole + (uint64_t)x->whole[i]);
        break;
    case SCAN_PROD:
        to.re = r.re * re - r.im * im;
        to.im = r.re * im + r.im * re;
        to.whole = (int64_t)((uint64_t)r.whole * (uint64_t)x->whole[i]);
        break;
    case SCAN_LOGADDEXP:
        to.re = log_add(r.re, re);
        to.scale = fabs(to.re) + 1;
        break;
    default:
        to.re = kind == SCAN_MAX ? larger(r.re, re) : -larger(-r.re, -re);
        to.whole = extreme_whole(x, r.whole, x->whole[i], kind == SCAN_MAX);
    }
    return to;
}

void ref_scan(const ref_call *c)
{
    const scan_params *p = c->params;
    const ref_array *x = c->in;
    int64_t n = x->shape[x->ndim - 1];
    for (int64_t row = 0; n && row < x->size / n; row++) {
        running r = identity(x, p->kind);
        for (int64_t k = 0; k < n; k++) {
            int64_t i = row * n + (p->reverse ? n - 1 - k : k);
            running after = step(x, i, r, p->kind), shown = p->inclusive ? after : r;
            c->out->re[i] = shown.re;
            c->out->im[i] = shown.im;
            c->out->scale[i] = shown.scale;
            c->out->whole[i] = shown.whole;
            r = after;
        }
    }
}
