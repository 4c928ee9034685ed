/* SPDX-License-Identifier: MIT
 *
 * Writing through a parsed index. */
#ifndef PY_INDEX_SET_H
#define PY_INDEX_SET_H

#include "index.h"

typedef enum index_mode { INDEX_SET, INDEX_ADD, INDEX_MULTIPLY, INDEX_DIVIDE, INDEX_MAXIMUM, INDEX_MINIMUM } index_mode;

/* A Python object as a value for x: in x's dtype. */
mx_array *index_value(mx_array *x, PyObject *value);
/* x with the selected elements combined with `value` (of x's dtype); every duplicate counts, the last one wins for
 * INDEX_SET.  The index must not be a lone mask. */
mx_array *index_write(const index_t *ix, mx_array *value, index_mode mode);

#endif
