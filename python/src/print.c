/* SPDX-License-Identifier: MIT
 *
 * PrintOptions, and the context manager that sets them for a while. */
#include "mica_py.h"

typedef struct options {
    PyObject_HEAD int precision;
    int before; /* of the context: what to go back to */
} options;
#define options_of(o) ((options *)(o))

static PyObject *new_options(PyTypeObject *type, int precision)
{
    options *o = PyObject_New(options, type);
    if (o) *o = (options){.ob_base = o->ob_base, .precision = precision, .before = -1};
    return (PyObject *)o;
}

static PyObject *options_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"precision", NULL};
    int precision = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:PrintOptions", names, &precision)) return NULL;
    return new_options(type, precision);
}

static PyObject *get_precision(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(options_of(self)->precision);
}

static int set_precision(PyObject *self, PyObject *value, void *closure)
{
    (void)closure;
    int64_t precision;
    if (!value || !py_to_int64(value, &precision)) {
        if (!value) PyErr_SetString(PyExc_AttributeError, "precision cannot be deleted");
        return -1;
    }
    options_of(self)->precision = (int)precision;
    return 0;
}

static PyObject *context_enter(py_args *in)
{
    options *o = options_of(in->at[0]);
    o->before = py_the.print_precision;
    py_the.print_precision = o->precision;
    return Py_NewRef(in->at[0]);
}

static PyObject *context_exit(py_args *in)
{
    py_the.print_precision = options_of(in->at[0])->before;
    return Py_NewRef(Py_None);
}

static PyObject *py_set_printoptions(py_args *in)
{
    return py_arg_int(in, 0, &py_the.print_precision) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *py_get_printoptions(py_args *in)
{
    (void)in;
    return new_options(py_the.print_options_type, py_the.print_precision);
}

static PyObject *py_printoptions(py_args *in)
{
    int precision = -1;
    return py_arg_int(in, 0, &precision) ? new_options(py_the.print_context_type, precision) : NULL;
}

static const py_row context_rows[] = {
    {"__enter__", context_enter, "__enter__(self) -> object", NULL},
    {"__exit__", context_exit,
     "__exit__(self, exc_type: Optional[type] = None, exc_value: Optional[object] = None, "
     "traceback: Optional[object] = None) -> None",
     NULL},
    {0}};

static const py_row rows[] = {
    {"set_printoptions", py_set_printoptions, "set_printoptions(precision: int = -1) -> None",
     "Sets the number of decimals that arrays are printed with; -1 prints six significant digits."},
    {"get_printoptions", py_get_printoptions, "get_printoptions() -> PrintOptions", "The options in use."},
    {"printoptions", py_printoptions, "printoptions(precision: int = -1) -> object",
     "A with block in which arrays are printed with these options."},
    {0}};

static PyGetSetDef options_getset[] = {
    {"precision", get_precision, set_precision, "The number of decimals, or -1.", NULL}, {0}};
static PyType_Slot options_slots[] = {{Py_tp_doc, "PrintOptions(precision=-1)\n\nHow arrays are printed."},
                                      {Py_tp_new, options_new},
                                      {Py_tp_getset, options_getset},
                                      {0}};
static PyType_Slot context_slots[] = {{Py_tp_doc, "Print options of a with block."}, {0}};
static PyType_Spec options_spec = {"mlx.core.PrintOptions", sizeof(options), 0, Py_TPFLAGS_DEFAULT, options_slots};
static PyType_Spec context_spec = {"mlx.core._PrintOptionsContext", sizeof(options), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, context_slots};

bool py_init_print(PyObject *module)
{
    return (py_the.print_options_type = py_add_type(module, &options_spec)) &&
           (py_the.print_context_type = py_add_type(module, &context_spec)) &&
           py_add_methods(py_the.print_context_type, context_rows) && py_add_functions(module, rows);
}
