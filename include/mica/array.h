/* SPDX-License-Identifier: MIT
 *
 * Arrays: making them, owning them, reading them.
 *
 * Arguments are borrowed.  What an op returns belongs to the innermost open scope of the calling thread and is dropped
 * when that scope closes (a thread starts with a root scope, which closes when the thread ends).  mx_keep takes a
 * reference of one's own, mx_drop gives it back. */
#ifndef MICA_ARRAY_H
#define MICA_ARRAY_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* ---- Scopes */
typedef struct mx_scope {
    size_t mark;
} mx_scope;

MX_API mx_scope mx_scope_open(void);
/* Drops every temporary made since the scope was opened but `result` (may be NULL), which then belongs to the caller.
 * A result that the caller owns already, or that an outer scope holds, gains a reference. */
MX_API mx_array *mx_scope_close(mx_scope s, mx_array *result);
MX_API void mx_scope_close_n(mx_scope s, mx_array *const *results, int count);
/* Gives a reference of the caller's to the innermost scope, which drops it when it closes; returns its argument. */
MX_API mx_array *mx_temporary(mx_array *x);

/* ---- References; both accept NULL */
MX_API mx_array *mx_keep(mx_array *x);
MX_API void mx_drop(mx_array *x);
MX_API void mx_drop_n(mx_array **arrays, int count); /* drops each and sets it to NULL */

/* ---- From memory */
/* Copies row-major elements of the dtype. */
MX_API mx_array *mx_from_data(const void *data, mx_shape shape, mx_dtype dtype);
/* Uses the caller's memory without copying it: row-major, unchanged until `release(context)` is called, which may
 * happen at any time after the last reference is gone, on the thread that calls mx_release_foreign (every public call
 * that evaluates does). */
MX_API mx_array *mx_from_foreign(void *data, mx_shape shape, mx_dtype dtype, void (*release)(void *context),
                                 void *context);
MX_API void mx_release_foreign(void);
/* 0-d arrays.  mx_like gives a value in another array's dtype, so that it takes no part in promotion. */
MX_API mx_array *mx_float(double value); /* float32 */
MX_API mx_array *mx_int(int64_t value);  /* int32, or int64 if out of its range */
MX_API mx_array *mx_bool(bool value);
MX_API mx_array *mx_complex(float re, float im);
MX_API mx_array *mx_scalar(double value, mx_dtype dtype);
MX_API mx_array *mx_scalar_int(int64_t value, mx_dtype dtype);
MX_API mx_array *mx_like(mx_array *x, double value);

/* ---- Facts, known without evaluating */
MX_API int mx_ndim(const mx_array *x);
MX_API mx_shape mx_shape_of(const mx_array *x); /* valid while x lives */
MX_API int64_t mx_dim(const mx_array *x,
                      int axis);           /* negative axes count from the end; -1 and an INDEX error if out of range */
MX_API int64_t mx_size(const mx_array *x); /* number of elements */
MX_API size_t mx_nbytes(const mx_array *x);
MX_API mx_dtype mx_dtype_of(const mx_array *x);
MX_API mx_stream *mx_stream_of(const mx_array *x); /* where it is or was computed; NULL for data */
MX_API const char *mx_op_name(const mx_array *x);  /* of the op that makes or made it; "" for data */

/* ---- Evaluation */
MX_API bool mx_eval(mx_array *x);
MX_API bool mx_eval_n(mx_array *const *arrays, int count);
MX_API bool mx_async_eval_n(mx_array *const *arrays, int count); /* returns at once; a later read waits */
MX_API bool mx_is_available(const mx_array *x);                  /* is its data there already? */
MX_API bool mx_is_tracer(const mx_array *x); /* a placeholder, or made from one: it cannot be evaluated */

/* Asks `check` now and then (every 10 ms or so) while the calling thread evaluates; true stops the evaluation with a
 * RUNTIME error and leaves what was not computed lazy.  NULL switches it off. */
MX_API void mx_set_interrupt(bool (*check)(void));

/* ---- Reading; these evaluate and wait */
/* Copies all elements, row-major; `bytes` must be mx_nbytes(x). */
MX_API bool mx_read(mx_array *x, void *destination, size_t bytes);
/* The value of an array of size 1, converted; 0 and an error if that is not its size. */
MX_API double mx_value(mx_array *x);
MX_API int64_t mx_value_int(mx_array *x);
MX_API bool mx_value_complex(mx_array *x, float *re, float *im);
/* The memory of an evaluated array, in place: its first element and its strides in elements (mx_ndim entries, valid
 * while x lives).  mx_data gives row-major contiguous elements or fails with a VALUE error; see mx_contiguous. */
MX_API const void *mx_data(mx_array *x);
MX_API const void *mx_data_strided(mx_array *x, const int64_t **strides);
/* The same for a writable view that outlives the call (NumPy, DLPack): until `mx_unexport(x)` the memory is neither
 * donated nor reused, and every reader sees what is written to it. */
MX_API void *mx_export(mx_array *x, const int64_t **strides);
MX_API void mx_unexport(mx_array *x);
/* A row-major copy, or x itself if it is so already (lazy). */
MX_API mx_array *mx_contiguous(mx_array *x);

/* ---- For people */
/* `array([1, 2], dtype=int32)`; precision -1 prints six significant digits.  The text is to be freed with mx_free_text.
 */
MX_API char *mx_to_text(mx_array *x, int precision);
MX_API void mx_free_text(char *text);

MX_END_DECLS
#endif
