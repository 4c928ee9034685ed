/* SPDX-License-Identifier: MIT
 *
 * The core by itself: dtypes, scopes, errors, shapes, parameters, foreign memory, reading. */
#include "check.h"
#include "core/memory.h"
#include "core/op.h"
#include "core/thread.h"
#include <stdio.h>
#include <string.h>

static mx_array *vector(int count, double first)
{
    float data[16];
    for (int i = 0; i < count; i++) data[i] = (float)(first + i);
    return mx_from_data(data, SHAPE(count), MX_FLOAT32);
}

/* ---- Dtypes: MLX's table of promotion, as mx.result_type prints it */
static const char *const codes[] = {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "bf", "c8"};
static const char *const promotions[] = {
    "b1 u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8 bf c8", /* bool */
    "u1 u1 u2 u4 u8 i2 i2 i4 i8 f2 f4 f8 bf c8", /* uint8 */
    "u2 u2 u2 u4 u8 i4 i4 i4 i8 f2 f4 f8 bf c8", /* uint16 */
    "u4 u4 u4 u4 u8 i8 i8 i8 i8 f2 f4 f8 bf c8", /* uint32 */
    "u8 u8 u8 u8 u8 f4 f4 f4 f4 f2 f4 f8 bf c8", /* uint64 */
    "i1 i2 i4 i8 f4 i1 i2 i4 i8 f2 f4 f8 bf c8", /* int8 */
    "i2 i2 i4 i8 f4 i2 i2 i4 i8 f2 f4 f8 bf c8", /* int16 */
    "i4 i4 i4 i8 f4 i4 i4 i4 i8 f2 f4 f8 bf c8", /* int32 */
    "i8 i8 i8 i8 f4 i8 i8 i8 i8 f2 f4 f8 bf c8", /* int64 */
    "f2 f2 f2 f2 f2 f2 f2 f2 f2 f2 f4 f8 f4 c8", /* float16 */
    "f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 f4 c8", /* float32 */
    "f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c8", /* float64 */
    "bf bf bf bf bf bf bf bf bf f4 f4 f8 bf c8", /* bfloat16 */
    "c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8", /* complex64 */
};

TEST(dtypes_promote_as_in_mlx)
{
    for (int a = 0; a < MX_DTYPE_COUNT; a++) {
        for (int b = 0; b < MX_DTYPE_COUNT; b++) {
            const char *got = codes[mx_dtype_promote((mx_dtype)a, (mx_dtype)b)];
            check_that(memcmp(got, promotions[a] + 3 * b, 2) == 0, __FILE__, __LINE__, "%s with %s gives %s, not %.2s",
                       codes[a], codes[b], got, promotions[a] + 3 * b);
        }
    }
}

TEST(dtypes_have_sizes_names_and_kinds)
{
    static const size_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8};
    for (int d = 0; d < MX_DTYPE_COUNT; d++) CHECK(mx_dtype_size((mx_dtype)d) == sizes[d]);
    CHECK(strcmp(mx_dtype_name(MX_BFLOAT16), "bfloat16") == 0);
    CHECK(strcmp(mx_dtype_name(MX_BOOL), "bool") == 0);
    CHECK(mx_dtype_is(MX_UINT8, MX_INTEGER) && mx_dtype_is(MX_UINT8, MX_UNSIGNED_INTEGER));
    CHECK(!mx_dtype_is(MX_UINT8, MX_SIGNED_INTEGER));
    CHECK(mx_dtype_is(MX_COMPLEX64, MX_INEXACT) && !mx_dtype_is(MX_COMPLEX64, MX_FLOATING));
    CHECK(mx_dtype_is(MX_BOOL, MX_GENERIC) && !mx_dtype_is(MX_BOOL, MX_NUMBER));
}

/* ---- Scopes */
TEST(scope_drops_all_but_its_result)
{
    size_t before = mx_get_active_memory();
    mx_scope s = mx_scope_open();
    mx_array *x = vector(4, 1);
    vector(4, 2);
    size_t both = mx_get_active_memory() - before;
    x = mx_scope_close(s, x);
    CHECK(mx_get_active_memory() - before == both / 2);
    CHECK_VALUES(x, 0, 1, 2, 3, 4);
    mx_drop(x);
    CHECK(mx_get_active_memory() == before);
}

TEST(scope_result_of_an_outer_scope_gains_a_reference)
{
    mx_scope outer = mx_scope_open();
    mx_array *x = vector(2, 1);
    mx_scope inner = mx_scope_open();
    mx_array *same = mx_scope_close(inner, x);
    CHECK(same == x && atomic_load(&x->refs) == 2);
    mx_scope_close(outer, NULL);
    CHECK(atomic_load(&x->refs) == 1);
    mx_drop(x);
}

TEST(scope_keeps_several)
{
    mx_scope s = mx_scope_open();
    mx_array *kept[] = {vector(1, 1), NULL, vector(1, 3)};
    vector(1, 9);
    mx_scope_close_n(s, kept, 3);
    CHECK_VALUES(kept[0], 0, 1);
    CHECK_VALUES(kept[2], 0, 3);
    mx_drop_n(kept, 3);
    CHECK(!kept[0] && !kept[2]);
}

TEST(scopes_nest_deeply)
{
    enum { DEPTH = 500 };
    mx_scope s[DEPTH];
    size_t before = mx_get_active_memory();
    for (int i = 0; i < DEPTH; i++) {
        s[i] = mx_scope_open();
        vector(3, i);
    }
    mx_scope_close(s[10], NULL); /* closes all that were opened after it */
    CHECK(thread_self()->scope_count == s[10].mark);
    mx_scope_close(s[0], NULL);
    CHECK(mx_get_active_memory() == before);
}

TEST(temporary_gives_a_reference_to_the_scope)
{
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scope_close(s, vector(2, 5));
    CHECK(mx_temporary(x) == x);
    CHECK(mx_temporary(NULL) == NULL);
}

TEST(null_is_kept_and_dropped)
{
    CHECK(mx_keep(NULL) == NULL);
    mx_drop(NULL);
    CHECK(mx_ndim(NULL) == 0 && mx_size(NULL) == 0 && mx_nbytes(NULL) == 0);
}

/* ---- Errors */
TEST(the_first_error_wins)
{
    CHECK(!mx_failed());
    CHECK(mx_error().code == MX_OK && mx_error().message[0] == 0);
    mx_fail(MX_INDEX, "[a] %d", 1);
    mx_fail(MX_VALUE, "[b] %d", 2);
    CHECK(mx_failed());
    mx_error_info e = mx_error();
    CHECK(e.code == MX_INDEX && strcmp(e.message, "[a] 1") == 0);
    CHECK(!mx_failed());
}

TEST(a_mark_takes_errors_back)
{
    mx_mark m = mx_error_mark();
    mx_fail(MX_VALUE, "[a] tried");
    mx_error_reset(m);
    CHECK(!mx_failed());
    mx_fail(MX_TYPE, "[a] before");
    m = mx_error_mark();
    mx_fail(MX_VALUE, "[b] tried");
    mx_error_reset(m);
    CHECK_CODE(false, MX_TYPE, "[a] before");
}

TEST(null_flows_through_an_expression)
{
    mx_array *x = vector(3, 1);
    CHECK_CODE(mx_exp(mx_add(x, mx_exp(mx_add(x, vector(2, 1))))), MX_VALUE, "[broadcast_shapes] Shapes (3) and (2)");
    CHECK_CODE(mx_add(NULL, x), MX_VALUE, "[add]");
    CHECK_CODE(mx_eval(NULL), MX_VALUE, "[");
}

TEST(long_messages_are_whole)
{
    char text[5001];
    memset(text, 'x', 5000);
    text[5000] = 0;
    mx_fail(MX_VALUE, "[long] %s", text);
    CHECK(strlen(mx_error().message) == 5007);
}

/* ---- Shapes */
TEST(sizes_do_not_overflow)
{
    CHECK(shape_size("t", SHAPE(3, 4, 5)) == 60);
    CHECK(shape_size("t", SCALAR_SHAPE) == 1);
    CHECK(shape_size("t", SHAPE(1 << 20, 0, INT64_MAX / (1 << 26))) == 0);
    CHECK_CODE(shape_size("t", SHAPE(INT64_MAX, 2)) >= 0, MX_OVERFLOW, "[t] An array of shape (9223372036854775807,2)");
    CHECK_CODE(shape_size("t", SHAPE((int64_t)1 << 30, (int64_t)1 << 30)) >= 0, MX_OVERFLOW, "[t]");
    CHECK_CODE(shape_size("t", SHAPE(0, INT64_MAX, 2)) >= 0, MX_OVERFLOW, "[t]");
    CHECK_CODE(shape_size("t", SHAPE(3, -1)) >= 0, MX_VALUE, "[t] Negative dimensions");
    int64_t ones[17] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    CHECK(shape_size("t", (mx_shape){16, ones}) == 1);
    CHECK_CODE(shape_size("t", (mx_shape){17, ones}) >= 0, MX_VALUE, "[t] 17 dimensions");
}

static bool broadcasts(mx_shape a, mx_shape b, mx_shape want)
{
    mx_spec spec;
    spec_set(&spec, a, MX_FLOAT32);
    return shape_broadcast_into("t", &spec, b) && shape_equal(spec_shape(&spec), want);
}

TEST(shapes_broadcast_as_in_numpy)
{
    CHECK(broadcasts(SHAPE(3, 1), SHAPE(4), SHAPE(3, 4)));
    CHECK(broadcasts(SHAPE(4), SHAPE(2, 3, 4), SHAPE(2, 3, 4)));
    CHECK(broadcasts(SHAPE(1), SHAPE(0), SHAPE(0)));
    CHECK(broadcasts(SHAPE(5, 1, 0), SHAPE(3, 1), SHAPE(5, 3, 0)));
    CHECK(broadcasts(SCALAR_SHAPE, SHAPE(2), SHAPE(2)));
    CHECK(broadcasts(SHAPE(2), SCALAR_SHAPE, SHAPE(2)));
    CHECK_CODE(broadcasts(SHAPE(2, 3), SHAPE(2), SHAPE(2)), MX_VALUE, "[t] Shapes (2,3) and (2) cannot be broadcast");
    CHECK_CODE(broadcasts(SHAPE(0), SHAPE(2), SHAPE(2)), MX_VALUE, "[t] Shapes (0) and (2)");
    CHECK(shape_can_broadcast_to(SHAPE(3, 1), SHAPE(2, 3, 4)) && !shape_can_broadcast_to(SHAPE(3, 2), SHAPE(3, 1)));
}

TEST(axes_are_checked)
{
    int axes[MX_MAX_NDIM];
    CHECK(axis_of("t", -1, 3, MX_INDEX) == 2);
    CHECK_CODE(axis_of("t", 3, 3, MX_INDEX) >= 0, MX_INDEX, "[t] axis 3 is out of range for 3 dimensions");
    CHECK_CODE(axis_of("t", -4, 3, MX_VALUE) >= 0, MX_VALUE, "[t] axis -4");
    CHECK(axes_of("t", ALL_AXES, 3, MX_INDEX, axes) == 3 && axes[2] == 2);
    CHECK(axes_of("t", AXES(-1, 0), 3, MX_INDEX, axes) == 2 && axes[0] == 0 && axes[1] == 2);
    CHECK(axes_of("t", (mx_axes){0, NULL}, 3, MX_INDEX, axes) == 0);
    CHECK_CODE(axes_of("t", AXES(1, -2), 3, MX_INDEX, axes) >= 0, MX_VALUE, "[t] axis -2 is given twice");
    CHECK_CODE(axes_of("t", (mx_axes){2, NULL}, 3, MX_INDEX, axes) >= 0, MX_VALUE, "[t]");
}

TEST(long_shapes_are_cut_in_text)
{
    char text[SHAPE_TEXT];
    int64_t wide[16];
    for (int i = 0; i < 16; i++) wide[i] = INT64_MAX;
    CHECK(strlen(shape_text(text, (mx_shape){16, wide})) < SHAPE_TEXT);
    CHECK(strcmp(shape_text(text, SHAPE(2, 3)), "(2,3)") == 0 && strcmp(shape_text(text, SCALAR_SHAPE), "()") == 0);
}

/* ---- Parameters: an op that has one field of each kind, only here */
typedef struct all_params {
    int32_t count;
    int64_t wide;
    float small;
    double big;
    bool yes;
    mx_dtype dtype;
    param_shape shape;
    param_axes axes;
    param_bytes *bytes;
    param_object *object;
} all_params;

static const mx_field all_fields[] = {
    FIELD_INT(all_params, count),
    FIELD_INT64(all_params, wide),
    FIELD_FLOAT(all_params, small),
    FIELD_DOUBLE(all_params, big),
    FIELD_BOOL(all_params, yes),
    FIELD_DTYPE(all_params, dtype),
    FIELD_SHAPE(all_params, shape),
    FIELD_AXES(all_params, axes),
    FIELD_BYTES(all_params, bytes),
    FIELD_OBJECT(all_params, object),
    FIELD_END,
};

static bool two_outputs(const mx_call *c, mx_spec *out)
{
    spec_set(&out[0], mx_shape_of(c->in[0]), MX_FLOAT32);
    spec_set(&out[1], SHAPE(2, 1, 3, 1, 4), MX_INT8);
    return true;
}

/* The id of the placeholder, which no backend has a kernel for: an evaluation of this op fails. */
static const mx_op odd_op = {.id = OP_placeholder,
                             .name = "odd",
                             .fields = all_fields,
                             .params_size = sizeof(all_params),
                             .nout = 2,
                             .shape = two_outputs};

typedef struct counted_object {
    param_object head;
    int drops;
} counted_object;

static void count_drop(param_object *o)
{
    ((counted_object *)o)->drops++;
}
static const param_object_type counted_type = {.drop = count_drop, .name = "counted"};

static all_params example_params(counted_object *object)
{
    object->head.type = &counted_type;
    atomic_init(&object->head.refs, 1);
    return (all_params){.count = -3,
                        .wide = (int64_t)1 << 40,
                        .small = 0.5f,
                        .big = 0.1,
                        .yes = true,
                        .dtype = MX_BFLOAT16,
                        .shape = param_shape_of(SHAPE(2, 3)),
                        .axes = param_axes_of((int[]){0, 2}, 2),
                        .bytes = bytes_new("abc", 3),
                        .object = &object->head};
}

TEST(params_compare_hash_and_print_field_by_field)
{
    counted_object object = {.drops = 0};
    all_params a = example_params(&object), b = a;
    char text[512], cut[8];
    CHECK(params_equal(&odd_op, &a, &b) && params_hash(&odd_op, &a) == params_hash(&odd_op, &b));
    b.bytes = bytes_new("abc", 3);
    CHECK(params_equal(&odd_op, &a, &b) && params_hash(&odd_op, &a) == params_hash(&odd_op, &b));
    b.axes.at[1] = 1;
    CHECK(!params_equal(&odd_op, &a, &b) && params_hash(&odd_op, &a) != params_hash(&odd_op, &b));
    b.axes = a.axes;
    b.bytes->at[2] = 'd';
    CHECK(!params_equal(&odd_op, &a, &b));
    int n = params_print(&odd_op, &a, text, sizeof text);
    const char *want = "count=-3, wide=1099511627776, small=0.5, big=0.10000000000000001, yes=true, dtype=bfloat16, "
                       "shape=(2,3), axes=(0,2), bytes=<3 bytes>, object=<counted>";
    check_that(strcmp(text, want) == 0, __FILE__, __LINE__, "printed: %s", text);
    CHECK(n == (int)strlen(want));
    CHECK(params_print(&odd_op, &a, cut, sizeof cut) == n && strcmp(cut, "count=-") == 0);
    mx_free(b.bytes);
    params_drop(&odd_op, &a);
    CHECK(object.drops == 1);
}

/* ---- Nodes of several outputs */
TEST(outputs_share_a_block_and_die_together)
{
    counted_object object = {.drops = 0};
    all_params p = example_params(&object);
    int64_t nodes = check_live_nodes();
    for (int kept = 0; kept < 2; kept++) {
        mx_array *out[2];
        mx_scope s = mx_scope_open();
        mx_array *x = vector(3, 1);
        CHECK(op_apply_multi(&odd_op, &p, (mx_array *const[]){x}, 1, out, 2));
        CHECK_SHAPE(out[0], SHAPE(3), MX_FLOAT32);
        CHECK_SHAPE(out[1], SHAPE(2, 1, 3, 1, 4), MX_INT8); /* more axes than fit into a node */
        CHECK(array_lead(out[1]) == out[0] && params_equal(&odd_op, array_params(out[1]), &p));
        mx_keep(out[kept]);
        mx_scope_close(s, NULL);
        CHECK(mx_size(out[kept]) == (kept ? 24 : 3) && object.drops == 0);
        mx_drop(out[kept]);
    }
    CHECK((check_live_nodes() - nodes) % NODE_SLAB == 0);
    params_drop(&odd_op, &p); /* ours were the last */
    CHECK(object.drops == 1);
}

/* ---- Failed work poisons arrays, not streams */
TEST(failure_poisons_what_depends_on_it)
{
    counted_object object = {.drops = 0};
    all_params p = example_params(&object);
    mx_array *out[2], *x = vector(3, 1), *fine = mx_add(x, x), *poisoned, *late;
    float room[3];
    CHECK(op_apply_multi(&odd_op, &p, (mx_array *const[]){x}, 1, out, 2));
    poisoned = mx_exp(mx_add(fine, out[0]));
    for (int i = 0; i < 3; i++) CHECK_CODE(mx_eval(poisoned), MX_RUNTIME, "[odd]");
    CHECK_CODE(mx_read(out[0], room, sizeof room), MX_RUNTIME, "[odd]");
    CHECK_CODE(mx_eval(out[1]), MX_RUNTIME, "[odd]");
    late = mx_add(x, poisoned);
    CHECK_CODE(mx_eval_n((mx_array *const[]){fine, late}, 2), MX_RUNTIME, "[odd]");
    CHECK_VALUES(fine, 0, 2, 4, 6);
    CHECK_VALUES(mx_add(fine, x), 0, 3, 6, 9);
    mx_error_reset((mx_mark){false});
    mx_synchronize(NULL); /* may report what failed, once */
    mx_error();
    CHECK(mx_synchronize(NULL));
    params_drop(&odd_op, &p);
}

TEST(lack_of_memory_is_not_for_ever)
{
    mx_array *x = vector(8, 1), *y = mx_add(mx_exp(x), mx_exp(mx_add(x, x)));
    memory_fail_at(1, true);
    bool failed = !mx_eval(y);
    memory_fail_at(0, false);
    CHECK_CODE(!failed, MX_MEMORY, "[memory]");
    CHECK(mx_eval(y));
    CHECK(mx_size(y) == 8 && mx_is_available(y));
}

/* ---- Foreign memory */
static void count_release(void *context)
{
    *(int *)context += 1;
}

TEST(foreign_memory_is_released_once_and_late)
{
    float data[4] = {1, 2, 3, 4};
    int released = 0;
    mx_scope s = mx_scope_open();
    mx_array *x = mx_from_foreign(data, SHAPE(2, 2), MX_FLOAT32, count_release, &released);
    mx_array *y = mx_scope_close(s, mx_add(x, x));
    mx_release_foreign();
    CHECK(released == 0);
    CHECK_VALUES(y, 0, 2, 4, 6, 8);
    CHECK(data[0] == 1); /* never donated */
    mx_drop(y);
    mx_release_foreign();
    CHECK(released == 1);
}

TEST(foreign_memory_that_is_refused_is_not_released)
{
    float data[1];
    int released = 0;
    CHECK_CODE(mx_from_foreign(data, SHAPE(-1), MX_FLOAT32, count_release, &released), MX_VALUE, "[array]");
    memory_fail_at(2, false);
    mx_array *x = mx_from_foreign(data, SHAPE(1), MX_FLOAT32, count_release, &released);
    memory_fail_at(0, false);
    CHECK_CODE(x, MX_MEMORY, "[memory]");
    mx_release_foreign();
    CHECK(released == 0);
}

/* ---- Making and reading */
TEST(data_is_checked)
{
    float one = 1;
    CHECK_CODE(mx_from_data(NULL, SHAPE(2), MX_FLOAT32), MX_VALUE, "[array] data is NULL");
    CHECK_CODE(mx_from_data(&one, SHAPE(1), (mx_dtype)99), MX_VALUE, "[array] there is no dtype 99");
    CHECK_CODE(mx_from_data(&one, SHAPE(INT64_MAX, 8), MX_FLOAT32), MX_OVERFLOW, "[array]");
    CHECK(mx_from_data(NULL, SHAPE(0, 3), MX_FLOAT32) != NULL);
    mx_array *x = vector(3, 1);
    CHECK(mx_dim(x, 0) == 3 && mx_dim(x, -1) == 3);
    CHECK_CODE(mx_dim(x, 1) >= 0, MX_INDEX, "[dim] axis 1");
}

TEST(reading_is_checked)
{
    mx_array *x = vector(3, 1), *one = vector(1, 7);
    float room[3];
    int64_t big[] = {((int64_t)1 << 53) + 1};
    CHECK(mx_read(x, room, sizeof room) && room[2] == 3);
    CHECK_CODE(mx_read(x, room, 8), MX_VALUE, "[");
    CHECK(mx_value(one) == 7 && mx_value_int(one) == 7);
    CHECK(mx_value_int(mx_from_data(big, SHAPE(1, 1), MX_INT64)) == big[0]);
    mx_value(x);
    CHECK_CODE(false, MX_VALUE, "[");
    mx_value_int(x);
    CHECK_CODE(false, MX_VALUE, "[");
}

TEST(scalars_take_their_dtypes)
{
    CHECK_SHAPE(mx_float(1), SCALAR_SHAPE, MX_FLOAT32);
    CHECK_SHAPE(mx_int(-5), SCALAR_SHAPE, MX_INT32);
    CHECK_SHAPE(mx_int((int64_t)1 << 31), SCALAR_SHAPE, MX_INT64);
    CHECK_SHAPE(mx_bool(true), SCALAR_SHAPE, MX_BOOL);
    CHECK_SHAPE(mx_complex(1, 2), SCALAR_SHAPE, MX_COMPLEX64);
    CHECK_SHAPE(mx_scalar(1.5, MX_BFLOAT16), SCALAR_SHAPE, MX_BFLOAT16);
    CHECK_VALUES(mx_scalar(1.5, MX_BFLOAT16), 0, 1.5);
    CHECK_VALUES(mx_scalar_int(-1, MX_INT8), 0, -1);
    CHECK(mx_value_int(mx_int(INT64_MIN)) == INT64_MIN);
}

/* A writable view keeps its memory: nothing is donated from it while it lives. */
TEST(exported_memory_is_not_donated)
{
    const int64_t *strides;
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scope_close(s, mx_add(vector(4, 1), vector(4, 1)));
    CHECK(mx_eval(x));
    float *data = mx_export(x, &strides);
    s = mx_scope_open();
    mx_array *y = mx_scope_close(s, mx_add(x, x));
    mx_drop(mx_keep(x));
    CHECK(mx_eval(y));
    CHECK(data && data[0] == 2 && data[3] == 8 && strides[0] == 1);
    CHECK_VALUES(y, 0, 4, 8, 12, 16);
    mx_unexport(x);
    mx_drop(x);
    mx_drop(y);
}

/* ---- Memory */
TEST(memory_is_counted_and_cached)
{
    size_t before = mx_get_active_memory();
    mx_clear_cache();
    CHECK(mx_get_cache_memory() == 0);
    mx_reset_peak_memory();
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(1 << 20), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_nbytes(x) == (size_t)4 << 20);
    CHECK(mx_get_active_memory() - before >= (size_t)4 << 20);
    CHECK(mx_get_peak_memory() >= mx_get_active_memory());
    mx_scope_close(s, NULL);
    CHECK(mx_get_active_memory() == before && mx_get_cache_memory() >= (size_t)4 << 20);
    size_t limit = mx_set_cache_limit(1000);
    CHECK(mx_get_cache_memory() <= 1000);
    CHECK(mx_set_cache_limit(limit) == 1000);
    limit = mx_set_memory_limit(1 << 30);
    CHECK(mx_set_memory_limit(limit) == 1 << 30 && mx_get_memory_limit() == limit);
}

TEST(an_impossible_allocation_is_a_memory_error)
{
    size_t capacity;
    CHECK_CODE(block_alloc((size_t)1 << 47, &capacity), MX_MEMORY, "[memory]");
    CHECK_CODE(mx_alloc(SIZE_MAX / 2, 4), MX_MEMORY, "[memory]");
    CHECK_CODE(mx_resize(NULL, SIZE_MAX, 2), MX_MEMORY, "[memory]");
}
