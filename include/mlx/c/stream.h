/* SPDX-License-Identifier: MIT
 *
 * Streams: queues of work on a device. They live as long as the process; a handle only names one. */
#ifndef MLX_STREAM_H
#define MLX_STREAM_H

#include <stdbool.h>

#include "mlx/c/device.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A stream. An empty handle names none, and is an error where a stream is needed. */
typedef struct mlx_stream_ {
    void *ctx;
} mlx_stream;

/* An empty handle; a new stream on a device. */
mlx_stream mlx_stream_new(void);
mlx_stream mlx_stream_new_device(mlx_device dev);

/* Handles: replaced, given back, printed, compared, read. */
int mlx_stream_set(mlx_stream *stream, const mlx_stream src);
int mlx_stream_free(mlx_stream stream);
int mlx_stream_tostring(mlx_string *str, mlx_stream stream);
bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs);
int mlx_stream_get_device(mlx_device *dev, mlx_stream stream);
int mlx_stream_get_index(int *index, mlx_stream stream);

/* Waits until the stream has done all its work; reports its first error. */
int mlx_synchronize(mlx_stream stream);

/* The calling thread's default stream on a device. */
int mlx_get_default_stream(mlx_stream *stream, mlx_device dev);
int mlx_set_default_stream(mlx_stream stream);
mlx_stream mlx_default_cpu_stream_new(void);
mlx_stream mlx_default_gpu_stream_new(void);

#ifdef __cplusplus
}
#endif

#endif
