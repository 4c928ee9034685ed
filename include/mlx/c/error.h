/* SPDX-License-Identifier: MIT
 *
 * Where error messages go. */
#ifndef MLX_ERROR_H
#define MLX_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Reports an error of the caller's, printf style, with the place where it is written. */
#define mlx_error(...) _mlx_error(__FILE__, __LINE__, __VA_ARGS__)

/* Gets each message, valid during the call, and the data it was installed with; called on the thread that failed. */
typedef void (*mlx_error_handler_func)(const char *msg, void *data);

/* Installs a handler for the process; NULL brings back the default, which prints a line to stderr and returns. `dtor`
 * (may be NULL) is called with `data` when the handler has been replaced and no call of it is running. */
void mlx_set_error_handler(mlx_error_handler_func handler, void *data, void (*dtor)(void *));
void _mlx_error(const char *file, const int line, const char *fmt, ...);

#ifdef __cplusplus
}
#endif

#endif
