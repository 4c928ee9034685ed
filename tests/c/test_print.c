/* SPDX-License-Identifier: MIT
 *
 * Texts of arrays: what MLX 0.32.2 prints. */
#include "check.h"
#include <string.h>

static void check_text(mx_array *x, int precision, const char *wanted)
{
    char *text = mx_to_text(x, precision);
    check_that(text && strcmp(text, wanted) == 0, __FILE__, __LINE__, "printed %s, not %s", text ? text : "nothing",
               wanted);
    mx_free_text(text);
}

static mx_array *floats(const float *x, int64_t n, mx_dtype dtype)
{
    return mx_astype(mx_from_data(x, SHAPE(n), MX_FLOAT32), dtype);
}

TEST(print_elements)
{
    float nan = mx_value(mx_float(NAN)), inf = INFINITY;
    check_text(mx_float(1.5), -1, "array(1.5, dtype=float32)");
    check_text(mx_bool(true), -1, "array(True, dtype=bool)");
    check_text(floats((float[]){1e-7f, 1e10f, 123456789.f, 0.1f, 1e38f, -0.f}, 6, MX_FLOAT32), -1,
               "array([1e-07, 1e+10, 1.23457e+08, 0.1, 1e+38, -0], dtype=float32)");
    check_text(floats((float[]){nan, inf, -inf, -nan}, 4, MX_FLOAT32), -1,
               "array([nan, inf, -inf, -nan], dtype=float32)");
    check_text(floats((float[]){0.1f}, 1, MX_FLOAT16), -1, "array([0.0999756], dtype=float16)");
    check_text(floats((float[]){0.1f}, 1, MX_BFLOAT16), -1, "array([0.100098], dtype=bfloat16)");
    check_text(mx_scalar(1e-300, MX_FLOAT64), -1, "array(1e-300, dtype=float64)");
    float complex_numbers[] = {1, 2, 1, -2, nan, -0.f, 0, inf, 1, nan};
    check_text(mx_from_data(complex_numbers, SHAPE(5), MX_COMPLEX64), -1,
               "array([1+2j, 1-2j, nan+-0j, 0+infj, 1+nanj], dtype=complex64)");
    check_text(floats((float[]){1, 200}, 2, MX_UINT8), -1, "array([1, 200], dtype=uint8)");
    check_text(floats((float[]){-1}, 1, MX_INT8), -1, "array([-1], dtype=int8)");
    check_text(mx_scalar_int(-1, MX_UINT64), -1, "array(18446744073709551615, dtype=uint64)");
    check_text(mx_scalar_int(INT64_MIN, MX_INT64), -1, "array(-9223372036854775808, dtype=int64)");
}

TEST(print_precision)
{
    float x[] = {1e-7f, 1e10f, 0.12345f, INFINITY}, y[] = {1, 2, 0.1f, -2.55555f};
    check_text(floats(x, 4, MX_FLOAT32), 3, "array([0.000, 10000000000.000, 0.123, inf], dtype=float32)");
    check_text(mx_from_data(y, SHAPE(2), MX_COMPLEX64), 3, "array([1.000+2.000j, 0.100-2.556j], dtype=complex64)");
    check_text(floats((float[]){1.5f, 2.5f}, 2, MX_FLOAT32), 0, "array([2, 2], dtype=float32)");
    check_text(floats((float[]){1.5f, 0.1f}, 2, MX_FLOAT32), 20,
               "array([1.50000000000000000000, 0.10000000149011611938], dtype=float32)");
    check_text(floats((float[]){1.5f}, 1, MX_FLOAT32), -2, "array([1.500000], dtype=float32)");
    check_text(floats((float[]){1, 2}, 2, MX_INT32), 3, "array([1, 2], dtype=int32)");
}

TEST(print_shapes)
{
    check_text(mx_zeros(SHAPE(0), MX_FLOAT32), -1, "array([], dtype=float32)");
    check_text(mx_zeros(SHAPE(0, 3), MX_FLOAT32), -1, "array([], dtype=float32)");
    check_text(mx_zeros(SHAPE(2, 0), MX_FLOAT32), -1, "array([[],\n       []], dtype=float32)");
    check_text(mx_zeros(SHAPE(2, 0, 3), MX_FLOAT32), -1, "array([[],\n       []], dtype=float32)");
    check_text(mx_zeros(SHAPE(1, 1), MX_INT32), -1, "array([[0]], dtype=int32)");
    check_text(mx_zeros(SHAPE(2, 2, 2), MX_INT32), -1,
               "array([[[0, 0],\n        [0, 0]],\n       [[0, 0],\n        [0, 0]]], dtype=int32)");
    float x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    check_text(floats(x, 6, MX_INT32), -1, "array([0, 1, 2, 3, 4, 5], dtype=int32)");
    check_text(floats(x, 7, MX_INT32), -1, "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)");
    mx_array *column = mx_reshape(floats(x, 8, MX_INT32), SHAPE(8, 1));
    check_text(
        column, -1,
        "array([[0],\n       [1],\n       [2],\n       ...,\n       [5],\n       [6],\n       [7]], dtype=int32)");
    check_text(mx_transpose(mx_reshape(floats(x, 4, MX_INT32), SHAPE(2, 2)), ALL_AXES), -1,
               "array([[0, 2],\n       [1, 3]], dtype=int32)");
    /* Each axis is cut for itself; a broadcast one costs no memory. */
    mx_array *large = mx_broadcast_to(floats(x, 2, MX_INT32), SHAPE(1000000, 1000000, 2));
    char *text = mx_to_text(large, -1);
    CHECK(text && strlen(text) < 1000 && strstr(text, "[[0, 1],\n        [0, 1],\n        [0, 1],\n        ...,"));
    mx_free_text(text);
}

TEST(print_nothing)
{
    CHECK_CODE(mx_to_text(NULL, -1), MX_VALUE, "[to_text]");
    mx_free_text(NULL);
}
