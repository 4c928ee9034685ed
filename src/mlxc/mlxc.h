/* SPDX-License-Identifier: MIT
 *
 * mlx-c over the native API: what the files of this room share.
 *
 * Every entry point is one call record: mlxc_enter clears the thread's error, opens a scope and selects the stream; the
 * body is an expression of native ops over borrowed arguments; mlxc_leave closes the scope, keeps the results in the
 * caller's handles and hands an error to the handler.  So a wrapper is one RETURN line. */
#ifndef MLXC_MLXC_H
#define MLXC_MLXC_H

#define MICA_NO_SHORT_NAMES
#include "mica.h"
#include "mlx/c/mlx.h"

/* ---- What a ctx points to ---- */

/* Handles are copied by value by callers, so setting one changes the object in place.  The int and size_t copies are
 * made when they are first asked for. */
typedef struct mlxc_array {
    mx_array *array; /* NULL never */
    int *_Atomic shape;
    size_t *_Atomic strides[2]; /* row-major ones; those of its memory, once it is evaluated */
} mlxc_array;

typedef struct mlxc_vector { /* of mlx_vector_array */
    mx_array **at;
    size_t count;
    size_t capacity;
    struct mlxc_batch *batch; /* of the placeholders of a vmap only, see transforms_impl.c */
} mlxc_vector;

typedef struct mlxc_closure mlxc_closure; /* of every closure type */

typedef struct mlxc_entry {
    char *key;
    mx_array *array; /* one of the two, by the kind of the map */
    char *text;
} mlxc_entry;

typedef struct mlxc_map { /* sorted by key */
    mlxc_entry *at;
    size_t count;
    size_t capacity;
} mlxc_map;

/* ---- Calls ---- */

typedef struct mlxc_call {
    const char *name;
    mx_scope scope;
    bool moved; /* to another stream */
    mx_stream *before;
} mlxc_call;

mlxc_call mlxc_enter(const char *name);
mlxc_call mlxc_enter_on(const char *name, mlx_stream s);
/* All end the call and return what the entry point returns: 0, or 1 after reporting the error. */
int mlxc_leave(mlxc_call *call, mlx_array *res, mx_array *result);
int mlxc_leave_two(mlxc_call *call, mlx_array *res_0, mx_array *result_0, mlx_array *res_1, mx_array *result_1);
int mlxc_leave_list(mlxc_call *call, mlx_vector_array *res, mx_array *const *results, int count, bool ok);
int mlxc_leave_plain(mlxc_call *call, bool ok);

#define RETURN(res, s, expression)                                                                                     \
    do {                                                                                                               \
        mlxc_call call_ = mlxc_enter_on(__func__, s);                                                                  \
        return mlxc_leave(&call_, res, expression);                                                                    \
    } while (0)
#define RETURN_HERE(res, expression)                                                                                   \
    do {                                                                                                               \
        mlxc_call call_ = mlxc_enter(__func__);                                                                        \
        return mlxc_leave(&call_, res, expression);                                                                    \
    } while (0)

/* Tells the error handler the thread's pending error and clears it; returns 1. */
int mlxc_report(const char *name);

/* ---- Arguments: borrowed views of handles.  What is wrong with one is recorded, and the view is empty. ---- */

mx_array *mlxc_get_array(mlx_array handle, const char *name, const char *what);
mlxc_vector mlxc_get_vector(mlx_vector_array handle, const char *name, const char *what);
mx_stream *mlxc_get_stream(mlx_stream handle, const char *name);
mx_dtype mlxc_get_dtype(mlx_dtype dtype, const char *name);
/* Lists of at most MX_MAX_NDIM entries; `at` is room for them. */
mx_axes mlxc_get_axes(const int *axes, size_t count, const char *name);
mx_shape mlxc_get_shape(int64_t at[MX_MAX_NDIM], const int *dims, size_t count, const char *name);
const int64_t *mlxc_get_ints(int64_t at[MX_MAX_NDIM], const int *list, size_t count, int want, const char *name);
bool mlxc_is_set(const void *pointer, const char *name, const char *what); /* false and an error for NULL */

#define ARRAY(handle) mlxc_get_array(handle, __func__, #handle)
#define MAYBE(handle) ((handle).ctx ? ((mlxc_array *)(handle).ctx)->array : NULL)
#define VECTOR(handle) mlxc_get_vector(handle, __func__, #handle)
#define DTYPE(dtype) mlxc_get_dtype(dtype, __func__)
#define AXES_OF(list) mlxc_get_axes(list, list##_num, __func__)
#define SHAPE_OF(list) mlxc_get_shape((int64_t[MX_MAX_NDIM]){0}, list, list##_num, __func__)
#define INTS_OF(list, want) mlxc_get_ints((int64_t[MX_MAX_NDIM]){0}, list, list##_num, want, __func__)
#define IS_SET(pointer) mlxc_is_set(pointer, __func__, #pointer)

/* ---- Handles ---- */

/* Puts a reference of the caller's into a handle, which keeps its ctx if it has one; false after dropping it. */
bool mlxc_set_array_take(mlx_array *handle, mx_array *array);
bool mlxc_append(mlxc_vector *vector, mx_array *array); /* borrowed */
bool mlxc_set_vector(mlx_vector_array *handle, mx_array *const *arrays, size_t count);
void mlxc_vector_clear(mlxc_vector *vector);
void mlxc_batch_free(struct mlxc_batch *batch);
bool mlxc_set_string(mlx_string *handle, const char *text);
char *mlxc_copy_text(const char *text); /* to be freed with mx_free; NULL and an error if there is no memory */

mlxc_map *mlxc_map_new(void);
void mlxc_map_free(mlxc_map *map);
bool mlxc_map_put(mlxc_map *map, const char *key, mx_array *array, const char *text); /* copies, keeps */

mlxc_closure *mlxc_closure_keep(mlxc_closure *closure);
void mlxc_closure_drop(mlxc_closure *closure);
/* Runs a closure of mlx_closure's kind; `*out`, empty before, gets the results. */
bool mlxc_closure_run(mlxc_closure *closure, mlx_vector_array *out, mx_array *const *in, size_t count);

/* The same of mlx_closure_kwargs' kind. */
bool mlxc_closure_run_kwargs(mlxc_closure *closure, mlx_vector_array *out, mx_array *const *in, size_t count,
                             mlxc_map *named);

/* A gradient closure of our own: `fn` works in the scope of the call that applies it and leaves its error pending. */
typedef bool mlxc_gradient_fn(mlx_vector_array *values, mlx_vector_array *grads, mlxc_vector in, void *payload);
mlx_closure_value_and_grad mlxc_gradient_closure(mlxc_gradient_fn *fn, void *payload, void (*dtor)(void *));

/* Runs a rule of a custom function; `*out`, empty before, gets the results. */
bool mlxc_closure_run_vjp(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_array primals,
                          mlx_vector_array cotangents, mlx_vector_array outputs);
bool mlxc_closure_run_jvp(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_array primals,
                          mlx_vector_array tangents, const int *positions, size_t count);
bool mlxc_closure_run_vmap(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_int *out_axes, mlx_vector_array in,
                           const int *axes, size_t count);

/* The same for plain closures. */
typedef bool mlxc_native_fn(mlx_vector_array *out, mlxc_vector in, void *payload);
mlx_closure mlxc_native_closure(const char *name, mlxc_native_fn *fn, void *payload, void (*dtor)(void *));

/* Makes room for one more entry in a list that grows by half. */
bool mlxc_grow(void **at, size_t *capacity, size_t count, size_t item_bytes);

#endif
