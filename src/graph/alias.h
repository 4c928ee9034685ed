/* SPDX-License-Identifier: MIT
 *
 * Nodes whose outputs are their last inputs under other names, so that something can stand between a value and its
 * readers: dependencies (depends.c), rules of a function (custom.c). */
#ifndef GRAPH_ALIAS_H
#define GRAPH_ALIAS_H

#include "core/op.h"

/* Shape and evaluation of such an op. */
bool alias_shape(const mx_call *c, mx_spec *out);
bool alias_evaluate(mx_array *lead);

#endif
