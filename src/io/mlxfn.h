/* SPDX-License-Identifier: MIT
 *
 * MLX's exported functions (.mlxfn): what one is in memory, between captured programs and bytes.
 *
 * A function is values, and entries that make them: primitives of MLX with fields, and constants.  What a primitive's
 * fields are is a string of kinds ("eL": an enum, a list), which reading and writing share. */
#ifndef IO_MLXFN_H
#define IO_MLXFN_H

#include "core/program.h"
#include "mica/export.h"

enum { MLXFN_MAX_FIELDS = 8, MLXFN_MAX_OUTPUTS = 16 };

typedef struct mlxfn_value {
    mx_dtype dtype;
    param_shape shape;
} mlxfn_value;

typedef struct mlxfn_entry {
    const struct mlxfn_primitive *primitive; /* NULL: a constant */
    mx_array *constant;                      /* kept, evaluated, row-major */
    uint32_t *in, *out;                      /* values; one block */
    int nin, nout;
    mx_export_field fields[MLXFN_MAX_FIELDS];
    int64_t *lists; /* of the fields */
} mlxfn_entry;

typedef struct mlxfn_function {
    char **names; /* of the last inputs */
    int name_count, nin, nout;
    bool shapeless; /* the shapes of values are examples */
    uint32_t *inputs, *outputs;
    mlxfn_value *values;
    mlxfn_entry *entries;
    size_t value_count, value_room, entry_count, entry_room;
} mlxfn_function;

/* A primitive: its fields, and how it is made from arrays (mlxfn_import.c). */
typedef struct mlxfn_primitive mlxfn_primitive;
typedef bool (*mlxfn_apply)(const mlxfn_primitive *p, const mlxfn_function *f, const mlxfn_entry *e,
                            mx_array *const *in, mx_array **out);
struct mlxfn_primitive {
    const char *name, *fields;
    mlxfn_apply apply;
    int nin;    /* at least so many inputs */
    bool sized; /* its fields hold sizes of the first input */
    mx_array *(*unary)(mx_array *x);
    mx_array *(*binary)(mx_array *a, mx_array *b);
};
const mlxfn_primitive *mlxfn_find(const char *name, size_t length);

/* Growing; false: an error is recorded. */
bool mlxfn_add_value(mlxfn_function *f, mx_dtype dtype, mx_shape shape, uint32_t *value);
mlxfn_entry *mlxfn_add_entry(mlxfn_function *f, int nin, int nout);
void mlxfn_function_free(mlxfn_function *f);

/* The function that a program is (mlxfn_export.c), for all sizes or for one. */
bool mlxfn_of_program(mlxfn_function *f, const mx_program *p, bool shapeless, const char *const *names, int count);
/* The program in primitives that MLX has (mlxfn_lower.c); a new reference. */
mx_program *mlxfn_lower(const mx_program *p, bool shapeless);
bool mlxfn_sized(const mx_program *p); /* false, with an error that says what depends on sizes */
bool mlxfn_is_direct(const program_step *s);
/* A file that is in memory. */
mx_imported *mlxfn_read(const char *name, const void *data, size_t bytes);
int mlxfn_count(const mx_imported *file);
const mlxfn_function *mlxfn_at(const mx_imported *file, int i);
/* Applies the entries to arrays. */
bool mlxfn_apply_all(const mlxfn_function *f, mx_array *const *in, mx_array **out);

#endif
