/* SPDX-License-Identifier: MIT
 *
 * Memory statistics and limits, and the modules mx.metal and mx.cuda, which say what is not here and, as MLX's, still
 * answer the memory functions that moved out of them. */
#include "mica_py.h"

static PyObject *py_get_active_memory(py_args *in)
{
    (void)in;
    return PyLong_FromSize_t(mx_get_active_memory());
}

static PyObject *py_get_peak_memory(py_args *in)
{
    (void)in;
    return PyLong_FromSize_t(mx_get_peak_memory());
}

static PyObject *py_get_cache_memory(py_args *in)
{
    (void)in;
    return PyLong_FromSize_t(mx_get_cache_memory());
}

static PyObject *py_reset_peak_memory(py_args *in)
{
    (void)in;
    mx_reset_peak_memory();
    return Py_NewRef(Py_None);
}

static PyObject *py_clear_cache(py_args *in)
{
    (void)in;
    mx_clear_cache();
    return Py_NewRef(Py_None);
}

static PyObject *set_limit(py_args *in, size_t (*set)(size_t))
{
    int64_t limit = 0;
    if (!py_arg_int64(in, 0, &limit)) return NULL;
    if (limit < 0 || py_arg_is_none(in, 0)) return py_incompatible(in);
    return PyLong_FromSize_t(set((size_t)limit));
}

static PyObject *py_set_memory_limit(py_args *in)
{
    return set_limit(in, mx_set_memory_limit);
}

static PyObject *py_set_cache_limit(py_args *in)
{
    return set_limit(in, mx_set_cache_limit);
}

/* Only Metal wires memory. */
static size_t ignore_wired_limit(size_t bytes)
{
    (void)bytes;
    return 0;
}

static PyObject *py_set_wired_limit(py_args *in)
{
    return set_limit(in, ignore_wired_limit);
}

static const py_row rows[] = {
    {"get_active_memory", py_get_active_memory, "get_active_memory() -> int", "Bytes of live buffers."},
    {"get_peak_memory", py_get_peak_memory, "get_peak_memory() -> int",
     "The most bytes that were ever live since the start or reset_peak_memory()."},
    {"reset_peak_memory", py_reset_peak_memory, "reset_peak_memory() -> None", "Starts the peak anew."},
    {"get_cache_memory", py_get_cache_memory, "get_cache_memory() -> int", "Bytes that were freed and kept for reuse."},
    {"set_memory_limit", py_set_memory_limit, "set_memory_limit(limit: int) -> int",
     "Sets the bytes past which work is throttled; returns the previous limit."},
    {"set_cache_limit", py_set_cache_limit, "set_cache_limit(limit: int) -> int",
     "Sets how many freed bytes are kept, 0 for none; returns the previous limit."},
    {"set_wired_limit", py_set_wired_limit, "set_wired_limit(limit: int) -> int",
     "Does nothing and returns 0: only Metal wires memory."},
    {"clear_cache", py_clear_cache, "clear_cache() -> None", "Gives the cached memory back to the system."},
    {0}};

/* ---- mx.metal and mx.cuda */
static PyObject *moved(py_args *in, const char *name, PyObject *(*call)(py_args *))
{
    PySys_WriteStderr("mx.metal.%s is deprecated and will be removed in a future version. Use mx.%s instead.\n", name,
                      name);
    return call(in);
}

/* A wrapper that says where its function went. */
#define MOVED(name)                                                                                                    \
    static PyObject *metal_##name(py_args *in)                                                                         \
    {                                                                                                                  \
        return moved(in, #name, py_##name);                                                                            \
    }
MOVED(get_active_memory)
MOVED(get_peak_memory)
MOVED(reset_peak_memory)
MOVED(get_cache_memory)
MOVED(set_memory_limit)
MOVED(set_cache_limit)
MOVED(set_wired_limit)
MOVED(clear_cache)

static PyObject *empty_info(py_args *in)
{
    (void)in;
    return PyDict_New();
}

static PyObject *metal_device_info(py_args *in)
{
    return moved(in, "device_info", empty_info);
}

static PyObject *metal_is_available(py_args *in)
{
    (void)in;
    return Py_NewRef(Py_False);
}

static PyObject *metal_start_capture(py_args *in)
{
    const char *path = NULL;
    return py_arg_text(in, 0, &path) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *metal_stop_capture(py_args *in)
{
    (void)in;
    return Py_NewRef(Py_None);
}

static PyObject *cuda_is_available(py_args *in)
{
    (void)in;
    return PyBool_FromLong(mx_device_available((mx_device){MX_GPU, 0}));
}

static const py_row metal_rows[] = {
    {"is_available", metal_is_available, "is_available() -> bool", "False: Metal is Apple's."},
    {"get_active_memory", metal_get_active_memory, "get_active_memory() -> int", NULL},
    {"get_peak_memory", metal_get_peak_memory, "get_peak_memory() -> int", NULL},
    {"reset_peak_memory", metal_reset_peak_memory, "reset_peak_memory() -> None", NULL},
    {"get_cache_memory", metal_get_cache_memory, "get_cache_memory() -> int", NULL},
    {"set_memory_limit", metal_set_memory_limit, "set_memory_limit(limit: int) -> int", NULL},
    {"set_cache_limit", metal_set_cache_limit, "set_cache_limit(limit: int) -> int", NULL},
    {"set_wired_limit", metal_set_wired_limit, "set_wired_limit(limit: int) -> int", NULL},
    {"clear_cache", metal_clear_cache, "clear_cache() -> None", NULL},
    {"start_capture", metal_start_capture, "start_capture(path: str) -> None", "Captures nothing: there is no Metal."},
    {"stop_capture", metal_stop_capture, "stop_capture() -> None", "Captures nothing: there is no Metal."},
    {"device_info", metal_device_info, "device_info() -> dict", NULL},
    {0}};
static const py_row cuda_rows[] = {
    {"is_available", cuda_is_available, "is_available() -> bool", "Is there a CUDA device?"}, {0}};

bool py_init_memory(PyObject *module)
{
    PyObject *metal = py_add_submodule(module, "metal"), *cuda = py_add_submodule(module, "cuda");
    return metal && cuda && py_add_functions(metal, metal_rows) && py_add_functions(cuda, cuda_rows) &&
           py_add_functions(module, rows);
}
