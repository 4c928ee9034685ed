/* SPDX-License-Identifier: MIT
 *
 * mlx.core.profiler: profile and range, context managers over mica/profiler.h. */
#include "mica_py.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- profile */
typedef struct profile {
    PyObject_HEAD PyObject *path; /* None, or where the trace goes at the end */
    mx_profile *native;           /* NULL until it has ended */
    bool recording;
} profile;

static int profile_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    profile *p = (profile *)self;
    static char *names[] = {"path", NULL};
    PyObject *path = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:profile", names, &path)) return -1;
    if (path != Py_None) {
        PyObject *bytes;
        if (!PyUnicode_FSConverter(path, &bytes)) return -1;
        Py_DECREF(bytes);
    }
    py_set(&p->path, Py_NewRef(path));
    return 0;
}

static void profile_dealloc(PyObject *self)
{
    profile *p = (profile *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (p->recording) {
        mx_profile *left = mx_profile_end();
        mx_profile_free(&left);
        mx_error();
    }
    mx_profile_free(&p->native);
    Py_CLEAR(p->path);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static bool save_to(profile *p, PyObject *path)
{
    PyObject *bytes;
    if (!PyUnicode_FSConverter(path, &bytes)) return false;
    bool ok;
    Py_BEGIN_ALLOW_THREADS;
    ok = mx_profile_save(p->native, PyBytes_AsString(bytes));
    Py_END_ALLOW_THREADS;
    Py_DECREF(bytes);
    return ok || py_raise_false();
}

/* Could a file be written there?  Before the work is done, not after it. */
static bool can_save(PyObject *path)
{
    PyObject *bytes;
    struct stat facts;
    if (!PyUnicode_FSConverter(path, &bytes)) return false;
    const char *name = PyBytes_AsString(bytes), *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) + (slash == name) : 1;
    char *folder = PyMem_Malloc(length + 1);
    if (!folder) return Py_DECREF(bytes), PyErr_NoMemory(), false;
    memcpy(folder, slash ? name : ".", length);
    folder[length] = 0;
    int why = stat(name, &facts) == 0 && S_ISDIR(facts.st_mode) ? EISDIR : access(folder, W_OK | X_OK) ? errno : 0;
    if (why) PyErr_Format(PyExc_RuntimeError, "[profiler] %s: %s.", name, strerror(why));
    PyMem_Free(folder);
    Py_DECREF(bytes);
    return why == 0;
}

static PyObject *profile_enter(py_args *in)
{
    profile *p = (profile *)in->at[0];
    if (p->path != Py_None && !can_save(p->path)) return NULL;
    if (!mx_profile_begin()) return py_raise();
    mx_profile_free(&p->native);
    p->recording = true;
    return Py_NewRef(in->at[0]);
}

/* An exception inside goes on its way, after the trace is written. */
static PyObject *profile_exit(py_args *in)
{
    profile *p = (profile *)in->at[0];
    if (!p->recording) return PyErr_Format(PyExc_RuntimeError, "[profiler] this profile was not entered.");
    p->recording = false;
    Py_BEGIN_ALLOW_THREADS;
    p->native = mx_profile_end();
    Py_END_ALLOW_THREADS;
    if (!p->native) return py_raise();
    if (p->path != Py_None && !save_to(p, p->path)) return NULL;
    return Py_NewRef(Py_False);
}

static bool has_ended(profile *p)
{
    if (p->native) return true;
    PyErr_SetString(PyExc_RuntimeError, "[profiler] the profile has not ended: leave its with block first.");
    return false;
}

static PyObject *text_of(char *text)
{
    if (!text) return py_raise();
    PyObject *result = PyUnicode_FromString(text);
    mx_free_text(text);
    return result;
}

static PyObject *profile_table(py_args *in)
{
    profile *p = (profile *)in->at[0];
    return has_ended(p) ? text_of(mx_profile_table(p->native)) : NULL;
}

static PyObject *profile_save(py_args *in)
{
    profile *p = (profile *)in->at[0];
    return has_ended(p) && save_to(p, in->at[1]) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *row_dict(const mx_profile_row *r)
{
    const char *kind = r->is_range ? "range" : r->device == MX_GPU ? "gpu" : "cpu";
    return Py_BuildValue("{s:s,s:s,s:L,s:d,s:d,s:d}", "name", r->name, "kind", kind, "count", (long long)r->count, "ms",
                         r->ms, "bytes", r->bytes, "flops", r->flops);
}

static PyObject *profile_rows(py_args *in)
{
    profile *p = (profile *)in->at[0];
    if (!has_ended(p)) return NULL;
    const mx_profile_row *rows = mx_profile_rows(p->native);
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < mx_profile_count(p->native); i++) {
        PyObject *row = row_dict(&rows[i]);
        if (!row || PyList_Append(list, row) < 0) Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static const py_row profile_methods[] = {
    {"__enter__", profile_enter, "__enter__(self) -> profile", "Start recording."},
    {"__exit__", profile_exit, "__exit__(self, *args) -> bool", "Stop, and write the trace if there is a path."},
    {"table", profile_table, "table(self) -> str",
     "Totals by op, the longest first, as text: times, share of the device's, bytes moved, rates."},
    {"rows", profile_rows, "rows(self) -> list[dict]",
     "The same as a list of dicts: name, kind ('cpu', 'gpu' or 'range'), count, ms, bytes, flops."},
    {"save", profile_save, "save(self, path: Union[str, pathlib.Path]) -> None",
     "Write the trace: JSON in Chrome's format, for https://ui.perfetto.dev or chrome://tracing."},
    {0}};
static const char profile_text[] =
    "profile(path=None)\n--\n\n"
    "Record what runs while its with block is open, in all threads.\n\n"
    "Arrays are lazy: what counts is where they are evaluated, so call ``mx.eval`` inside. An op or fused group that runs\n"
    "on a GPU is measured there. Only one profile is recorded at a time; a second one is a RuntimeError, as is a\n"
    "``path`` that cannot be written to when the block begins. When it ends, also by an exception, the trace is written\n"
    "there; if that fails it is a RuntimeError, and ``save`` may be tried again.\n\n"
    "Example::\n\n"
    "  with mx.profiler.profile(\"trace.json\") as p:\n"
    "      with mx.profiler.range(\"step\"):\n"
    "          mx.eval(step())\n"
    "  print(p.table())\n";
static PyType_Slot profile_slots[] = {
    {Py_tp_init, profile_init}, {Py_tp_dealloc, profile_dealloc}, {Py_tp_doc, (void *)profile_text}, {0}};
static PyType_Spec profile_spec = {"mlx.core.profiler.profile", sizeof(profile), 0, Py_TPFLAGS_DEFAULT, profile_slots};

/* ---- range */
typedef struct range {
    PyObject_HEAD PyObject *name;
    mx_range native;
} range;

static int range_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"name", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:range", names, &name)) return -1;
    py_set(&((range *)self)->name, Py_NewRef(name));
    return 0;
}

static void range_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(((range *)self)->name);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *range_enter(py_args *in)
{
    ((range *)in->at[0])->native = mx_range_begin();
    return Py_NewRef(in->at[0]);
}

static PyObject *range_exit(py_args *in)
{
    range *r = (range *)in->at[0];
    const char *name = r->name ? PyUnicode_AsUTF8AndSize(r->name, NULL) : NULL;
    if (!name) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_RuntimeError, "[profiler] the range has no name.");
    mx_range_end(r->native, name);
    r->native = (mx_range){0};
    return Py_NewRef(Py_False);
}

static const py_row range_methods[] = {{"__enter__", range_enter, "__enter__(self) -> range", "The piece begins."},
                                       {"__exit__", range_exit, "__exit__(self, *args) -> bool", "The piece ends."},
                                       {0}};
static const char range_text[] =
    "range(name)\n--\n\n"
    "A named piece of the program, shown in the trace around the ops that are evaluated in it. Ranges nest, and cost next\n"
    "to nothing while nothing is recorded.";
static PyType_Slot range_slots[] = {
    {Py_tp_init, range_init}, {Py_tp_dealloc, range_dealloc}, {Py_tp_doc, (void *)range_text}, {0}};
static PyType_Spec range_spec = {"mlx.core.profiler.range", sizeof(range), 0, Py_TPFLAGS_DEFAULT, range_slots};

bool py_init_profiler(PyObject *module)
{
    (void)module;
    PyObject *sub = py_add_submodule(module, "profiler");
    PyTypeObject *profiles = sub ? py_add_type(sub, &profile_spec) : NULL;
    PyTypeObject *ranges = profiles ? py_add_type(sub, &range_spec) : NULL;
    return ranges && py_add_methods(profiles, profile_methods) && py_add_methods(ranges, range_methods);
}
