/* SPDX-License-Identifier: MIT
 *
 * References of scans along the last axis. */
#include "core/params/scan.h"
#include "ref.h"

void ref_scan(const ref_call *c);

typedef struct running {
    double complex z;
    double scale;
    int64_t whole;
    bool any; /* something has been taken in */
} running;

static bool exceeds(const ref_array *x, int64_t i, const running *r)
{
    if (is_whole(x)) return is_unsigned(x) ? (uint64_t)x->whole[i] > (uint64_t)r->whole : x->whole[i] > r->whole;
    return x->re[i] > creal(r->z) || (x->re[i] == creal(r->z) && x->im[i] > cimag(r->z));
}

static bool is_equal(const ref_array *x, int64_t i, const running *r)
{
    return is_whole(x) ? x->whole[i] == r->whole : x->re[i] == creal(r->z) && x->im[i] == cimag(r->z);
}

static void take(running *r, const ref_array *x, int64_t i, int kind)
{
    double complex v = complex_of(x->re[i], x->im[i]);
    bool larger = exceeds(x, i, r), less = !larger && !is_equal(x, i, r);
    bool replaces = !r->any || (kind == SCAN_MAX && larger) || (kind == SCAN_MIN && less);
    if (replaces) {
        *r = (running){v, cabs(v), x->whole[i], true};
    } else if (kind == SCAN_SUM) {
        r->z += v;
        r->scale += cabs(v);
        r->whole = (int64_t)((uint64_t)r->whole + (uint64_t)x->whole[i]);
    } else if (kind == SCAN_PROD) {
        r->z *= v;
        r->whole = (int64_t)((uint64_t)r->whole * (uint64_t)x->whole[i]);
    } else if (kind == SCAN_LOGADDEXP) {
        r->scale = fmax(r->scale, cabs(v));
        r->z = clog(cexp(r->z) + cexp(v));
    }
}

/* What an exclusive scan starts from. */
static running identity(const ref_array *x, int kind)
{
    double low = -INFINITY, bound = kind == SCAN_MIN ? INFINITY : low;
    int bits = 8 * (int)mx_dtype_size(x->dtype);
    uint64_t top = (uint64_t)1 << (bits - 1), lowest = is_unsigned(x) ? 0 : ~(top - 1);
    if (x->dtype == MX_BOOL) lowest = 0, top = 1;
    running r = {.whole = kind == SCAN_PROD};
    if (kind == SCAN_SUM || kind == SCAN_PROD) r.z = kind == SCAN_PROD;
    if (kind == SCAN_LOGADDEXP) r.z = complex_of(low, 0);
    if (kind == SCAN_MAX || kind == SCAN_MIN) {
        r.z = complex_of(bound, x->dtype == MX_COMPLEX64 ? bound : 0);
        r.whole = (int64_t)(kind == SCAN_MAX ? lowest : x->dtype == MX_BOOL ? 1 : ~lowest);
    }
    return r;
}

void ref_scan(const ref_call *c)
{
    const scan_params *p = c->params;
    const ref_array *x = c->in;
    int64_t n = x->shape[x->ndim - 1];
    for (int64_t at = 0; at < x->size; at += n) {
        running r = identity(x, p->kind);
        for (int64_t k = 0; k < n; k++) {
            int64_t i = at + (p->reverse ? n - 1 - k : k);
            if (p->inclusive) take(&r, x, i, p->kind);
            c->out->re[i] = creal(r.z);
            c->out->im[i] = cimag(r.z);
            c->out->scale[i] = r.scale;
            c->out->whole[i] = x->dtype == MX_BOOL ? r.whole != 0 : r.whole;
            if (!p->inclusive) take(&r, x, i, p->kind);
        }
    }
}
