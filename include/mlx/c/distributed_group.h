/* SPDX-License-Identifier: MIT
 *
 * Groups of processes. */
#ifndef MLX_DISTRIBUTED_GROUP_H
#define MLX_DISTRIBUTED_GROUP_H

#include <stdbool.h>

#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A group of processes that communicate. */
typedef struct mlx_distributed_group_ {
    void *ctx;
} mlx_distributed_group;
mlx_distributed_group mlx_distributed_group_new(void);
int mlx_distributed_group_free(mlx_distributed_group group);

/* Joins the group of all processes over the back-end `bk` (NULL: any); strict makes a lack of one an error. */
int mlx_distributed_init(mlx_distributed_group *res, bool strict, const char *bk /* may be empty */);

/* This process in the group, their number, and the part of it with the same color, ordered by key. */
int mlx_distributed_group_rank(mlx_distributed_group group);
int mlx_distributed_group_size(mlx_distributed_group group);
int mlx_distributed_group_split(mlx_distributed_group *res, mlx_distributed_group group, int color, int key);

/* Can a group be made over that back-end (NULL: over any)? */
bool mlx_distributed_is_available(const char *bk /* may be empty */);

#ifdef __cplusplus
}
#endif

#endif
