/* SPDX-License-Identifier: MIT
 *
 * One call of each kind of op: arguments arrive where they belong, results come back. */
#include "check.h"

#include <math.h>

/* ---- Every elementwise name means what it says: against the C library's functions, in float32 ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double sign(double x)
{
    return (x > 0) - (x < 0);
}

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double square(double x)
{
    return x * x;
}

static double negative(double x)
{
    return -x;
}

static double degrees(double x)
{
    return x * 180 / acos(-1);
}

static double radians(double x)
{
    return x * acos(-1) / 180;
}

static double itself(double x)
{
    return x;
}

static double one_of(double x)
{
    (void)x;
    return 1;
}

static double zero_of(double x)
{
    (void)x;
    return 0;
}

typedef int unary_op(mlx_array *, const mlx_array, const mlx_stream);

static const struct {
    const char *name;
    unary_op *op;
    double (*want)(double);
    double x; /* in the domain */
} unary_table[] = {
    {"abs", mlx_abs, fabs, -1.5},
    {"arccos", mlx_arccos, acos, 0.3},
    {"arccosh", mlx_arccosh, acosh, 1.7},
    {"arcsin", mlx_arcsin, asin, 0.3},
    {"arcsinh", mlx_arcsinh, asinh, 0.3},
    {"arctan", mlx_arctan, atan, 0.3},
    {"arctanh", mlx_arctanh, atanh, 0.3},
    {"ceil", mlx_ceil, ceil, 0.3},
    {"conjugate", mlx_conjugate, itself, 2},
    {"copy", mlx_copy, itself, 2},
    {"cos", mlx_cos, cos, 0.7},
    {"cosh", mlx_cosh, cosh, 0.7},
    {"degrees", mlx_degrees, degrees, 0.7},
    {"erf", mlx_erf, erf, 0.7},
    {"exp", mlx_exp, exp, 0.7},
    {"expm1", mlx_expm1, expm1, 0.7},
    {"floor", mlx_floor, floor, -0.3},
    {"imag", mlx_imag, zero_of, 2},
    {"isfinite", mlx_isfinite, one_of, 1},
    {"isinf", mlx_isinf, one_of, INFINITY},
    {"isnan", mlx_isnan, one_of, NAN},
    {"isneginf", mlx_isneginf, one_of, -INFINITY},
    {"isposinf", mlx_isposinf, one_of, INFINITY},
    {"log", mlx_log, log, 0.7},
    {"log10", mlx_log10, log10, 0.7},
    {"log1p", mlx_log1p, log1p, 0.7},
    {"log2", mlx_log2, log2, 0.7},
    {"logical_not", mlx_logical_not, one_of, 0},
    {"negative", mlx_negative, negative, 2},
    {"ones_like", mlx_ones_like, one_of, 2},
    {"radians", mlx_radians, radians, 90},
    {"real", mlx_real, itself, 2},
    {"reciprocal", mlx_reciprocal, reciprocal, 4},
    {"rsqrt", mlx_rsqrt, rsqrt, 3},
    {"sigmoid", mlx_sigmoid, sigmoid, 0.7},
    {"sign", mlx_sign, sign, -3},
    {"sin", mlx_sin, sin, 0.7},
    {"sinh", mlx_sinh, sinh, 0.7},
    {"sqrt", mlx_sqrt, sqrt, 3},
    {"square", mlx_square, square, 3},
    {"stop_gradient", mlx_stop_gradient, itself, 3},
    {"tan", mlx_tan, tan, 0.7},
    {"tanh", mlx_tanh, tanh, 0.7},
    {"zeros_like", mlx_zeros_like, zero_of, 2},
};

static void test_unary_names(void)
{
    for (size_t i = 0; i < sizeof unary_table / sizeof *unary_table; i++) {
        mlx_array x = mlx_array_new_float((float)unary_table[i].x), res = mlx_array_new();
        check(unary_table[i].op(&res, x, cpu) == 0, unary_table[i].name, __FILE__, __LINE__);
        CHECK_VALUES(res, 2e-6, unary_table[i].want((float)unary_table[i].x));
        mlx_array_free(x);
    }
    mlx_array half = mlx_array_new_float(0.5f), res;
    RESULT(mlx_erfinv(&res, half, cpu));
    CHECK(mlx_erf(&res, res, cpu) == 0);
    CHECK_VALUES(res, 1e-6, 0.5);
    mlx_array_free(half);
}

typedef int binary_op(mlx_array *, const mlx_array, const mlx_array, const mlx_stream);

static void test_binary_names(void)
{
    static const struct {
        const char *name;
        binary_op *op;
        int want; /* of 13 and 6, int32 */
    } table[] = {
        {"add", mlx_add, 19},
        {"bitwise_and", mlx_bitwise_and, 4},
        {"bitwise_or", mlx_bitwise_or, 15},
        {"bitwise_xor", mlx_bitwise_xor, 11},
        {"equal", mlx_equal, 0},
        {"floor_divide", mlx_floor_divide, 2},
        {"greater", mlx_greater, 1},
        {"greater_equal", mlx_greater_equal, 1},
        {"left_shift", mlx_left_shift, 832},
        {"less", mlx_less, 0},
        {"less_equal", mlx_less_equal, 0},
        {"logical_and", mlx_logical_and, 1},
        {"logical_or", mlx_logical_or, 1},
        {"maximum", mlx_maximum, 13},
        {"minimum", mlx_minimum, 6},
        {"multiply", mlx_multiply, 78},
        {"not_equal", mlx_not_equal, 1},
        {"power", mlx_power, 4826809},
        {"remainder", mlx_remainder, 1},
        {"right_shift", mlx_right_shift, 0},
        {"subtract", mlx_subtract, 7},
    };
    mlx_array a = mlx_array_new_int(13), b = mlx_array_new_int(6), res;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        res = mlx_array_new();
        check(table[i].op(&res, a, b, cpu) == 0, table[i].name, __FILE__, __LINE__);
        CHECK_VALUES(res, 0, table[i].want);
    }
    RESULT(mlx_bitwise_invert(&res, a, cpu));
    CHECK_VALUES(res, 0, -14);
    RESULT(mlx_divide(&res, a, b, cpu));
    CHECK_VALUES(res, 1e-6, 13.0 / 6);
    RESULT(mlx_arctan2(&res, a, b, cpu));
    CHECK_VALUES(res, 1e-6, atan2(13, 6));
    RESULT(mlx_logaddexp(&res, a, b, cpu));
    CHECK_VALUES(res, 1e-6, log(exp(13) + exp(6)));
    mlx_array_free(a);
    mlx_array_free(b);
}

static void test_elementwise(void)
{
    mlx_array x = line_of(4, -1), y = line_of(4, 1), res;
    RESULT(mlx_negative(&res, x, cpu));
    CHECK_VALUES(res, 0, 1, 0, -1, -2);
    RESULT(mlx_exp(&res, x, cpu));
    CHECK_VALUES(res, 1e-6, 0.36787944, 1, 2.7182818, 7.3890561);
    RESULT(mlx_divide(&res, x, y, cpu));
    CHECK_VALUES(res, 1e-7, -1, 0, 1.0 / 3, 0.5);
    RESULT(mlx_subtract(&res, x, y, cpu));
    CHECK_VALUES(res, 0, -2, -2, -2, -2);
    RESULT(mlx_greater(&res, y, x, cpu));
    CHECK(mlx_array_dtype(res) == MLX_BOOL);
    CHECK_VALUES(res, 0, 1, 1, 1, 1);
    RESULT(mlx_where(&res, x, x, y, cpu));
    CHECK_VALUES(res, 0, -1, 2, 1, 2);
    mlx_array low = mlx_array_new_float(0);
    RESULT(mlx_clip(&res, x, low, mlx_array_new(), cpu));
    CHECK_VALUES(res, 0, 0, 0, 1, 2);
    RESULT(mlx_round(&res, low, 1, cpu));
    CHECK_VALUES(res, 0, 0);
    mlx_optional_float ten = {10, true}, none = {0, false};
    RESULT(mlx_divide(&res, y, low, cpu));
    CHECK(mlx_nan_to_num(&res, res, 0, ten, none, cpu) == 0);
    CHECK_VALUES(res, 0, 10, 10, 10, 10);
    mlx_array_free(low);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void test_two_results(void)
{
    mlx_array x = line_of(4, -1), y = line_of(4, 1), res;
    mlx_vector_array both = mlx_vector_array_new();
    CHECK(mlx_divmod(&both, x, y, cpu) == 0 && mlx_vector_array_size(both) == 2);
    RESULT(mlx_vector_array_get(&res, both, 1));
    CHECK_VALUES(res, 0, 0, 0, 1, 2);
    RESULT(mlx_astype(&res, x, MLX_UINT8, cpu));
    CHECK(mlx_array_dtype(res) == MLX_UINT8 && mlx_array_nbytes(res) == 4);
    mlx_array_free(res);
    RESULT(mlx_allclose(&res, x, x, 1e-5, 1e-8, false, cpu));
    CHECK_VALUES(res, 0, 1);
    mlx_vector_array_free(both);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void test_reductions(void)
{
    mlx_array x = matrix(2, 3, 0), res;
    RESULT(mlx_sum(&res, x, false, cpu));
    CHECK(mlx_array_ndim(res) == 0);
    CHECK_VALUES(res, 0, 15);
    RESULT(mlx_sum_axis(&res, x, -1, true, cpu));
    CHECK_SHAPE(res, MLX_FLOAT32, 2, 1);
    CHECK_VALUES(res, 0, 3, 12);
    RESULT(mlx_max_axes(&res, x, INTS(0, 1), false, cpu));
    CHECK_VALUES(res, 0, 5);
    RESULT(mlx_mean_axis(&res, x, 0, false, cpu));
    CHECK_VALUES(res, 1e-7, 1.5, 2.5, 3.5);
    RESULT(mlx_var(&res, x, false, 1, cpu));
    CHECK_VALUES(res, 1e-6, 3.5);
    RESULT(mlx_argmax_axis(&res, x, 1, false, cpu));
    CHECK(mlx_array_dtype(res) == MLX_UINT32);
    CHECK_VALUES(res, 0, 2, 2);
    RESULT(mlx_softmax_axis(&res, x, -1, true, cpu));
    CHECK_VALUES(res, 1e-6, 0.09003057, 0.24472848, 0.66524094, 0.09003057, 0.24472848, 0.66524094);
    RESULT(mlx_cumsum(&res, x, 1, false, true, cpu));
    CHECK_VALUES(res, 0, 0, 1, 3, 3, 7, 12);
    RESULT(mlx_number_of_elements(&res, x, INTS(0, -1), false, MLX_INT32, cpu));
    CHECK(mlx_array_dtype(res) == MLX_INT32);
    CHECK_VALUES(res, 0, 6);
    mlx_array_free(x);
}

static void test_creation(void)
{
    mlx_array res, seven = mlx_array_new_int(7);
    RESULT(mlx_arange(&res, 0, 5, 2, MLX_INT32, cpu));
    CHECK_VALUES(res, 0, 0, 2, 4);
    RESULT(mlx_linspace(&res, 0, 1, 3, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 0, 0.5, 1);
    RESULT(mlx_full(&res, INTS(2, 2), seven, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 7, 7, 7, 7);
    RESULT(mlx_eye(&res, 2, 3, 1, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 0, 1, 0, 0, 0, 1);
    RESULT(mlx_identity(&res, 2, MLX_INT8, cpu));
    CHECK_VALUES(res, 0, 1, 0, 0, 1);
    RESULT(mlx_tri(&res, 2, 2, 0, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 1, 0, 1, 1);
    RESULT(mlx_zeros(&res, NULL, 0, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 0);
    mlx_vector_array grid = mlx_vector_array_new_value(seven);
    CHECK(mlx_vector_array_append_value(grid, seven) == 0 && mlx_meshgrid(&grid, grid, false, "xy", cpu) == 0);
    CHECK(mlx_vector_array_size(grid) == 2);
    CHECK_ERROR(mlx_meshgrid(&grid, grid, false, "zz", cpu), "indexing");
    mlx_vector_array_free(grid);
    mlx_array_free(seven);
}

static void test_windows(void)
{
    mlx_array res; /* MLX's values */
    RESULT(mlx_bartlett(&res, 6, cpu));
    CHECK_VALUES(res, 1e-6, 0, 0.4, 0.8, 0.8, 0.4, 0);
    RESULT(mlx_hanning(&res, 5, cpu));
    CHECK_VALUES(res, 1e-6, 0, 0.5, 1, 0.5, 0);
    RESULT(mlx_hamming(&res, 4, cpu));
    CHECK_VALUES(res, 1e-6, 0.08, 0.77, 0.77, 0.08);
    RESULT(mlx_blackman(&res, 5, cpu));
    CHECK_VALUES(res, 1e-6, 0, 0.34, 1, 0.34, 0);
}

static void test_shapes(void)
{
    mlx_array x = matrix(2, 3, 0), zero = mlx_array_new_float(0), res;
    RESULT(mlx_reshape(&res, x, INTS(3, -1), cpu));
    CHECK_SHAPE(res, MLX_FLOAT32, 3, 2);
    mlx_array_free(res);
    RESULT(mlx_transpose_axes(&res, x, INTS(1, 0), cpu));
    CHECK_VALUES(res, 0, 0, 3, 1, 4, 2, 5);
    RESULT(mlx_expand_dims_axes(&res, x, INTS(0, 3), cpu));
    CHECK_SHAPE(res, MLX_FLOAT32, 1, 2, 3, 1);
    CHECK(mlx_squeeze(&res, res, cpu) == 0);
    CHECK_SHAPE(res, MLX_FLOAT32, 2, 3);
    mlx_array_free(res);
    RESULT(mlx_pad(&res, x, INTS(1), INTS(1), INTS(0), zero, "constant", cpu));
    CHECK_VALUES(res, 0, 0, 0, 1, 2, 0, 3, 4, 5);
    RESULT(mlx_pad_symmetric(&res, zero, 1, zero, "constant", cpu));
    CHECK_VALUES(res, 0, 0);
    RESULT(mlx_repeat(&res, x, 2, cpu));
    CHECK_VALUES(res, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
    RESULT(mlx_tile(&res, x, INTS(2), cpu));
    CHECK_VALUES(res, 0, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    RESULT(mlx_roll(&res, x, INTS(1, 1), cpu));
    CHECK_VALUES(res, 0, 4, 5, 0, 1, 2, 3);
    RESULT(mlx_roll_axes(&res, x, INTS(1, 1), INTS(0, 1), cpu));
    CHECK_VALUES(res, 0, 5, 3, 4, 2, 0, 1);
    RESULT(mlx_as_strided(&res, x, INTS(2, 2), (const int64_t[]){2, 1}, 2, 1, cpu));
    CHECK_VALUES(res, 0, 1, 2, 3, 4);
    mlx_array_free(x);
    mlx_array_free(zero);
}

static void test_lists(void)
{
    mlx_array x = matrix(2, 3, 0), zero = mlx_array_new_float(0), res;
    mlx_vector_array parts = mlx_vector_array_new();
    CHECK(mlx_split_sections(&parts, x, INTS(1), 1, cpu) == 0 && mlx_vector_array_size(parts) == 2);
    RESULT(mlx_vector_array_get(&res, parts, 1));
    CHECK_VALUES(res, 0, 1, 2, 4, 5);
    RESULT(mlx_concatenate_axis(&res, parts, -1, cpu));
    CHECK_VALUES(res, 0, 0, 1, 2, 3, 4, 5);
    CHECK(mlx_split(&parts, x, 3, 1, cpu) == 0 && mlx_vector_array_size(parts) == 3);
    RESULT(mlx_stack(&res, parts, cpu));
    CHECK_SHAPE(res, MLX_FLOAT32, 3, 2, 1);
    mlx_array_free(res);
    CHECK(mlx_vector_array_append_value(parts, zero) == 0 && mlx_broadcast_arrays(&parts, parts, cpu) == 0);
    RESULT(mlx_vector_array_get(&res, parts, 3));
    CHECK_VALUES(res, 0, 0, 0);
    mlx_vector_array_free(parts);
    mlx_array_free(x);
    mlx_array_free(zero);
}

static void test_indexing(void)
{
    mlx_array x = matrix(2, 3, 0), index = ints(INTS(2, 0)), one = mlx_array_new_float(1), res;
    RESULT(mlx_take_axis(&res, x, index, 1, cpu));
    CHECK_VALUES(res, 0, 2, 0, 5, 3);
    RESULT(mlx_take(&res, x, index, cpu));
    CHECK_VALUES(res, 0, 2, 0);
    RESULT(mlx_slice(&res, x, INTS(0, 2), INTS(2, 0), INTS(1, -1), cpu));
    CHECK_VALUES(res, 0, 2, 1, 5, 4);
    RESULT(mlx_slice_update(&res, x, one, INTS(0, 1), INTS(2, 2), INTS(1, 1), cpu));
    CHECK_VALUES(res, 0, 0, 1, 2, 3, 1, 5);
    RESULT(mlx_slice_update_add(&res, x, one, INTS(0, 1), INTS(2, 3), INTS(1, 1), cpu));
    CHECK_VALUES(res, 0, 0, 2, 3, 3, 5, 6);
    mlx_array start = ints(INTS(1));
    RESULT(mlx_slice_dynamic(&res, x, start, INTS(1), INTS(2, 2), cpu));
    CHECK_VALUES(res, 0, 1, 2, 4, 5);
    mlx_array_free(start);
    RESULT(mlx_gather_single(&res, x, index, 1, INTS(2, 1), cpu));
    CHECK_SHAPE(res, MLX_FLOAT32, 2, 2, 1);
    CHECK_VALUES(res, 0, 2, 5, 0, 3);
    mlx_array_free(x);
    mlx_array_free(index);
    mlx_array_free(one);
}

static void test_scatters(void)
{
    mlx_array x = matrix(2, 3, 0), one = mlx_array_new_float(1), res;
    mlx_array twice = ints(INTS(1, 1)), updates = range(6, (const int[]){2, 1, 3}, 3, 1);
    RESULT(mlx_scatter_add_single(&res, x, twice, updates, 0, cpu));
    CHECK_VALUES(res, 0, 0, 1, 2, 8, 11, 14);
    mlx_vector_array indices = mlx_vector_array_new_value(twice);
    RESULT(mlx_scatter_max(&res, x, indices, updates, INTS(0), cpu));
    CHECK_VALUES(res, 0, 0, 1, 2, 4, 5, 6);
    CHECK_ERROR(mlx_scatter(&x, x, indices, updates, INTS(0, 1), cpu), "1 index arrays for 2 axes");
    mlx_array mask = mlx_array_new(), values = line_of(4, 10);
    CHECK(mlx_greater(&mask, x, one, cpu) == 0);
    RESULT(mlx_masked_scatter(&res, x, mask, values, cpu));
    CHECK_VALUES(res, 0, 0, 1, 10, 11, 12, 13);
    mlx_vector_array_free(indices);
    mlx_array_free(mask);
    mlx_array_free(values);
    mlx_array_free(twice);
    mlx_array_free(updates);
    mlx_array_free(x);
    mlx_array_free(one);
}

void test_ops(void)
{
    test_unary_names();
    test_binary_names();
    test_elementwise();
    test_two_results();
    test_reductions();
    test_creation();
    test_windows();
    test_shapes();
    test_lists();
    test_indexing();
    test_scatters();
}
