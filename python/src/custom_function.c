/* SPDX-License-Identifier: MIT
 *
 * The type mx.custom_function, and the functions checkpoint and depends. */
#include "custom.h"

#include <string.h>

typedef struct custom_function {
    PyObject_HEAD PyObject *rules[4]; /* fun, vjp, jvp, vmap; NULL: not set */
    PyObject *dict, *weakrefs;
} custom_function;
enum { FUN, VJP, JVP, VMAP, RULES };

static PyObject *set_rule(py_args *in, int which)
{
    if (!PyCallable_Check(in->at[1])) return py_incompatible(in);
    py_set(&((custom_function *)in->at[0])->rules[which], Py_NewRef(in->at[1]));
    return Py_NewRef(in->at[0]);
}
static PyObject *set_vjp(py_args *in)
{
    return set_rule(in, VJP);
}
static PyObject *set_jvp(py_args *in)
{
    return set_rule(in, JVP);
}
static PyObject *set_vmap(py_args *in)
{
    return set_rule(in, VMAP);
}

static int custom_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"f", NULL};
    PyObject *fun;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:custom_function", names, &fun)) return -1;
    if (!PyCallable_Check(fun)) {
        PyErr_SetString(PyExc_TypeError, "custom_function(): incompatible function arguments. f must be callable.");
        return -1;
    }
    py_set(&((custom_function *)self)->rules[FUN], Py_NewRef(fun));
    for (int i = VJP; i < RULES; i++) py_set(&((custom_function *)self)->rules[i], NULL);
    return 0;
}

static PyObject *custom_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    custom_function *f = (custom_function *)self;
    if (!f->rules[FUN]) {
        PyErr_SetString(PyExc_RuntimeError, "[custom_function] It was not initialized.");
        return NULL;
    }
    py_rules rules = {Py_NewRef(f->rules[FUN]), Py_XNewRef(f->rules[VJP]), Py_XNewRef(f->rules[JVP]),
                      Py_XNewRef(f->rules[VMAP]), false};
    PyObject *result = py_rules_call(&rules, args, kwargs);
    Py_DECREF(rules.fun);
    Py_XDECREF(rules.vjp);
    Py_XDECREF(rules.jvp);
    Py_XDECREF(rules.vmap);
    return result;
}

static int custom_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < RULES; i++) Py_VISIT(((custom_function *)self)->rules[i]);
    Py_VISIT(((custom_function *)self)->dict);
    return 0;
}

static int custom_clear(PyObject *self)
{
    for (int i = 0; i < RULES; i++) Py_CLEAR(((custom_function *)self)->rules[i]);
    Py_CLEAR(((custom_function *)self)->dict);
    return 0;
}

static void custom_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((custom_function *)self)->weakrefs) PyObject_ClearWeakRefs(self);
    custom_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* As a method where a class holds it. */
static PyObject *custom_bind(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    if (!object || object == Py_None) return Py_NewRef(self);
    return PyObject_CallFunctionObjArgs(py_the.bound_method, self, object, NULL);
}

static PyMemberDef custom_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(custom_function, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(custom_function, weakrefs), READONLY, NULL},
    {0}};

#define CUSTOM_TEXT                                                                                                    \
    "custom_function(f: Callable)\n\n"                                                                                 \
    "A function whose derivatives and batches are given by rules; for use as a decorator. A rule that is not set is "  \
    "derived from ``f``.\n\nArrays that ``f`` takes from elsewhere than its arguments are constants to derivatives."   \
    "\n\nExamples\n--------\n>>> @mx.custom_function\n... def clip(x):\n...     return mx.clip(x, -1, 1)\n"            \
    ">>> @clip.vjp\n... def clip_vjp(x, cotangent, output):\n...     return cotangent  # straight through\n"

static PyType_Slot custom_slots[] = {
    {Py_tp_doc, CUSTOM_TEXT},        {Py_tp_init, custom_init},         {Py_tp_call, custom_call},
    {Py_tp_descr_get, custom_bind},  {Py_tp_traverse, custom_traverse}, {Py_tp_clear, custom_clear},
    {Py_tp_dealloc, custom_dealloc}, {Py_tp_members, custom_members},   {0, NULL},
};

static PyType_Spec custom_spec = {
    .name = "mlx.core.custom_function",
    .basicsize = sizeof(custom_function),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = custom_slots,
};

static const py_row custom_rows[] = {
    {"vjp", set_vjp, "vjp(self, f: Callable) -> custom_function",
     "Sets the rule of reverse mode: ``f(primals, cotangents, outputs)`` returns the cotangents of the arguments, in "
     "their form. One positional argument is passed as it is, several as a tuple; keyword arguments are passed on. "
     "They get zeros, unless it returns a pair: the cotangents of the positional ones, and a dict of theirs."},
    {"jvp", set_jvp, "jvp(self, f: Callable) -> custom_function",
     "Sets the rule of forward mode: ``f(primals, tangents)`` returns the tangents of the outputs, in their form. A "
     "tangent is None where an argument has none."},
    {"vmap", set_vmap, "vmap(self, f: Callable) -> custom_function",
     "Sets the rule of batching: ``f(inputs, axes)`` returns the outputs of the whole batch and the axis of each, or "
     "None where it has none. An axis that ``f`` gets is 0, or None for an input that is not mapped."},
    {0},
};

/* ---- checkpoint and depends */

static PyObject *call_checkpoint(py_args *in)
{
    if (!PyCallable_Check(in->at[0])) return py_incompatible(in);
    return py_transformed_new(in->at[0], TRANSFORM_CHECKPOINT);
}

PyObject *py_checkpoint_call(py_transformed *f, PyObject *args, PyObject *kwargs)
{
    PyObject *fun = Py_NewRef(f->fun);
    PyObject *result = py_rules_call(&(py_rules){.fun = fun, .checkpoint = true}, args, kwargs);
    Py_DECREF(fun);
    return result;
}

/* An array as a list of one. */
static bool read_list(py_args *in, int i, mx_array ***at, int *count)
{
    if (!py_is_array(in->at[i])) {
        if (!PyList_Check(in->at[i]) && !PyTuple_Check(in->at[i])) return py_incompatible(in) != NULL;
        return (*at = py_arg_arrays(in, i, count)) != NULL;
    }
    if (!(*at = PyMem_Calloc(1, sizeof **at))) return PyErr_NoMemory() != NULL;
    **at = py_array_of(in->at[i]);
    *count = 1;
    return true;
}

static PyObject *call_depends(py_args *in)
{
    mx_array **inputs = NULL, **on = NULL, **out = NULL;
    int count = 0, on_count = 0;
    PyObject *result = NULL;
    bool ok = read_list(in, 0, &inputs, &count) && read_list(in, 1, &on, &on_count);
    if (ok && !(out = PyMem_Calloc((size_t)count + 1, sizeof *out))) ok = PyErr_NoMemory() != NULL;
    if (ok) {
        bool made = mx_depends(inputs, count, on, on_count, out);
        bool one = !made || py_is_array(in->at[0]);
        result = one ? py_return(in, made ? out[0] : NULL) : py_return_list(in, out, count);
    }
    PyMem_Free(inputs);
    PyMem_Free(on);
    PyMem_Free(out);
    return result;
}

static const py_row rows[] = {
    {"checkpoint", call_checkpoint, "checkpoint(fun: Callable) -> Callable",
     "A function that keeps its arguments and results only for derivatives and computes the rest again, which costs "
     "time and saves memory (Chen et al., https://arxiv.org/abs/1604.06174).\n\nGradients reach its arguments, not "
     "arrays that it takes from elsewhere. Random numbers are the same when it is computed again."},
    {"depends", call_depends,
     "depends(inputs: Union[array, Sequence[array]], dependencies: Union[array, Sequence[array]]) -> "
     "Union[array, list[array]]",
     "The arrays ``inputs``, not computed before ``dependencies`` are."},
    {0},
};

bool py_add_custom(PyObject *module)
{
    PyTypeObject *type = py_add_type(module, &custom_spec);
    return type && py_add_methods(type, custom_rows) && py_add_functions(module, rows);
}
