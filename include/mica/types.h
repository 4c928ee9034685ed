/* SPDX-License-Identifier: MIT
 *
 * The types that every other header speaks in: dtypes, shapes, lists of axes. */
#ifndef MICA_TYPES_H
#define MICA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MX_BEGIN_DECLS extern "C" {
#define MX_END_DECLS }
#else
#define MX_BEGIN_DECLS
#define MX_END_DECLS
#endif

#if defined(__GNUC__)
#define MX_API __attribute__((visibility("default")))
#else
#define MX_API
#endif

MX_BEGIN_DECLS

#define MX_MAX_NDIM 16 /* an array has at most this many dimensions */

/* Element types, in the order (and with the values) of MLX. */
typedef enum mx_dtype {
    MX_BOOL,
    MX_UINT8,
    MX_UINT16,
    MX_UINT32,
    MX_UINT64,
    MX_INT8,
    MX_INT16,
    MX_INT32,
    MX_INT64,
    MX_FLOAT16,
    MX_FLOAT32,
    MX_FLOAT64,
    MX_BFLOAT16,
    MX_COMPLEX64,
    MX_DTYPE_COUNT
} mx_dtype;

/* The kinds of dtypes, from the general to the special; see mx_dtype_is. */
typedef enum mx_kind {
    MX_GENERIC,
    MX_NUMBER,
    MX_INTEGER,
    MX_SIGNED_INTEGER,
    MX_UNSIGNED_INTEGER,
    MX_INEXACT,
    MX_FLOATING,
    MX_COMPLEX_FLOATING,
    MX_KIND_COUNT
} mx_kind;

/* An array: a node of a graph, immutable, reference counted.  See mica/array.h for who owns what. */
typedef struct mx_array mx_array;

/* A queue of work on one device.  Streams live as long as the process. */
typedef struct mx_stream mx_stream;

/* Lists that a caller lends for one call. */
typedef struct mx_shape {
    int ndim;
    const int64_t *at;
} mx_shape;

/* A list of axes, negative ones counted from the end; count -1 means all of them. */
typedef struct mx_axes {
    int count;
    const int *at;
} mx_axes;

#define MX_SHAPE(...)                                                                                                  \
    ((mx_shape){(int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}})
#define MX_SCALAR_SHAPE ((mx_shape){0, NULL})
#define MX_AXES(...) ((mx_axes){(int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]){__VA_ARGS__}})
#define MX_ALL_AXES ((mx_axes){-1, NULL})
#define MX_KEEP_DIMS true

#ifndef MICA_NO_SHORT_NAMES
#define SHAPE(...) MX_SHAPE(__VA_ARGS__)
#define SCALAR_SHAPE MX_SCALAR_SHAPE
#define AXES(...) MX_AXES(__VA_ARGS__)
#define ALL_AXES MX_ALL_AXES
#define KEEP MX_KEEP_DIMS
#endif

/* Facts about a dtype: bytes of an element, its name ("float32"), whether it belongs to a kind (bool is generic only).
 */
MX_API size_t mx_dtype_size(mx_dtype dtype);
MX_API const char *mx_dtype_name(mx_dtype dtype);
MX_API bool mx_dtype_is(mx_dtype dtype, mx_kind kind);
MX_API bool mx_kind_is(mx_kind sub, mx_kind super); /* is `sub` the same as `super` or below it? */
MX_API const char *mx_kind_name(mx_kind kind);
/* The dtype of an operation on operands of these two (MLX's table: int64 with float16 is float16). */
MX_API mx_dtype mx_dtype_promote(mx_dtype a, mx_dtype b);

MX_END_DECLS
#endif
