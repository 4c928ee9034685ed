/* SPDX-License-Identifier: MIT
 *
 * save, savez, save_safetensors, load: paths, or file objects of Python behind mx_stream_io.
 *
 * Arrays are evaluated before anything is written.  The GIL is held for file objects only. */
#include "mica_py.h"

#include <string.h>

/* ---- Files */
typedef struct file {
    PyObject *path;   /* bytes, or NULL for a file object */
    PyObject *object; /* borrowed */
    mx_stream_io io;
} file;

enum { FILE_CHUNK = 1 << 26 };

static bool call_ok(PyObject *result)
{
    Py_XDECREF(result);
    return result != NULL;
}

static bool read_some(PyObject *object, char *to, size_t bytes, size_t *got)
{
    PyObject *chunk = PyObject_CallMethod(object, "read", "n", (Py_ssize_t)bytes);
    bool ok = chunk && PyBytes_Check(chunk) && (size_t)PyBytes_Size(chunk) <= bytes;
    *got = ok ? (size_t)PyBytes_Size(chunk) : 0;
    if (ok) memcpy(to, PyBytes_AsString(chunk), *got);
    if (chunk && !ok) PyErr_SetString(PyExc_ValueError, "[load] the file does not give bytes: open it in binary mode");
    Py_XDECREF(chunk);
    return ok;
}

static bool file_read(void *ctx, void *destination, size_t bytes)
{
    file *f = ctx;
    char *to = destination;
    while (bytes > 0) {
        size_t got, wanted = bytes < FILE_CHUNK ? bytes : FILE_CHUNK;
        if (!read_some(f->object, to, wanted, &got)) return false;
        if (got == 0) return mx_fail_false(MX_RUNTIME, "[load] the file ends %zu bytes too early", bytes);
        to += got;
        bytes -= got;
    }
    return true;
}

static bool file_write(void *ctx, const void *source, size_t bytes)
{
    const char *from = source;
    while (bytes > 0) {
        size_t wanted = bytes < FILE_CHUNK ? bytes : FILE_CHUNK;
        int64_t taken = (int64_t)wanted;
        /* A copy, not a view: the object may keep what it is given. */
        PyObject *result = PyObject_CallMethod(((file *)ctx)->object, "write", "y#", from, (Py_ssize_t)wanted);
        bool ok = result && (result == Py_None || py_to_int64(result, &taken));
        Py_XDECREF(result);
        if (!ok) return false;
        if (taken <= 0 || taken > (int64_t)wanted)
            return mx_fail_false(MX_RUNTIME, "[save] the file took %lld of %zu bytes", (long long)taken, wanted);
        from += taken;
        bytes -= (size_t)taken;
    }
    return true;
}

static bool file_seek(void *ctx, int64_t offset, int whence)
{
    return call_ok(PyObject_CallMethod(((file *)ctx)->object, "seek", "Li", (long long)offset, whence));
}

static int64_t file_tell(void *ctx)
{
    PyObject *position = PyObject_CallMethod(((file *)ctx)->object, "tell", NULL);
    int64_t at = -1;
    if (position && !py_to_int64(position, &at)) at = -1;
    Py_XDECREF(position);
    return at;
}

/* A str, a pathlib.Path or an object that can do `method`; a path gets the extension if it lacks it. */
static bool open_file(const char *op, PyObject *o, const char *method, const char *extension, file *f)
{
    *f = (file){.object = o};
    f->io = (mx_stream_io){f, file_read, file_write, file_seek, file_tell, "a file object"};
    bool is_path = PyUnicode_Check(o) || PyObject_HasAttrString(o, "__fspath__");
    if (!is_path && !PyObject_HasAttrString(o, method)) {
        PyErr_Format(PyExc_ValueError, "[%s] Input must be a file-like object, or string", op);
        return false;
    }
    if (!is_path) return true;
    if (!PyUnicode_FSConverter(o, &f->path)) return false;
    const char *text = PyBytes_AsString(f->path);
    size_t length = strlen(text), tail = extension ? strlen(extension) : 0;
    if (tail && (length < tail || strcmp(text + length - tail, extension) != 0))
        py_set(&f->path, PyBytes_FromFormat("%s%s", text, extension));
    return f->path != NULL;
}

static const char *path_of(const file *f)
{
    return PyBytes_AsString(f->path);
}

/* The GIL is only needed to call a file object. */
static PyThreadState *leave(const file *f)
{
    return f->path ? PyEval_SaveThread() : NULL;
}

static void come_back(PyThreadState *state)
{
    if (state) PyEval_RestoreThread(state);
}

/* ---- Saving */
static PyObject *done(bool ok)
{
    return ok && !PyErr_Occurred() ? Py_NewRef(Py_None) : py_raise();
}

static PyObject *py_save(py_args *in)
{
    file f;
    mx_array *x = py_arg_array(in, 1);
    bool ok;
    if (!x || !open_file("save", in->at[0], "write", ".npy", &f)) return NULL;
    x = mx_temporary(mx_keep(x));
    if ((ok = py_eval_arrays(&x, 1))) {
        const char *path = f.path ? path_of(&f) : NULL;
        PyThreadState *state = leave(&f);
        ok = path ? mx_save_npy(path, x) : mx_save_npy_to(&f.io, x);
        come_back(state);
    }
    Py_XDECREF(f.path);
    return done(ok);
}

/* A str without null characters, which a C string cannot hold; NULL with or without an exception. */
static const char *text_of(PyObject *o)
{
    Py_ssize_t size;
    const char *text = PyUnicode_Check(o) ? PyUnicode_AsUTF8AndSize(o, &size) : NULL;
    if (!text || strlen(text) == (size_t)size) return text;
    PyErr_SetString(PyExc_ValueError, "[save] a name holds a null character");
    return NULL;
}

static bool put(mx_table *table, PyObject *name, PyObject *value)
{
    mx_array *x = py_is_operand(value) ? mx_temporary(mx_keep(py_to_array(value))) : NULL;
    const char *text = text_of(name);
    if (!PyErr_Occurred() && (!x || !text))
        PyErr_SetString(PyExc_TypeError, "[save] names must be str and values arrays");
    return x && text && py_eval_arrays(&x, 1) && mx_table_put(table, text, x);
}

static bool put_all(mx_table *table, PyObject *dict)
{
    PyObject *name, *value, *own = dict ? PyDict_Copy(dict) : NULL; /* a value may run code that changes the dict */
    bool ok = own || !dict;
    for (Py_ssize_t at = 0; ok && own && PyDict_Next(own, &at, &name, &value);) ok = put(table, name, value);
    Py_XDECREF(own);
    return ok;
}

static bool put_unnamed(mx_table *table, py_args *in)
{
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < in->rest_count; i++) {
        PyObject *name = PyUnicode_FromFormat("arr_%zd", i);
        int taken = name && in->kwargs ? PyDict_Contains(in->kwargs, name) : name ? 0 : -1;
        if (taken > 0) PyErr_Format(PyExc_ValueError, "[savez] Cannot use un-named variables and keyword %U", name);
        ok = taken == 0 && put(table, name, in->rest[i]);
        Py_XDECREF(name);
    }
    return ok;
}

static PyObject *save_npz(py_args *in, bool compressed)
{
    file f;
    if (!open_file("savez", in->at[0], "write", ".npz", &f)) return NULL;
    mx_table *table = mx_table_new();
    bool ok = table && put_all(table, in->kwargs) && put_unnamed(table, in);
    if (ok) {
        const char *path = f.path ? path_of(&f) : NULL;
        PyThreadState *state = leave(&f);
        ok = path ? mx_save_npz(path, table, compressed) : mx_save_npz_to(&f.io, table, compressed);
        come_back(state);
    }
    mx_table_free(&table);
    Py_XDECREF(f.path);
    return done(ok);
}

static PyObject *py_savez(py_args *in)
{
    return save_npz(in, false);
}

static PyObject *py_savez_compressed(py_args *in)
{
    return save_npz(in, true);
}

static bool put_metadata(mx_table *table, PyObject *metadata)
{
    PyObject *name, *value;
    bool ok = metadata == Py_None || PyDict_Check(metadata);
    for (Py_ssize_t at = 0; ok && metadata != Py_None && PyDict_Next(metadata, &at, &name, &value);) {
        const char *key = text_of(name), *text = text_of(value);
        ok = key && text && mx_table_put_text(table, key, text);
    }
    if (!ok && !PyErr_Occurred() && !mx_failed())
        PyErr_SetString(PyExc_ValueError,
                        "[save_safetensors] Metadata must be a dictionary with string keys and values");
    return ok;
}

static PyObject *py_save_safetensors(py_args *in)
{
    file f;
    if (!PyDict_Check(in->at[1])) return py_incompatible(in);
    if (!open_file("save_safetensors", in->at[0], "write", ".safetensors", &f)) return NULL;
    mx_table *table = mx_table_new();
    bool ok = table && put_all(table, in->at[1]) && put_metadata(table, in->at[2]);
    if (ok) {
        const char *path = f.path ? path_of(&f) : NULL;
        PyThreadState *state = leave(&f);
        ok = path ? mx_save_safetensors(path, table) : mx_save_safetensors_to(&f.io, table);
        come_back(state);
    }
    mx_table_free(&table);
    Py_XDECREF(f.path);
    return done(ok);
}

/* ---- Loading */
static PyObject *arrays_of(const mx_table *table)
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict && i < mx_table_count(table); i++) {
        PyObject *x = py_wrap_kept(mx_table_value(table, i));
        if (!x || PyDict_SetItemString(dict, mx_table_name(table, i), x) < 0) Py_CLEAR(dict);
        Py_XDECREF(x);
    }
    return dict;
}

static PyObject *metadata_of(const mx_table *table)
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict && i < mx_table_text_count(table); i++) {
        PyObject *text = PyUnicode_FromString(mx_table_text(table, i));
        if (!text || PyDict_SetItemString(dict, mx_table_text_name(table, i), text) < 0) Py_CLEAR(dict);
        Py_XDECREF(text);
    }
    return dict;
}

static PyObject *result_of_table(mx_table *table, bool with_metadata)
{
    if (!table || PyErr_Occurred()) {
        mx_table_free(&table);
        return py_raise();
    }
    PyObject *arrays = arrays_of(table), *metadata = with_metadata ? metadata_of(table) : NULL;
    mx_table_free(&table);
    if (!with_metadata || !arrays || !metadata) {
        Py_XDECREF(metadata);
        return arrays;
    }
    return Py_BuildValue("(NN)", arrays, metadata);
}

typedef enum file_format { NPY, NPZ, SAFETENSORS, UNKNOWN } file_format;

/* From format=, or the extension of the path or of the file object's name. */
static file_format format_of(PyObject *o, const char *given)
{
    static const char *const names[] = {"npy", "npz", "safetensors"};
    PyObject *text = NULL, *bytes = NULL;
    const char *wanted = given;
    if (!given) {
        bool is_path = PyUnicode_Check(o) || PyObject_HasAttrString(o, "__fspath__");
        text = is_path ? Py_NewRef(o) : PyObject_GetAttrString(o, "name");
        if (!text || !PyUnicode_FSConverter(text, &bytes)) goto done;
        const char *path = PyBytes_AsString(bytes), *dot = strrchr(path, '.');
        if (!dot || strchr(dot, '/')) {
            PyErr_SetString(PyExc_ValueError, "[load] Could not infer file format from extension");
            goto done;
        }
        wanted = dot + 1;
    }
    for (int f = NPY; f < UNKNOWN; f++) {
        if (strcmp(wanted, names[f]) != 0) continue;
        Py_XDECREF(text);
        Py_XDECREF(bytes);
        return (file_format)f;
    }
    PyErr_Format(PyExc_ValueError, "[load] Unknown file format %s", wanted);
done:
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return UNKNOWN;
}

static PyObject *load(py_args *in, file *f, file_format format, bool with_metadata)
{
    const char *path = f->path ? path_of(f) : NULL;
    if (format == NPY) return py_return(in, path ? mx_load_npy(path) : mx_load_npy_from(&f->io));
    if (format == NPZ) return result_of_table(path ? mx_load_npz(path) : mx_load_npz_from(&f->io), false);
    return result_of_table(path ? mx_load_safetensors(path) : mx_load_safetensors_from(&f->io), with_metadata);
}

static PyObject *py_load(py_args *in)
{
    const char *given = NULL;
    bool with_metadata;
    file f;
    if (!py_arg_text(in, 1, &given) || !py_arg_bool(in, 2, &with_metadata)) return NULL;
    if (!open_file("load", in->at[0], "read", NULL, &f)) return NULL;
    file_format format = format_of(in->at[0], given);
    PyObject *result = NULL;
    if (with_metadata && (format == NPY || format == NPZ))
        PyErr_Format(PyExc_ValueError, "[load] metadata not supported for format %s", format == NPY ? "npy" : "npz");
    else if (format != UNKNOWN)
        result = load(in, &f, format, with_metadata);
    Py_XDECREF(f.path);
    return result;
}

#define FILE_TYPE "file: Union[file, str, pathlib.Path]"
static const py_row rows[] = {
    {"save", py_save, "save(" FILE_TYPE ", arr: array) -> None", "Writes an array in NumPy's format, .npy."},
    {"savez", py_savez, "savez(" FILE_TYPE ", *args: array, **kwargs: array) -> None",
     "Writes arrays into an uncompressed zip, .npz; those without a name are arr_0, arr_1, ..."},
    {"savez_compressed", py_savez_compressed,
     "savez_compressed(" FILE_TYPE ", /, *args: array, **kwargs: array) -> None",
     "Writes arrays into a compressed zip, .npz; those without a name are arr_0, arr_1, ..."},
    {"save_safetensors", py_save_safetensors,
     "save_safetensors(" FILE_TYPE ", arrays: dict[str, array], metadata: Optional[dict[str, str]] = None) -> None",
     "Writes arrays in the format of https://github.com/huggingface/safetensors."},
    {"load", py_load,
     "load(" FILE_TYPE ", /, format: Optional[str] = None, return_metadata: bool = False, *, "
     "stream: StreamOrDevice = None) -> Union[array, dict[str, array]]",
     "Reads an array from .npy, a dict of arrays from .npz and .safetensors, there also with its metadata."},
    {0}};

bool py_init_io(PyObject *module)
{
    return py_add_functions(module, rows);
}
