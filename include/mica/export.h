/* SPDX-License-Identifier: MIT
 *
 * Functions in files: MLX's .mlxfn, written from captured programs and read back as functions.  Several programs of one
 * function (for other dtypes, shapes, keywords) are in one file; a call takes the one that fits. */
#ifndef MICA_EXPORT_H
#define MICA_EXPORT_H

#include "mica/transforms.h"

MX_BEGIN_DECLS

/* ---- Writing.  The file gets its name when it is whole, in close. */
typedef struct mx_exporter mx_exporter;
MX_API mx_exporter *mx_exporter_open(const char *path, bool shapeless, const char *metadata);
/* Adds a program; the last `count` of its inputs have names, which are sorted.  A shapeless file takes programs that were
 * captured so and do not depend on sizes (VALUE).  The same dtypes, shapes and names twice are a RUNTIME error. */
MX_API bool mx_exporter_add(mx_exporter *e, const mx_program *p, const char *const *names, int count);
/* With `keep` the file is written, else nothing is; sets *e to NULL. */
MX_API bool mx_exporter_close(mx_exporter **e, bool keep);
/* One function of positional arguments. */
MX_API bool mx_export_function(const char *path, mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout,
                               bool shapeless);

/* What an export consists of, for those who write something else than a file. */
typedef enum mx_export_kind {
    MX_EXPORT_INPUT,
    MX_EXPORT_OUTPUT,
    MX_EXPORT_CONSTANT,
    MX_EXPORT_PRIMITIVE
} mx_export_kind;
typedef struct mx_export_value {
    uint64_t id;
    mx_dtype dtype;
    mx_shape shape;
} mx_export_value;
typedef struct mx_export_field { /* of a primitive, in the file's order; `kind` says which member */
    char
        kind; /* i, e int32; b bool; f, d float; t dtype; s text (read: `whole` is its first byte); o uint64; L, Q, U list */
    int64_t whole;
    double real;
    const char *text;
    const int64_t *list;
    int count;
} mx_export_field;
typedef struct mx_export_item {
    mx_export_kind kind;
    const char *name; /* of a primitive; of an input that has one */
    const mx_export_value *in, *out;
    int nin, nout;
    const mx_export_field *fields;
    int field_count;
    mx_array *constant; /* evaluated; its value is out[0] */
} mx_export_item;
/* Calls `visit` with every item: inputs, outputs (before what makes them), then the steps in order. */
MX_API bool mx_export_visit(const mx_program *p, bool shapeless, const char *const *names, int count,
                            bool (*visit)(void *ctx, const mx_export_item *item), void *ctx);

/* ---- Reading.  A file that is not what it should be is a RUNTIME error. */
typedef struct mx_imported mx_imported;
MX_API mx_imported *mx_import_function(const char *path);
MX_API void mx_imported_free(mx_imported **f);
MX_API const char *mx_imported_metadata(const mx_imported *f);
/* The program that takes these arguments, of which the last `count` have names in any order; -1 and a VALUE error that
 * lists what there is.  `ordered` (nin) gets them in the program's order. */
MX_API int mx_imported_find(const mx_imported *f, mx_array *const *in, int nin, const char *const *names, int count,
                            mx_array **ordered);
MX_API int mx_imported_outputs(const mx_imported *f, int program);
MX_API bool mx_imported_run(const mx_imported *f, int program, mx_array *const *ordered, int nin, mx_array **out);

MX_END_DECLS
#endif
