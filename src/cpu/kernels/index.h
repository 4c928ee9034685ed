/* SPDX-License-Identifier: MIT
 *
 * What gathers and scatters share: indices become places (offsets in elements), then bodies move elements by their size
 * or fold them by their dtype. */
#ifndef CPU_KERNELS_INDEX_H
#define CPU_KERNELS_INDEX_H

#include "cpu/kernels/kernel.h"

#define OUTSIDE INT64_MIN /* the place of an index that drops its element */

/* Adds stride * index to n places, in an axis of `size` whose largest usable index is `room`. */
typedef void (*add_index_fn)(int64_t *places, const void *indices, int64_t index_stride, int64_t n, int64_t size,
                             int64_t room, int64_t stride, bool clamp);
add_index_fn KERNEL(add_index)(mx_dtype dtype);

/* y[i] = x[places[i]], 0 for what is outside. */
typedef void (*read_places_fn)(void *to, const void *from, const int64_t *places, int64_t n);
read_places_fn KERNEL(read_places)(mx_dtype dtype);

/* For each point, n adjacent elements of x are written (or folded) to its place in y; later points come later. */
typedef void (*write_places_fn)(void *to, const void *from, const int64_t *places, int64_t points, int64_t x_stride,
                                int64_t n, mx_scatter_mode mode);
write_places_fn KERNEL(write_places)(mx_dtype dtype, mx_scatter_mode mode);

#endif
