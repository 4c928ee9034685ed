/* SPDX-License-Identifier: MIT
 *
 * MICA_CHECK_NAN=1: every result is looked at. */
#ifndef GRAPH_CHECK_H
#define GRAPH_CHECK_H

#include "core/op.h"

/* False and a RUNTIME error that names op, shape and position if an output has a NaN and no input had one. */
bool check_nan(const mx_array *lead);
/* Is there a NaN in what was written, or can that not be read? */
bool has_nan(const mx_array *x);

#endif
