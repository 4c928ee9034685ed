/* SPDX-License-Identifier: MIT
 *
 * safetensors (https://github.com/huggingface/safetensors): eight bytes of length, a JSON header, raw data.
 *
 * Written as MLX writes it: the header without spaces and its names sorted, "__metadata__" always there (null if there is
 * none).  The data lie in the order of the table, so the bytes of a file depend on nothing else.  A header that is read
 * is not trusted: sizes, offsets and overlaps are checked before anything is read by them. */
#include "core/memory.h"
#include "io/io.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT 100000000 /* bytes; as the reference implementation's */

static const char *const dtype_names[MX_DTYPE_COUNT] = {
    [MX_BOOL] = "BOOL",   [MX_UINT8] = "U8",   [MX_UINT16] = "U16",    [MX_UINT32] = "U32",   [MX_UINT64] = "U64",
    [MX_INT8] = "I8",     [MX_INT16] = "I16",  [MX_INT32] = "I32",     [MX_INT64] = "I64",    [MX_FLOAT16] = "F16",
    [MX_FLOAT32] = "F32", [MX_FLOAT64] = NULL, [MX_BFLOAT16] = "BF16", [MX_COMPLEX64] = "C64"};

/* ---- Reading */
typedef struct entry { /* an array, in bytes [begin, end) of the data */
    const char *name;  /* of the header */
    int index;         /* in the header */
    mx_dtype dtype;
    param_shape shape;
    int64_t begin, end;
} entry;

typedef struct reading {
    source *s;
    int64_t data; /* where the data begin in the source */
    mx_table *table;
    entry *entries;
    int count;
} reading;

static bool bad(const reading *r, const char *name, const char *what)
{
    return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: array \"%.200s\": %s.", r->s->name, name, what);
}

/* The eight-bit floats come as their bytes, as MLX loads them. */
static bool read_dtype(const reading *r, const char *name, const json_t *json, mx_dtype *dtype)
{
    const char *text = json_string_value(json);
    if (!text) return bad(r, name, "its dtype is not a string");
    if (strcmp(text, "F8_E4M3") == 0 || strcmp(text, "F8_E8M0") == 0) text = "U8";
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        *dtype = (mx_dtype)d;
        if (dtype_names[d] && strcmp(text, dtype_names[d]) == 0) return true;
    }
    return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: array \"%.200s\": unsupported dtype %.40s.", r->s->name,
                         name, text);
}

static bool read_shape(const reading *r, const char *name, const json_t *json, param_shape *shape)
{
    if (!json_is_array(json)) return bad(r, name, "its shape is not a list");
    if (json_array_size(json) > MX_MAX_NDIM) return bad(r, name, "it has more than 16 dimensions");
    shape->ndim = (int32_t)json_array_size(json);
    for (int i = 0; i < shape->ndim; i++) {
        const json_t *d = json_array_get(json, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return bad(r, name, "its shape holds something other than whole numbers");
        shape->at[i] = json_integer_value(d);
    }
    return true;
}

static bool read_extent(const reading *r, const char *name, const json_t *json, entry *e)
{
    const json_t *begin = json_array_get(json, 0), *end = json_array_get(json, 1);
    if (json_array_size(json) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad(r, name, "data_offsets are not two whole numbers");
    e->begin = json_integer_value(begin);
    e->end = json_integer_value(end);
    if (e->begin < 0 || e->end < e->begin || e->end > r->s->size - r->data)
        return bad(r, name, "data_offsets lie outside of the file");
    return true;
}

static bool read_entry(reading *r, const char *name, const json_t *json)
{
    entry e = {.name = name, .index = r->count};
    if (!json_is_object(json)) return bad(r, name, "it is not described by an object");
    if (!read_dtype(r, name, json_object_get(json, "dtype"), &e.dtype) ||
        !read_shape(r, name, json_object_get(json, "shape"), &e.shape) ||
        !read_extent(r, name, json_object_get(json, "data_offsets"), &e))
        return false;
    int64_t size = shape_size("load_safetensors", (mx_shape){e.shape.ndim, e.shape.at});
    if (size < 0) return false;
    if (size * (int64_t)mx_dtype_size(e.dtype) != e.end - e.begin)
        return bad(r, name, "data_offsets do not fit its shape and dtype");
    r->entries[r->count++] = e;
    return true;
}

static bool read_metadata(const reading *r, json_t *json)
{
    const char *name;
    json_t *value;
    if (json_is_null(json)) return true;
    if (!json_is_object(json))
        return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: __metadata__ is not an object.", r->s->name);
    json_object_foreach(json, name, value)
    {
        if (!json_is_string(value)) {
            return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: metadata \"%.200s\" is not a string.", r->s->name,
                                 name);
        }
        if (!mx_table_put_text(r->table, name, json_string_value(value))) return false;
    }
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1; /* empty ones come first */
    return x->index - y->index;
}

/* In the order of the data, which is that of the table that was saved. */
static bool put_entries(reading *r)
{
    qsort(r->entries, (size_t)r->count, sizeof *r->entries, compare_entries);
    for (int i = 0; i < r->count; i++) {
        const entry *e = &r->entries[i];
        if (i && e->begin < e[-1].end) {
            return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: two arrays share the bytes from %" PRId64 " on.",
                                 r->s->name, e->begin);
        }
        mx_array *x = source_array("load_safetensors", r->s, r->data + e->begin, (mx_shape){e->shape.ndim, e->shape.at},
                                   e->dtype, false);
        if (!x || !mx_table_put(r->table, e->name, x)) return false;
    }
    return true;
}

static json_t *read_header(source *s, int64_t *data)
{
    unsigned char bytes[8];
    json_error_t error;
    uint64_t length = 0;
    if (s->size < 8) return mx_fail(MX_RUNTIME, "[load_safetensors] %s: it is too short for a header.", s->name);
    if (!source_read(s, bytes, 0, sizeof bytes)) return NULL;
    for (int i = 7; i >= 0; i--) length = length << 8 | bytes[i];
    if (length > HEADER_LIMIT || (int64_t)length > s->size - 8) {
        return mx_fail(MX_RUNTIME, "[load_safetensors] %s: a header of %" PRIu64 " bytes does not fit.", s->name,
                       length);
    }
    char *text = mx_alloc(length ? (size_t)length : 1, 1);
    json_t *json = NULL;
    if (text && source_read(s, text, 8, (size_t)length) &&
        !(json = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error)))
        mx_fail(MX_RUNTIME, "[load_safetensors] %s: its header is not JSON: %s.", s->name, error.text);
    mx_free(text);
    *data = 8 + (int64_t)length;
    return json;
}

static bool read_all(reading *r, json_t *header)
{
    const char *name;
    json_t *value;
    if (!json_is_object(header))
        return mx_fail_false(MX_RUNTIME, "[load_safetensors] %s: its header is not a JSON object.", r->s->name);
    json_object_foreach(header, name, value)
    {
        bool is_metadata = strcmp(name, "__metadata__") == 0;
        if (!(is_metadata ? read_metadata(r, value) : read_entry(r, name, value))) return false;
    }
    return put_entries(r);
}

static mx_table *load_table(source *s)
{
    reading r = {.s = s};
    if (!s) return NULL;
    mx_scope scope = mx_scope_open();
    json_t *header = read_header(s, &r.data);
    r.entries = header ? mx_alloc(json_object_size(header) + 1, sizeof *r.entries) : NULL;
    r.table = r.entries ? mx_table_new() : NULL;
    if (r.table && !read_all(&r, header)) mx_table_free(&r.table);
    mx_free(r.entries);
    json_decref(header);
    mx_scope_close(scope, NULL);
    source_drop(&s);
    return r.table;
}

mx_table *mx_load_safetensors(const char *path)
{
    return load_table(source_open("load_safetensors", path, MX_RUNTIME));
}
mx_table *mx_load_safetensors_from(const mx_stream_io *io)
{
    return load_table(source_of_stream("load_safetensors", io));
}

/* ---- Writing */
typedef struct text_buffer {
    char *at;
    size_t length, capacity;
    bool failed;
} text_buffer;

static void add(text_buffer *t, const char *text, size_t n)
{
    if (t->failed) return;
    if (t->length + n + 1 > t->capacity) {
        size_t capacity = 2 * (t->length + n + 1);
        char *at = mx_resize(t->at, capacity, 1);
        if (!at) {
            t->failed = true;
            return;
        }
        t->at = at;
        t->capacity = capacity;
    }
    memcpy(t->at + t->length, text, n);
    t->length += n;
}

static void add_text(text_buffer *t, const char *text)
{
    add(t, text, strlen(text));
}
static void add_int(text_buffer *t, int64_t value)
{
    char digits[32];
    add(t, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

/* Bytes of the UTF-8 character at p: 0 if it is none (RFC 3629). */
static int utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80) return 1;
    int n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0, beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

static void add_json_string(text_buffer *t, const char *text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    add(t, "\"", 1);
    for (const unsigned char *p = (const unsigned char *)text; *p && !t->failed;) {
        char code[8];
        int n = utf8_length(p);
        const char *special = strchr(escaped, *p);
        if (n == 0) {
            mx_fail(MX_VALUE, "[save_safetensors] \"%.200s\" is not UTF-8.", text);
            t->failed = true;
        } else if (special) {
            add(t, (char[]){'\\', letters[special - escaped]}, 2);
        } else if (*p < 0x20) {
            add(t, code, (size_t)snprintf(code, sizeof code, "\\u%04x", *p));
        } else {
            add(t, (const char *)p, (size_t)n);
        }
        p += n ? n : 1;
    }
    add(t, "\"", 1);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const table_entry *const *)a)->name, (*(const table_entry *const *)b)->name);
}

/* The entries of a list and `extra` (or NULL), sorted by name. */
static const table_entry **sorted(const name_list *list, const table_entry *extra)
{
    size_t n = (size_t)list->count;
    const table_entry **order = mx_alloc(n + 1, sizeof *order);
    if (!order) return NULL;
    for (size_t i = 0; i < n; i++) order[i] = &list->entries[i];
    if (extra) order[n++] = extra;
    qsort(order, n, sizeof *order, compare_names);
    return order;
}

static void add_metadata(text_buffer *t, const name_list *texts)
{
    if (!texts->count) {
        add_text(t, "null");
        return;
    }
    const table_entry **order = sorted(texts, NULL);
    t->failed |= !order;
    for (int i = 0; i < texts->count && !t->failed; i++) {
        add_text(t, i ? "," : "{");
        add_json_string(t, order[i]->name);
        add_text(t, ":");
        add_json_string(t, order[i]->text);
    }
    add_text(t, "}");
    mx_free(order);
}

static void add_entry(text_buffer *t, const mx_array *x, int64_t begin)
{
    add_text(t, "{\"data_offsets\":[");
    add_int(t, begin);
    add_text(t, ",");
    add_int(t, begin + (int64_t)mx_nbytes(x));
    add_text(t, "],\"dtype\":\"");
    add_text(t, dtype_names[x->dtype]);
    add_text(t, "\",\"shape\":[");
    for (int i = 0; i < x->ndim; i++) {
        if (i) add_text(t, ",");
        add_int(t, x->shape[i]);
    }
    add_text(t, "]}");
}

/* offsets[i]: where the i-th entry's data begin. */
static bool make_header(text_buffer *t, const mx_table *table, const int64_t *offsets)
{
    table_entry metadata = {.name = (char[]){"__metadata__"}};
    const table_entry **order = sorted(&table->arrays, &metadata);
    t->failed = !order;
    for (int i = 0; i <= table->arrays.count && !t->failed; i++) {
        add_text(t, i ? "," : "{");
        add_json_string(t, order[i]->name);
        add_text(t, ":");
        if (order[i] == &metadata)
            add_metadata(t, &table->texts);
        else
            add_entry(t, order[i]->value, offsets[order[i] - table->arrays.entries]);
    }
    add_text(t, "}");
    mx_free(order);
    return !t->failed;
}

static bool check_entries(const mx_table *table)
{
    for (int i = 0; i < table->arrays.count; i++) {
        const table_entry *e = &table->arrays.entries[i];
        if (strcmp(e->name, "__metadata__") == 0)
            return mx_fail_false(MX_VALUE, "[save_safetensors] an array cannot be named __metadata__.");
        if (dtype_names[e->value->dtype]) continue;
        return mx_fail_false(MX_RUNTIME, "[save_safetensors] array \"%.200s\": safetensors files do not hold %s.",
                             e->name, mx_dtype_name((mx_dtype)e->value->dtype));
    }
    return true;
}

static bool write_arrays(writer *w, const mx_table *table)
{
    bool ok = true;
    for (int i = 0; i < table->arrays.count && ok; i++) {
        mx_scope scope = mx_scope_open();
        mx_array *x = table->arrays.entries[i].value;
        const void *data = array_bytes(x);
        ok = data ? writer_put(w, data, mx_nbytes(x)) : x->size == 0 && !mx_failed();
        mx_scope_close(scope, NULL);
    }
    return ok;
}

static bool make_all(const mx_table *table, text_buffer *t)
{
    int count = table->arrays.count;
    int64_t *offsets = mx_alloc((size_t)count + 1, sizeof *offsets), at = 0;
    if (!offsets) return false;
    for (int i = 0; i < count; i++) {
        offsets[i] = at;
        at += (int64_t)mx_nbytes(table->arrays.entries[i].value);
    }
    bool ok = make_header(t, table, offsets);
    mx_free(offsets);
    return ok;
}

static bool save_table(const char *path, const mx_stream_io *io, const mx_table *table)
{
    static const char op[] = "save_safetensors";
    text_buffer header = {0};
    unsigned char length[8];
    writer w;
    if (!table_given(op, table) || !check_entries(table) || !table_eval(table)) return false;
    bool ok = make_all(table, &header) && (io ? writer_of_stream(&w, op, io) : writer_open(&w, op, path));
    if (ok) {
        for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)header.length >> (8 * i));
        ok = writer_put(&w, length, sizeof length) && writer_put(&w, header.at, header.length) &&
             write_arrays(&w, table);
        ok = writer_close(&w, ok);
    }
    mx_free(header.at);
    return ok;
}

bool mx_save_safetensors(const char *path, const mx_table *table)
{
    return save_table(path, NULL, table);
}
bool mx_save_safetensors_to(const mx_stream_io *io, const mx_table *table)
{
    if (!io) return mx_fail_false(MX_VALUE, "[save_safetensors] the stream is NULL.");
    return save_table(NULL, io, table);
}
