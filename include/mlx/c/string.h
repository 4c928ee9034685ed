/* SPDX-License-Identifier: MIT
 *
 * Strings that the library returns. */
#ifndef MLX_STRING_H
#define MLX_STRING_H

#ifdef __cplusplus
extern "C" {
#endif

/* A string, zero-terminated. */
typedef struct mlx_string_ {
    void *ctx;
} mlx_string;

/* An empty handle, or one with a copy of `str`. */
mlx_string mlx_string_new(void);
mlx_string mlx_string_new_data(const char *str);

/* Replaces the text by a copy of that of `src`. */
int mlx_string_set(mlx_string *str, const mlx_string src);

/* The text, valid until the handle is set or freed; NULL for an empty handle. */
const char *mlx_string_data(mlx_string str);

/* Gives the text back. */
int mlx_string_free(mlx_string str);

#ifdef __cplusplus
}
#endif

#endif
