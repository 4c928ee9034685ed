/* SPDX-License-Identifier: MIT
 *
 * Nodes: making, counting, publishing and freeing them. */
#include "core/array.h"
#include "core/memory.h"
#include "core/op.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/where.h"
#include <string.h>

_Static_assert(sizeof(mx_array) <= NODE_BYTES, "a node is three cache lines");

/* ---- Making */
static bool init_node(mx_array *x, const mx_spec *spec, int index, int count)
{
    *x = (mx_array){.dtype = (uint8_t)spec->dtype,
                    .ndim = (uint8_t)spec->ndim,
                    .out_index = (uint16_t)index,
                    .nout = (uint16_t)count};
    atomic_init(&x->refs, 1);
    x->shape = x->inline_dims;
    if (spec->ndim > INLINE_NDIM) {
        if (!(x->shape = mx_alloc(2 * (size_t)spec->ndim, sizeof *x->shape))) return false;
        x->made_flags |= ARRAY_EXTRA_BLOCK;
    }
    x->strides = x->shape + (spec->ndim > INLINE_NDIM ? spec->ndim : INLINE_NDIM);
    x->size = 1;
    for (int i = 0; i < spec->ndim; i++) x->size *= x->shape[i] = spec->shape[i];
    return true;
}

static void free_dims(mx_array *x)
{
    if (x->made_flags & ARRAY_EXTRA_BLOCK) mx_free(x->shape);
}

mx_array *array_new(const mx_spec *specs, int count)
{
    mx_array *lead = count == 1 ? node_alloc() : mx_alloc((size_t)count, sizeof *lead);
    for (int i = 0; lead && i < count; i++) {
        if (init_node(lead + i, &specs[i], i, count)) continue;
        while (i-- > 0) free_dims(lead + i);
        if (count == 1) {
            node_free(lead);
        } else {
            mx_free(lead);
        }
        return NULL;
    }
    if (lead) atomic_init(&lead->live_outputs, count);
    return lead;
}

void array_set_contiguity(mx_array *x)
{
    int64_t expected = 1;
    bool contiguous = true;
    for (int i = x->ndim - 1; i >= 0; i--) {
        contiguous &= x->shape[i] == 1 || x->strides[i] == expected;
        expected *= x->shape[i];
    }
    if (contiguous || x->size == 0) {
        array_set_row_major(x); /* kernels read the stride of an axis of size 1 too, as the size of what follows */
    } else {
        x->flags &= (uint8_t)~ARRAY_CONTIGUOUS;
    }
}

void array_set_row_major(mx_array *x)
{
    shape_row_major(array_shape(x), x->strides);
    x->flags |= ARRAY_CONTIGUOUS;
}

void array_set_buffer_take(mx_array *x, mx_buffer *buffer, int64_t offset)
{
    x->buffer = buffer;
    x->offset = offset;
}

mx_array *array_of_buffer_take(mx_buffer *buffer, mx_shape shape, mx_dtype dtype)
{
    mx_spec spec;
    spec_set(&spec, shape, dtype);
    mx_array *x = buffer ? array_new(&spec, 1) : NULL;
    if (!x) return buffer_drop(buffer), NULL;
    array_set_row_major(x);
    array_set_buffer_take(x, buffer, 0);
    atomic_store_explicit(&x->state, STATE_DONE, memory_order_release);
    return x;
}

void array_set_failed(mx_array *lead, mx_failure *failure)
{
    for (int i = 0; i < lead->nout; i++) lead[i].failure = failure_keep(failure);
    atomic_store_explicit(&lead->state, STATE_FAILED, memory_order_release);
}

/* ---- Freeing */
void array_detach(mx_array *lead)
{
    if (!lead->op) return;
    for (int i = 0; i < lead->nin; i++) mx_drop(lead->in[i]);
    if (lead->nin > INLINE_INPUTS) mx_free(lead->in);
    if (lead->made_flags & ARRAY_SHARED_PARAMS) {
        params_unshare(lead->params.block);
    } else {
        if (lead->op->params_size) params_drop(lead->op, array_params(lead));
        if (!(lead->made_flags & ARRAY_INLINE_PARAMS)) mx_free(lead->params.block);
    }
    lead->nin = 0;
    lead->in = NULL;
    lead->params.block = NULL;
    lead->op = NULL;
}

static void release_value(mx_array *x, mx_state state)
{
    if (state == STATE_DONE) buffer_drop(x->buffer);
    if (state == STATE_FAILED) failure_drop(x->failure);
    x->buffer = NULL;
}

static void free_block(mx_array *lead)
{
    mx_state state = (mx_state)atomic_load_explicit(&lead->state, memory_order_acquire);
    int count = lead->nout;
    where_forget(lead);
    array_detach(lead);
    for (int i = 0; i < count; i++) {
        release_value(lead + i, state);
        free_dims(lead + i);
    }
    if (count == 1) {
        node_free(lead);
    } else {
        mx_free(lead);
    }
}

/* The last reference of an output went away.  Freed nodes drop their inputs, which may free more: a list, not
 * recursion, because graphs are a million nodes deep.  The list is linked through `in`'s neighbour `stream`, which a
 * dead node needs no more. */
static void drop_last(mx_array *x)
{
    mx_array *lead = array_lead(x);
    if (lead->nout > 1) {
        /* A value that only a sibling outlives can go at once, unless a trace may still ask for it. */
        if (!lead->op && array_state(x) == STATE_DONE) {
            buffer_drop(x->buffer);
            x->buffer = NULL;
        }
        if (atomic_fetch_sub_explicit(&lead->live_outputs, 1, memory_order_acq_rel) != 1) return;
    }
    mx_thread *self = thread_self();
    lead->stream = (mx_stream *)self->drop_list;
    self->drop_list = lead;
    if (self->dropping) return;
    self->dropping = true;
    while (self->drop_list) {
        mx_array *next = self->drop_list;
        self->drop_list = (mx_array *)next->stream;
        free_block(next);
    }
    self->dropping = false;
}

mx_array *mx_keep(mx_array *x)
{
    if (!x) return NULL;
    if (atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed) == 0 && x->nout > 1) {
        atomic_fetch_add_explicit(&array_lead(x)->live_outputs, 1, memory_order_relaxed);
    }
    return x;
}

void mx_drop(mx_array *x)
{
    if (x && atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) == 1) drop_last(x);
}

void mx_drop_n(mx_array **arrays, int count)
{
    for (int i = 0; i < count; i++) {
        mx_drop(arrays[i]);
        arrays[i] = NULL;
    }
}

/* ---- Facts */
int mx_ndim(const mx_array *x)
{
    return x ? x->ndim : 0;
}
mx_shape mx_shape_of(const mx_array *x)
{
    return x ? array_shape(x) : (mx_shape){0, NULL};
}
int64_t mx_size(const mx_array *x)
{
    return x ? x->size : 0;
}
mx_dtype mx_dtype_of(const mx_array *x)
{
    return x ? (mx_dtype)x->dtype : MX_FLOAT32;
}
size_t mx_nbytes(const mx_array *x)
{
    return x ? (size_t)x->size * mx_dtype_size((mx_dtype)x->dtype) : 0;
}
const char *mx_op_name(const mx_array *x)
{
    const mx_op *op = x ? array_lead(x)->op : NULL;
    return op ? op->name : "";
}

mx_stream *mx_stream_of(const mx_array *x)
{
    return x ? array_lead(x)->stream : NULL;
}

int64_t mx_dim(const mx_array *x, int axis)
{
    if (!op_has("dim", x)) return -1;
    int a = axis_of("dim", axis, x->ndim, MX_INDEX);
    return a < 0 ? -1 : x->shape[a];
}

/* ---- From memory */
mx_array *mx_from_data(const void *data, mx_shape shape, mx_dtype dtype)
{
    int64_t size = shape_size("array", shape);
    if (size < 0) return NULL;
    if ((unsigned)dtype >= MX_DTYPE_COUNT) return mx_fail(MX_VALUE, "[array] there is no dtype %d.", (int)dtype);
    size_t bytes = (size_t)size * mx_dtype_size(dtype);
    if (bytes && !data) return mx_fail(MX_VALUE, "[array] data is NULL.");
    mx_buffer *buffer = buffer_new(bytes);
    if (!buffer) return NULL;
    if (bytes) memcpy(buffer->data, data, bytes);
    return mx_temporary(array_of_buffer_take(buffer, shape, dtype));
}

mx_array *mx_from_foreign(void *data, mx_shape shape, mx_dtype dtype, void (*release)(void *context), void *context)
{
    int64_t size = shape_size("array", shape);
    if (size < 0) return NULL;
    if ((unsigned)dtype >= MX_DTYPE_COUNT) return mx_fail(MX_VALUE, "[array] there is no dtype %d.", (int)dtype);
    if (size && !data) return mx_fail(MX_VALUE, "[array] data is NULL.");
    mx_buffer *buffer = buffer_foreign(data, (size_t)size * mx_dtype_size(dtype), release, context);
    if (!buffer) return NULL;
    mx_array *x = array_of_buffer_take(buffer_keep(buffer), shape, dtype);
    /* Not made: the caller keeps the memory, so it must not be released too. */
    if (!x) buffer->release = NULL;
    buffer_drop(buffer);
    return mx_temporary(x);
}
