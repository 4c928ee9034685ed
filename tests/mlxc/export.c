/* SPDX-License-Identifier: MIT
 *
 * Functions in files: written, read back and called, with and without names. */
#include "check.h"

#include <stdio.h>
#include <string.h>

static const char *const path = "test_mlxc_export.mlxfn";

/* x * 3 + 1 and its sum */
static int two_results(mlx_vector_array *res, const mlx_vector_array in)
{
    mlx_array x = mlx_array_new(), three = mlx_array_new_float(3), one = mlx_array_new_float(1), s = mlx_array_new();
    int status = mlx_vector_array_get(&x, in, 0) || mlx_multiply(&x, x, three, cpu) || mlx_add(&x, x, one, cpu) ||
                 mlx_sum(&s, x, false, cpu);
    if (!status) *res = mlx_vector_array_new_data((mlx_array[]){x, s}, 2);
    mlx_array_free(x);
    mlx_array_free(three);
    mlx_array_free(one);
    mlx_array_free(s);
    return status;
}

static int with_name(mlx_vector_array *res, const mlx_vector_array in, const mlx_map_string_to_array named)
{
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    int status =
        mlx_vector_array_get(&x, in, 0) || mlx_map_string_to_array_get(&y, named, "y") || mlx_subtract(&x, x, y, cpu);
    if (!status) *res = mlx_vector_array_new_value(x);
    mlx_array_free(x);
    mlx_array_free(y);
    return status;
}

static mlx_array result(mlx_vector_array out, size_t i)
{
    mlx_array y = mlx_array_new();
    CHECK(mlx_vector_array_get(&y, out, i) == 0);
    return y;
}

static void test_exporter(void)
{
    mlx_closure f = mlx_closure_new_func(two_results);
    mlx_function_exporter e = mlx_function_exporter_new(path, f, false);
    mlx_vector_array out = mlx_vector_array_new();
    for (int n = 2; n < 4; n++) {
        mlx_array x = line_of(n, 1);
        mlx_vector_array in = mlx_vector_array_new_value(x);
        CHECK(mlx_function_exporter_apply(e, in) == 0);
        CHECK_ERROR(mlx_function_exporter_apply(e, in), "twice");
        mlx_vector_array_free(in);
        mlx_array_free(x);
    }
    CHECK(mlx_function_exporter_free(e) == 0 && mlx_closure_free(f) == 0);
    mlx_imported_function g = mlx_imported_function_new(path);
    for (int n = 3; n < 5; n++) {
        mlx_array x = line_of(n, 1);
        mlx_vector_array in = mlx_vector_array_new_value(x);
        if (n == 3) {
            CHECK(mlx_imported_function_apply(&out, g, in) == 0);
            CHECK_VALUES(result(out, 0), 0, 4, 7, 10);
            CHECK_VALUES(result(out, 1), 0, 21);
        } else {
            CHECK_ERROR(mlx_imported_function_apply(&out, g, in), "No imported function");
        }
        mlx_vector_array_free(in);
        mlx_array_free(x);
    }
    mlx_vector_array_free(out);
    mlx_imported_function_free(g);
}

static void test_names(void)
{
    mlx_array x = line_of(3, 1), y = line_of(3, 0);
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func(with_name);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    mlx_map_string_to_array named = mlx_map_string_to_array_new();
    CHECK(mlx_map_string_to_array_insert(named, "y", y) == 0);
    CHECK(mlx_export_function_kwargs(path, f, in, named, true) == 0);
    mlx_imported_function g = mlx_imported_function_new(path);
    CHECK(mlx_imported_function_apply_kwargs(&out, g, in, named) == 0);
    CHECK_VALUES(result(out, 0), 0, 1, 1, 1);
    CHECK_ERROR(mlx_imported_function_apply(&out, g, in), "(float32(3), y: float32(3))");
    mlx_imported_function_free(g);
    mlx_closure_kwargs_free(f);
    mlx_map_string_to_array_free(named);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
    mlx_array_free(y);
}

void test_export(void)
{
    test_exporter();
    test_names();
    mlx_vector_array in = mlx_vector_array_new();
    CHECK_ERROR(mlx_export_function(path, mlx_closure_new(), in, false), "NULL");
    int before = errors;
    CHECK(!mlx_imported_function_new("there/is/no/such.mlxfn").ctx && errors == before + 1);
    mlx_vector_array_free(in);
    remove(path);
}
