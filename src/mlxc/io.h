/* SPDX-License-Identifier: MIT
 *
 * Readers and writers, seen by the functions that load and save. */
#ifndef MLXC_IO_H
#define MLXC_IO_H

#include "mlxc/mlxc.h"

typedef struct mlxc_io {
    void *desc;
    mlx_io_vtable table;
} mlxc_io;

bool mlxc_io_good(const mlxc_io *io);
mx_stream_io mlxc_native_io(mlxc_io *io); /* borrows it */

#endif
