/* SPDX-License-Identifier: MIT
 *
 * Ops that this interface composes of native ones: their values. */
#include "check.h"

#include <math.h>
#include <string.h>

static void test_products(void)
{
    mlx_array a = matrix(2, 3, 0), b = matrix(3, 4, -5), c = mlx_array_new_float(1), none = {NULL}, res;
    RESULT(mlx_matmul(&res, a, b, cpu));
    CHECK_VALUES(res, 0, 5, 8, 11, 14, -4, 8, 20, 32);
    RESULT(mlx_addmm(&res, c, a, b, 2, 3, cpu));
    CHECK_VALUES(res, 0, 13, 19, 25, 31, -5, 19, 43, 67);
    RESULT(mlx_tensordot_axis(&res, a, b, 1, cpu));
    CHECK_VALUES(res, 0, 5, 8, 11, 14, -4, 8, 20, 32);
    const uint32_t ends[6] = {0, 1, 1, 3, 2, 2};
    mlx_array segments = mlx_array_new_data(ends, (const int[]){3, 2}, 2, MLX_UINT32);
    RESULT(mlx_segmented_mm(&res, a, b, segments, cpu)); /* MLX */
    CHECK_VALUES(res, 0, 0, 0, 0, 0, -15, -12, -9, -6, 5, 8, 11, 14, 11, 20, 29, 38, 0, 0, 0, 0, 0, 0, 0, 0);
    mlx_array g = range(12, (const int[]){3, 2, 2}, 3, 0), h = range(8, (const int[]){2, 2, 2}, 3, -3);
    mlx_array left = ints(INTS(2, 0)), right = ints(INTS(1, 1));
    RESULT(mlx_gather_mm(&res, g, h, left, right, false, cpu)); /* MLX */
    CHECK_VALUES(res, 0, 35, 52, 43, 64, 3, 4, 11, 16);
    mlx_array_free(left);
    left = ints(INTS(1, 0, 1));
    RESULT(mlx_gather_mm(&res, g, h, none, left, false, cpu)); /* MLX */
    CHECK_VALUES(res, 0, 3, 4, 11, 16, -17, -8, -25, -12, 35, 52, 43, 64);
    mlx_array_free(left);
    mlx_array_free(right);
    mlx_array_free(segments);
    mlx_array_free(g);
    mlx_array_free(h);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
}

static void test_masked_product(void)
{
    mlx_array none = {NULL}, res;
    mlx_array block = mlx_array_new(), mask = mlx_array_new();
    CHECK(mlx_ones(&block, INTS(40, 40), MLX_FLOAT32, cpu) == 0);
    CHECK(mlx_array_set_data(&mask, (const bool[]){true, false, false, true}, (const int[]){2, 2}, 2, MLX_BOOL) == 0);
    RESULT(mlx_block_masked_mm(&res, block, block, 32, none, mask, none, cpu));
    CHECK(mlx_sum_axis(&res, res, 1, false, cpu) == 0);
    CHECK(mlx_slice(&res, res, INTS(31), INTS(33), INTS(1), cpu) == 0);
    CHECK_VALUES(res, 0, 32 * 40, 8 * 40);
    CHECK_ERROR(mlx_block_masked_mm(&mask, block, block, 31, none, none, none, cpu), "block_size");
    mlx_array_free(block);
    mlx_array_free(mask);
}

static mlx_array einsum(const char *subscripts, const mlx_array *operands, size_t count)
{
    mlx_array res = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new_data(operands, count);
    mlx_einsum(&res, subscripts, v, cpu);
    mlx_vector_array_free(v);
    return res;
}

static void test_einsum(void)
{
    mlx_array a = matrix(2, 3, 0), b = matrix(3, 4, -5), g = range(8, (const int[]){2, 2, 2}, 3, 0);
    mlx_array h = range(8, (const int[]){2, 2, 2}, 3, -3), v = line_of(3, 1), m = matrix(2, 2, 0), res;
    CHECK_VALUES(einsum("ij,jk->ki", (mlx_array[]){a, b}, 2), 0, 5, -4, 8, 8, 11, 20, 14, 32);
    CHECK_VALUES(einsum("bij,bjk->b", (mlx_array[]){g, h}, 2), 0, -14, 114);
    CHECK_VALUES(einsum("ii->i", &m, 1), 0, 0, 3);
    CHECK_VALUES(einsum("ii", &m, 1), 0, 3);
    CHECK_VALUES(einsum("...ij,...jk", (mlx_array[]){g, h}, 2), 0, -1, 0, -9, -4, 19, 28, 27, 40);
    CHECK_VALUES(einsum("ij, j, kj -> k", (mlx_array[]){a, v, a}, 3), 0, 52, 154);
    CHECK_VALUES(einsum("ij->ji", &m, 1), 0, 0, 2, 1, 3);
    CHECK_VALUES(einsum("i,j->ij", (mlx_array[]){v, v}, 2), 0, 1, 2, 3, 2, 4, 6, 3, 6, 9);
    static const char *const bad[] = {"ij,jk", "i", "ij->k", "ij->ii", "i.j", "ij->ij,", "ij-", "aij", "i1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int before = errors;
        res = einsum(bad[i], &m, 1);
        CHECK(!res.ctx && errors == before + 1 && strstr(last_error, "[einsum]"));
        mlx_array_free(res);
    }
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(g);
    mlx_array_free(h);
    mlx_array_free(v);
    mlx_array_free(m);
}

static void test_fp8(void)
{
    /* MLX: values around the steps of e4m3, its largest, infinity, NaN, signs */
    static const float values[] = {0,
                                   0.0009765625f,
                                   0.0009766f,
                                   0.001953125f,
                                   0.0029296875f,
                                   0.0048828125f,
                                   0.0146484375f,
                                   0.0155f,
                                   0.015625f,
                                   0.01611328125f,
                                   0.017578125f,
                                   1.0625f,
                                   1.1875f,
                                   447,
                                   448,
                                   464,
                                   465,
                                   1e30f,
                                   INFINITY,
                                   NAN,
                                   -1,
                                   -0.0f,
                                   -1e30f,
                                   -3.3f,
                                   100.5f};
    int count = sizeof values / sizeof *values;
    mlx_array x = mlx_array_new_data(values, &count, 1, MLX_FLOAT32), res;
    RESULT(mlx_to_fp8(&res, x, cpu));
    CHECK(mlx_array_dtype(res) == MLX_UINT8);
    CHECK_VALUES(res, 0, 0, 0, 1, 1, 2, 2, 8, 8, 8, 8, 9, 56, 58, 126, 126, 126, 126, 126, 126, 126, 184, 128, 254, 197,
                 109);
    mlx_array codes =
        mlx_array_new_data((const uint8_t[]){0, 1, 8, 120, 126, 127, 129, 255}, (const int[]){8}, 1, MLX_UINT8);
    RESULT(mlx_from_fp8(&res, codes, MLX_FLOAT32, cpu));
    CHECK_VALUES(res, 0, 0, 0.001953125, 0.015625, 256, 448, 480, -0.001953125, -480);
    CHECK_ERROR(mlx_from_fp8(&codes, x, MLX_FLOAT32, cpu), "uint8");
    mlx_array_free(codes);
    mlx_array_free(x);
}

static void test_hadamard(void)
{
    mlx_optional_float one = {1, true}, none = {0, false};
    float points[40];
    for (int i = 0; i < 40; i++) points[i] = (float)(i % 5 - 2);
    mlx_array x = mlx_array_new_data(points, (const int[]){28}, 1, MLX_FLOAT32), res;
    RESULT(mlx_hadamard_transform(&res, x, one, cpu)); /* MLX */
    CHECK_VALUES(res, 1e-6, 7, -7, 9, 5, -9, 7, 3, -3, 7, -1, -11, -11, 1, 11, 3, -7, -7, -5, -3, 17, -3, -13, -1, -1,
                 9, -1, 9, 1);
    CHECK(mlx_array_set_data(&x, points, (const int[]){40}, 1, MLX_FLOAT32) == 0);
    RESULT(mlx_hadamard_transform(&res, x, one, cpu)); /* MLX */
    CHECK_VALUES(res, 1e-6, -18, -6, 6, -6, 0, 24, -6, -6, 18, -6, 10, -10, -10, 10, 0, 0, 10, 10, -10, -10, -10, 10,
                 10, -10, 0, 0, -10, -10, 10, 10, -6, -2, 2, -2, 0, 8, -2, -2, 6, -2);
    mlx_array_free(x);
    /* Orthogonal at every order: lengths stay. */
    static const int orders[] = {1, 2, 8, 12, 24, 20, 28, 56};
    for (int i = 0; i < 8; i++) {
        float length = 0;
        mlx_array line = line_of(orders[i], -3);
        RESULT(mlx_hadamard_transform(&res, line, none, cpu));
        CHECK(mlx_linalg_norm_l2(&line, line, NULL, 0, false, cpu) == 0);
        CHECK(mlx_linalg_norm_l2(&res, res, INTS(0), false, cpu) == 0);
        CHECK(mlx_array_item_float32(&length, line) == 0);
        CHECK_VALUES(res, 1e-5, length);
        mlx_array_free(line);
    }
}

static void test_small_algebra(void)
{
    mlx_array a = ints(INTS(1, 2)), b = ints(INTS(3, 4)), x = line_of(5, 0), res;
    RESULT(mlx_linalg_cross(&res, a, b, -1, cpu));
    CHECK_VALUES(res, 0, 0, 0, -2);
    mlx_array_free(a);
    a = ints(INTS(1, 2, 3));
    RESULT(mlx_linalg_cross(&res, a, b, -1, cpu));
    CHECK_VALUES(res, 0, -12, 9, -2);
    RESULT(mlx_fft_fftshift(&res, x, NULL, 0, cpu));
    CHECK_VALUES(res, 0, 3, 4, 0, 1, 2);
    RESULT(mlx_fft_ifftshift(&res, x, INTS(0), cpu));
    CHECK_VALUES(res, 0, 2, 3, 4, 0, 1);
    RESULT(mlx_fft_fftfreq(&res, 5, 0.1, cpu));
    CHECK_VALUES(res, 1e-6, 0, 2, 4, -4, -2);
    RESULT(mlx_fft_rfftfreq(&res, 6, 0.1, cpu));
    CHECK_VALUES(res, 1e-6, 0, 1.6666667, 3.3333333, 5);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(x);
}

static void test_transforms(void)
{
    mlx_array x = line_of(4, 0), y = mlx_array_new(), res; /* 0, 1, 2, 3 */
    CHECK(mlx_fft_fft(&y, x, 4, 0, MLX_FFT_NORM_BACKWARD, cpu) == 0);
    RESULT(mlx_real(&res, y, cpu));
    CHECK_VALUES(res, 1e-6, 6, -2, -2, -2);
    RESULT(mlx_imag(&res, y, cpu));
    CHECK_VALUES(res, 1e-6, 0, 2, 0, -2);
    CHECK(mlx_fft_rfft(&y, x, 4, -1, MLX_FFT_NORM_ORTHO, cpu) == 0);
    RESULT(mlx_fft_irfft(&res, y, 4, -1, MLX_FFT_NORM_ORTHO, cpu));
    CHECK_VALUES(res, 1e-6, 0, 1, 2, 3);
    CHECK(mlx_fft_ifft2(&y, x, INTS(2), INTS(0), MLX_FFT_NORM_FORWARD, cpu) == 0);
    RESULT(mlx_real(&res, y, cpu));
    CHECK_VALUES(res, 1e-6, 1, -1);
    CHECK_ERROR(mlx_fft_fft(&y, x, 0, 0, MLX_FFT_NORM_BACKWARD, cpu), "[fftn] a transform of 0 points");
    mlx_array_free(x);
    mlx_array_free(y);
}

static void test_algebra(void)
{
    const float values[4] = {4, 1, 1, 3}, right[2] = {1, 2};
    mlx_array a = mlx_array_new_data(values, (const int[]){2, 2}, 2, MLX_FLOAT32), res, other = mlx_array_new();
    mlx_array b = mlx_array_new_data(right, (const int[]){2}, 1, MLX_FLOAT32);
    mlx_vector_array all = mlx_vector_array_new();
    RESULT(mlx_linalg_inv(&res, a, cpu));
    CHECK_VALUES(res, 1e-6, 3. / 11, -1. / 11, -1. / 11, 4. / 11);
    RESULT(mlx_linalg_solve(&res, a, b, cpu));
    CHECK_VALUES(res, 1e-6, 1. / 11, 7. / 11);
    RESULT(mlx_linalg_solve_triangular(&res, a, b, true, cpu));
    CHECK_VALUES(res, 1e-6, 1. / 12, 2. / 3);
    RESULT(mlx_linalg_cholesky(&res, a, false, cpu));
    CHECK_VALUES(res, 1e-6, 2, 0, 0.5, 1.6583124);
    RESULT(mlx_linalg_eigvalsh(&res, a, "U", cpu));
    CHECK_VALUES(res, 1e-5, 2.381966, 4.618034);
    RESULT(mlx_linalg_norm(&res, a, 1, NULL, 0, false, cpu));
    CHECK_VALUES(res, 0, 5);
    RESULT(mlx_linalg_norm_matrix(&res, a, "nuc", NULL, 0, false, cpu));
    CHECK_VALUES(res, 1e-5, 7);
    CHECK(mlx_linalg_lu(&all, a, cpu) == 0 && mlx_vector_array_size(all) == 3);
    CHECK(mlx_linalg_svd(&all, a, false, cpu) == 0 && mlx_vector_array_size(all) == 1);
    res = mlx_array_new();
    CHECK(mlx_linalg_qr(&other, &res, a, cpu) == 0);
    CHECK_VALUES(res, 1e-5, -4.1231056, -1.6977494, 0, 2.6678922);
    CHECK_ERROR(mlx_linalg_norm_matrix(&other, a, "a", NULL, 0, false, cpu), "'a' is no norm");
    CHECK_ERROR(mlx_linalg_inv(&other, b, cpu), "[linalg::inv]");
    mlx_vector_array_free(all);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(other);
}

void test_composed_ops(void)
{
    test_transforms();
    test_algebra();
    test_products();
    test_masked_product();
    test_einsum();
    test_fp8();
    test_hadamard();
    test_small_algebra();
}
