/* SPDX-License-Identifier: MIT
 *
 * load: an array that is read from a file when it is evaluated.  src/io knows the formats; here is only the node. */
#include "core/params/load.h"

static const mx_field fields[] = {FIELD_OBJECT(load_params, source), FIELD_INT64(load_params, offset),
                                  FIELD_SHAPE(load_params, shape),   FIELD_DTYPE(load_params, dtype),
                                  FIELD_BOOL(load_params, swap),     FIELD_END};

static bool shape(const mx_call *c, mx_spec *out)
{
    const load_params *p = c->params;
    spec_set(out, (mx_shape){p->shape.ndim, p->shape.at}, p->dtype);
    return true;
}

/* It has no inputs, so no derivative reaches it and no batch. */
const mx_op mx_op_load = {OP_NAMED(load, "load"), .fields = fields, .params_size = sizeof(load_params),
                          .flags = OP_IMPURE, .shape = shape};
