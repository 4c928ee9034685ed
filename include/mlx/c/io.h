/* SPDX-License-Identifier: MIT
 *
 * Arrays in files: NumPy (.npy), safetensors and GGUF; by path, or by a reader or writer of the caller's. */
#ifndef MLX_IO_H
#define MLX_IO_H

#include "mlx/c/array.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads one array (npy), a table with metadata (safetensors), or a GGUF file. A path is opened at once and read when
 * the arrays are evaluated; a reader is read at once. */
int mlx_load_reader(mlx_array *res, mlx_io_reader in_stream, const mlx_stream s);
int mlx_load(mlx_array *res, const char *file, const mlx_stream s);
int mlx_load_gguf(mlx_io_gguf *gguf, const char *file, const mlx_stream s);
int mlx_load_safetensors_reader(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                mlx_io_reader in_stream, const mlx_stream s);
int mlx_load_safetensors(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1, const char *file,
                         const mlx_stream s);

/* Evaluates and writes. Files appear whole or not at all. metadata may be empty. */
int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a);
int mlx_save(const char *file, const mlx_array a);
int mlx_save_gguf(const char *file, mlx_io_gguf gguf);
int mlx_save_safetensors_writer(mlx_io_writer in_stream, const mlx_map_string_to_array param,
                                const mlx_map_string_to_string metadata);
int mlx_save_safetensors(const char *file, const mlx_map_string_to_array param,
                         const mlx_map_string_to_string metadata);

#ifdef __cplusplus
}
#endif

#endif
