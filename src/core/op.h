/* SPDX-License-Identifier: MIT
 *
 * The record of an operation: what it is called, what its parameters are, and its rules.  core/ops.def lists all of
 * them. */
#ifndef CORE_OP_H
#define CORE_OP_H

#include "core/array.h"
#include "core/shape.h"
#include "mica/array.h"
#include "mica/ops.h"

#define OP(name) OP_##name,
typedef enum mx_op_id {
#include "core/ops.def"
    OP_COUNT
} mx_op_id;
#undef OP

/* ---- Parameters */
/* A parameter struct is fixed and zero-filled; a field table describes it, so that equality, hashing and printing are
 * written once.  A list is an array of int32 or int64 with its length in an int field before it. */
typedef enum mx_field_kind {
    FIELD_KIND_END,
    FIELD_KIND_INT,
    FIELD_KIND_INT64,
    FIELD_KIND_FLOAT,
    FIELD_KIND_DOUBLE,
    FIELD_KIND_BOOL,
    FIELD_KIND_DTYPE,
    FIELD_KIND_SHAPE,
    FIELD_KIND_AXES,
    FIELD_KIND_BYTES,
    FIELD_KIND_OBJECT
} mx_field_kind;
typedef struct mx_field {
    const char *name;
    mx_field_kind kind;
    size_t offset;
} mx_field;
#define FIELD(type, kind, member)                                                                                      \
    {                                                                                                                  \
#member, FIELD_KIND_##kind, offsetof(type, member)                                                             \
    }
#define FIELD_INT(type, member) FIELD(type, INT, member)
#define FIELD_INT64(type, member) FIELD(type, INT64, member)
#define FIELD_FLOAT(type, member) FIELD(type, FLOAT, member)
#define FIELD_DOUBLE(type, member) FIELD(type, DOUBLE, member)
#define FIELD_BOOL(type, member) FIELD(type, BOOL, member)
#define FIELD_DTYPE(type, member) FIELD(type, DTYPE, member)
#define FIELD_SHAPE(type, member) FIELD(type, SHAPE, member)   /* a param_shape */
#define FIELD_AXES(type, member) FIELD(type, AXES, member)     /* a param_axes */
#define FIELD_BYTES(type, member) FIELD(type, BYTES, member)   /* a param_bytes * */
#define FIELD_OBJECT(type, member) FIELD(type, OBJECT, member) /* a param_object * */
#define FIELD_END                                                                                                      \
    {                                                                                                                  \
        0                                                                                                              \
    }

typedef struct param_shape {
    int32_t ndim;
    int64_t at[MX_MAX_NDIM];
} param_shape;
typedef struct param_axes {
    int32_t count;
    int32_t at[MX_MAX_NDIM];
} param_axes;
/* An immutable, reference-counted blob. */
typedef struct param_bytes {
    _Atomic int32_t refs;
    int64_t bytes;
    char at[];
} param_bytes;
/* A reference-counted thing that an op needs: a file, a closure, a tape. */
typedef struct param_object param_object;
typedef struct param_object_type {
    bool (*equal)(const param_object *a, const param_object *b);
    uint64_t (*hash)(const param_object *o);
    void (*drop)(param_object *o); /* its last reference is gone */
    const char *name;
} param_object_type;
struct param_object {
    _Atomic int32_t refs;
    const param_object_type *type;
};

/* Before a shared block: its count and its op. */
enum { PARAMS_HEADER = 16 };

param_bytes *bytes_new(const void *data, size_t bytes);
void params_keep(const mx_op *op, const void *params); /* takes a reference of each blob and object in it */
void params_drop(const mx_op *op, const void *params);
/* A counted copy of parameters for many nodes (ARRAY_SHARED_PARAMS), with one reference; NULL: an error is recorded. */
void *params_share(const mx_op *op, const void *params);
ALWAYS_INLINE void params_keep_shared(void *block)
{
    atomic_fetch_add_explicit((_Atomic int32_t *)block - PARAMS_HEADER / sizeof(int32_t), 1, memory_order_relaxed);
}
void params_unshare(void *block);
bool params_equal(const mx_op *op, const void *a, const void *b);
uint64_t params_hash(const mx_op *op, const void *params);
int params_print(const mx_op *op, const void *params, char *text, size_t size); /* as snprintf */
ALWAYS_INLINE param_axes param_axes_of(const int *axes, int count)
{
    param_axes p = {.count = count};
    for (int i = 0; i < count; i++) p.at[i] = axes[i];
    return p;
}
ALWAYS_INLINE param_shape param_shape_of(mx_shape shape)
{
    param_shape p = {.ndim = shape.ndim};
    for (int i = 0; i < shape.ndim; i++) p.at[i] = shape.at[i];
    return p;
}

/* ---- Rules */
/* One application of an op, as its rules see it.  `out` is NULL in the shape rule. */
typedef struct mx_call {
    const mx_op *op;
    const void *params;
    mx_array *const *in;
    mx_array *const *out;
    int nin, nout;
    /* vjp: bit i is set if din[i] is of use; jvp: if tin[i] is not just zero (bit 63 stands for all inputs from 63 on). */
    uint64_t wanted;
} mx_call;
ALWAYS_INLINE bool call_wants(const mx_call *c, int i)
{
    return c->wanted >> (i < 63 ? i : 63) & 1;
}

/* Axis `axis` of input `input`; an input below 0: the number 1, or nobody knows. */
typedef struct mx_origin {
    int input, axis;
} mx_origin;
enum { ORIGIN_ONE = -1, ORIGIN_UNKNOWN = -2 };

enum {
    OP_ELEMENTWISE = 1, /* tile bodies; inputs broadcast to the output's shape */
    OP_VIEW = 2,        /* its output may share the first input's buffer: see `view` */
    OP_PLACEHOLDER = 4, /* has no data and never will */
    OP_IMPURE = 8,      /* two equal applications are not the same (file reads) */
    OP_ANY_SIZE = 32,   /* `shape` checks its inputs, and the parameters hold no sizes (all elementwise ops are so) */
    OP_IDENTITY = 16,   /* its output is its input under another name */
    OP_SYMBOLIC = 64,   /* made anew at each replay (`resize`), so never computed */
};

struct mx_op {
    mx_op_id id;
    const char *name;       /* in messages: MLX's name of it */
    const mx_field *fields; /* NULL: no parameters */
    size_t params_size;
    uint32_t flags;
    int nout;                           /* 0 means 1 */
    int (*outputs)(const void *params); /* instead of nout, where the parameters say it */
    /* Checks the inputs and says what the outputs are.  False: an error is recorded. */
    bool (*shape)(const mx_call *c, mx_spec *out);
    /* din[i] (all NULL at first) = cotangent of input i, of its shape and dtype; NULL stands for zero.  dout[i] is
     * never NULL. */
    bool (*vjp)(const mx_call *c, mx_array *const *dout, mx_array **din);
    /* tout[i] (all NULL at first) = tangent of output i; tin[i] is never NULL. */
    bool (*jvp)(const mx_call *c, mx_array *const *tin, mx_array **tout);
    /* c->in are whole arrays: axis_in[i] is 0 where input i is mapped (its first axis is the batch), else MX_UNMAPPED;
     * at least one is mapped.  Writes the outputs and where their batch axis is, MX_UNMAPPED if they
     * have none. */
    bool (*vmap)(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out);
    /* How many of its inputs, the first ones, a transform that lists what was made goes on to; NULL: all. */
    int (*walked)(const mx_call *c, bool batched);
    /* Where the size of an axis of its first output comes from, as long as nobody knows it.  NULL: elementwise ops
     * broadcast, a shape like the first input's is the first input's, and nothing is known of all others. */
    mx_origin (*origin)(const mx_call *c, int axis);
    /* How a shapeless program makes it from inputs of other sizes; NULL: with the same parameters. */
    bool (*resize)(const mx_call *c, mx_array **out);
    /* The same in other ops, for files whose format has none like it. */
    bool (*spell)(const mx_call *c, mx_array **out);
    /* Computed by the graph itself instead of a backend: sets strides, buffers and offsets of the outputs, as a backend's
     * `run` does, under the same terms. */
    bool (*evaluate)(mx_array *lead);
    /* Floating-point operations, where they are what costs (products); NULL: not counted. */
    double (*flops)(const mx_call *c);
    /* OP_VIEW: sets out->strides and out->offset over in[0]'s buffer; false (no error) if the data must be copied. */
    bool (*view)(const mx_call *c, mx_array *out);
};

#define OP_NAMED(op_name, text) .id = OP_##op_name, .name = text

#define OP(name) extern const mx_op mx_op_##name;
#include "core/ops.def"
#undef OP
extern const mx_op *const mx_ops[OP_COUNT];

/* ---- Applying */
ALWAYS_INLINE int op_output_count(const mx_op *op, const void *params)
{
    return UNLIKELY(op->outputs != NULL) ? op->outputs(params) : op->nout ? op->nout : 1;
}
/* Makes the node(s) of one application on the current stream; results belong to the innermost scope.  A NULL input
 * gives NULL. */
mx_array *op_apply_n(const mx_op *op, const void *params, mx_array *const *in, int nin);
bool op_apply_multi(const mx_op *op, const void *params, mx_array *const *in, int nin, mx_array **out, int nout);
#define op_apply(op, params, ...)                                                                                      \
    op_apply_n(op, params, (mx_array *const[]){__VA_ARGS__},                                                           \
               (int)(sizeof((mx_array *const[]){__VA_ARGS__}) / sizeof(mx_array *)))
mx_array *op_apply_none(const mx_op *op, const void *params); /* no inputs */
/* The same, where sizes may be others than those for which the parameters were made. */
bool op_apply_resized(const mx_op *op, const void *params, mx_array *const *in, int nin, mx_array **out, int nout);
/* Applies c's op with c's parameters to other inputs. */
mx_array *op_again(const mx_call *c, mx_array *const *in);

/* Is x usable as an argument of `op`?  NULL records "[op] argument is NULL" unless an error is pending. */
bool op_has(const char *op, const mx_array *x);
bool op_has_all(const char *op, mx_array *const *x, int count);

#endif
