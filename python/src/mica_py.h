/* SPDX-License-Identifier: MIT
 *
 * What the files of the extension module mlx.core share.
 *
 * A Python function is a row: name, C function, signature, text.  The signature string is the only place where names,
 * kinds and defaults of parameters are written; args.c reads it at the first call and hands the C function its
 * arguments in that order, defaults filled in.  Every call runs inside a scope of its own and on the stream that its
 * `stream` parameter names; it leaves both through py_return and its like.
 *
 * Everything here is called with the GIL held.  A function that returns NULL or false has set a Python exception. */
#ifndef MICA_PY_H
#define MICA_PY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define MICA_NO_SHORT_NAMES
#include "mica.h"

/* ---- The array object */
typedef struct py_array {
    PyObject_HEAD mx_array
        *a; /* owned; swapped by `x += y` and `x[i] = v`, so never keep it across a call into Python */
    PyObject *weakrefs;
} py_array;

/* ---- What the process has once.  Sub-interpreters are refused, so this needs no lookup (module.c) */
typedef struct py_state {
    PyObject *module; /* mlx.core; NULL before the first import */
    PyTypeObject *array_type, *iterator_type, *array_like_type;
    mx_array *empty; /* what an array object holds before __init__ */
    PyTypeObject *dtype_type, *category_type, *device_kind_type, *device_type;
    PyTypeObject *stream_type, *thread_stream_type, *stream_context_type;
    long thread_streams; /* ThreadLocalStreams made so far */
    PyTypeObject *finfo_type, *iinfo_type, *print_options_type, *print_context_type;
    PyTypeObject *function_type, *method_type;                        /* rows made callable (args.c) */
    PyObject *bound_method;                                           /* types.MethodType */
    PyTypeObject *transformed_type, *random_state_type, *linear_type; /* transforms.c, random.c */
    PyTypeObject *exporter_type, *imported_type;                      /* export.c */
    PyTypeObject *compiled_type;                                      /* compile.c */
    PyObject *array_mark;                                             /* stands for an array in the shape of a tree */
    PyThread_type_lock state_lock;    /* held to call a compiled function that has state */
    PyTypeObject *at_type;            /* what x.at returns (index.c) */
    PyObject *dtypes[MX_DTYPE_COUNT]; /* the objects mx.float32 ... */
    PyObject *categories[MX_KIND_COUNT];
    PyObject *device_kinds[2];
    PyObject *name_mlx_array, *name_dlpack, *name_array, *name_mlx; /* interned names */
    int print_precision;                                            /* -1: six significant digits */
} py_state;
extern py_state py_the;

/* *slot = value, a new reference; the old one is dropped after, so its destructor sees the new state. */
static inline void py_set(PyObject **slot, PyObject *value)
{
    PyObject *old = *slot;
    *slot = value;
    Py_XDECREF(old);
}

/* ---- Rows, and the arguments of a call (args.c) */
typedef struct py_args py_args;
typedef struct py_row {
    const char *name;
    PyObject *(*call)(py_args *in);
    const char
        *signature;   /* "softmax(a: array, /, axis: Union[None, int] = None, *, precise: bool = False) -> array" */
    const char *text; /* the rest of the docstring */
} py_row;

#define PY_MAX_PARAMS 20

struct py_args {
    PyObject *at[PY_MAX_PARAMS]; /* one a parameter, in the signature's order, without *args and **kwargs; borrowed */
    PyObject *const *rest;       /* what went to *args */
    Py_ssize_t rest_count;
    PyObject *kwargs; /* what went to **kwargs: a dict that the caller of the row owns, or NULL if there is nothing */

    /* For py_return, py_incompatible and the like only. */
    const void *function;
    PyObject *const *given;
    Py_ssize_t given_count;
    PyObject *given_names; /* a tuple of the last names, a dict, or NULL */
    mx_scope scope;
    bool scope_closed;
};

/* Makes the rows (ended by a zeroed one) functions of a module, or methods of a type: a method's first parameter is
 * `self`. */
bool py_add_functions(PyObject *module, const py_row *rows);
bool py_add_methods(PyTypeObject *type, const py_row *rows);
/* Gives a function of mlx.core (its first parameter becomes self) to a type as a method of the same name. */
bool py_add_functions_as_methods(PyTypeObject *type, PyObject *module, const char *const *names);
/* `name` becomes another name of the module's function `original`. */
bool py_add_alias(PyObject *module, const char *name, const char *original);

/* Arguments as C values; `i` counts the signature's parameters.  None, where `out` is only written if something was
 * given, leaves *out as it was.  A wrong type is MLX's TypeError. */
mx_array *py_arg_array(py_args *in, int i);   /* an mx.array; borrowed */
mx_array *py_arg_operand(py_args *in, int i); /* an array, a scalar, a NumPy array ...; of the open scope */
bool py_arg_array_or_none(py_args *in, int i, mx_array **out); /* NULL for None */
bool py_arg_bool(py_args *in, int i, bool *out);
bool py_arg_int(py_args *in, int i, int *out);          /* None leaves *out */
bool py_arg_int64(py_args *in, int i, int64_t *out);    /* None leaves *out */
bool py_arg_double(py_args *in, int i, double *out);    /* None leaves *out */
bool py_arg_dtype(py_args *in, int i, mx_dtype *out);   /* None leaves *out */
bool py_arg_text(py_args *in, int i, const char **out); /* None leaves *out; valid while the argument lives */
#define py_arg_is_none(in, i) ((in)->at[i] == Py_None)

typedef struct py_axes {
    mx_axes axes;
    int at[MX_MAX_NDIM];
} py_axes;
typedef struct py_shape {
    mx_shape shape;
    int64_t at[MX_MAX_NDIM];
} py_shape;
bool py_arg_axes(py_args *in, int i, py_axes *out);   /* None: all; an int or a sequence of ints */
bool py_arg_shape(py_args *in, int i, py_shape *out); /* an int or a sequence of ints */

/* An array of borrowed arrays from a list, tuple or the rows of an array; free with PyMem_Free. */
mx_array **py_arg_arrays(py_args *in, int i, int *count);

/* The name of the function that is called. */
const char *py_function_name(const py_args *in);
/* Has a constructor got no keywords?  Else a TypeError. */
bool py_no_keywords(const char *name, PyObject *kwargs);

/* TypeError "NAME(): incompatible function arguments. ..." that says what was given; returns NULL. */
void *py_incompatible(const py_args *in);

/* Close the call's scope and make its result an object, or raise what happened. */
PyObject *py_return(py_args *in, mx_array *x);
PyObject *py_return_list(py_args *in, mx_array *const *xs, int count);
PyObject *py_return_tuple(py_args *in, mx_array *const *xs, int count);

/* ---- Arrays and objects (array.c, convert.c) */
#define py_is_array(o) (Py_TYPE(o) == py_the.array_type || PyObject_TypeCheck(o, py_the.array_type))
#define py_array_of(o) (((py_array *)(o))->a) /* borrowed; o must be an array */

/* A new object that takes over one reference of `owned`; NULL raises what mx_error says. */
PyObject *py_wrap(mx_array *owned);
/* The same for an array that stays the owner's (it is kept), such as one of the open scope. */
PyObject *py_wrap_kept(mx_array *x);
/* Puts another array into an object: drops the old one, takes over a reference of `owned`. */
void py_swap(PyObject *array, mx_array *owned);

/* What mx.array(o, dtype) makes of any object; dtype MX_DTYPE_COUNT means that of the object.  Of the open scope. */
mx_array *py_make_array(PyObject *o, mx_dtype dtype);
/* An operand that stands alone: an array (borrowed), or of the open scope what a scalar or foreign array becomes. */
mx_array *py_to_array(PyObject *o);
/* An operand beside `like`: Python scalars are weak and take its dtype. */
mx_array *py_to_array_like(PyObject *o, mx_array *like);
/* Both operands of a binary function by the same rule. */
bool py_to_operands(PyObject *a, PyObject *b, mx_array **x, mx_array **y);
/* Is it something that py_to_array accepts?  Raises nothing. */
bool py_is_operand(PyObject *o);

/* What an object without Python numbers in it holds: by the buffer protocol, DLPack or __mlx_array__.  `share` asks for
 * its memory instead of a copy.  NULL without an exception: it is none of these. */
mx_array *py_from_foreign_object(PyObject *o, bool share);
mx_array *py_from_dlpack(PyObject *o, bool share);
bool py_can_be_foreign(PyObject *o);
extern const py_row py_buffer_rows[], py_dlpack_rows[], py_item_rows[]; /* methods of mx.array */
/* A reference of the evaluated array for a writable view: in memory where no two elements share an address; if that is
 * a copy, it is what the object holds from now on. */
mx_array *py_memory_of(PyObject *array);
int py_array_getbuffer(PyObject *self, Py_buffer *view, int flags);
void py_array_releasebuffer(PyObject *self, Py_buffer *view);

/* Evaluates without the GIL; Ctrl-C works (transforms.c). */
bool py_eval_arrays(mx_array *const *arrays, int count);
/* The element of an array of size 1 as a Python bool, int, float or complex (convert.c). */
PyObject *py_item(mx_array *x);

/* x[key], x[key] = v and x.at (index.c). */
PyObject *py_array_getitem(PyObject *self, PyObject *key);
int py_array_setitem(PyObject *self, PyObject *key, PyObject *value);
PyObject *py_array_at(PyObject *self, void *closure);

/* "list", or "mlx.core.array": a type for messages. */
PyObject *py_type_name(PyObject *o);

/* ---- Plain values ---------------------------------------------------------------------------------------------------
 */
bool py_to_int64(PyObject *o, int64_t *out); /* anything with __index__ */
bool py_to_shape(PyObject *o, py_shape *out);
bool py_to_axes(PyObject *o, py_axes *out); /* None: all */
bool py_to_dtype(PyObject *o, mx_dtype *out);
PyObject *py_shape_tuple(mx_array *x);
bool py_init_array_methods(PyObject *module);         /* those that are functions too; after the tables of ops */
#define py_dtype_object(dtype) (py_the.dtypes[dtype]) /* borrowed */

/* A Stream, Device or DeviceType as a stream (stream.c); None gives NULL, which is the current one. */
bool py_to_stream(PyObject *o, mx_stream **out);
PyObject *py_wrap_stream(mx_stream *s);

/* ---- Errors (error.c) -----------------------------------------------------------------------------------------------
 */
/* Raises this thread's mx_error as MLX's class and clears it; a Python exception that is set already stays.  NULL. */
void *py_raise(void);
#define py_raise_false() (py_raise(), false)

/* ---- Parts of the module --------------------------------------------------------------------------------------------
 * Each part adds its types, constants and functions; module.c calls them in this order. */
#define PY_PARTS(X)                                                                                                    \
    X(args)                                                                                                            \
    X(dtype)                                                                                                           \
    X(stream)                                                                                                          \
    X(memory)                                                                                                          \
    X(array) X(index) X(print) X(ops) X(io) X(transforms) X(export) X(graph) X(where) X(profiler) X(random) X(fast) X(fft) X(linalg)
#define PY_DECLARE_PART(name) bool py_init_##name(PyObject *module);
PY_PARTS(PY_DECLARE_PART)
#undef PY_DECLARE_PART

/* An object that is one number of its type: a Dtype, a DtypeCategory, a DeviceType. */
typedef struct py_value {
    PyObject_HEAD int value;
} py_value;
#define py_value_of(o) (((py_value *)(o))->value)
PyObject *py_new_value(PyTypeObject *type, int value);

/* A new type, also an attribute of the module (a borrowed reference of which is returned); NULL raises. */
PyTypeObject *py_add_type(PyObject *module, PyType_Spec *spec);
/* A new submodule mlx.core.NAME that can be imported; borrowed. */
PyObject *py_add_submodule(PyObject *module, const char *name);

#endif
