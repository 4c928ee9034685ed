/* SPDX-License-Identifier: MIT
 *
 * What makes programs of groups. */
#ifndef CUDA_GROUP_H
#define CUDA_GROUP_H

#include "cuda/elementwise.h"

/* Is node k of the group written to memory? */
bool group_writes(const mx_group *g, int k);
/* row_group.c: the steps of a group with views or work along rows.  False (no error): not in one kernel. */
bool cuda_row_program(elementwise_program *p, elementwise_rows *rows, const mx_group *g);

/* Can the reduction be in a kernel with others? */
bool cuda_folds_rows(const mx_array *node);

#endif
