/* SPDX-License-Identifier: MIT
 *
 * The mlx-c interface, whole: one header per topic, all included here.
 *
 * It is source and ABI compatible with mlx-c 0.6. */
#ifndef MLX_ALL_H
#define MLX_ALL_H

/* Conventions that hold everywhere:
 * - A handle is a struct passed by value whose ctx owns an object. Each one that was made or filled ends in one *_free;
 * an empty one (ctx NULL: from mlx_array_new and its like, or {0}) may be freed too.
 * - Functions that return int give 0, or 1 after the message went to the error handler (mlx/c/error.h); functions that
 *   return a handle give an empty one then.
 * - A result goes to a handle that the caller passes by address. What it held is replaced, so start from an empty one.
 * - Arguments are borrowed, strings and lists are copied. "May be empty" marks a handle that stands for a default when
 * it is empty.
 * - A pointer that a function returns is borrowed from the handle it was asked of, until that is changed or freed. */

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/compile.h"
#include "mlx/c/cuda.h"
#include "mlx/c/device.h"
#include "mlx/c/distributed.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/error.h"
#include "mlx/c/export.h"
#include "mlx/c/fast.h"
#include "mlx/c/fft.h"
#include "mlx/c/graph_utils.h"
#include "mlx/c/half.h"
#include "mlx/c/io.h"
#include "mlx/c/io_types.h"
#include "mlx/c/linalg.h"
#include "mlx/c/map.h"
#include "mlx/c/memory.h"
#include "mlx/c/metal.h"
#include "mlx/c/ops.h"
#include "mlx/c/optional.h"
#include "mlx/c/random.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/transforms.h"
#include "mlx/c/transforms_impl.h"
#include "mlx/c/vector.h"
#include "mlx/c/version.h"

#endif
