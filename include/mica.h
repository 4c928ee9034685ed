/* SPDX-License-Identifier: MIT
 *
 * Mica: lazy arrays, transforms and kernels in C.  This is the whole native API; each topic has a header of its own.
 *
 *     mx_scope  s    = mx_scope_open();
 *     mx_array *loss = mx_mean(mx_square(mx_sub(model(x), y)), ALL_AXES, false);
 *     loss = mx_scope_close(s, loss);
 *     if (!mx_eval(loss)) fprintf(stderr, "%s\n", mx_error().message);
 *
 * Define MICA_NO_SHORT_NAMES before including it to have no macro without the prefix MX_. */
#ifndef MICA_H
#define MICA_H

#include "mica/types.h"
#include "mica/error.h"
#include "mica/array.h"
#include "mica/stream.h"
#include "mica/ops.h"
#include "mica/fft.h"
#include "mica/linalg.h"
#include "mica/random.h"
#include "mica/fast.h"
#include "mica/transforms.h"
#include "mica/io.h"
#include "mica/export.h"
#include "mica/graph.h"
#include "mica/profiler.h"
#include "mica/memory.h"

#endif
