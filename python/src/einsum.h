/* SPDX-License-Identifier: MIT
 *
 * Sums of products by labels of axes, composed of transpose, reshape, matmul, multiply and sum. */
#ifndef MICA_PY_EINSUM_H
#define MICA_PY_EINSUM_H

#include "mica_py.h"

enum { PY_EINSUM_OPERANDS = 32 }; /* at most */

/* einsum("ij,jk->ik", a, b); NULL and an error of the library if the text or the shapes are wrong. */
mx_array *py_einsum_of(const char *subscripts, mx_array *const *operands, int count);

#endif
