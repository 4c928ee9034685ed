/* SPDX-License-Identifier: MIT
 *
 * The extension module mlx.core: what the process has once, its parts, its constants.
 *
 * The state is one struct of the process, not of the module object: slots of types (x + y) cannot reach a module in
 * the limited API, and the library below has one runtime anyway.  So sub-interpreters are refused, and a second import
 * shares the objects of the first. */
#include "mica_py.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

#ifndef MICA_VERSION /* the build names it */
#define MICA_VERSION "0.32.0"
#endif

py_state py_the;

/* ---- Helpers of the parts */
PyTypeObject *py_add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type) return NULL;
    int failed = PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1, type);
    Py_DECREF(type); /* the module keeps it */
    return failed ? NULL : (PyTypeObject *)type;
}

PyObject *py_add_submodule(PyObject *module, const char *name)
{
    PyObject *full_name = PyUnicode_FromFormat("mlx.core.%s", name);
    PyObject *sub = full_name ? PyModule_NewObject(full_name) : NULL;
    PyObject *modules = PyImport_GetModuleDict(); /* so that `import mlx.core.NAME` finds it */
    bool ok = sub && PyModule_AddObjectRef(module, name, sub) == 0 && PyDict_SetItem(modules, full_name, sub) == 0;
    Py_XDECREF(full_name);
    Py_XDECREF(sub);
    return ok ? sub : NULL;
}

/* ---- Names that are not there */
static PyObject *module_getattr(PyObject *self, PyObject *name)
{
    (void)self;
    if (!PyUnicode_Check(name)) return PyErr_Format(PyExc_TypeError, "an attribute's name is a str");
    PyObject *special = PyUnicode_FromString("__");
    bool dunder = special && PyUnicode_Tailmatch(name, special, 0, 2, -1) == 1;
    Py_XDECREF(special);
    if (dunder) return PyErr_Format(PyExc_AttributeError, "module 'mlx.core' has no attribute '%U'", name);
    return PyErr_Format(PyExc_AttributeError, "mlx.core has no '%U' in this version of Mica; see docs/missing.txt",
                        name);
}

static PyMethodDef module_methods[] = {{"__getattr__", module_getattr, METH_O, NULL}, {0}};

/* ---- Start */
static bool is_dist_info_of_mlx(const char *name)
{
    static const char prefix[] = "mlx-", suffix[] = ".dist-info";
    size_t length = strlen(name);
    return length > sizeof prefix + sizeof suffix && !strncmp(name, prefix, sizeof prefix - 1) && name[4] >= '0' &&
           name[4] <= '9' && !strcmp(name + length - (sizeof suffix - 1), suffix);
}

/* Apple's distribution installs the same package; with both, either could be imported. */
static bool refuse_apples_mlx(PyObject *module)
{
    PyObject *file = PyModule_GetFilenameObject(module);
    PyObject *bytes = file ? PyUnicode_EncodeFSDefault(file) : NULL;
    PyErr_Clear(); /* a module without a file is not installed */
    bool found = false;
    char path[4096];
    if (bytes && PyBytes_Size(bytes) < (Py_ssize_t)sizeof path) {
        memcpy(path, PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes) + 1); /* .../site-packages/mlx/core.abi3.so */
        for (int i = 0; i < 2; i++) {
            char *slash = strrchr(path, '/');
            if (slash) *slash = 0;
        }
        DIR *folder = opendir(path);
        for (struct dirent *e; folder && !found && (e = readdir(folder));) found = is_dist_info_of_mlx(e->d_name);
        if (folder) closedir(folder);
    }
    Py_XDECREF(file);
    Py_XDECREF(bytes);
    if (found)
        PyErr_Format(PyExc_ImportError,
                     "Apple's distribution 'mlx' and Mica's 'mica-mlx' are both installed in %s, and both are the "
                     "package mlx. Keep one: pip uninstall -y mlx mica-mlx && pip install mica-mlx",
                     path);
    return !found;
}

static bool add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        double value;
    } numbers[] = {{"e", 2.718281828459045},
                   {"euler_gamma", 0.5772156649015329},
                   {"pi", 3.141592653589793},
                   {"inf", (double)INFINITY},
                   {"nan", (double)NAN}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        PyObject *value = PyFloat_FromDouble(numbers[i].value);
        bool ok = value && PyModule_AddObjectRef(module, numbers[i].name, value) == 0;
        Py_XDECREF(value);
        if (!ok) return false;
    }
    return PyModule_AddObjectRef(module, "newaxis", Py_None) == 0 &&
           PyModule_AddStringConstant(module, "__version__", "0.32.2") == 0 &&
           PyModule_AddStringConstant(module, "mica_version", MICA_VERSION) == 0;
}

static bool intern_names(void)
{
    py_the.name_mlx = PyUnicode_InternFromString("mlx.");
    py_the.name_mlx_array = PyUnicode_InternFromString("__mlx_array__");
    py_the.name_dlpack = PyUnicode_InternFromString("__dlpack__");
    py_the.name_array = PyUnicode_InternFromString("__array__");
    return py_the.name_mlx && py_the.name_mlx_array && py_the.name_dlpack && py_the.name_array;
}

static int start(PyObject *module)
{
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
        PyErr_SetString(PyExc_ImportError, "mlx.core cannot be imported in a sub-interpreter: arrays, streams and "
                                           "memory belong to the process. Use threads or processes.");
        return -1;
    }
    if (py_the.module) return PyDict_Update(PyModule_GetDict(module), PyModule_GetDict(py_the.module));
    if (!refuse_apples_mlx(module) || !intern_names()) return -1;
    py_the.print_precision = -1;
#define START_PART(name)                                                                                               \
    if (!py_init_##name(module)) return -1;
    PY_PARTS(START_PART)
#undef START_PART
    if (!add_constants(module)) return -1;
    py_the.module = Py_NewRef(module);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, start}, {0}};
static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "mlx.core",
    .m_doc = "Mica: arrays, transforms and kernels, with MLX's interface.",
    .m_methods = module_methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_core(void)
{
    return PyModuleDef_Init(&definition);
}
