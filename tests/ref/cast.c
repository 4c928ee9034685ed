/* SPDX-License-Identifier: MIT
 *
 * References of casts: a C cast, but that truth is "not 0" and that what does not fit an integer is not asked for. */
#include "ref.h"

void ref_astype(const ref_call *c);

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
