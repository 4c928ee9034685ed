/* SPDX-License-Identifier: MIT
 *
 * What the tables of functions share: pieces of signatures, and calls of one shape. */
#ifndef MICA_PY_OPS_H
#define MICA_PY_OPS_H

#include "mica_py.h"

#define ANY(name) name ": Union[scalar, array]"
#define STREAM "stream: StreamOrDevice = None"
#define AXIS "axis: Union[None, int, Sequence[int]] = None"
#define ONE_AXIS "axis: Optional[int] = None"
#define KEEPDIMS "keepdims: bool = False"
#define DTYPE "dtype: Optional[Dtype] = None"
#define SHAPE "shape: Union[int, Sequence[int]]"

/* All tables, for ops.c: of files of that name, but that scan is in ops_reduce.c and window in ops_create.c. */
#define PY_TABLES(X)                                                                                                   \
    X(unary) X(binary) X(reduce) X(scan) X(sort) X(create) X(window) X(shape) X(join) X(index) X(matmul) X(misc)
#define PY_DECLARE_TABLE(name) extern const py_row py_rows_##name[];
PY_TABLES(PY_DECLARE_TABLE)
#undef PY_DECLARE_TABLE

/* An axis that may be None, which flattens the array first. */
bool py_axis_or_flat(py_args *in, int i, mx_array **x, int *axis);
/* The axis counted from the front, or -1 with a ValueError that begins with [op]. */
int py_positive_axis(const char *op, int axis, int ndim);

#endif
