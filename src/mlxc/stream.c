/* SPDX-License-Identifier: MIT
 *
 * Streams.  They live as long as the process, so a ctx is the stream itself and a handle owns nothing. */
#include "mlxc/mlxc.h"

#include <stdio.h>

#define STREAM(stream) mlxc_get_stream(stream, __func__)

/* The device of a handle; a CPU and an error for an empty one. */
static mx_device device_of(mlx_device dev, const char *name)
{
    mx_device device = {MX_CPU, 0};
    mlx_device_type type = MLX_CPU;
    if (!mlxc_is_set(dev.ctx, name, "dev")) return device;
    mlx_device_get_type(&type, dev);
    mlx_device_get_index(&device.index, dev);
    device.type = (mx_device_type)type;
    return device;
}

static mlx_stream leave_stream(mlxc_call *call, mx_stream *stream)
{
    mlxc_leave_plain(call, stream != NULL);
    return (mlx_stream){stream};
}

mlx_stream mlx_stream_new(void)
{
    return (mlx_stream){NULL};
}

mlx_stream mlx_stream_new_device(mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = device_of(dev, __func__);
    return leave_stream(&call, mx_failed() ? NULL : mx_new_stream(device));
}

mlx_stream mlx_default_cpu_stream_new(void)
{
    mlxc_call call = mlxc_enter(__func__);
    return leave_stream(&call, mx_default_stream((mx_device){MX_CPU, 0}));
}

mlx_stream mlx_default_gpu_stream_new(void)
{
    mlxc_call call = mlxc_enter(__func__);
    return leave_stream(&call, mx_default_stream((mx_device){MX_GPU, 0}));
}

int mlx_stream_free(mlx_stream stream)
{
    (void)stream;
    return 0;
}

int mlx_stream_set(mlx_stream *stream, const mlx_stream src)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(stream) && IS_SET(src.ctx);
    if (ok) *stream = src;
    return mlxc_leave_plain(&call, ok);
}

int mlx_stream_tostring(mlx_string *str, mlx_stream stream)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_stream *s = STREAM(stream);
    bool ok = s && IS_SET(str);
    if (ok) {
        mx_device device = mx_stream_device(s);
        char text[96];
        snprintf(text, sizeof text, "Stream(Device(%s, %d), %d)", device.type == MX_GPU ? "gpu" : "cpu", device.index,
                 mx_stream_index(s));
        ok = mlxc_set_string(str, text);
    }
    return mlxc_leave_plain(&call, ok);
}

bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs)
{
    return lhs.ctx == rhs.ctx;
}

int mlx_stream_get_device(mlx_device *dev, mlx_stream stream)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_stream *s = STREAM(stream);
    int status = mlxc_leave_plain(&call, s && IS_SET(dev));
    if (status == 0) {
        mx_device device = mx_stream_device(s);
        *dev = mlx_device_new_type((mlx_device_type)device.type, device.index);
    }
    return status;
}

int mlx_stream_get_index(int *index, mlx_stream stream)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_stream *s = STREAM(stream);
    if (s && IS_SET(index)) *index = mx_stream_index(s);
    return mlxc_leave_plain(&call, true);
}

int mlx_synchronize(mlx_stream stream)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_stream *s = STREAM(stream);
    return mlxc_leave_plain(&call, s && mx_synchronize(s));
}

int mlx_get_default_stream(mlx_stream *stream, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = device_of(dev, __func__);
    mx_stream *s = IS_SET(stream) && !mx_failed() ? mx_default_stream(device) : NULL;
    if (s) stream->ctx = s;
    return mlxc_leave_plain(&call, s != NULL);
}

int mlx_set_default_stream(mlx_stream stream)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_stream *s = STREAM(stream);
    return mlxc_leave_plain(&call, s && mx_set_default_stream(s));
}
