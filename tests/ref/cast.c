/* SPDX-License-Identifier: MIT
 *
 * References of casts: a C cast, but that truth is "not 0" and that what does not fit an integer is not asked for. */
#include "ref.h"
#include <stdlib.h>
#include <string.h>

void ref_astype(const ref_call *c);
void ref_view(const ref_call *c);

static int64_t to_whole(const ref_array *x, int64_t i, mx_dtype to)
{
    if (is_whole(x)) return x->whole[i];
    if (to == MX_BOOL) return x->re[i] != 0 || x->im[i] != 0;
    return to == MX_UINT64 && x->re[i] > 0 ? (int64_t)(uint64_t)x->re[i] : (int64_t)x->re[i];
}

void ref_astype(const ref_call *c)
{
    const ref_array *x = c->in;
    ref_array *out = c->out;
    for (int64_t i = 0; i < out->size; i++) {
        out->re[i] = x->re[i];
        out->im[i] = out->dtype == MX_COMPLEX64 ? x->im[i] : 0;
        if (is_whole(out)) out->whole[i] = to_whole(x, i, out->dtype);
    }
}

/* ---- view: every dtype but the halves */
static void store(const ref_array *x, int64_t i, char *to)
{
    float parts[2] = {(float)x->re[i], (float)x->im[i]};
    size_t bytes = mx_dtype_size(x->dtype);
    if (is_whole(x)) {
        memcpy(to, &x->whole[i], bytes); /* little-endian: the low bytes come first */
    } else if (x->dtype == MX_FLOAT64) {
        memcpy(to, &x->re[i], bytes);
    } else {
        memcpy(to, parts, bytes);
    }
}

/* Whole numbers only; the harness cuts off the bytes beyond their width. */
void ref_view(const ref_call *c)
{
    const ref_array *x = c->in;
    int64_t from = (int64_t)mx_dtype_size(x->dtype), to = (int64_t)mx_dtype_size(c->out->dtype);
    char *bytes = malloc((size_t)(x->size * from) + 8);
    for (int64_t i = 0; i < x->size; i++) store(x, i, bytes + i * from);
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->whole[i] = 0;
        memcpy(&c->out->whole[i], bytes + i * to, (size_t)to);
    }
    free(bytes);
}
