/* SPDX-License-Identifier: MIT
 *
 * A function that is captured once: compiled, called again without being run, and written to a file that MLX reads too
 * (compile_export.mlxfn), then read back.  The second half is the same through mlx-c. */
#include <mica.h>
#include <mlx/c/mlx.h>

#include <stdio.h>

static int calls; /* of the function itself */

/* softmax(2 x) */
static bool f(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    calls++;
    return (out[0] = mx_softmax(mx_mul(in[0], mx_float(2)), AXES(-1), false)) != NULL;
}

static void show(const char *what, mx_array *y)
{
    float values[3];
    if (mx_read(y, values, sizeof values)) printf("%-22s %.4f %.4f %.4f\n", what, values[0], values[1], values[2]);
}

static bool native(const char *path)
{
    mx_array *x = mx_from_data((float[]){0, 1, 2}, SHAPE(3), MX_FLOAT32), *y = NULL;
    mx_compiled *compiled = mx_compile(f, NULL, 1, true);
    for (int i = 0; i < 3 && mx_compiled_call(compiled, &x, 1, &y); i++) show("compiled", y);
    mx_compiled_free(&compiled);
    printf("the function itself ran %d time\n", calls);

    mx_imported *imported = mx_export_function(path, f, NULL, &x, 1, 1, true) ? mx_import_function(path) : NULL;
    mx_array *ordered;
    int program = imported ? mx_imported_find(imported, &x, 1, NULL, 0, &ordered) : -1;
    if (program >= 0 && mx_imported_run(imported, program, &ordered, 1, &y)) show("from the file", y);
    mx_imported_free(&imported);
    return !mx_failed();
}

static int twice(mlx_vector_array *res, const mlx_vector_array in)
{
    mlx_array x = mlx_array_new();
    mlx_stream s = mlx_default_cpu_stream_new();
    int bad = mlx_vector_array_get(&x, in, 0) || mlx_add(&x, x, x, s) || mlx_vector_array_set_value(res, x);
    mlx_stream_free(s);
    mlx_array_free(x);
    return bad;
}

static int through_mlxc(const char *path)
{
    mlx_array x = mlx_array_new_data((float[]){0, 1, 2}, (int[]){3}, 1, MLX_FLOAT32), y = mlx_array_new();
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    mlx_closure fun = mlx_closure_new_func(twice), compiled = mlx_closure_new();
    mlx_string text = mlx_string_new();
    int bad = mlx_compile(&compiled, fun, false) || mlx_closure_apply(&out, compiled, in) ||
              mlx_export_function(path, compiled, in, false);
    mlx_imported_function imported = bad ? (mlx_imported_function){NULL} : mlx_imported_function_new(path);
    bad = bad || mlx_imported_function_apply(&out, imported, in) || mlx_vector_array_get(&y, out, 0) ||
          mlx_array_tostring(&text, y);
    if (!bad) printf("%-22s %s\n", "through mlx-c", mlx_string_data(text));
    if (imported.ctx) mlx_imported_function_free(imported);
    mlx_string_free(text);
    mlx_closure_free(fun);
    mlx_closure_free(compiled);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
    mlx_array_free(y);
    return bad;
}

int main(void)
{
    const char *path = "compile_export.mlxfn";
    mx_scope s = mx_scope_open();
    bool ok = native(path);
    mx_scope_close(s, NULL);
    if (!ok) return fprintf(stderr, "compile_export: %s\n", mx_error().message), 1;
    return through_mlxc(path);
}
