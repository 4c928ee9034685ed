/* SPDX-License-Identifier: MIT
 *
 * Writing .mlxfn files: little-endian, no magic, counts before lists.  Ids are numbers of values, offset by function,
 * so that those of constants, which a file's functions share, are distinct. */
#include "core/memory.h"
#include "io/io.h"
#include "io/mlxfn.h"
#include "mica/array.h"
#include "mica/stream.h"
#include <string.h>

/* ---- Bytes */
typedef struct bytes_out {
    char *at;
    size_t count, room;
    bool failed;
} bytes_out;

static void put(bytes_out *b, const void *data, size_t bytes)
{
    while (!b->failed && b->room - b->count < bytes) {
        size_t room = b->room ? 2 * b->room : 4096;
        char *bigger = mx_resize(b->at, room, 1);
        b->failed = !bigger;
        if (bigger) b->at = bigger, b->room = room;
    }
    if (b->failed || !bytes) return;
    memcpy(b->at + b->count, data, bytes);
    b->count += bytes;
}

static void put_bool(bytes_out *b, bool x)
{
    put(b, &(uint8_t){x}, 1);
}
static void put_int(bytes_out *b, int64_t x)
{
    put(b, &(int32_t){(int32_t)x}, 4);
}
static void put_size(bytes_out *b, uint64_t x)
{
    put(b, &x, 8);
}
static void put_text(bytes_out *b, const char *text)
{
    put_size(b, strlen(text));
    put(b, text, strlen(text));
}
static void put_ints(bytes_out *b, const int64_t *at, int count)
{
    put_size(b, (uint64_t)count);
    for (int i = 0; i < count; i++) put_int(b, at[i]);
}
static void put_dtype(bytes_out *b, mx_dtype dtype)
{
    put_int(b, dtype); /* MLX's numbers are ours */
    put(b, &(uint8_t){(uint8_t)mx_dtype_size(dtype)}, 1);
}
static void put_value(bytes_out *b, const mlxfn_value *v)
{
    put_ints(b, v->shape.at, v->shape.ndim);
    put_dtype(b, v->dtype);
}

static void put_field(bytes_out *b, const mx_export_field *f)
{
    switch (f->kind) {
    case 'b': put_bool(b, f->whole); break;
    case 'f': put(b, &(float){(float)f->real}, 4); break;
    case 'd': put(b, &f->real, 8); break;
    case 't': put_dtype(b, (mx_dtype)f->whole); break;
    case 'o': put_size(b, (uint64_t)f->whole); break;
    case 's': put_text(b, f->text); break;
    case 'L': put_ints(b, f->list, f->count); break;
    case 'Q':
    case 'U':
        put_size(b, (uint64_t)f->count);
        for (int i = 0; i < f->count; i++) put_size(b, (uint64_t)f->list[i]);
        break;
    default: put_int(b, f->whole);
    }
}

/* ---- Functions */
struct mx_exporter {
    char *path, *metadata;
    bool shapeless;
    int32_t function_count;
    uint64_t next_id;
    bytes_out body;
    bytes_out *signatures; /* of each function */
    size_t signature_room;
};

static void put_ids(bytes_out *b, uint64_t base, const uint32_t *values, int count)
{
    put_size(b, (uint64_t)count);
    for (int i = 0; i < count; i++) put_size(b, base + values[i]);
}

static void put_primitive(bytes_out *b, uint64_t base, const mlxfn_function *f, const mlxfn_entry *e)
{
    put_ids(b, base, e->in, e->nin);
    put_int(b, 0), put_int(b, MX_CPU), put_int(b, 0); /* a stream that is on every machine */
    put_text(b, e->primitive->name);
    for (int i = 0; e->primitive->fields[i]; i++) put_field(b, &e->fields[i]);
    put_size(b, (uint64_t)e->nout - 1);
    if (e->nout == 1) {
        put_value(b, &f->values[e->out[0]]);
        return;
    }
    put_ids(b, base, e->out, e->nout);
    put_size(b, (uint64_t)e->nout);
    for (int i = 0; i < e->nout; i++) {
        const mlxfn_value *v = &f->values[e->out[i]];
        put_ints(b, v->shape.at, v->shape.ndim);
    }
    put_size(b, (uint64_t)e->nout);
    for (int i = 0; i < e->nout; i++) put_dtype(b, f->values[e->out[i]].dtype);
}

static void put_constant(bytes_out *b, const mlxfn_function *f, const mlxfn_entry *e)
{
    const mlxfn_value *v = &f->values[e->out[0]];
    put_bool(b, true);
    put_value(b, v);
    const void *data = array_bytes(e->constant);
    b->failed |= !data && mx_nbytes(e->constant);
    put(b, data, mx_nbytes(e->constant));
}

static void put_function(bytes_out *b, uint64_t base, const mlxfn_function *f)
{
    put_size(b, (uint64_t)f->name_count);
    for (int i = 0; i < f->name_count; i++) put_text(b, f->names[i]);
    put_ids(b, base, f->inputs, f->nin);
    put_size(b, (uint64_t)f->nin);
    for (int i = 0; i < f->nin; i++) put_value(b, &f->values[f->inputs[i]]);
    put_ids(b, base, f->outputs, f->nout);
    put_size(b, f->entry_count + (uint64_t)f->nin);
    for (int i = 0; i < f->nin; i++) put_size(b, base + f->inputs[i]), put_bool(b, false), put_bool(b, false);
    for (size_t i = 0; i < f->entry_count; i++) {
        const mlxfn_entry *e = &f->entries[i];
        put_size(b, base + e->out[0]);
        put_bool(b, e->primitive != NULL);
        if (e->primitive) {
            put_primitive(b, base, f, e);
        } else {
            put_constant(b, f, e);
        }
    }
}

/* What calls are told apart by: names, ranks and dtypes, and shapes unless shapeless. */
static void put_signature(bytes_out *b, const mx_exporter *x, const mlxfn_function *f)
{
    put_size(b, (uint64_t)f->nin);
    for (int i = 0; i < f->name_count; i++) put_text(b, f->names[i]);
    for (int i = 0; i < f->nin; i++) {
        const mlxfn_value *v = &f->values[f->inputs[i]];
        put_dtype(b, v->dtype);
        put_int(b, v->shape.ndim);
        if (!x->shapeless) put_ints(b, v->shape.at, v->shape.ndim);
    }
}

/* ---- The exporter */
static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mx_alloc(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

static void free_exporter(mx_exporter *x)
{
    mx_free(x->path);
    mx_free(x->metadata);
    mx_free(x->body.at);
    for (int32_t i = 0; i < x->function_count; i++) mx_free(x->signatures[i].at);
    mx_free(x->signatures);
    mx_free(x);
}

mx_exporter *mx_exporter_open(const char *path, bool shapeless, const char *metadata)
{
    if (!path) return mx_fail(MX_VALUE, "[export_function] the path is NULL.");
    mx_exporter *x = mx_alloc(1, sizeof *x);
    if (!x) return NULL;
    x->shapeless = shapeless;
    x->next_id = 1;
    x->path = copy_text(path);
    x->metadata = copy_text(metadata ? metadata : "");
    if (x->path && x->metadata) return x;
    free_exporter(x);
    return NULL;
}

static bool is_new(mx_exporter *x, const bytes_out *signature)
{
    for (int32_t i = 0; i < x->function_count; i++) {
        const bytes_out *s = &x->signatures[i];
        if (s->count == signature->count && memcmp(s->at, signature->at, s->count) == 0) {
            return mx_fail_false(MX_RUNTIME, "[export_function] Attempting to export a function twice with the same "
                                             "signature is not allowed.");
        }
    }
    return true;
}

/* Takes the signature. */
static bool append_function(mx_exporter *x, const mlxfn_function *f, bytes_out *signature)
{
    size_t before = x->body.count;
    if ((size_t)x->function_count == x->signature_room) {
        size_t room = x->signature_room ? 2 * x->signature_room : 8;
        bytes_out *bigger = mx_resize(x->signatures, room, sizeof *bigger);
        if (!bigger) return false;
        x->signatures = bigger;
        x->signature_room = room;
    }
    put_function(&x->body, x->next_id, f);
    if (x->body.failed) {
        x->body.count = before;
        x->body.failed = false;
        return false;
    }
    x->next_id += f->value_count;
    x->signatures[x->function_count++] = *signature;
    *signature = (bytes_out){0};
    return true;
}

bool mx_exporter_add(mx_exporter *x, const mx_program *p, const char *const *names, int count)
{
    if (!x || !p) return mx_fail_false(MX_VALUE, "[export_function] the exporter or the program is NULL.");
    if (count < 0 || (uint32_t)count > p->nin || (count && !names))
        return mx_fail_false(MX_VALUE, "[export_function] %d names for %u inputs.", count, p->nin);
    mlxfn_function f;
    if (!mlxfn_of_program(&f, p, x->shapeless, names, count)) return false;
    bytes_out signature = {0};
    put_signature(&signature, x, &f);
    bool ok = !signature.failed && is_new(x, &signature) && append_function(x, &f, &signature);
    mx_free(signature.at);
    mlxfn_function_free(&f);
    return ok;
}

static bool write_file(const mx_exporter *x)
{
    bytes_out head = {0};
    writer w;
    put_text(&head, "0.32.2"); /* the MLX whose format this is */
    put_int(&head, x->function_count);
    put_bool(&head, x->shapeless);
    put_text(&head, x->metadata);
    bool ok = !head.failed && writer_open(&w, "export_function", x->path);
    if (ok) {
        ok = writer_put(&w, head.at, head.count) && writer_put(&w, x->body.at, x->body.count);
        ok = writer_close(&w, ok);
    }
    mx_free(head.at);
    return ok;
}

bool mx_exporter_close(mx_exporter **exporter, bool keep)
{
    mx_exporter *x = exporter ? *exporter : NULL;
    if (!x) return true;
    bool ok = !keep || write_file(x);
    free_exporter(x);
    *exporter = NULL;
    return ok;
}

/* ---- One function */
static mx_program *capture(mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout, bool shapeless)
{
    mx_scope scope = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin + (size_t)nout + 1, sizeof *traced), **out = traced ? traced + nin : NULL;
    mx_trace *t = traced ? mx_trace_begin_captured(in, nin, shapeless, traced) : NULL;
    bool ok = t && fn(ctx, traced, nin, out, nout) && !mx_failed();
    mx_program *p = ok ? mx_trace_program(t, out, nout) : NULL;
    mx_trace_end(&t);
    mx_free(traced);
    mx_scope_close(scope, NULL);
    return p;
}

bool mx_export_function(const char *path, mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout, bool shapeless)
{
    if (!fn || nin < 0 || nout < 0 || (nin && !in))
        return mx_fail_false(MX_VALUE, "[export_function] %d inputs, %d outputs, or a NULL function.", nin, nout);
    mx_exporter *x = mx_exporter_open(path, shapeless, NULL);
    mx_program *p = x ? capture(fn, ctx, in, nin, nout, shapeless) : NULL;
    bool ok = p && mx_exporter_add(x, p, NULL, 0);
    mx_program_drop(p);
    return mx_exporter_close(&x, ok) && ok;
}

/* ---- For those who write something else */
static void tell_values(const mlxfn_function *f, const uint32_t *values, int count, mx_export_value *out)
{
    for (int i = 0; i < count; i++) {
        const mlxfn_value *v = &f->values[values[i]];
        out[i] = (mx_export_value){values[i], v->dtype, {v->shape.ndim, v->shape.at}};
    }
}

static bool visit_all(const mlxfn_function *f, mx_export_value *room,
                      bool (*visit)(void *ctx, const mx_export_item *item), void *ctx)
{
    for (int i = 0; i < f->nin; i++) {
        int named = i - (f->nin - f->name_count);
        tell_values(f, &f->inputs[i], 1, room);
        mx_export_item item = {.kind = MX_EXPORT_INPUT, .out = room, .nout = 1};
        item.name = named >= 0 ? f->names[named] : NULL;
        if (!visit(ctx, &item)) return false;
    }
    for (int i = 0; i < f->nout; i++) {
        tell_values(f, &f->outputs[i], 1, room);
        if (!visit(ctx, &(mx_export_item){.kind = MX_EXPORT_OUTPUT, .in = room, .nin = 1})) return false;
    }
    for (int constants = 1; constants >= 0; constants--) {
        for (size_t i = 0; i < f->entry_count; i++) {
            const mlxfn_entry *e = &f->entries[i];
            if ((e->primitive == NULL) != constants) continue;
            tell_values(f, e->in, e->nin, room);
            tell_values(f, e->out, e->nout, room + e->nin);
            mx_export_item item = {.kind = constants ? MX_EXPORT_CONSTANT : MX_EXPORT_PRIMITIVE,
                                   .in = room,
                                   .out = room + e->nin,
                                   .nin = e->nin,
                                   .nout = e->nout,
                                   .fields = e->fields};
            item.constant = e->constant;
            item.name = e->primitive ? e->primitive->name : NULL;
            item.field_count = e->primitive ? (int)strlen(e->primitive->fields) : 0;
            if (!visit(ctx, &item)) return false;
        }
    }
    return true;
}

bool mx_export_visit(const mx_program *p, bool shapeless, const char *const *names, int count,
                     bool (*visit)(void *ctx, const mx_export_item *item), void *ctx)
{
    mlxfn_function f;
    if (!p || !visit) return mx_fail_false(MX_VALUE, "[export_function] the program or the callback is NULL.");
    if (!mlxfn_of_program(&f, p, shapeless, names, count)) return false;
    size_t most = 1;
    for (size_t i = 0; i < f.entry_count; i++) {
        size_t n = (size_t)f.entries[i].nin + (size_t)f.entries[i].nout;
        most = n > most ? n : most;
    }
    mx_export_value *room = mx_alloc(most, sizeof *room);
    bool ok = room && visit_all(&f, room, visit, ctx);
    mx_free(room);
    mlxfn_function_free(&f);
    return ok;
}
