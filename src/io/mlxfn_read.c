/* SPDX-License-Identifier: MIT
 *
 * Reading .mlxfn files.  The whole file is in memory; every count is checked against the bytes that are left before
 * anything is made by it, every id must have been defined, and every primitive must be known. */
#include "core/memory.h"
#include "io/io.h"
#include "io/mlxfn.h"
#include "mica/array.h"
#include "mica/error.h"
#include <stdio.h>
#include <string.h>

typedef struct reading {
    const char *at, *end;
    const char *name; /* of the file */
    mlxfn_function *f;
    struct id_map {
        uint64_t *ids; /* open addressing; slot empty where value + 1 is 0 */
        uint32_t *values;
        size_t room, count;
    } map;
    mx_array **constants; /* of the whole file, by id */
    uint64_t *constant_ids;
    size_t constant_count, constant_room;
} reading;

struct mx_imported {
    char *metadata;
    bool shapeless;
    int count;
    mlxfn_function *functions;
    mx_compiled **compiled; /* of each */
};

static bool bad(const reading *r, const char *what)
{
    return mx_failed() ? false : mx_fail_false(MX_RUNTIME, "[import_function] %s: %s.", r->name, what);
}

/* ---- Bytes */
static bool take(reading *r, void *to, size_t bytes)
{
    if ((size_t)(r->end - r->at) < bytes) return bad(r, "the file ends too early");
    if (bytes) memcpy(to, r->at, bytes);
    r->at += bytes;
    return true;
}

static bool take_int(reading *r, int64_t *x)
{
    int32_t narrow;
    if (!take(r, &narrow, sizeof narrow)) return false;
    *x = narrow;
    return true;
}

static bool take_bool(reading *r, bool *x)
{
    uint8_t byte;
    if (!take(r, &byte, 1)) return false;
    *x = byte;
    return byte <= 1 || bad(r, "a flag is neither 0 nor 1");
}

/* The length of a list whose entries take at least `bytes` each. */
static bool take_count(reading *r, size_t bytes, size_t *count)
{
    uint64_t n;
    if (!take(r, &n, sizeof n)) return false;
    *count = (size_t)n;
    return n <= (uint64_t)(r->end - r->at) / bytes || bad(r, "a list is longer than the file");
}

static bool take_text(reading *r, const char **text, size_t *length)
{
    if (!take_count(r, 1, length)) return false;
    *text = r->at;
    r->at += *length;
    return memchr(*text, 0, *length) == NULL || bad(r, "a text holds a zero");
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = mx_alloc(length + 1, 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

static bool take_dtype(reading *r, mx_dtype *dtype)
{
    int64_t code;
    uint8_t size;
    if (!take_int(r, &code) || !take(r, &size, 1)) return false;
    if (code < 0 || code >= MX_DTYPE_COUNT || mx_dtype_size((mx_dtype)code) != size) return bad(r, "an unknown dtype");
    *dtype = (mx_dtype)code;
    return true;
}

static bool take_shape(reading *r, param_shape *shape)
{
    size_t count;
    if (!take_count(r, 4, &count)) return false;
    if (count > MX_MAX_NDIM) return bad(r, "an array of too many dimensions");
    *shape = (param_shape){.ndim = (int32_t)count};
    for (size_t i = 0; i < count; i++) {
        if (!take_int(r, &shape->at[i])) return false;
        if (shape->at[i] < 0) return bad(r, "a negative size");
    }
    return shape_size("import_function", (mx_shape){shape->ndim, shape->at}) >= 0;
}

/* ---- Ids */
static size_t id_slot(const struct id_map *m, uint64_t id)
{
    size_t i = (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (m->room - 1);
    while (m->values[i] && m->ids[i] != id) i = (i + 1) & (m->room - 1);
    return i;
}

static bool map_grow(struct id_map *m)
{
    if (2 * (m->count + 1) <= m->room) return true;
    struct id_map old = *m;
    m->room = old.room ? 2 * old.room : 64;
    m->ids = mx_alloc(m->room, sizeof *m->ids);
    m->values = mx_alloc(m->room, sizeof *m->values);
    if (!m->ids || !m->values) {
        mx_free(m->ids);
        mx_free(m->values);
        *m = old;
        return false;
    }
    for (size_t i = 0; i < old.room; i++) {
        if (!old.values[i]) continue;
        size_t at = id_slot(m, old.ids[i]);
        m->ids[at] = old.ids[i];
        m->values[at] = old.values[i];
    }
    mx_free(old.ids);
    mx_free(old.values);
    return true;
}

static bool define(reading *r, uint64_t id, uint32_t value)
{
    if (!map_grow(&r->map)) return false;
    size_t at = id_slot(&r->map, id);
    if (r->map.values[at]) return bad(r, "an array is defined twice");
    r->map.ids[at] = id;
    r->map.values[at] = value + 1;
    r->map.count++;
    return true;
}

static bool take_known(reading *r, uint32_t *value)
{
    uint64_t id;
    if (!take(r, &id, sizeof id)) return false;
    uint32_t found = r->map.room ? r->map.values[id_slot(&r->map, id)] : 0;
    *value = found - 1;
    return found || bad(r, "an array is used that was not defined");
}

static bool new_value(reading *r, uint64_t id, mx_dtype dtype, const param_shape *shape, uint32_t *value)
{
    return mlxfn_add_value(r->f, dtype, (mx_shape){shape->ndim, shape->at}, value) && define(r, id, *value);
}

/* ---- Fields */
/* Its place is set when all lists are there. */
static bool take_list(reading *r, mlxfn_entry *e, mx_export_field *field, size_t *used)
{
    enum { LONGEST = 64 };
    size_t count, bytes = field->kind == 'L' ? 4 : 8;
    if (!take_count(r, bytes, &count)) return false;
    if (count > LONGEST) return bad(r, "a list of a primitive is too long");
    int64_t *bigger = mx_resize(e->lists, *used + count + 1, sizeof *bigger);
    if (!bigger) return false;
    e->lists = bigger;
    for (size_t i = 0; i < count; i++) {
        if (!(bytes == 4 ? take_int(r, &bigger[*used + i]) : take(r, &bigger[*used + i], 8))) return false;
    }
    field->count = (int)count;
    *used += count;
    return true;
}

static bool take_field(reading *r, mlxfn_entry *e, mx_export_field *field, size_t *used)
{
    bool flag;
    float narrow;
    mx_dtype dtype;
    const char *text;
    size_t length;
    switch (field->kind) {
    case 'b':
        if (!take_bool(r, &flag)) return false;
        field->whole = flag;
        return true;
    case 'f':
        if (!take(r, &narrow, sizeof narrow)) return false;
        field->real = (double)narrow;
        return true;
    case 'd': return take(r, &field->real, 8);
    case 'o': return take(r, &field->whole, 8);
    case 't':
        if (!take_dtype(r, &dtype)) return false;
        field->whole = dtype;
        return true;
    case 's':
        if (!take_text(r, &text, &length)) return false;
        field->whole = length ? text[0] : 0;
        return true;
    case 'L':
    case 'Q':
    case 'U': return take_list(r, e, field, used);
    default: return take_int(r, &field->whole);
    }
}

/* ---- Entries */
static bool take_several_outputs(reading *r, uint64_t id, uint64_t count, mlxfn_entry *e)
{
    uint64_t ids[MLXFN_MAX_OUTPUTS];
    param_shape shapes[MLXFN_MAX_OUTPUTS];
    mx_dtype dtypes[MLXFN_MAX_OUTPUTS];
    size_t n[3];
    bool named = false;
    if (!take_count(r, 8, &n[0]) || n[0] != count) return bad(r, "the outputs of a primitive differ in number");
    for (uint64_t i = 0; i < count; i++) {
        if (!take(r, &ids[i], 8)) return false;
        named |= ids[i] == id;
    }
    if (!take_count(r, 8, &n[1]) || n[1] != count) return bad(r, "the outputs of a primitive differ in number");
    for (uint64_t i = 0; i < count; i++) {
        if (!take_shape(r, &shapes[i])) return false;
    }
    if (!take_count(r, 5, &n[2]) || n[2] != count) return bad(r, "the outputs of a primitive differ in number");
    for (uint64_t i = 0; i < count; i++) {
        if (!take_dtype(r, &dtypes[i]) || !new_value(r, ids[i], dtypes[i], &shapes[i], &e->out[i])) return false;
    }
    e->nout = (int)count;
    return named || bad(r, "an entry is not among its outputs");
}

static bool take_outputs(reading *r, uint64_t id, mlxfn_entry *e)
{
    uint64_t siblings;
    param_shape shape;
    mx_dtype dtype;
    if (!take(r, &siblings, sizeof siblings)) return false;
    if (siblings >= MLXFN_MAX_OUTPUTS) return bad(r, "a primitive of too many outputs");
    if (siblings) return take_several_outputs(r, id, siblings + 1, e);
    e->nout = 1;
    return take_shape(r, &shape) && take_dtype(r, &dtype) && new_value(r, id, dtype, &shape, &e->out[0]);
}

static bool take_primitive(reading *r, uint64_t id)
{
    size_t count, length, used = 0;
    int64_t stream[3];
    const char *name;
    if (!take_count(r, 8, &count) || count > UINT16_MAX) return bad(r, "a primitive of too many inputs");
    mlxfn_entry *e = mlxfn_add_entry(r->f, (int)count, MLXFN_MAX_OUTPUTS);
    if (!e) return false;
    e->nout = 0;
    for (size_t i = 0; i < count; i++) {
        if (!take_known(r, &e->in[i])) return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!take_int(r, &stream[i])) return false;
    }
    if (!take_text(r, &name, &length)) return false;
    if (!(e->primitive = mlxfn_find(name, length))) {
        return mx_fail_false(MX_RUNTIME, "[import_function] %s: the primitive %.*s is not known.", r->name,
                             (int)(length < 60 ? length : 60), name);
    }
    if (e->nin < e->primitive->nin) return bad(r, "a primitive has too few inputs");
    for (int i = 0; e->primitive->fields[i]; i++) {
        e->fields[i].kind = e->primitive->fields[i];
        if (!take_field(r, e, &e->fields[i], &used)) return false;
    }
    for (int i = 0, at = 0; i < MLXFN_MAX_FIELDS; at += e->fields[i++].count)
        e->fields[i].list = e->lists ? e->lists + at : NULL;
    return take_outputs(r, id, e);
}

/* A constant's data are in the file once; later functions name it only. */
static bool find_constant(reading *r, uint64_t id, mx_array **found)
{
    for (size_t i = 0; i < r->constant_count; i++) {
        if (r->constant_ids[i] == id) return (*found = r->constants[i]) != NULL;
    }
    param_shape shape;
    mx_dtype dtype;
    if (!take_shape(r, &shape) || !take_dtype(r, &dtype)) return false;
    int64_t size = shape_size("import_function", (mx_shape){shape.ndim, shape.at});
    size_t bytes = (size_t)size * mx_dtype_size(dtype);
    if (bytes > (size_t)(r->end - r->at)) return bad(r, "a constant is longer than the file");
    if (r->constant_count == r->constant_room) {
        size_t room = r->constant_room ? 2 * r->constant_room : 16;
        mx_array **bigger = mx_resize(r->constants, room, sizeof *bigger);
        if (bigger) r->constants = bigger;
        uint64_t *ids = bigger ? mx_resize(r->constant_ids, room, sizeof *ids) : NULL;
        if (!ids) return false;
        r->constant_ids = ids;
        r->constant_room = room;
    }
    mx_array *x = mx_keep(mx_from_data(r->at, (mx_shape){shape.ndim, shape.at}, dtype));
    if (!x) return false;
    r->at += bytes;
    r->constant_ids[r->constant_count] = id;
    r->constants[r->constant_count++] = *found = x;
    return true;
}

static bool take_leaf(reading *r, uint64_t id)
{
    bool is_constant;
    mx_array *x;
    if (!take_bool(r, &is_constant)) return false;
    if (!is_constant) {
        bool known = r->map.room && r->map.values[id_slot(&r->map, id)];
        return known || bad(r, "an input is not one of the function's");
    }
    if (!find_constant(r, id, &x)) return false;
    mlxfn_entry *e = mlxfn_add_entry(r->f, 0, 1);
    if (!e) return false;
    e->constant = mx_keep(x);
    param_shape shape = param_shape_of(mx_shape_of(x));
    return new_value(r, id, mx_dtype_of(x), &shape, &e->out[0]);
}

/* ---- Functions */
static bool take_names(reading *r)
{
    size_t count, length;
    const char *text;
    if (!take_count(r, 8, &count)) return false;
    if (!(r->f->names = mx_alloc(count + 1, sizeof *r->f->names))) return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_text(r, &text, &length) || !(r->f->names[i] = copy_text(text, length))) return false;
        r->f->name_count++;
    }
    return true;
}

static bool take_inputs(reading *r)
{
    size_t count, again;
    if (!take_count(r, 8, &count)) return false;
    const char *ids = r->at;
    r->at += 8 * count;
    if (!take_count(r, 13, &again) || again != count) return bad(r, "the inputs differ in number");
    if ((size_t)r->f->name_count > count || count > INT32_MAX) return bad(r, "more names than inputs");
    if (!(r->f->inputs = mx_alloc(count + 1, sizeof *r->f->inputs))) return false;
    r->f->nin = (int)count;
    for (size_t i = 0; i < count; i++) {
        uint64_t id;
        param_shape shape;
        mx_dtype dtype;
        memcpy(&id, ids + 8 * i, sizeof id);
        if (!take_shape(r, &shape) || !take_dtype(r, &dtype) || !new_value(r, id, dtype, &shape, &r->f->inputs[i]))
            return false;
    }
    return true;
}

static bool take_function(reading *r)
{
    size_t count, tape;
    if (!take_names(r) || !take_inputs(r) || !take_count(r, 8, &count)) return false;
    const char *outputs = r->at;
    r->at += 8 * count;
    if (!take_count(r, 10, &tape)) return false;
    for (size_t i = 0; i < tape; i++) {
        uint64_t id;
        bool has_primitive;
        if (!take(r, &id, sizeof id) || !take_bool(r, &has_primitive)) return false;
        if (!(has_primitive ? take_primitive(r, id) : take_leaf(r, id))) return false;
    }
    if (count > INT32_MAX || !(r->f->outputs = mx_alloc(count + 1, sizeof *r->f->outputs))) return false;
    r->f->nout = (int)count;
    const char *here = r->at;
    r->at = outputs;
    for (size_t i = 0; i < count; i++) {
        if (!take_known(r, &r->f->outputs[i])) return false;
    }
    r->at = here;
    return true;
}

static bool apply_function(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return mlxfn_apply_all(ctx, in, out);
}

static bool take_functions(reading *r, mx_imported *file)
{
    for (int i = 0; i < file->count; i++) {
        r->f = &file->functions[i];
        mx_free(r->map.ids);
        mx_free(r->map.values);
        r->map = (struct id_map){0};
        r->f->shapeless = file->shapeless;
        if (!take_function(r)) return false;
        if (!(file->compiled[i] = mx_compile(apply_function, r->f, r->f->nout, false))) return false;
    }
    return r->at == r->end || bad(r, "bytes are left over");
}

static bool take_file(reading *r, mx_imported *file)
{
    const char *text;
    size_t length;
    int64_t count;
    if (!take_text(r, &text, &length) || !take_int(r, &count) || !take_bool(r, &file->shapeless)) return false;
    if (!take_text(r, &text, &length) || !(file->metadata = copy_text(text, length))) return false;
    if (count < 0 || count > (r->end - r->at) / 24) return bad(r, "more functions than the file can hold");
    file->functions = mx_alloc((size_t)count + 1, sizeof *file->functions);
    file->compiled = mx_alloc((size_t)count + 1, sizeof *file->compiled);
    if (!file->functions || !file->compiled) return false;
    file->count = (int)count;
    return take_functions(r, file);
}

/* ---- The file */
void mx_imported_free(mx_imported **imported)
{
    mx_imported *file = imported ? *imported : NULL;
    if (!file) return;
    for (int i = 0; i < file->count; i++) {
        mx_compiled_free(&file->compiled[i]);
        mlxfn_function_free(&file->functions[i]);
    }
    mx_free(file->compiled);
    mx_free(file->functions);
    mx_free(file->metadata);
    mx_free(file);
    *imported = NULL;
}

mx_imported *mlxfn_read(const char *name, const void *data, size_t bytes)
{
    reading r = {.at = data, .end = (const char *)data + bytes, .name = name};
    mx_imported *file = mx_alloc(1, sizeof *file);
    mx_scope scope = mx_scope_open();
    if (file && !take_file(&r, file)) mx_imported_free(&file);
    mx_scope_close(scope, NULL);
    for (size_t i = 0; i < r.constant_count; i++) mx_drop(r.constants[i]);
    mx_free(r.constants);
    mx_free(r.constant_ids);
    mx_free(r.map.ids);
    mx_free(r.map.values);
    return file;
}

mx_imported *mx_import_function(const char *path)
{
    if (!path) return mx_fail(MX_VALUE, "[import_function] the path is NULL.");
    source *s = source_open("import_function", path, MX_RUNTIME);
    if (!s) return NULL;
    char *data = mx_alloc((size_t)s->size + 1, 1);
    bool ok = data && source_read(s, data, 0, (size_t)s->size);
    mx_imported *file = ok ? mlxfn_read(s->name, data, (size_t)s->size) : NULL;
    mx_free(data);
    source_drop(&s);
    return file;
}

int mlxfn_count(const mx_imported *file)
{
    return file->count;
}

const mlxfn_function *mlxfn_at(const mx_imported *file, int i)
{
    return &file->functions[i];
}

const char *mx_imported_metadata(const mx_imported *f)
{
    return f ? f->metadata : "";
}

int mx_imported_outputs(const mx_imported *f, int program)
{
    return f && program >= 0 && program < f->count ? f->functions[program].nout : 0;
}

/* ---- Calling */
static bool fits(const mx_imported *file, const mlxfn_function *f, mx_array *const *in, int nin,
                 const char *const *names, int count, mx_array **ordered)
{
    if (f->nin != nin || f->name_count != count) return false;
    for (int i = 0; i < nin - count; i++) ordered[i] = in[i];
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at < count && strcmp(names[at], f->names[i]) != 0) at++;
        if (at == count) return false;
        ordered[nin - count + i] = in[nin - count + at];
    }
    for (int i = 0; i < nin; i++) {
        const mlxfn_value *v = &f->values[f->inputs[i]];
        mx_shape s = mx_shape_of(ordered[i]);
        if (mx_dtype_of(ordered[i]) != v->dtype || s.ndim != v->shape.ndim) return false;
        for (int k = 0; k < s.ndim && !file->shapeless; k++) {
            if (s.at[k] != v->shape.at[k]) return false;
        }
    }
    return true;
}

static void describe(const mlxfn_function *f, char *text, size_t room)
{
    char shape[SHAPE_TEXT];
    size_t n = strlen(text);
    for (int i = 0; i <= f->nin && n + 40 < room; i++) {
        int named = i - (f->nin - f->name_count);
        if (i == f->nin) {
            n += (size_t)snprintf(text + n, room - n, ")");
            break;
        }
        const mlxfn_value *v = &f->values[f->inputs[i]];
        n += (size_t)snprintf(text + n, room - n, "%s%s%s%s%s", i ? ", " : "\n  (", named >= 0 ? f->names[named] : "",
                              named >= 0 ? ": " : "", mx_dtype_name(v->dtype),
                              shape_text(shape, (mx_shape){v->shape.ndim, v->shape.at}));
    }
}

int mx_imported_find(const mx_imported *f, mx_array *const *in, int nin, const char *const *names, int count,
                     mx_array **ordered)
{
    char text[1024] = "";
    if (!f || count < 0 || count > nin) return mx_fail_false(MX_VALUE, "[import_function] the function is NULL.") - 1;
    if (!op_has_all("import_function", in, nin)) return -1;
    for (int i = 0; i < f->count; i++) {
        if (fits(f, &f->functions[i], in, nin, names, count, ordered)) return i;
    }
    for (int i = 0; i < f->count; i++) describe(&f->functions[i], text, sizeof text);
    mx_fail(MX_VALUE,
            "[import_function::call] No imported function takes %d inputs (%d of them by name) of these dtypes "
            "and shapes. There are:%s",
            nin, count, text);
    return -1;
}

bool mx_imported_run(const mx_imported *f, int program, mx_array *const *ordered, int nin, mx_array **out)
{
    if (!f || program < 0 || program >= f->count || f->functions[program].nin != nin)
        return mx_fail_false(MX_VALUE, "[import_function] there is no such program.");
    return mx_compiled_call(f->compiled[program], ordered, nin, out);
}
