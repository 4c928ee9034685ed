/* SPDX-License-Identifier: MIT
 *
 * Memory statistics and limits. */
#include "mlxc/mlxc.h"

static int give(const char *name, size_t *res, size_t value)
{
    mlxc_call call = mlxc_enter(name);
    if (mlxc_is_set(res, name, "res")) *res = value;
    return mlxc_leave_plain(&call, true);
}

int mlx_clear_cache(void)
{
    mx_clear_cache();
    return 0;
}

int mlx_reset_peak_memory(void)
{
    mx_reset_peak_memory();
    return 0;
}

int mlx_get_active_memory(size_t *res)
{
    return give(__func__, res, mx_get_active_memory());
}

int mlx_get_cache_memory(size_t *res)
{
    return give(__func__, res, mx_get_cache_memory());
}

int mlx_get_memory_limit(size_t *res)
{
    return give(__func__, res, mx_get_memory_limit());
}

int mlx_get_peak_memory(size_t *res)
{
    return give(__func__, res, mx_get_peak_memory());
}

int mlx_set_cache_limit(size_t *res, size_t limit)
{
    return give(__func__, res, res ? mx_set_cache_limit(limit) : 0);
}

int mlx_set_memory_limit(size_t *res, size_t limit)
{
    return give(__func__, res, res ? mx_set_memory_limit(limit) : 0);
}

/* There is no wired memory outside Apple's machines: the limit is 0 and stays so, as MLX has it there. */
int mlx_set_wired_limit(size_t *res, size_t limit)
{
    (void)limit;
    return give(__func__, res, 0);
}
