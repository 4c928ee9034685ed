/* SPDX-License-Identifier: MIT
 *
 * Tests of the mlx-c interface, as a program sees it: what the test files share.
 *
 * The program links libmlxc only and frees all that it makes, so a leak checker must find nothing.  The numbers come
 * from hand, or from MLX 0.32.2 where a comment says so. */
#ifndef TESTS_MLXC_CHECK_H
#define TESTS_MLXC_CHECK_H

#include "mlx/c/mlx.h"

extern mlx_stream cpu; /* the default one */

/* What the error handler got. */
extern int errors;
extern char last_error[512];

void check(bool ok, const char *what, const char *file, int line);
#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)

/* The call gives 1 and reports exactly one error, whose text holds `part`. */
void check_error(int status, int errors_before, const char *part, const char *what, const char *file, int line);
#define CHECK_ERROR(call, part)                                                                                        \
    do {                                                                                                               \
        int before_ = errors;                                                                                          \
        int status_ = (call);                                                                                          \
        check_error(status_, before_, part, #call, __FILE__, __LINE__);                                                \
    } while (0)

/* Compares all elements, as float32, and frees `x`. */
void check_values(mlx_array x, double tolerance, const double *want, size_t count, const char *file, int line);
#define CHECK_VALUES(x, tolerance, ...)                                                                                \
    check_values(x, tolerance, (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double),  \
                 __FILE__, __LINE__)

void check_shape(mlx_array x, const int *shape, size_t ndim, mlx_dtype dtype, const char *file, int line);
#define CHECK_SHAPE(x, dtype, ...) check_shape(x, INTS(__VA_ARGS__), dtype, __FILE__, __LINE__)

/* `res` becomes a new handle and the call fills it. */
#define RESULT(call_with_res)                                                                                          \
    do {                                                                                                               \
        res = mlx_array_new();                                                                                         \
        check((call_with_res) == 0, #call_with_res, __FILE__, __LINE__);                                               \
    } while (0)

/* NULL is no text. */
bool same_text(const char *a, const char *b);
bool starts_with(const char *text, const char *start);

/* A list and its length, as two arguments. */
#define INTS(...) (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int)

/* float32: start, start + 1, ... */
mlx_array range(int count, const int *shape, int ndim, double start);
mlx_array matrix(int rows, int columns, double start);
mlx_array line_of(int count, double start);
mlx_array ints(const int *values, size_t count);

void test_handles(void);
void test_ops(void);
void test_composed_ops(void);
void test_calls(void);
void test_compile(void);
void test_export(void);
void test_custom(void);
void test_pictures(void);
void test_errors(void);
void test_hostile(void);

#endif
