/* SPDX-License-Identifier: MIT
 *
 * Arrays, lists, maps and strings: what a handle owns. */
#include "check.h"

#include <string.h>

/* ---- Arrays ---- */

static void test_values(void)
{
    float f = 0;
    int32_t i = 0;
    bool b = false;
    double d = 0;
    uint64_t u = 0;
    mlx_complex64_t z = 0;
    mlx_array x = mlx_array_new_float(2.75f);
    CHECK(mlx_array_ndim(x) == 0 && mlx_array_size(x) == 1 && mlx_array_nbytes(x) == 4);
    CHECK(mlx_array_item_float32(&f, x) == 0 && f == 2.75f);
    CHECK(mlx_array_item_int32(&i, x) == 0 && i == 2);
    CHECK(mlx_array_item_bool(&b, x) == 0 && b);
    CHECK(mlx_array_set_double(&x, 1e-300) == 0 && mlx_array_item_float64(&d, x) == 0 && d == 1e-300);
    CHECK(mlx_array_dtype(x) == MLX_FLOAT64 && mlx_array_itemsize(x) == 8);
    CHECK(mlx_array_set_complex(&x, 3, -4) == 0 && mlx_array_item_complex64(&z, x) == 0);
    CHECK(((float *)&z)[0] == 3 && ((float *)&z)[1] == -4);
    const uint64_t largest = UINT64_MAX;
    CHECK(mlx_array_set_data(&x, &largest, NULL, 0, MLX_UINT64) == 0);
    CHECK(mlx_array_item_uint64(&u, x) == 0 && u == largest);
    CHECK(mlx_array_set_bool(&x, true) == 0 && mlx_array_dtype(x) == MLX_BOOL);
    CHECK(mlx_array_set_int(&x, -7) == 0 && mlx_array_item_int32(&i, x) == 0 && i == -7);
    mlx_array_free(x);
}

static void test_copies(void)
{
    mlx_array x = matrix(2, 3, 0), copy = x, y = mlx_array_new();
    CHECK_SHAPE(x, MLX_FLOAT32, 2, 3);
    const size_t *strides = mlx_array_strides(x);
    CHECK(strides[0] == 3 && strides[1] == 1);
    CHECK(mlx_array_set(&y, x) == 0 && y.ctx != x.ctx);
    /* Copies of a handle stay valid when it is set, for the object is changed in place; so is a result that is an
     * operand. */
    CHECK(mlx_add(&x, x, x, cpu) == 0 && x.ctx == copy.ctx);
    CHECK(mlx_transpose(&x, x, cpu) == 0);
    CHECK_SHAPE(copy, MLX_FLOAT32, 3, 2);
    CHECK_VALUES(x, 0, 0, 6, 2, 8, 4, 10);
    CHECK_VALUES(y, 0, 0, 1, 2, 3, 4, 5);
    CHECK(mlx_array_free(mlx_array_new()) == 0 && mlx_array_free(mlx_array_empty) == 0);
}

static void test_memory_layout(void)
{
    bool row = true, column = false, any = false, there = false;
    mlx_array x = matrix(2, 3, 0), t = mlx_array_new(), text = mlx_array_new();
    CHECK(mlx_transpose(&t, x, cpu) == 0 && mlx_array_eval(t) == 0);
    CHECK(_mlx_array_is_available(&there, t) == 0 && there && _mlx_array_wait(t) == 0);
    CHECK(_mlx_array_is_row_contiguous(&row, t) == 0 && _mlx_array_is_col_contiguous(&column, t) == 0);
    CHECK(_mlx_array_is_contiguous(&any, t) == 0 && any && row != column);
    const size_t *strides = mlx_array_strides(t);
    const float *at = mlx_array_data_float32(t);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++) CHECK(at[i * strides[0] + j * strides[1]] == (float)(3 * j + i));
    mlx_string s = mlx_string_new();
    CHECK(mlx_array_set_int(&text, 5) == 0 && mlx_array_tostring(&s, text) == 0);
    CHECK(same_text(mlx_string_data(s), "array(5, dtype=int32)"));
    mlx_string_free(s);
    mlx_array_free(x);
    mlx_array_free(t);
    mlx_array_free(text);
}

static void count_release(void *payload)
{
    ++*(int *)payload;
}

static void test_managed(void)
{
    static float data[4] = {1, 2, 3, 4};
    int released = 0;
    mlx_array x =
        mlx_array_new_data_managed_payload(data, (const int[]){2, 2}, 2, MLX_FLOAT32, &released, count_release);
    mlx_array y = mlx_array_new();
    CHECK(mlx_array_data_float32(x) == data);
    CHECK(mlx_add(&y, x, x, cpu) == 0 && mlx_array_eval(y) == 0);
    mlx_array_free(x);
    CHECK_VALUES(y, 0, 2, 4, 6, 8);
    mlx_clear_cache();
    CHECK(released == 1);
    /* A creation that fails leaves the memory with the caller. */
    int before = errors;
    x = mlx_array_new_data_managed_payload(data, (const int[]){2, -2}, 2, MLX_FLOAT32, &released, count_release);
    CHECK(!x.ctx && released == 1 && errors == before + 1);
}

/* ---- Containers ---- */

static void test_vectors(void)
{
    mlx_array a = mlx_array_new_int(1), b = mlx_array_new_int(2), got = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new(), w = mlx_vector_array_new_value(b);
    CHECK(v.ctx && mlx_vector_array_size(v) == 0);
    CHECK(mlx_vector_array_append_value(v, a) == 0 && mlx_vector_array_append_data(v, (mlx_array[]){b, a}, 2) == 0);
    CHECK(mlx_vector_array_size(v) == 3);
    CHECK(mlx_vector_array_set(&w, v) == 0 && mlx_vector_array_set(&v, v) == 0 && mlx_vector_array_size(w) == 3);
    CHECK_ERROR(mlx_vector_array_get(&got, v, 3), "index 3 of 3");
    CHECK_ERROR(mlx_vector_array_append_value(v, mlx_array_new()), "empty array handle");
    CHECK_ERROR(mlx_vector_array_append_value((mlx_vector_array){NULL}, a), "NULL");
    CHECK(mlx_vector_array_get(&got, w, 1) == 0);
    mlx_vector_array_free(w);
    CHECK_VALUES(got, 0, 2);
    mlx_vector_vector_array vv = mlx_vector_vector_array_new_value(v);
    CHECK(mlx_vector_vector_array_append_value(vv, v) == 0 && mlx_vector_vector_array_size(vv) == 2);
    mlx_vector_array inner = {NULL};
    CHECK(mlx_vector_vector_array_get(&inner, vv, 1) == 0 && mlx_vector_array_size(inner) == 3);
    mlx_vector_array_free(inner);
    mlx_vector_vector_array_free(vv);
    mlx_vector_array_free(v);
    mlx_array_free(a);
    mlx_array_free(b);
}

static void test_numbers_and_texts(void)
{
    int number = 0, numbers[3] = {4, 5, 6};
    mlx_vector_int n = mlx_vector_int_new_data(numbers, 3), m = mlx_vector_int_new();
    CHECK(mlx_vector_int_set(&m, n) == 0 && mlx_vector_int_get(&number, m, 2) == 0 && number == 6);
    mlx_vector_int_free(n);
    mlx_vector_int_free(m);

    char *text = NULL;
    mlx_vector_string s = mlx_vector_string_new_value("first");
    CHECK(mlx_vector_string_append_data(s, (const char *[]){"second", "third"}, 2) == 0);
    CHECK(mlx_vector_string_get(&text, s, 2) == 0 && same_text(text, "third"));
    CHECK_ERROR(mlx_vector_string_append_value(s, NULL), "NULL");
    mlx_vector_string_free(s);
}

static void test_strings(void)
{
    mlx_string s = mlx_string_new_data("one"), t = mlx_string_new();
    CHECK(mlx_string_data(t) == NULL);
    CHECK(mlx_string_set(&t, s) == 0 && mlx_string_set(&t, t) == 0 && same_text(mlx_string_data(t), "one"));
    CHECK_ERROR(mlx_string_set(&t, (mlx_string){NULL}), "NULL");
    mlx_string_free(s);
    CHECK(mlx_version(&t) == 0 && starts_with(mlx_string_data(t), "0."));
    mlx_string_free(t);
}

static void test_maps(void)
{
    static const char *const names[] = {"w", "b", "w.2", "a"};
    mlx_map_string_to_array map = mlx_map_string_to_array_new(), other = {NULL};
    mlx_array x = mlx_array_new(), got = mlx_array_new();
    for (int i = 0; i < 4; i++) {
        mlx_array_set_int(&x, i);
        CHECK(mlx_map_string_to_array_insert(map, names[i], x) == 0);
    }
    mlx_array_set_int(&x, 10);
    CHECK(mlx_map_string_to_array_insert(map, "b", x) == 0 && mlx_map_string_to_array_set(&other, map) == 0);
    mlx_map_string_to_array_free(map);
    CHECK(mlx_map_string_to_array_get(&got, other, "b") == 0);
    int before_get = errors;
    CHECK(mlx_map_string_to_array_get(&x, other, "nowhere") == 2 && errors == before_get);
    CHECK_ERROR(mlx_map_string_to_array_get(&x, other, NULL), "NULL");
    CHECK_ERROR(mlx_map_string_to_array_insert(other, "c", (mlx_array){NULL}), "empty");
    CHECK_VALUES(got, 0, 10);
    const char *key = NULL, *before = "";
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(other);
    int count = 0, status;
    while ((status = mlx_map_string_to_array_iterator_next(&key, &x, it)) == 0) {
        CHECK(strcmp(before, key) < 0);
        before = key;
        count++;
    }
    CHECK(count == 4 && status == 2);
    mlx_map_string_to_array_iterator_free(it);
    mlx_map_string_to_array_free(other);
    mlx_array_free(x);
}

static void test_text_maps(void)
{
    const char *key = NULL, *value = NULL;
    mlx_map_string_to_string texts = mlx_map_string_to_string_new();
    CHECK(mlx_map_string_to_string_insert(texts, "format", "mlx") == 0);
    CHECK(mlx_map_string_to_string_get(&value, texts, "format") == 0 && same_text(value, "mlx"));
    CHECK(mlx_map_string_to_string_get(&value, texts, "none") == 2);
    mlx_map_string_to_string_iterator walk = mlx_map_string_to_string_iterator_new(texts);
    CHECK(mlx_map_string_to_string_iterator_next(&key, &value, walk) == 0 && same_text(key, "format"));
    CHECK(mlx_map_string_to_string_iterator_next(&key, &value, walk) == 2);
    mlx_map_string_to_string_iterator_free(walk);
    mlx_map_string_to_string_free(texts);
}

void test_handles(void)
{
    test_values();
    test_copies();
    test_memory_layout();
    test_managed();
    test_vectors();
    test_numbers_and_texts();
    test_strings();
    test_maps();
    test_text_maps();
}
