/* SPDX-License-Identifier: MIT
 *
 * Random numbers, model ops, closures, transforms, files, streams and devices. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Random: MLX's bits ---- */

static void test_random(void)
{
    mlx_array key = mlx_array_new(), low = mlx_array_new_float(0), high = mlx_array_new_float(1), res;
    mlx_array second = mlx_array_new(), none = {NULL};
    CHECK(mlx_random_key(&key, 7) == 0);
    RESULT(mlx_random_split_num(&res, key, 2, cpu));
    CHECK_SHAPE(res, MLX_UINT32, 2, 2);
    CHECK(mlx_array_data_uint32(res)[0] == 966301609 && mlx_array_data_uint32(res)[3] == 1058547403);
    mlx_array_free(res);
    RESULT(mlx_random_split(&res, &second, key, cpu));
    CHECK(mlx_array_data_uint32(res)[1] == 989289821 && mlx_array_data_uint32(second)[0] == 1948237315);
    mlx_array_free(res);
    RESULT(mlx_random_uniform(&res, low, high, INTS(3), MLX_FLOAT32, key, cpu));
    CHECK_VALUES(res, 1e-5, 0.224985, 0.42616, 0.453609);
    RESULT(mlx_random_normal(&res, INTS(2), MLX_FLOAT32, 1, 2, key, cpu));
    CHECK_VALUES(res, 1e-5, -2.38212, 4.21096);
    CHECK(mlx_array_set_int(&low, 0) == 0 && mlx_array_set_int(&high, 100) == 0);
    RESULT(mlx_random_randint(&res, low, high, INTS(3), MLX_INT32, key, cpu));
    CHECK_VALUES(res, 0, 22, 42, 45);
    CHECK(mlx_array_set_data(&low, (const float[]){0, 1, 2, 3, 0, 0}, (const int[]){2, 3}, 2, MLX_FLOAT32) == 0);
    RESULT(mlx_random_categorical(&res, low, -1, key, cpu));
    CHECK_VALUES(res, 0, 2, 0);
    /* Without a key: the thread's state, which a seed sets and each call advances. */
    CHECK(mlx_random_seed(0) == 0);
    mlx_array_set_float(&low, 0);
    mlx_array_set_float(&high, 1);
    RESULT(mlx_random_uniform(&res, low, high, NULL, 0, MLX_FLOAT32, none, cpu));
    CHECK_VALUES(res, 1e-5, 0.10536904);
    RESULT(mlx_random_uniform(&res, low, high, NULL, 0, MLX_FLOAT32, none, cpu));
    float again = 0;
    CHECK(mlx_array_item_float32(&again, res) == 0 && fabsf(again - 0.10536904f) > 1e-3);
    CHECK_ERROR(mlx_random_split(&res, &second, none, cpu), "key is an empty array handle");
    mlx_array_free(res);
    mlx_array_free(second);
    mlx_array_free(key);
    mlx_array_free(low);
    mlx_array_free(high);
}

static void test_fast(void)
{
    mlx_array x = matrix(2, 2, 1), none = {NULL}, res;
    RESULT(mlx_fast_rms_norm(&res, x, none, 0, cpu));
    CHECK_VALUES(res, 1e-5, 0.6324555, 1.264911, 0.8485281, 1.1313708);
    RESULT(mlx_fast_layer_norm(&res, x, none, none, 0, cpu));
    CHECK_VALUES(res, 1e-5, -1, 1, -1, 1);
    mlx_array q = range(4, (const int[]){1, 1, 2, 2}, 4, 0);
    RESULT(mlx_fast_scaled_dot_product_attention(&res, q, q, q, 1, "causal", none, none, cpu));
    CHECK_VALUES(res, 1e-4, 0, 1, 1.9999092, 2.9999092);
    res = mlx_array_new();
    CHECK_ERROR(mlx_fast_scaled_dot_product_attention(&res, q, q, q, 1, "other", none, none, cpu), "mask_mode");
    CHECK_ERROR(mlx_fast_scaled_dot_product_attention(&res, q, q, q, 1, "array", none, none, cpu), "mask_arr");
    mlx_optional_float base = {10000, true}, no_base = {0, false};
    CHECK(mlx_fast_rope(&res, q, 2, true, base, 1, 0, none, cpu) == 0);
    double c = cos(1), s = sin(1);
    CHECK_VALUES(res, 1e-5, 0, 1, 2 * c - 3 * s, 2 * s + 3 * c);
    CHECK_ERROR(mlx_fast_rope(&q, q, 2, true, no_base, 1, 0, none, cpu), "base and freqs");
    mlx_array_free(q);
    mlx_array_free(x);
}

/* ---- Closures ---- */

typedef struct payload {
    int calls, released;
    double factor;
} payload;

static void release(void *data)
{
    ((payload *)data)->released++;
}

/* Two results: factor * sum(x^2 y) and y. */
static int weighted(mlx_vector_array *res, const mlx_vector_array in, void *data)
{
    payload *p = data;
    p->calls++;
    mlx_array x = mlx_array_new(), y = mlx_array_new(), out = mlx_array_new(), factor = mlx_array_new_float(p->factor);
    int status = mlx_vector_array_get(&x, in, 0) || mlx_vector_array_get(&y, in, 1) || mlx_square(&out, x, cpu) ||
                 mlx_multiply(&out, out, y, cpu) || mlx_sum(&out, out, false, cpu) ||
                 mlx_multiply(&out, out, factor, cpu) || mlx_vector_array_set_value(res, out) ||
                 mlx_vector_array_append_value(*res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(out);
    mlx_array_free(factor);
    return status;
}

static int twice(mlx_array *res, const mlx_array x)
{
    return mlx_add(res, x, x, cpu);
}

static int refuse(mlx_vector_array *res, const mlx_vector_array in)
{
    (void)res;
    (void)in;
    return 5;
}

/* The other style of a result: a new list in the place of the empty one. */
static int same(mlx_vector_array *res, const mlx_vector_array in)
{
    *res = mlx_vector_array_new();
    return mlx_vector_array_set(res, in);
}

static mlx_array entry(mlx_vector_array v, size_t i)
{
    mlx_array x = mlx_array_new();
    mlx_vector_array_get(&x, v, i);
    return x;
}

static void test_closures(void)
{
    payload p = {0, 0, 3};
    mlx_closure f = mlx_closure_new_func_payload(weighted, &p, release), g = mlx_closure_new();
    mlx_array x = line_of(2, 1), y = line_of(2, 3);
    mlx_vector_array in = mlx_vector_array_new_data((mlx_array[]){x, y}, 2), out = mlx_vector_array_new();
    CHECK(mlx_closure_set(&g, f) == 0 && mlx_closure_free(f) == 0 && p.released == 0);
    CHECK(mlx_closure_apply(&out, g, in) == 0 && mlx_vector_array_size(out) == 2 && p.calls == 1);
    CHECK_VALUES(entry(out, 0), 0, 3 * (3 + 16));
    mlx_closure_free(g);
    CHECK(p.released == 1);
    mlx_closure unary = mlx_closure_new_unary(twice), bad = mlx_closure_new_func(refuse), copy;
    CHECK_ERROR(mlx_closure_apply(&out, unary, in), "one array");
    CHECK_ERROR(mlx_closure_apply(&out, bad, in), "returned 5");
    CHECK_ERROR(mlx_closure_apply(&out, mlx_closure_new(), in), "NULL");
    copy = mlx_closure_new_func(same);
    CHECK(mlx_closure_apply(&out, copy, in) == 0 && mlx_vector_array_size(out) == 2);
    CHECK(mlx_vector_array_set_value(&in, x) == 0 && mlx_closure_apply(&out, unary, in) == 0);
    CHECK_VALUES(entry(out, 0), 0, 2, 4);
    mlx_closure_free(copy);
    mlx_closure_free(unary);
    mlx_closure_free(bad);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
    mlx_array_free(y);
}

static int with_names(mlx_vector_array *res, const mlx_vector_array in, const mlx_map_string_to_array named)
{
    mlx_array x = entry(in, 0), y = mlx_array_new();
    int status = mlx_map_string_to_array_get(&y, named, "y") || mlx_subtract(&x, x, y, cpu) ||
                 mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    mlx_array_free(y);
    return status;
}

static int axes_of(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in, const int *at, size_t count)
{
    return mlx_vector_array_set(res, in) || mlx_vector_int_set_data(axes, (int *)at, count);
}

static void test_other_closures(void)
{
    mlx_array x = line_of(2, 5);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    mlx_map_string_to_array named = mlx_map_string_to_array_new();
    mlx_closure_kwargs kw = mlx_closure_kwargs_new_func(with_names);
    CHECK(mlx_map_string_to_array_insert(named, "y", x) == 0);
    CHECK(mlx_closure_kwargs_apply(&out, kw, in, named) == 0);
    CHECK_VALUES(entry(out, 0), 0, 0, 0);
    mlx_closure_kwargs_free(kw);
    mlx_map_string_to_array_free(named);
    int axis = 0;
    mlx_vector_int axes = mlx_vector_int_new();
    mlx_closure_custom_vmap rule = mlx_closure_custom_vmap_new_func(axes_of);
    CHECK(mlx_closure_custom_vmap_apply(&out, &axes, rule, in, INTS(3)) == 0);
    CHECK(mlx_vector_int_get(&axis, axes, 0) == 0 && axis == 3);
    mlx_closure_custom_vmap_free(rule);
    mlx_vector_int_free(axes);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
}

/* ---- Transforms ---- */

static void test_gradients(void)
{
    payload p = {0, 0, 3};
    mlx_closure f = mlx_closure_new_func_payload(weighted, &p, release);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    mlx_array x = line_of(2, 1), y = line_of(2, 3);
    mlx_vector_array in = mlx_vector_array_new_data((mlx_array[]){x, y}, 2);
    mlx_vector_array values = mlx_vector_array_new(), grads = mlx_vector_array_new();
    CHECK(mlx_value_and_grad(&vg, f, INTS(1, 0)) == 0);
    mlx_closure_free(f); /* the gradient keeps it */
    CHECK(mlx_closure_value_and_grad_apply(&values, &grads, vg, in) == 0);
    CHECK(mlx_vector_array_size(values) == 2 && mlx_vector_array_size(grads) == 2);
    CHECK_VALUES(entry(values, 0), 0, 57);
    CHECK_VALUES(entry(grads, 0), 1e-6, 3, 12);  /* by y: 3 x^2 */
    CHECK_VALUES(entry(grads, 1), 1e-6, 18, 48); /* by x: 6 x y */
    CHECK(mlx_vector_array_set_value(&in, x) == 0);
    CHECK_ERROR(mlx_closure_value_and_grad_apply(&values, &grads, vg, in), "argument 1 of 1");
    mlx_closure_value_and_grad_free(vg);
    CHECK(p.released == 1);

    mlx_closure unary = mlx_closure_new_unary(twice);
    vg = mlx_closure_value_and_grad_new();
    CHECK(mlx_value_and_grad(&vg, unary, INTS(0)) == 0);
    CHECK_ERROR(mlx_closure_value_and_grad_apply(&values, &grads, vg, in), "scalar");
    CHECK_ERROR(mlx_value_and_grad(&vg, unary, INTS(0, 0)), "twice");
    CHECK_ERROR(mlx_value_and_grad(&vg, unary, INTS(-1)), "negative");
    mlx_closure_value_and_grad_free(vg);
    mlx_closure_free(unary);
    mlx_vector_array_free(in);
    mlx_vector_array_free(values);
    mlx_vector_array_free(grads);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void test_products_with_jacobian(void)
{
    mlx_array x = line_of(3, 1), y = line_of(2, 0);
    mlx_vector_array in = mlx_vector_array_new_value(x), v = mlx_vector_array_new_value(x);
    mlx_vector_array out = mlx_vector_array_new(), products = mlx_vector_array_new();
    mlx_closure f = mlx_closure_new_unary(twice), bad = mlx_closure_new_func(refuse);
    CHECK(mlx_vjp(&out, &products, f, in, v) == 0);
    CHECK_VALUES(entry(out, 0), 0, 2, 4, 6);
    CHECK_VALUES(entry(products, 0), 0, 2, 4, 6);
    CHECK(mlx_jvp(&out, &products, f, in, v) == 0);
    CHECK_VALUES(entry(products, 0), 0, 2, 4, 6);
    CHECK_ERROR(mlx_vjp(&out, &products, bad, in, v), "returned 5");
    CHECK(mlx_vector_array_set_value(&v, y) == 0);
    CHECK_ERROR(mlx_vjp(&out, &products, f, in, v), "shape");
    CHECK_ERROR(mlx_jvp(&out, &products, f, in, v), "shape");
    CHECK(mlx_vector_array_set_data(&v, NULL, 0) == 0);
    CHECK_ERROR(mlx_jvp(&out, &products, f, in, v), "0 tangents for 1");
    CHECK(mlx_eval(out) == 0 && mlx_async_eval(products) == 0 && mlx_synchronize(cpu) == 0 && mlx_eval(v) == 0);
    mlx_closure_free(f);
    mlx_closure_free(bad);
    mlx_vector_array_free(in);
    mlx_vector_array_free(v);
    mlx_vector_array_free(out);
    mlx_vector_array_free(products);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* x y, one array */
static int multiply(mlx_vector_array *res, const mlx_vector_array in)
{
    mlx_array x = entry(in, 0), y = entry(in, 1);
    int status = mlx_multiply(&x, x, y, cpu) || mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    mlx_array_free(y);
    return status;
}

static void test_vmap(void)
{
    mlx_array x = matrix(2, 3, 0), y = line_of(2, 1);
    mlx_vector_array in = mlx_vector_array_new_data((mlx_array[]){x, y}, 2), other = mlx_vector_array_new();
    mlx_vector_array holes = mlx_vector_array_new(), made = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_closure f = mlx_closure_new_func(multiply);
    CHECK(mlx_detail_vmap_trace(&holes, &made, f, in, INTS(1, -1)) == 0);
    mlx_array hole = entry(made, 0);
    CHECK_SHAPE(hole, MLX_FLOAT32, 2);
    CHECK_ERROR(mlx_array_eval(hole), "");
    mlx_array_free(hole);
    CHECK(mlx_detail_vmap_replace(&out, in, holes, made, INTS(1, -1), INTS(1)) == 0);
    CHECK_VALUES(entry(out, 0), 0, 0, 1, 2, 6, 8, 10);
    CHECK_ERROR(mlx_detail_vmap_replace(&out, in, in, made, INTS(1, -1), INTS(1)), "s_inputs");
    CHECK_ERROR(mlx_detail_vmap_replace(&out, in, holes, made, INTS(0, -1), INTS(1)), "traced");
    CHECK_ERROR(mlx_detail_vmap_trace(&holes, &made, f, in, INTS(1)), "1 axes for 2 arrays");
    CHECK_ERROR(mlx_detail_vmap_trace(&holes, &made, f, in, INTS(0, 0, 0)), "3 axes for 2 arrays");
    CHECK(mlx_vector_array_set(&other, holes) == 0);
    mlx_vector_array_free(holes);
    mlx_vector_array_free(other);
    mlx_closure_free(f);
    mlx_vector_array_free(in);
    mlx_vector_array_free(made);
    mlx_vector_array_free(out);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* ---- Files ---- */

static void test_files(void)
{
    char folder[] = "/tmp/mlxc_test_XXXXXX", path[64], other[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/weights", folder);
    snprintf(other, sizeof other, "%s/weights.safetensors", folder);
    mlx_array x = matrix(2, 3, 0), got = mlx_array_new();
    mlx_map_string_to_array map = mlx_map_string_to_array_new(), back = mlx_map_string_to_array_new();
    mlx_map_string_to_string texts = mlx_map_string_to_string_new(), texts_back = mlx_map_string_to_string_new();
    mlx_map_string_to_array_insert(map, "layer.weight", x);
    mlx_map_string_to_string_insert(texts, "format", "mlx");
    CHECK(mlx_save_safetensors(path, map, texts) == 0 && access(other, R_OK) == 0);
    CHECK(mlx_load_safetensors(&back, &texts_back, other, cpu) == 0);
    CHECK(mlx_map_string_to_array_get(&got, back, "layer.weight") == 0);
    CHECK_SHAPE(got, MLX_FLOAT32, 2, 3);
    CHECK_VALUES(got, 0, 0, 1, 2, 3, 4, 5);
    const char *text = "";
    CHECK(mlx_map_string_to_string_get(&text, texts_back, "format") == 0 && same_text(text, "mlx"));
    remove(other);
    CHECK_ERROR(mlx_load_safetensors(&back, &texts_back, other, cpu), "");
    CHECK(mlx_map_string_to_array_get(&x, back, "layer.weight") == 0); /* a failure leaves the results as they were */
    snprintf(other, sizeof other, "%s/weights.npy", folder);
    CHECK(mlx_save(path, x) == 0);
    got = mlx_array_new();
    CHECK(mlx_load(&got, other, cpu) == 0);
    CHECK_VALUES(got, 0, 0, 1, 2, 3, 4, 5);
    CHECK_ERROR(mlx_load(&x, NULL, cpu), "file is NULL");
    remove(other);
    rmdir(folder);
    mlx_map_string_to_array_free(map);
    mlx_map_string_to_array_free(back);
    mlx_map_string_to_string_free(texts);
    mlx_map_string_to_string_free(texts_back);
    mlx_array_free(x);
}

/* A file in memory, behind the caller's functions. */
typedef struct memory_file {
    char bytes[1024];
    size_t size, at;
    bool good;
    int freed;
} memory_file;

static bool memory_good(void *desc)
{
    return ((memory_file *)desc)->good;
}

static size_t memory_tell(void *desc)
{
    return ((memory_file *)desc)->at;
}

static void memory_seek(void *desc, int64_t offset, int whence)
{
    memory_file *m = desc;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)m->at : (int64_t)m->size;
    m->good = from + offset >= 0 && from + offset <= (int64_t)m->size;
    if (m->good) m->at = (size_t)(from + offset);
}

static void memory_read(void *desc, char *data, size_t n)
{
    memory_file *m = desc;
    m->good = n <= m->size - m->at;
    if (!m->good) return;
    memcpy(data, m->bytes + m->at, n);
    m->at += n;
}

static void memory_read_at(void *desc, char *data, size_t n, size_t offset)
{
    memory_seek(desc, (int64_t)offset, SEEK_SET);
    memory_read(desc, data, n);
}

static void memory_write(void *desc, const char *data, size_t n)
{
    memory_file *m = desc;
    m->good = n <= sizeof m->bytes - m->at;
    if (!m->good) return;
    memcpy(m->bytes + m->at, data, n);
    m->at += n;
    if (m->at > m->size) m->size = m->at;
}

static const char *memory_label(void *desc)
{
    (void)desc;
    return "memory";
}

static void memory_free(void *desc)
{
    ((memory_file *)desc)->freed++;
}

static const mlx_io_vtable memory_table = {memory_good,    memory_good,  memory_tell,  memory_seek, memory_read,
                                           memory_read_at, memory_write, memory_label, memory_free};

static void test_streams_of_bytes(void)
{
    memory_file file = {.good = true};
    void *desc = NULL;
    mlx_string label = mlx_string_new();
    mlx_array x = matrix(2, 3, 0), got = mlx_array_new();
    mlx_io_writer writer = mlx_io_writer_new(&file, memory_table);
    CHECK(mlx_io_writer_tostring(&label, writer) == 0 && same_text(mlx_string_data(label), "memory"));
    CHECK(mlx_save_writer(writer, x) == 0 && file.size > 24);
    mlx_io_writer_free(writer);
    mlx_io_reader reader = mlx_io_reader_new(&file, memory_table);
    CHECK(mlx_io_reader_descriptor(&desc, reader) == 0 && desc == &file && file.freed == 1);
    file.at = 0;
    CHECK(mlx_load_reader(&got, reader, cpu) == 0);
    CHECK_VALUES(got, 0, 0, 1, 2, 3, 4, 5);
    got = mlx_array_new();
    file.at = 0;
    file.size -= 4; /* truncated */
    CHECK_ERROR(mlx_load_reader(&got, reader, cpu), "");
    file.good = false;
    CHECK_ERROR(mlx_load_reader(&got, reader, cpu), "error state");
    mlx_io_reader_free(reader);
    mlx_string_free(label);
    mlx_array_free(got);
    mlx_array_free(x);
}

/* ---- Streams, devices, memory ---- */

static void test_places(void)
{
    mlx_device device = mlx_device_new_type(MLX_CPU, 0), of = mlx_device_new();
    mlx_stream mine = mlx_stream_new_device(device), now = mlx_stream_new();
    mlx_string text = mlx_string_new();
    int count = 0, index = -1;
    bool yes = false;
    mlx_device_type type = MLX_GPU;
    CHECK(mlx_device_tostring(&text, device) == 0 && same_text(mlx_string_data(text), "Device(cpu, 0)"));
    CHECK(mlx_device_count(&count, MLX_CPU) == 0 && count == 1);
    CHECK(mlx_device_is_available(&yes, device) == 0 && yes);
    CHECK(mlx_stream_get_device(&of, mine) == 0 && mlx_device_equal(of, device));
    CHECK(mlx_device_get_type(&type, of) == 0 && type == MLX_CPU && mlx_device_get_index(&index, of) == 0);
    CHECK(mlx_stream_get_index(&index, mine) == 0 && index > 0 && !mlx_stream_equal(mine, cpu));
    CHECK(mlx_stream_tostring(&text, mine) == 0 && starts_with(mlx_string_data(text), "Stream(Device(cpu, 0), "));
    CHECK(mlx_set_default_stream(mine) == 0 && mlx_get_default_stream(&now, device) == 0);
    CHECK(mlx_stream_equal(now, mine) && mlx_set_default_stream(cpu) == 0);
    mlx_array x = line_of(3, 0);
    CHECK(mlx_add(&x, x, x, mine) == 0 && mlx_synchronize(mine) == 0);
    CHECK_VALUES(x, 0, 0, 2, 4);
    mlx_device_info info = mlx_device_info_new();
    mlx_vector_string keys = mlx_vector_string_new();
    const char *name = NULL;
    size_t size = 1;
    CHECK(mlx_device_info_get(&info, device) == 0 && mlx_device_info_get_keys(&keys, info) == 0);
    CHECK(mlx_vector_string_size(keys) > 0 && mlx_device_info_has_key(&yes, info, "nothing") == 0 && !yes);
    CHECK(mlx_device_info_get_string(&name, info, "device_name") == 0 && name);
    CHECK_ERROR(mlx_device_info_get_size(&size, info, "device_name"), "string");
    mlx_device_info_free(info);
    mlx_vector_string_free(keys);
    mlx_string_free(text);
    CHECK(mlx_get_active_memory(&size) == 0 && mlx_clear_cache() == 0 && mlx_get_cache_memory(&size) == 0);
    size_t before = 0;
    CHECK(mlx_set_cache_limit(&before, 1 << 20) == 0 && mlx_set_cache_limit(&size, before) == 0 && size == 1 << 20);
    CHECK(mlx_set_wired_limit(&size, 5) == 0 && size == 0 && mlx_metal_is_available(&yes) == 0 && !yes);
    CHECK_ERROR(mlx_metal_start_capture("trace"), "Metal");
}

void test_calls(void)
{
    test_random();
    test_fast();
    test_closures();
    test_other_closures();
    test_gradients();
    test_products_with_jacobian();
    test_vmap();
    test_files();
    test_streams_of_bytes();
    test_places();
}
