/* SPDX-License-Identifier: MIT
 *
 * Functions in files.  A closure is run once on placeholders for each set of arguments; named arguments come last, in
 * the order of the map, which is sorted. */
#include "mlxc/mlxc.h"

#include <string.h>

typedef struct exporter {
    mx_exporter *file;
    mlxc_closure *fun;
    bool shapeless;
} exporter;

/* Positional and named arguments as one list, and the names. */
typedef struct argument_list {
    mx_array **at;
    const char **names;
    int count, name_count;
} argument_list;

static bool list_arguments(argument_list *a, mlxc_vector in, const mlxc_map *named)
{
    size_t n = named ? named->count : 0;
    a->at = mx_alloc(in.count + n + 1, sizeof *a->at);
    a->names = mx_alloc(n + 1, sizeof *a->names);
    if (!a->at || !a->names) return false;
    if (in.count) memcpy(a->at, in.at, in.count * sizeof *in.at);
    for (size_t i = 0; i < n; i++) {
        a->at[in.count + i] = named->at[i].array;
        a->names[i] = named->at[i].key;
    }
    a->count = (int)(in.count + n);
    a->name_count = (int)n;
    return true;
}

static void free_arguments(argument_list *a)
{
    mx_free(a->at);
    mx_free(a->names);
}

static bool run_named(mlxc_closure *fun, mlx_vector_array *out, const argument_list *a, mx_array *const *traced)
{
    int positional = a->count - a->name_count;
    mlxc_map *map = mlxc_map_new();
    bool ok = map != NULL;
    for (int i = 0; i < a->name_count && ok; i++) ok = mlxc_map_put(map, a->names[i], traced[positional + i], NULL);
    ok = ok && mlxc_closure_run_kwargs(fun, out, traced, (size_t)positional, map);
    mlxc_map_free(map);
    return ok;
}

static mx_program *capture(mlxc_closure *fun, const argument_list *a, bool with_names, bool shapeless)
{
    mlx_vector_array out = {NULL};
    mx_array **traced = mx_alloc((size_t)a->count + 1, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin_captured(a->at, a->count, shapeless, traced) : NULL;
    mx_program *p = NULL;
    bool ok =
        t && (with_names ? run_named(fun, &out, a, traced) : mlxc_closure_run(fun, &out, traced, (size_t)a->count));
    if (ok) {
        const mlxc_vector *results = out.ctx;
        p = mx_trace_program(t, results->at, (int)results->count);
    }
    mx_trace_end(&t);
    mlx_vector_array_free(out);
    mx_free(traced);
    return p;
}

/* `named` is NULL for closures without names. */
static bool add_trace(exporter *x, mlxc_vector in, const mlxc_map *named)
{
    argument_list a = {0};
    mx_program *p = list_arguments(&a, in, named) ? capture(x->fun, &a, named != NULL, x->shapeless) : NULL;
    bool ok = p && mx_exporter_add(x->file, p, a.names, a.name_count);
    mx_program_drop(p);
    free_arguments(&a);
    return ok;
}

static bool export_once(const char *file, mlxc_closure *fun, mlxc_vector in, const mlxc_map *named, bool shapeless)
{
    exporter x = {mx_exporter_open(file, shapeless, NULL), fun, shapeless};
    bool ok = x.file && add_trace(&x, in, named);
    return mx_exporter_close(&x.file, ok) && ok;
}

int mlx_export_function(const char *file, const mlx_closure fun, const mlx_vector_array args, bool shapeless)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    bool ok = !mx_failed() && IS_SET(file) && IS_SET(fun.ctx) && export_once(file, fun.ctx, in, NULL, shapeless);
    return mlxc_leave_plain(&call, ok);
}

int mlx_export_function_kwargs(const char *file, const mlx_closure_kwargs fun, const mlx_vector_array args,
                               const mlx_map_string_to_array kwargs, bool shapeless)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    bool ok = !mx_failed() && IS_SET(file) && IS_SET(fun.ctx) && IS_SET(kwargs.ctx) &&
              export_once(file, fun.ctx, in, kwargs.ctx, shapeless);
    return mlxc_leave_plain(&call, ok);
}

/* ---- Several traces */
mlx_function_exporter mlx_function_exporter_new(const char *file, const mlx_closure fun, bool shapeless)
{
    mlxc_call call = mlxc_enter(__func__);
    exporter *x = IS_SET(file) && IS_SET(fun.ctx) ? mx_alloc(1, sizeof *x) : NULL;
    if (x && !(x->file = mx_exporter_open(file, shapeless, NULL))) {
        mx_free(x);
        x = NULL;
    }
    if (x) {
        x->fun = mlxc_closure_keep(fun.ctx);
        x->shapeless = shapeless;
    }
    mlxc_leave_plain(&call, x != NULL);
    return (mlx_function_exporter){x};
}

int mlx_function_exporter_free(mlx_function_exporter xfunc)
{
    mlxc_call call = mlxc_enter(__func__);
    exporter *x = xfunc.ctx;
    bool ok = !x || mx_exporter_close(&x->file, true);
    if (x) mlxc_closure_drop(x->fun);
    mx_free(x);
    return mlxc_leave_plain(&call, ok);
}

int mlx_function_exporter_apply(const mlx_function_exporter xfunc, const mlx_vector_array args)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    return mlxc_leave_plain(&call, !mx_failed() && IS_SET(xfunc.ctx) && add_trace(xfunc.ctx, in, NULL));
}

/* The exporter's closure takes no names: they can only be none. */
int mlx_function_exporter_apply_kwargs(const mlx_function_exporter xfunc, const mlx_vector_array args,
                                       const mlx_map_string_to_array kwargs)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    const mlxc_map *named = kwargs.ctx;
    bool ok = !mx_failed() && IS_SET(xfunc.ctx) && IS_SET(named);
    if (ok && named->count)
        ok = mx_fail_false(MX_VALUE, "[%s] the exported closure takes no named arguments.", __func__);
    return mlxc_leave_plain(&call, ok && add_trace(xfunc.ctx, in, NULL));
}

/* ---- Reading */
mlx_imported_function mlx_imported_function_new(const char *file)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_imported *f = IS_SET(file) ? mx_import_function(file) : NULL;
    mlxc_leave_plain(&call, f != NULL);
    return (mlx_imported_function){f};
}

int mlx_imported_function_free(mlx_imported_function xfunc)
{
    mx_imported *f = xfunc.ctx;
    mx_imported_free(&f);
    return 0;
}

static bool call_imported(mlx_vector_array *res, const mx_imported *f, mlxc_vector in, const mlxc_map *named)
{
    argument_list a = {0};
    mx_array **ordered = NULL, **out = NULL;
    bool ok = list_arguments(&a, in, named) && (ordered = mx_alloc((size_t)a.count + 1, sizeof *ordered));
    int program = ok ? mx_imported_find(f, a.at, a.count, a.names, a.name_count, ordered) : -1;
    int nout = mx_imported_outputs(f, program);
    ok = program >= 0 && (out = mx_alloc((size_t)nout + 1, sizeof *out)) &&
         mx_imported_run(f, program, ordered, a.count, out) && mlxc_set_vector(res, out, (size_t)nout);
    mx_free(ordered);
    mx_free(out);
    free_arguments(&a);
    return ok;
}

int mlx_imported_function_apply(mlx_vector_array *res, const mlx_imported_function xfunc, const mlx_vector_array args)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    bool ok = !mx_failed() && IS_SET(res) && IS_SET(xfunc.ctx) && call_imported(res, xfunc.ctx, in, NULL);
    return mlxc_leave_plain(&call, ok);
}

int mlx_imported_function_apply_kwargs(mlx_vector_array *res, const mlx_imported_function xfunc,
                                       const mlx_vector_array args, const mlx_map_string_to_array kwargs)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(args);
    bool ok = !mx_failed() && IS_SET(res) && IS_SET(xfunc.ctx) && IS_SET(kwargs.ctx) &&
              call_imported(res, xfunc.ctx, in, kwargs.ctx);
    return mlxc_leave_plain(&call, ok);
}
