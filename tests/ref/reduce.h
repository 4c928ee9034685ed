/* SPDX-License-Identifier: MIT
 *
 * Folds: what references of reductions share, and what tests of public reductions tell them. */
#ifndef TESTS_REF_REDUCE_H
#define TESTS_REF_REDUCE_H

#include "ref.h"

/* Takes element i of x into element `to` of out. */
typedef void (*ref_fold_fn)(ref_array *out, int64_t to, const ref_array *x, int64_t i);

/* The axes that a public reduction folds, non-negative: `params` of its samples. */
typedef struct ref_axes {
    int count, at[MX_MAX_NDIM];
} ref_axes;
#define REF_AXES(...) (&(const ref_axes){(int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), {__VA_ARGS__}})

void ref_fold(const ref_call *c, const bool *folded, double start, ref_fold_fn fold);
void ref_fold_last(const ref_call *c, double start, ref_fold_fn fold); /* c->params: reduce_params */
void ref_fold_axes(const ref_call *c, double start, ref_fold_fn fold); /* c->params: ref_axes */
void ref_fold_sum(ref_array *out, int64_t to, const ref_array *x, int64_t i);

void ref_sum_axes(const ref_call *c);
void ref_prod_axes(const ref_call *c);
void ref_mean_axes(const ref_call *c);
void ref_var_axes(const ref_call *c); /* one degree of freedom less */
void ref_std_axes(const ref_call *c);

#endif
