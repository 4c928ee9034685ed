/* SPDX-License-Identifier: MIT
 *
 * Parameters of ops, field by field: references, equality, hashing and printing, each written once for all ops. */
#include "core/memory.h"
#include "core/op.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

param_bytes *bytes_new(const void *data, size_t bytes)
{
    param_bytes *b = mx_alloc(1, sizeof *b + bytes);
    if (!b) return NULL;
    atomic_init(&b->refs, 1);
    b->bytes = (int64_t)bytes;
    if (bytes) memcpy(b->at, data, bytes);
    return b;
}

static const void *field_at(const mx_field *f, const void *params)
{
    return (const char *)params + f->offset;
}

static void change_refs(const mx_op *op, const void *params, int change)
{
    for (const mx_field *f = op->fields; f && f->kind; f++) {
        if (f->kind == FIELD_KIND_BYTES) {
            param_bytes *b = *(param_bytes *const *)field_at(f, params);
            if (b && atomic_fetch_add(&b->refs, change) + change == 0) mx_free(b);
        } else if (f->kind == FIELD_KIND_OBJECT) {
            param_object *o = *(param_object *const *)field_at(f, params);
            if (o && atomic_fetch_add(&o->refs, change) + change == 0) o->type->drop(o);
        }
    }
}

void params_keep(const mx_op *op, const void *params)
{
    change_refs(op, params, 1);
}
void params_drop(const mx_op *op, const void *params)
{
    change_refs(op, params, -1);
}

typedef struct params_header {
    _Atomic int32_t refs;
    const mx_op *op;
} params_header;
_Static_assert(sizeof(params_header) == PARAMS_HEADER, "a block behind it is aligned as malloc's are");

void *params_share(const mx_op *op, const void *params)
{
    params_header *h = mx_alloc(1, sizeof *h + op->params_size);
    if (!h) return NULL;
    atomic_init(&h->refs, 1);
    h->op = op;
    memcpy(h + 1, params, op->params_size);
    params_keep(op, params);
    return h + 1;
}

void params_unshare(void *block)
{
    params_header *h = (params_header *)block - 1;
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1) return;
    params_drop(h->op, block);
    mx_free(h);
}

static bool bytes_equal(const param_bytes *a, const param_bytes *b)
{
    return a == b || (a && b && a->bytes == b->bytes && memcmp(a->at, b->at, (size_t)a->bytes) == 0);
}

static bool object_equal(const param_object *a, const param_object *b)
{
    return a == b || (a && b && a->type == b->type && a->type->equal && a->type->equal(a, b));
}

static size_t plain_size(mx_field_kind kind)
{
    switch (kind) {
    case FIELD_KIND_INT: return sizeof(int32_t);
    case FIELD_KIND_INT64: return sizeof(int64_t);
    case FIELD_KIND_FLOAT: return sizeof(float);
    case FIELD_KIND_DOUBLE: return sizeof(double);
    case FIELD_KIND_BOOL: return sizeof(bool);
    case FIELD_KIND_DTYPE: return sizeof(mx_dtype);
    case FIELD_KIND_SHAPE: return sizeof(param_shape); /* zero-filled beyond ndim */
    case FIELD_KIND_AXES: return sizeof(param_axes);
    default: return 0;
    }
}

bool params_equal(const mx_op *op, const void *a, const void *b)
{
    for (const mx_field *f = op->fields; f && f->kind; f++) {
        const void *x = field_at(f, a), *y = field_at(f, b);
        if (f->kind == FIELD_KIND_BYTES) {
            if (!bytes_equal(*(param_bytes *const *)x, *(param_bytes *const *)y)) return false;
        } else if (f->kind == FIELD_KIND_OBJECT) {
            if (!object_equal(*(param_object *const *)x, *(param_object *const *)y)) return false;
        } else if (memcmp(x, y, plain_size(f->kind)) != 0) {
            return false;
        }
    }
    return true;
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t bytes)
{
    for (const unsigned char *p = data, *end = p + bytes; p < end; p++) h = (h ^ *p) * 0x100000001b3u;
    return h;
}

uint64_t params_hash(const mx_op *op, const void *params)
{
    uint64_t h = hash_bytes(0xcbf29ce484222325u, &op, sizeof op);
    for (const mx_field *f = op->fields; f && f->kind; f++) {
        const void *x = field_at(f, params);
        if (f->kind == FIELD_KIND_BYTES) {
            const param_bytes *b = *(param_bytes *const *)x;
            if (b) h = hash_bytes(h, b->at, (size_t)b->bytes);
        } else if (f->kind == FIELD_KIND_OBJECT) {
            const param_object *o = *(param_object *const *)x;
            uint64_t inner = o && o->type->hash ? o->type->hash(o) : (uint64_t)(uintptr_t)o;
            h = hash_bytes(h, &inner, sizeof inner);
        } else {
            h = hash_bytes(h, x, plain_size(f->kind));
        }
    }
    return h;
}

static int print_list(const param_axes *axes, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < axes->count; i++) {
        n += (size_t)snprintf(n < size ? text + n : NULL, n < size ? size - n : 0, "%s%d", i ? "," : "", axes->at[i]);
    }
    return (int)n + snprintf(n < size ? text + n : NULL, n < size ? size - n : 0, ")");
}

static int print_field(const mx_field *f, const void *x, char *text, size_t size)
{
    char shape[SHAPE_TEXT];
    switch (f->kind) {
    case FIELD_KIND_INT: return snprintf(text, size, "%d", *(const int32_t *)x);
    case FIELD_KIND_INT64: return snprintf(text, size, "%" PRId64, *(const int64_t *)x);
    case FIELD_KIND_FLOAT: return snprintf(text, size, "%.9g", (double)*(const float *)x);
    case FIELD_KIND_DOUBLE: return snprintf(text, size, "%.17g", *(const double *)x);
    case FIELD_KIND_BOOL: return snprintf(text, size, "%s", *(const bool *)x ? "true" : "false");
    case FIELD_KIND_DTYPE: return snprintf(text, size, "%s", mx_dtype_name(*(const mx_dtype *)x));
    case FIELD_KIND_AXES: return print_list(x, text, size);
    case FIELD_KIND_SHAPE: {
        const param_shape *s = x;
        return snprintf(text, size, "%s", shape_text(shape, (mx_shape){s->ndim, s->at}));
    }
    case FIELD_KIND_BYTES: {
        const param_bytes *b = *(param_bytes *const *)x;
        return snprintf(text, size, "<%" PRId64 " bytes>", b ? b->bytes : 0);
    }
    default: {
        const param_object *o = *(param_object *const *)x;
        return snprintf(text, size, "<%s>", o ? o->type->name : "none");
    }
    }
}

int params_print(const mx_op *op, const void *params, char *text, size_t size)
{
    size_t n = 0;
    if (size) text[0] = 0;
    for (const mx_field *f = op->fields; f && f->kind; f++) {
        n += (size_t)snprintf(n < size ? text + n : NULL, n < size ? size - n : 0, "%s%s=", n ? ", " : "", f->name);
        n += (size_t)print_field(f, field_at(f, params), n < size ? text + n : NULL, n < size ? size - n : 0);
    }
    return (int)n;
}
