/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_LINALG_H
#define CORE_PARAMS_LINALG_H

#include <stdbool.h>

/* Of matrices in the last two axes.  inverse, solve: `triangular` ones, of which only the `upper` half or the lower is
 * read.  cholesky: which factor; eigh: which half is read.  svd, eigh, eig: with `vectors`, or values only. */
typedef struct linalg_params {
    bool triangular, upper, vectors;
} linalg_params;

#endif
