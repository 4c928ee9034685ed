/* SPDX-License-Identifier: MIT
 *
 * A parsed index: what `x[...]`, `x[...] = v` and `x.at[...]` have in common.
 *
 * Parsing turns an index into one item per axis of x plus new axes; a boolean mask merges the axes that it covers into
 * one and becomes an array of positions.  Then reading is slice, take or gather, transpose; writing is the same path
 * backwards for the value, then scatter, slice_update.  All arrays here belong to the open scope. */
#ifndef PY_INDEX_H
#define PY_INDEX_H

#include "mica_py.h"

typedef enum index_kind { INDEX_INT, INDEX_SLICE, INDEX_NEW, INDEX_ARRAY } index_kind;

typedef struct index_item {
    index_kind kind;
    int axis;                    /* of x; unused for INDEX_NEW */
    int64_t start, step, length; /* what is selected; INDEX_ARRAY: the whole axis */
    mx_array *array;             /* INDEX_ARRAY: integers */
} index_item;

enum { INDEX_MAX_ITEMS = 2 * MX_MAX_NDIM };

typedef struct index {
    mx_array *x;     /* the array, axes below a mask merged */
    mx_array *whole; /* the array as it was given */
    int count;
    index_item at[INDEX_MAX_ITEMS];
    int array_count, new_count, int_count;
    mx_array *mask; /* the only item is this mask, which was not evaluated: for writing (see index_parse) */
    /* The block of axes that the arrays stand for: their broadcast shape and how many slices of the result precede
     * it. */
    int block_ndim, block_place;
    bool separated; /* by a slice or a new axis: then the block comes first of all */
    int64_t block_shape[MX_MAX_NDIM];
} index_t;

/* Parses; false: a Python exception or an mx error is set.  For writing, Python's bools are masks and a mask that
 * stands alone is left in `mask`, so that nothing is evaluated. */
bool index_parse(index_t *out, mx_array *x, PyObject *key, bool for_writing);

/* The part of x that slices and ints select, with x's number of axes; whether that is all of x. */
mx_array *index_slice(const index_t *ix);
bool index_selects_all(const index_t *ix);
/* x with the part that slices and ints select replaced. */
mx_array *index_put_slice(const index_t *ix, mx_array *part);

/* Shapes and broadcasts a value as index_slice's result (no arrays) or as the updates of a scatter into it. */
mx_array *index_align(const index_t *ix, mx_array *value);
/* Do the arrays select nothing, because there are no indices?  Do they index an axis that has no elements? */
bool index_block_is_empty(const index_t *ix);
bool index_axis_is_empty(const index_t *ix);
/* The arrays of the index and their axes, as mx_gather and mx_scatter want them; returns their number. */
int index_arrays(const index_t *ix, mx_array **arrays, int *axes);

#endif
