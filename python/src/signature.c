/* SPDX-License-Identifier: MIT
 *
 * Reads signature strings.  Types are skipped but for StreamOrDevice, which asks the caller to choose the stream;
 * defaults are Python literals or the names of dtypes. */
#include "signature.h"

#include <stdlib.h>
#include <string.h>

/* ---- Text */
typedef struct span {
    const char *at;
    size_t length;
} span;

static span trimmed(const char *from, const char *to)
{
    while (from < to && *from == ' ') from++;
    while (to > from && to[-1] == ' ') to--;
    return (span){from, (size_t)(to - from)};
}

static bool span_is(span s, const char *text)
{
    return s.length == strlen(text) && !memcmp(s.at, text, s.length);
}

/* The next `stop` character outside brackets and quotes, or the end of the text. */
static const char *find_outside(const char *p, const char *end, char stop)
{
    int depth = 0;
    char quote = 0;
    for (; p < end; p++) {
        if (quote) {
            if (*p == quote) quote = 0;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == stop && depth == 0) {
            return p;
        } else if (strchr("([{", *p)) {
            depth++;
        } else if (strchr(")]}", *p)) {
            depth--;
        }
    }
    return end;
}

/* From after "name(" to its closing bracket. */
static bool parameters_of(const char *text, const char **from, const char **to)
{
    const char *open = strchr(text, '(');
    if (!open) return false;
    *from = open + 1;
    *to = find_outside(open + 1, text + strlen(text), ')');
    return **to == ')';
}

/* ---- Defaults */
static PyObject *number_default(const char *text)
{
    char *end = NULL;
    PyObject *value = PyLong_FromString(text, &end, 10);
    if (value && !*end) return value;
    Py_XDECREF(value);
    PyErr_Clear();
    PyObject *string = PyUnicode_FromString(text);
    value = string ? PyFloat_FromString(string) : NULL;
    Py_XDECREF(string);
    return value;
}

static PyObject *dtype_default(const char *name)
{
    for (int d = 0; d < MX_DTYPE_COUNT; d++)
        if (!strcmp(name, mx_dtype_name((mx_dtype)d))) return Py_NewRef(py_dtype_object(d));
    return NULL;
}

/* "[-2, -1]" as a tuple: a list of our own could be changed by a callee. */
static PyObject *tuple_default(const char *text)
{
    Py_ssize_t count = 0;
    long at[8];
    for (const char *p = text + 1; *p && *p != ']' && count < 8; p += strspn(p, ", ")) {
        char *end;
        at[count++] = strtol(p, &end, 10);
        if (end == p) return PyErr_Format(PyExc_SystemError, "not a list of numbers: %s", text);
        p = end;
    }
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        PyObject *number = PyLong_FromLong(at[i]);
        if (!number) return Py_DECREF(tuple), NULL;
        PyTuple_SetItem(tuple, i, number);
    }
    return tuple;
}

static PyObject *default_value(span s)
{
    char text[64];
    if (s.length >= sizeof text) return PyErr_Format(PyExc_SystemError, "a default is too long: %s", s.at);
    memcpy(text, s.at, s.length);
    text[s.length] = 0;
    if (!strcmp(text, "None")) return Py_NewRef(Py_None);
    if (!strcmp(text, "True")) return Py_NewRef(Py_True);
    if (!strcmp(text, "False")) return Py_NewRef(Py_False);
    if (text[0] == '[') return tuple_default(text);
    if (text[0] == '\'') return PyUnicode_FromStringAndSize(text + 1, (Py_ssize_t)s.length - 2);
    PyObject *dtype = dtype_default(text);
    return dtype ? dtype : number_default(text);
}

/* ---- Parameters */
static bool read_parameter(span s, py_signature *out)
{
    if (out->count == PY_MAX_PARAMS) {
        PyErr_Format(PyExc_SystemError, "more than %d parameters", PY_MAX_PARAMS);
        return false;
    }
    const char *end = s.at + s.length;
    const char *equals = find_outside(s.at, end, '=');
    const char *colon = find_outside(s.at, equals, ':');
    span name = trimmed(s.at, colon);
    span type = colon < equals ? trimmed(colon + 1, equals) : (span){end, 0};
    int i = out->count++;
    PyObject *text = PyUnicode_FromStringAndSize(name.at, (Py_ssize_t)name.length);
    if (!text) return false;
    PyUnicode_InternInPlace(&text);
    out->names[i] = text;
    if (span_is(type, "StreamOrDevice")) out->stream = i;
    if (equals < end && !(out->defaults[i] = default_value(trimmed(equals + 1, end)))) return false;
    return true;
}

bool py_signature_read(const char *text, py_signature *out)
{
    const char *p, *end;
    *out = (py_signature){.stream = -1, .positional = -1};
    if (!parameters_of(text, &p, &end)) {
        PyErr_Format(PyExc_SystemError, "not a signature: %s", text);
        return false;
    }
    while (p < end) {
        const char *comma = find_outside(p, end, ',');
        span s = trimmed(p, comma);
        if (span_is(s, "/")) {
            out->positional_only = out->count;
        } else if (s.length >= 2 && s.at[0] == '*' && s.at[1] == '*') {
            out->takes_kwargs = true;
            if (out->positional < 0) out->positional = out->count;
        } else if (s.length && s.at[0] == '*') {
            out->takes_rest = s.length > 1;
            out->positional = out->count;
        } else if (s.length && !read_parameter(s, out)) {
            return false;
        }
        p = comma + 1;
    }
    if (out->positional < 0) out->positional = out->count;
    return true;
}

char *py_signature_of_method(const char *text)
{
    const char *p, *end;
    size_t length = strlen(text);
    char *out = PyMem_Malloc(length + sizeof "self");
    if (!out || !parameters_of(text, &p, &end)) {
        PyMem_Free(out);
        if (out) PyErr_Format(PyExc_SystemError, "not a signature: %s", text);
        return out ? NULL : (char *)PyErr_NoMemory();
    }
    const char *rest = find_outside(p, end, ',');
    if (!strncmp(rest, ", /", 3)) rest += 3;
    size_t head = (size_t)(p - text);
    memcpy(out, text, head);
    memcpy(out + head, "self", 4);
    memcpy(out + head + 4, rest, strlen(rest) + 1);
    return out;
}
