/* SPDX-License-Identifier: MIT
 *
 * x.at[key].add(v) and its like: updates that return a new array and count every duplicate of an index. */
#include "index_set.h"

typedef struct py_at {
    PyObject_HEAD PyObject *array;
    PyObject *key; /* NULL before [] */
} py_at;

static PyObject *at_new(PyObject *array, PyObject *key)
{
    PyTypeObject *type = py_the.at_type;
    py_at *at = PyObject_GC_New(py_at, type);
    if (!at) return NULL;
    at->array = Py_NewRef(array);
    at->key = Py_XNewRef(key);
    PyObject_GC_Track(at);
    return (PyObject *)at;
}

PyObject *py_array_at(PyObject *self, void *closure)
{
    (void)closure;
    return at_new(self, NULL);
}

static PyObject *at_getitem(PyObject *self, PyObject *key)
{
    return at_new(((py_at *)self)->array, key);
}

static mx_array *update(PyObject *array, PyObject *key, PyObject *object, index_mode mode, bool negate)
{
    index_t ix;
    mx_array *x = mx_temporary(mx_keep(py_array_of(array)));
    mx_array *value = index_value(x, object);
    if (!value || !index_parse(&ix, x, key, false)) return NULL;
    return index_write(&ix, negate ? mx_neg(value) : value, mode);
}

static PyObject *at_update(py_args *in, index_mode mode, bool negate)
{
    py_at *at = (py_at *)in->at[0];
    if (!at->key) {
        PyErr_SetString(PyExc_ValueError, "[at] Give indices to array.at, as in x.at[0].add(4).");
        return NULL;
    }
    return py_return(in, update(at->array, at->key, in->at[1], mode, negate));
}

static PyObject *at_add(py_args *in)
{
    return at_update(in, INDEX_ADD, false);
}

static PyObject *at_subtract(py_args *in)
{
    return at_update(in, INDEX_ADD, true);
}

static PyObject *at_multiply(py_args *in)
{
    return at_update(in, INDEX_MULTIPLY, false);
}

static PyObject *at_divide(py_args *in)
{
    return at_update(in, INDEX_DIVIDE, false);
}

static PyObject *at_maximum(py_args *in)
{
    return at_update(in, INDEX_MAXIMUM, false);
}

static PyObject *at_minimum(py_args *in)
{
    return at_update(in, INDEX_MINIMUM, false);
}

#define AT_VALUE "(self, value: Union[scalar, array]) -> array"
static const py_row at_rows[] = {
    {"add", at_add, "add" AT_VALUE, "A new array with ``value`` added to the selected elements."},
    {"subtract", at_subtract, "subtract" AT_VALUE, "A new array with ``value`` subtracted from the selected elements."},
    {"multiply", at_multiply, "multiply" AT_VALUE, "A new array with the selected elements multiplied by ``value``."},
    {"divide", at_divide, "divide" AT_VALUE,
     "A new array with the selected elements divided by ``value``; integers as ``//`` does."},
    {"maximum", at_maximum, "maximum" AT_VALUE,
     "A new array with the selected elements replaced by the larger of them and ``value``."},
    {"minimum", at_minimum, "minimum" AT_VALUE,
     "A new array with the selected elements replaced by the smaller of them and ``value``."},
    {0},
};

static int at_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((py_at *)self)->array);
    Py_VISIT(((py_at *)self)->key);
    return 0;
}

static int at_clear(PyObject *self)
{
    Py_CLEAR(((py_at *)self)->array);
    Py_CLEAR(((py_at *)self)->key);
    return 0;
}

static void at_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    at_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot at_slots[] = {
    {Py_tp_doc, "What ``array.at`` returns: takes indices, then one of the updates."},
    {Py_mp_subscript, at_getitem},
    {Py_tp_traverse, at_traverse},
    {Py_tp_clear, at_clear},
    {Py_tp_dealloc, at_dealloc},
    {0, NULL},
};

static PyType_Spec at_spec = {
    .name = "mlx.core.ArrayAt",
    .basicsize = sizeof(py_at),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = at_slots,
};

bool py_init_index(PyObject *module)
{
    py_the.at_type = py_add_type(module, &at_spec);
    return py_the.at_type && py_add_methods(py_the.at_type, at_rows);
}
