/* SPDX-License-Identifier: MIT
 *
 * Bad input: every call gives 1 and one message, and changes nothing. */
#include "check.h"

#include <pthread.h>
#include <string.h>

static void test_empty_handles(void)
{
    mlx_array none = {NULL}, x = mlx_array_new_int(3), res = mlx_array_new();
    mlx_stream nowhere = mlx_stream_new();
    mlx_vector_array empty = {NULL};
    int before = errors, n = 0;
    CHECK_ERROR(mlx_add(&res, none, x, cpu), "[mlx_add] a is an empty array handle");
    CHECK_ERROR(mlx_add(&res, x, none, cpu), "[mlx_add] b is an empty array handle");
    CHECK_ERROR(mlx_add(NULL, x, x, cpu), "res is NULL");
    CHECK_ERROR(mlx_add(&res, x, x, nowhere), "stream is an empty handle");
    CHECK_ERROR(mlx_concatenate(&res, empty, cpu), "arrays is an empty vector handle");
    CHECK_ERROR(mlx_sum(&res, none, false, cpu), "empty");
    CHECK_ERROR(mlx_array_eval(none), "empty");
    CHECK_ERROR(mlx_eval(empty), "empty");
    CHECK_ERROR(mlx_array_item_int32(&n, none), "empty");
    CHECK_ERROR(mlx_array_item_int32(NULL, x), "NULL");
    CHECK_ERROR(mlx_array_set(&res, none), "empty");
    CHECK_ERROR(mlx_synchronize(nowhere), "empty");
    CHECK_ERROR(mlx_set_default_device((mlx_device){NULL}), "NULL");
    CHECK_ERROR(mlx_save("nowhere", none), "empty");
    CHECK_ERROR(mlx_reshape(&res, x, NULL, 2, cpu), "NULL");
    CHECK_ERROR(mlx_fast_rms_norm(&res, none, none, 1, cpu), "empty");
    CHECK_ERROR(mlx_einsum(&res, NULL, empty, cpu), "NULL");
    CHECK(!res.ctx && errors == before + 17);
    before = errors;
    CHECK(mlx_array_size(none) == 0 && mlx_array_ndim(none) == 0 && !mlx_array_shape(none) && !mlx_array_strides(none));
    CHECK(!mlx_array_data_float32(none) && mlx_array_dim(none, 0) == -1 && errors == before + 6);
    mlx_array_free(x);
}

static void test_wrong_arguments(void)
{
    static const int too_many[17] = {0};
    mlx_array x = matrix(2, 3, 0), y = line_of(2, 0), res = mlx_array_new_int(42);
    CHECK_ERROR(mlx_sum_axis(&res, x, 7, false, cpu), "7");
    CHECK_ERROR(mlx_add(&res, x, y, cpu), "(2,3)");
    CHECK_ERROR(mlx_reshape(&res, x, INTS(4), cpu), "[reshape]");
    CHECK_ERROR(mlx_reshape(&res, x, too_many, 17, cpu), "17 dimensions");
    CHECK_ERROR(mlx_sum_axes(&res, x, too_many, 17, false, cpu), "17 dimensions");
    CHECK_ERROR(mlx_astype(&res, x, (mlx_dtype)99, cpu), "99 is not a dtype");
    CHECK_ERROR(mlx_slice(&res, x, INTS(0), INTS(1), INTS(1), cpu), "1 entries where 2");
    CHECK_ERROR(mlx_matmul(&res, x, x, cpu), "[matmul]");
    CHECK_ERROR(mlx_clip(&res, x, mlx_array_new(), mlx_array_new(), cpu), "[clip]");
    CHECK_ERROR(mlx_gather_single(&res, x, y, 0, INTS(1), cpu), "1 sizes for 2");
    CHECK_ERROR(mlx_pad(&res, x, INTS(0), INTS(1), INTS(1), y, "sideways", cpu), "mode");
    CHECK_ERROR(mlx_as_strided(&res, x, INTS(2), NULL, 0, 0, cpu), "0 strides for 1");
    CHECK_ERROR(mlx_tensordot_axis(&res, x, y, 30, cpu), "30 axes");
    CHECK_ERROR(mlx_array_set_data(&res, NULL, INTS(2), MLX_FLOAT32), "data is NULL");
    CHECK_ERROR(mlx_array_set_data(&res, too_many, (const int[]){-1}, 1, MLX_INT32), "size -1");
    CHECK_ERROR(mlx_array_set_data(&res, too_many, NULL, 1, MLX_INT32), "NULL");
    int n = 0;
    CHECK_ERROR(mlx_array_item_int32(&n, x), "6 elements");
    int before = errors;
    CHECK(mlx_array_dim(x, 2) == -1 && errors == before + 1);
    CHECK(mlx_dtype_size((mlx_dtype)-1) == 0 && errors == before + 2);
    mlx_vector_array parts = mlx_vector_array_new();
    CHECK_ERROR(mlx_split(&parts, x, 0, 0, cpu), "0 parts");
    CHECK_ERROR(mlx_split(&parts, x, 4, 1, cpu), "[split]");
    CHECK(mlx_vector_array_size(parts) == 0);
    mlx_vector_array_free(parts);
    mlx_array_free(x);
    mlx_array_free(y);
    CHECK_VALUES(res, 0, 42); /* what a handle held is there after each failure */
}

/* A dimension that does not fit an int: made by broadcasting, which takes no memory. */
static void test_huge(void)
{
    mlx_array x = mlx_array_new_bool(true), wide = mlx_array_new();
    CHECK(mlx_broadcast_to(&wide, x, INTS(1 << 16, 1 << 16), cpu) == 0);
    CHECK(mlx_flatten(&wide, wide, 0, -1, cpu) == 0 && mlx_array_size(wide) == (size_t)1 << 32);
    int before = errors;
    CHECK(!mlx_array_shape(wide) && mlx_array_dim(wide, 0) == -1 && errors == before + 2);
    CHECK(strstr(last_error, "does not fit an int") != NULL);
    mlx_array_free(wide);
    mlx_array_free(x);
}

/* ---- The handler: replaced while other threads use it ---- */

typedef struct handler_data {
    int calls, released;
} handler_data;

static void count_call(const char *message, void *data)
{
    (void)message;
    __atomic_fetch_add(&((handler_data *)data)->calls, 1, __ATOMIC_RELAXED);
}

static void release(void *data)
{
    __atomic_fetch_add(&((handler_data *)data)->released, 1, __ATOMIC_RELAXED);
}

static void *fail_often(void *unused)
{
    mlx_array res = mlx_array_new(), x = mlx_array_new_float(1);
    for (int i = 0; i < 200; i++) {
        mlx_add(&res, mlx_array_empty, x, cpu);
        mlx_add(&x, x, x, cpu);
    }
    mlx_array_free(x);
    return unused;
}

static void test_handler(void)
{
    handler_data data[20] = {{0, 0}};
    pthread_t threads[4];
    mlx_set_error_handler(count_call, &data[0], release);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, fail_often, NULL);
    for (int i = 1; i < 20; i++) mlx_set_error_handler(count_call, &data[i], release);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    mlx_set_error_handler(NULL, NULL, NULL);
    int calls = 0, released = 0;
    for (int i = 0; i < 20; i++) {
        calls += data[i].calls;
        released += data[i].released == 1;
    }
    CHECK(calls == 4 * 200 && released == 20);
}

static void remember(const char *message, void *data)
{
    ++*(int *)data;
    size_t length = strlen(message);
    if (length < sizeof last_error) memcpy(last_error, message, length + 1);
}

static void test_own_message(void)
{
    int before = errors;
    mlx_set_error_handler(remember, &errors, NULL);
    mlx_error("the number %d", 7);
    CHECK(errors == before + 1 && strncmp(last_error, "the number 7 at ", 16) == 0);
}

void test_errors(void)
{
    test_empty_handles();
    test_wrong_arguments();
    test_huge();
    test_handler();
    test_own_message();
}
