/* SPDX-License-Identifier: MIT
 *
 * Arrays: handles on lazy, immutable n-dimensional values. */
#ifndef MLX_ARRAY_H
#define MLX_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/half.h"
#include "mlx/c/string.h"

#ifdef _MSC_VER
#define _CRT_USE_C_COMPLEX_H
#include <complex.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An element of a complex64 array: real part, imaginary part. */
#ifdef _MSC_VER
typedef _Fcomplex mlx_complex64_t;
#elif defined(__GNUC__)
__extension__ typedef float _Complex mlx_complex64_t; /* C++ has it as an extension */
#else
typedef float _Complex mlx_complex64_t;
#endif

/* A reference on an array. Several handles may share one array. */
typedef struct mlx_array_ {
    void *ctx;
} mlx_array;

/* A handle that holds nothing. */
#ifdef __GNUC__
__attribute__((unused))
#endif
static mlx_array mlx_array_empty = {NULL};

/* Element types. The values are part of the interface. */
typedef enum mlx_dtype_ {
    MLX_BOOL = 0,
    MLX_UINT8 = 1,
    MLX_UINT16 = 2,
    MLX_UINT32 = 3,
    MLX_UINT64 = 4,
    MLX_INT8 = 5,
    MLX_INT16 = 6,
    MLX_INT32 = 7,
    MLX_INT64 = 8,
    MLX_FLOAT16 = 9,
    MLX_FLOAT32 = 10,
    MLX_FLOAT64 = 11,
    MLX_BFLOAT16 = 12,
    MLX_COMPLEX64 = 13
} mlx_dtype;

/* Bytes of one element. */
size_t mlx_dtype_size(mlx_dtype dtype);

/* The values as text, long axes shortened; evaluates. */
int mlx_array_tostring(mlx_string *str, const mlx_array arr);

/* An empty handle; and giving one back (an empty one too). */
mlx_array mlx_array_new(void);
int mlx_array_free(mlx_array arr);

/* 0-d arrays: bool, int32, float32 (float is the same), float64 (double is the same), complex64. */
mlx_array mlx_array_new_bool(bool val);
mlx_array mlx_array_new_int(int val);
mlx_array mlx_array_new_float32(float val);
mlx_array mlx_array_new_float(float val);
mlx_array mlx_array_new_float64(double val);
mlx_array mlx_array_new_double(double val);
mlx_array mlx_array_new_complex(float real_val, float imag_val);

/* An array of shape (shape[0], ..., shape[dim - 1]) from row-major elements. new_data copies them. The managed ones use
 * the memory in place: it must not change until `dtor` (may be NULL) is called with it, or with the payload, once the
 * last user is done. If they fail, `dtor` is not called and the memory stays the caller's. */
mlx_array mlx_array_new_data(const void *data, const int *shape, int dim, mlx_dtype dtype);
mlx_array mlx_array_new_data_managed(void *data, const int *shape, int dim, mlx_dtype dtype, void (*dtor)(void *));
mlx_array mlx_array_new_data_managed_payload(void *data, const int *shape, int dim, mlx_dtype dtype, void *payload,
                                             void (*dtor)(void *));

/* What the handle refers to is replaced: by another handle's array, a 0-d value, or a copy of row-major elements. */
int mlx_array_set(mlx_array *arr, const mlx_array src);
int mlx_array_set_bool(mlx_array *arr, bool val);
int mlx_array_set_int(mlx_array *arr, int val);
int mlx_array_set_float32(mlx_array *arr, float val);
int mlx_array_set_float(mlx_array *arr, float val);
int mlx_array_set_float64(mlx_array *arr, double val);
int mlx_array_set_double(mlx_array *arr, double val);
int mlx_array_set_complex(mlx_array *arr, float real_val, float imag_val);
int mlx_array_set_data(mlx_array *arr, const void *data, const int *shape, int dim, mlx_dtype dtype);

/* Facts that need no evaluation. shape has mlx_array_ndim entries; strides too, in elements, and describe the memory
 * that mlx_array_data_* shows (so ask after mlx_array_eval). dim counts a negative axis from the end. A dimension above
 * INT_MAX is an error: the functions give NULL, -1 or 0 then. */
size_t mlx_array_itemsize(const mlx_array arr);
size_t mlx_array_size(const mlx_array arr);
size_t mlx_array_nbytes(const mlx_array arr);
size_t mlx_array_ndim(const mlx_array arr);
const int *mlx_array_shape(const mlx_array arr);
const size_t *mlx_array_strides(const mlx_array arr);
int mlx_array_dim(const mlx_array arr, int dim);
mlx_dtype mlx_array_dtype(const mlx_array arr);

/* Computes the array and waits for it. */
int mlx_array_eval(mlx_array arr);

/* The value of an array of size 1, converted as mlx_astype converts; evaluates. */
int mlx_array_item_bool(bool *res, const mlx_array arr);
int mlx_array_item_uint8(uint8_t *res, const mlx_array arr);
int mlx_array_item_uint16(uint16_t *res, const mlx_array arr);
int mlx_array_item_uint32(uint32_t *res, const mlx_array arr);
int mlx_array_item_uint64(uint64_t *res, const mlx_array arr);
int mlx_array_item_int8(int8_t *res, const mlx_array arr);
int mlx_array_item_int16(int16_t *res, const mlx_array arr);
int mlx_array_item_int32(int32_t *res, const mlx_array arr);
int mlx_array_item_int64(int64_t *res, const mlx_array arr);
int mlx_array_item_float32(float *res, const mlx_array arr);
int mlx_array_item_float64(double *res, const mlx_array arr);
int mlx_array_item_complex64(mlx_complex64_t *res, const mlx_array arr);
#ifdef HAS_FLOAT16
int mlx_array_item_float16(float16_t *res, const mlx_array arr);
#endif
#ifdef HAS_BFLOAT16
int mlx_array_item_bfloat16(bfloat16_t *res, const mlx_array arr);
#endif

/* The first element in memory, as bytes of the named type: nothing is converted, so the caller picks the type that
 * mlx_array_dtype names (or an unsigned integer of its width). Evaluates. Elements lie mlx_array_strides apart: make
 * the array mlx_contiguous for row-major order. NULL on failure and for an array without elements. */
const bool *mlx_array_data_bool(const mlx_array arr);
const uint8_t *mlx_array_data_uint8(const mlx_array arr);
const uint16_t *mlx_array_data_uint16(const mlx_array arr);
const uint32_t *mlx_array_data_uint32(const mlx_array arr);
const uint64_t *mlx_array_data_uint64(const mlx_array arr);
const int8_t *mlx_array_data_int8(const mlx_array arr);
const int16_t *mlx_array_data_int16(const mlx_array arr);
const int32_t *mlx_array_data_int32(const mlx_array arr);
const int64_t *mlx_array_data_int64(const mlx_array arr);
const float *mlx_array_data_float32(const mlx_array arr);
const double *mlx_array_data_float64(const mlx_array arr);
const mlx_complex64_t *mlx_array_data_complex64(const mlx_array arr);
#ifdef HAS_FLOAT16
const float16_t *mlx_array_data_float16(const mlx_array arr);
#endif
#ifdef HAS_BFLOAT16
const bfloat16_t *mlx_array_data_bfloat16(const mlx_array arr);
#endif

/* State, for bindings. wait returns when an asynchronous evaluation is done; contiguity is that of its memory. */
int _mlx_array_is_available(bool *res, const mlx_array arr);
int _mlx_array_wait(const mlx_array arr);
int _mlx_array_is_contiguous(bool *res, const mlx_array arr);
int _mlx_array_is_row_contiguous(bool *res, const mlx_array arr);
int _mlx_array_is_col_contiguous(bool *res, const mlx_array arr);

#ifdef __cplusplus
}
#endif

#endif
