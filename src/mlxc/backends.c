/* SPDX-License-Identifier: MIT
 *
 * Which of MLX's other back-ends are there: CUDA where a device is, Metal never. */
#include "mlxc/mlxc.h"

static int give(const char *name, bool *res, bool value)
{
    mlxc_call call = mlxc_enter(name);
    if (mlxc_is_set(res, name, "res")) *res = value;
    return mlxc_leave_plain(&call, true);
}

int mlx_cuda_is_available(bool *res)
{
    return give(__func__, res, mx_device_available((mx_device){MX_GPU, 0}));
}

int mlx_metal_is_available(bool *res)
{
    return give(__func__, res, false);
}

static int no_metal(const char *name)
{
    mlxc_call call = mlxc_enter(name);
    return mlxc_leave_plain(&call, mx_fail_false(MX_RUNTIME, "[%s] Metal is not available.", name));
}

int mlx_metal_start_capture(const char *path)
{
    (void)path;
    return no_metal(__func__);
}

int mlx_metal_stop_capture(void)
{
    return no_metal(__func__);
}
