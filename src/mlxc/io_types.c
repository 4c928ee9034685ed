/* SPDX-License-Identifier: MIT
 *
 * Readers and writers: the caller's functions behind the native interface.  The native side asks whether all bytes
 * came; here that is `good` after the call. */
#include "mlxc/io.h"

#include <stdio.h>

bool mlxc_io_good(const mlxc_io *io)
{
    return (!io->table.is_open || io->table.is_open(io->desc)) && (!io->table.good || io->table.good(io->desc));
}

static bool read_bytes(void *ctx, void *destination, size_t bytes)
{
    mlxc_io *io = ctx;
    if (!io->table.read) return false;
    io->table.read(io->desc, destination, bytes);
    return mlxc_io_good(io);
}

static bool write_bytes(void *ctx, const void *source, size_t bytes)
{
    mlxc_io *io = ctx;
    if (!io->table.write) return false;
    io->table.write(io->desc, source, bytes);
    return mlxc_io_good(io);
}

static bool seek_to(void *ctx, int64_t offset, int whence)
{
    mlxc_io *io = ctx;
    if (!io->table.seek) return false;
    io->table.seek(io->desc, offset, whence);
    return mlxc_io_good(io);
}

static int64_t tell_position(void *ctx)
{
    mlxc_io *io = ctx;
    return io->table.tell ? (int64_t)io->table.tell(io->desc) : -1;
}

static const char *label_of(const mlxc_io *io)
{
    const char *label = io->table.label ? io->table.label(io->desc) : NULL;
    return label ? label : "stream";
}

mx_stream_io mlxc_native_io(mlxc_io *io)
{
    return (mx_stream_io){io, read_bytes, write_bytes, seek_to, tell_position, label_of(io)};
}

/* ---- What both types share ---- */

static void *new_io(const char *name, void *desc, const mlx_io_vtable *table)
{
    mlxc_call call = mlxc_enter(name);
    mlxc_io *io = mx_alloc(1, sizeof *io);
    if (io) *io = (mlxc_io){desc, *table};
    mlxc_leave_plain(&call, io != NULL);
    return io;
}

static int give_descriptor(const char *name, void **desc, const mlxc_io *io)
{
    mlxc_call call = mlxc_enter(name);
    bool ok = mlxc_is_set(desc, name, "desc") && mlxc_is_set(io, name, "io");
    if (ok) *desc = io->desc;
    return mlxc_leave_plain(&call, ok);
}

static int give_label(const char *name, mlx_string *str, const mlxc_io *io)
{
    mlxc_call call = mlxc_enter(name);
    bool ok = mlxc_is_set(str, name, "str") && mlxc_is_set(io, name, "io") && mlxc_set_string(str, label_of(io));
    return mlxc_leave_plain(&call, ok);
}

static int free_io(mlxc_io *io)
{
    if (io && io->table.free) io->table.free(io->desc);
    mx_free(io);
    return 0;
}

mlx_io_reader mlx_io_reader_new(void *desc, mlx_io_vtable vtable)
{
    return (mlx_io_reader){new_io(__func__, desc, &vtable)};
}

int mlx_io_reader_descriptor(void **desc_, mlx_io_reader io)
{
    return give_descriptor(__func__, desc_, io.ctx);
}

int mlx_io_reader_tostring(mlx_string *str_, mlx_io_reader io)
{
    return give_label(__func__, str_, io.ctx);
}

int mlx_io_reader_free(mlx_io_reader io)
{
    return free_io(io.ctx);
}

mlx_io_writer mlx_io_writer_new(void *desc, mlx_io_vtable vtable)
{
    return (mlx_io_writer){new_io(__func__, desc, &vtable)};
}

int mlx_io_writer_descriptor(void **desc_, mlx_io_writer io)
{
    return give_descriptor(__func__, desc_, io.ctx);
}

int mlx_io_writer_tostring(mlx_string *str_, mlx_io_writer io)
{
    return give_label(__func__, str_, io.ctx);
}

int mlx_io_writer_free(mlx_io_writer io)
{
    return free_io(io.ctx);
}
