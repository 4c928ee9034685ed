/* SPDX-License-Identifier: MIT
 *
 * What makes programs of groups. */
#ifndef CUDA_GROUP_H
#define CUDA_GROUP_H

#include "cuda/elementwise.h"
#include "cuda/reduce.h"

/* The kernel of a key that others could do without, compiled behind what somebody waits for if the key was seen before or
 * `comes_again`; it may be pending only where groups are compiled at once.  NULL: there is none yet, and no error is
 * recorded unless it had to be there. */
cuda_kernel *group_kernel(cuda_device *d, const elementwise_key *key, bool comes_again);

/* Is node k of the group written to memory? */
bool group_writes(const mx_group *g, int k);
/* row_group.c: the steps of a group with views or work along rows.  False (no error): not in one kernel. */
bool cuda_row_program(elementwise_program *p, elementwise_rows *rows, const mx_group *g);

/* reduce_group.c: the same for a group that ends with a reduction over any axes; its launches. */
bool cuda_end_program(elementwise_program *p, reduce_args *a, const mx_group *g);
bool cuda_end_launch(cuda_call *c, const elementwise_program *p, elementwise_layout *l, cuda_kernel *kernel,
                     reduce_args *a);

/* Can the reduction be in a kernel with others? */
bool cuda_folds_rows(const mx_array *node);
/* How many of its last axes are folded. */
int cuda_folded_dimensions(const mx_array *node);
/* Can it be the last of a group that computes its elements? */
bool cuda_can_end(const mx_array *node);

#endif
