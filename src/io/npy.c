/* SPDX-License-Identifier: MIT
 *
 * NumPy's format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic number, a header that
 * is a Python dict, raw data.
 *
 * Written byte for byte as MLX writes it: bfloat16 is '<V2', data that lie column by column are written so, with
 * fortran_order True, and the padding is MLX's, not NumPy's.  Any order of keys, quotes and spaces is read, and both
 * byte orders. */
#include "core/memory.h"
#include "io/io.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char magic[6] = "\x93NUMPY";

static const char *const descriptions[MX_DTYPE_COUNT] = {
    [MX_BOOL] = "|b1",    [MX_UINT8] = "|u1",   [MX_UINT16] = "<u2",   [MX_UINT32] = "<u4",   [MX_UINT64] = "<u8",
    [MX_INT8] = "|i1",    [MX_INT16] = "<i2",   [MX_INT32] = "<i4",    [MX_INT64] = "<i8",    [MX_FLOAT16] = "<f2",
    [MX_FLOAT32] = "<f4", [MX_FLOAT64] = "<f8", [MX_BFLOAT16] = "<V2", [MX_COMPLEX64] = "<c8"};

/* ---- The header: a cursor over its text */
typedef struct cursor {
    const char *op, *name;
    const char *at, *end;
    mx_dtype dtype;
    bool swap, fortran, has_dtype, has_order, has_shape;
    param_shape shape;
} cursor;

static bool bad(const cursor *c, const char *what)
{
    return mx_fail_false(MX_RUNTIME, "[%s] %s: its header %s.", c->op, c->name, what);
}

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, const char *text)
{
    size_t n = strlen(text);
    skip_spaces(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0) return false;
    c->at += n;
    return true;
}

static bool take_string(cursor *c, char *to, size_t size)
{
    size_t n = 0;
    skip_spaces(c);
    char quote = c->at < c->end ? *c->at : 0;
    if (quote != '\'' && quote != '"') return false;
    for (c->at++; c->at < c->end && *c->at != quote; c->at++) {
        if (n + 1 == size) return false;
        to[n++] = *c->at;
    }
    to[n] = 0;
    return c->at++ < c->end;
}

static bool take_number(cursor *c, int64_t *value)
{
    const char *first = c->at;
    *value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (MUL_OVERFLOWS(*value, 10, value) || *value > INT64_MAX - 9) return false;
        *value += *c->at - '0';
    }
    bool any = c->at > first;
    if (any && c->at < c->end && *c->at == 'L') c->at++; /* written by Python 2 */
    return any;
}

static bool take_dtype(cursor *c)
{
    char text[64];
    if (!take_string(c, text, sizeof text)) return bad(c, "has a descr that is not the name of a type");
    c->has_dtype = true;
    c->swap = text[0] == '>';
    if (text[0] == '>' || text[0] == '=' || text[0] == '|') text[0] = '<';
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        c->dtype = (mx_dtype)d;
        if (text[0] == '<' && strcmp(text + 1, descriptions[d] + 1) == 0) return true;
    }
    return mx_fail_false(MX_VALUE, "[%s] %s: Unsupported array protocol type-string: %s.", c->op, c->name, text);
}

static bool take_order(cursor *c)
{
    c->has_order = true;
    c->fortran = take(c, "True");
    return c->fortran || take(c, "False") || bad(c, "has a fortran_order that is neither True nor False");
}

static bool take_shape(cursor *c)
{
    c->has_shape = true;
    c->shape = (param_shape){0};
    if (!take(c, "(")) return bad(c, "has a shape that is not a tuple");
    while (!take(c, ")")) {
        int64_t *d = &c->shape.at[c->shape.ndim];
        if (c->shape.ndim == MX_MAX_NDIM) return bad(c, "has a shape of more than 16 dimensions");
        if (!take_number(c, d)) return bad(c, "has a shape that holds something other than whole numbers");
        c->shape.ndim++;
        if (take(c, ",")) continue;
        if (!take(c, ")")) return bad(c, "has a shape that does not end");
        break;
    }
    return true;
}

static bool parse(cursor *c)
{
    char key[32];
    if (!take(c, "{")) return bad(c, "is not a dict");
    while (!take(c, "}")) {
        if (!take_string(c, key, sizeof key) || !take(c, ":")) return bad(c, "is not a dict of three keys");
        bool ok = strcmp(key, "descr") == 0           ? take_dtype(c)
                  : strcmp(key, "fortran_order") == 0 ? take_order(c)
                  : strcmp(key, "shape") == 0         ? take_shape(c)
                                                      : bad(c, "has a key other than descr, fortran_order and shape");
        if (!ok) return false;
        if (take(c, ",")) continue;
        if (!take(c, "}")) return bad(c, "does not end");
        break;
    }
    skip_spaces(c);
    bool whole = c->at == c->end && c->has_dtype && c->has_order && c->has_shape;
    return whole || bad(c, "lacks descr, fortran_order or shape, or goes on after them");
}

static mx_array *read_array(const cursor *c, source *s, int64_t offset)
{
    mx_shape shape = {c->shape.ndim, c->shape.at};
    int64_t reversed[MX_MAX_NDIM];
    if (!c->fortran || shape.ndim < 2) return source_array(c->op, s, offset, shape, c->dtype, c->swap);
    for (int i = 0; i < shape.ndim; i++) reversed[i] = shape.at[shape.ndim - 1 - i];
    mx_array *x = source_array(c->op, s, offset, (mx_shape){shape.ndim, reversed}, c->dtype, c->swap);
    return x ? mx_transpose(x, ALL_AXES) : NULL;
}

mx_array *npy_read(const char *op, source *s)
{
    unsigned char start[12] = {0};
    size_t there = s->size < (int64_t)sizeof start ? (size_t)s->size : sizeof start;
    if (!source_read(s, start, 0, there)) return NULL;
    if (there < sizeof start || memcmp(start, magic, 6) != 0)
        return mx_fail(MX_RUNTIME, "[%s] %s: not in NumPy's format.", op, s->name);
    if (start[6] < 1 || start[6] > 3)
        return mx_fail(MX_RUNTIME, "[%s] %s: version %d of NumPy's format is not known.", op, s->name, start[6]);
    int64_t begin = start[6] == 1 ? 10 : 12, length = start[8] | start[9] << 8;
    if (start[6] > 1) length |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    if (length > s->size - begin || length > 1 << 20)
        return mx_fail(MX_RUNTIME, "[%s] %s: a header of %" PRId64 " bytes does not fit.", op, s->name, length);
    char *text = mx_alloc((size_t)length + 1, 1);
    if (!text) return NULL;
    cursor c = {.op = op, .name = s->name, .at = text, .end = text + length};
    bool ok = source_read(s, text, begin, (size_t)length) && parse(&c);
    mx_free(text);
    return ok ? read_array(&c, s, begin + length) : NULL;
}

static mx_array *load(source *s)
{
    mx_array *x = s ? npy_read("load_npy", s) : NULL;
    source_drop(&s);
    return x;
}

mx_array *mx_load_npy(const char *path)
{
    return load(source_open("load_npy", path, MX_RUNTIME));
}
mx_array *mx_load_npy_from(const mx_stream_io *io)
{
    return load(source_of_stream("load_npy", io));
}

/* ---- Writing */
mx_array *npy_header(const char *op, mx_array *x, char text[NPY_HEADER], size_t *bytes)
{
    if (!op_has(op, x) || !mx_eval(x)) return NULL;
    mx_array *columns = mx_transpose(x, ALL_AXES);
    if (!columns || !mx_eval(columns)) return NULL;
    bool fortran = array_is_contiguous(columns);
    char *at = text + 10;
    int n = snprintf(at, NPY_HEADER - 32, "{'descr': '%s', 'fortran_order': %s, 'shape': (", descriptions[x->dtype],
                     fortran ? "True" : "False");
    for (int i = 0; i < x->ndim; i++) n += snprintf(at + n, 32, "%" PRId64 ", ", x->shape[i]);
    n += snprintf(at + n, 8, ")}");
    for (int padding = (n + 13) % 16; padding > 0; padding--) at[n++] = ' ';
    at[n++] = '\n';
    memcpy(text, magic, 6);
    memcpy(text + 6, (unsigned char[]){1, 0, (unsigned char)n, (unsigned char)(n >> 8)}, 4);
    *bytes = 10 + (size_t)n;
    return fortran ? columns : x;
}

static bool save(const char *path, const mx_stream_io *io, mx_array *x)
{
    char header[NPY_HEADER];
    size_t bytes;
    writer w;
    mx_scope scope = mx_scope_open();
    mx_array *rows = npy_header("save_npy", x, header, &bytes);
    const void *data = rows ? array_bytes(rows) : NULL;
    bool ok = rows && (data || x->size == 0) &&
              (io ? writer_of_stream(&w, "save_npy", io) : writer_open(&w, "save_npy", path));
    if (ok) {
        ok = writer_put(&w, header, bytes) && writer_put(&w, data, mx_nbytes(x));
        ok = writer_close(&w, ok);
    }
    mx_scope_close(scope, NULL);
    return ok;
}

bool mx_save_npy(const char *path, mx_array *x)
{
    return save(path, NULL, x);
}
bool mx_save_npy_to(const mx_stream_io *io, mx_array *x)
{
    return io ? save(NULL, io, x) : mx_fail_false(MX_VALUE, "[save_npy] the stream is NULL.");
}
