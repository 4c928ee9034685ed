/* SPDX-License-Identifier: MIT
 *
 * The version of MLX whose behaviour this is. */
#include "mlxc/mlxc.h"

int mlx_version(mlx_string *str_)
{
    mlxc_call call = mlxc_enter(__func__);
    return mlxc_leave_plain(&call, IS_SET(str_) && mlxc_set_string(str_, MICA_VERSION));
}
