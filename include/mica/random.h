/* SPDX-License-Identifier: MIT
 *
 * Random numbers: Threefry-2x32, 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), equal
 * to MLX's bit for bit.  A key is uint32 of shape (2,); key NULL draws from the calling thread's state, which
 * mx_random_seed sets. */
#ifndef MICA_RANDOM_H
#define MICA_RANDOM_H

#include "mica/types.h"

MX_BEGIN_DECLS

MX_API mx_array *mx_random_key(uint64_t seed);
MX_API bool mx_random_seed(uint64_t seed);
MX_API mx_array *mx_random_state(void);                         /* the thread's key, without drawing from it */
MX_API bool mx_random_set_state(mx_array *key);                 /* NULL: the process's first one, from the clock */
MX_API mx_array *mx_random_split(mx_array *key, int64_t count); /* uint32 (count, 2) */
MX_API mx_array *mx_random_bits(mx_shape shape, int width,
                                mx_array *key); /* width 1, 2 or 4 bytes: uint8, uint16, uint32 */
/* Uniform in [low, high), which broadcast to `shape`; floating dtypes but float64. */
MX_API mx_array *mx_random_uniform(mx_array *low, mx_array *high, mx_shape shape, mx_dtype dtype, mx_array *key);
/* loc and scale may be NULL for 0 and 1. */
MX_API mx_array *mx_random_normal(mx_shape shape, mx_dtype dtype, mx_array *loc, mx_array *scale, mx_array *key);
MX_API mx_array *mx_random_laplace(mx_shape shape, mx_dtype dtype, mx_array *loc, mx_array *scale, mx_array *key);
MX_API mx_array *mx_random_gumbel(mx_shape shape, mx_dtype dtype, mx_array *key);
MX_API mx_array *mx_random_truncated_normal(mx_array *lower, mx_array *upper, mx_shape shape, mx_dtype dtype,
                                            mx_array *key);
/* Integers in [low, high). */
MX_API mx_array *mx_random_randint(mx_array *low, mx_array *high, mx_shape shape, mx_dtype dtype, mx_array *key);
/* True with probability p (floating). */
MX_API mx_array *mx_random_bernoulli(mx_array *p, mx_shape shape, mx_array *key);
MX_API mx_array *mx_random_bernoulli_like(mx_array *p, mx_array *key); /* of p's shape */
/* Draws indices along `axis` from unnormalised log-probabilities: one for each distribution, `count` more on a last
 * axis, or a shape that the logits without the axis broadcast to.  uint32. */
MX_API mx_array *mx_random_categorical(mx_array *logits, int axis, mx_array *key);
MX_API mx_array *mx_random_categorical_count(mx_array *logits, int axis, int64_t count, mx_array *key);
MX_API mx_array *mx_random_categorical_shape(mx_array *logits, int axis, mx_shape shape, mx_array *key);
/* 0 .. n - 1 in random order, uint32; x along an axis in random order. */
MX_API mx_array *mx_random_permutation(int64_t n, mx_array *key);
MX_API mx_array *mx_random_permutation_of(mx_array *x, int axis, mx_array *key);

MX_END_DECLS
#endif
