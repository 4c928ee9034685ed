/* SPDX-License-Identifier: MIT
 *
 * Hostile arguments for the calls of mica.h that do not make arrays from arrays: transforms, traces, evaluation and
 * reading, streams and devices, tables and files.  The rule is test_hostile.c's: a result and no error, or none and one
 * error that begins with a name in brackets; nothing leaks; the process goes on. */
#include "check.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void rule(bool ok, const char *what, int64_t seed, int line)
{
    mx_error_info e = mx_error();
    bool failed = e.code != MX_OK;
    check_that(failed != ok && (ok || (e.message[0] == '[' && strchr(e.message, ']'))), __FILE__, line,
               "%s, seed %lld: %s, error %d: %s", what, (long long)seed, ok ? "works" : "fails", (int)e.code,
               e.message);
}
/* Fails or works, by the rule. */
#define RULE(call) rule((call), #call, 0, __LINE__)
#define RULE_SEED(call, seed) rule((call), #call, seed, __LINE__)
/* Must fail, by the rule. */
#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        bool done = (call);                                                                                            \
        CHECK(!done);                                                                                                  \
        rule(done, #call, 0, __LINE__);                                                                                \
    } while (0)

/* ---- Transforms */
/* What a function may do instead of its work. */
typedef enum deed {
    DEED_SQUARE,
    DEED_SUM,
    DEED_FAIL,
    DEED_FAIL_SILENTLY,
    DEED_NOTHING,
    DEED_NULL,
    DEED_INPUT,
    DEED_CONSTANT,
    DEED_INTEGER,
    DEED_COMPLEX,
    DEED_ERROR_BUT_TRUE,
    DEED_EVAL,
    DEED_READ,
    DEED_AGAIN,
    DEED_COUNT
} deed;

static bool hostile_fn(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    deed d = *(const deed *)ctx;
    mx_array *x = nin > 0 ? in[0] : mx_float(2);
    if (d == DEED_FAIL) return mx_fail_false(MX_VALUE, "[hostile_fn] fails");
    if (d == DEED_FAIL_SILENTLY) return false;
    if (d == DEED_NOTHING) return true;
    if (d == DEED_ERROR_BUT_TRUE) mx_fail(MX_VALUE, "[hostile_fn] fails, says it does not");
    if (d == DEED_READ) (void)mx_value(x);
    if (d == DEED_EVAL && !mx_eval(mx_exp(x))) return false;
    for (int i = 0; i < nout; i++) {
        switch (d) {
        case DEED_NULL: out[i] = NULL; break;
        case DEED_INPUT: out[i] = x; break;
        case DEED_CONSTANT: out[i] = mx_float(3); break;
        case DEED_INTEGER: out[i] = mx_astype(mx_sum(x, ALL_AXES, false), MX_INT32); break;
        case DEED_COMPLEX: out[i] = mx_sum(mx_astype(x, MX_COMPLEX64), ALL_AXES, false); break;
        case DEED_SUM: out[i] = mx_sum(mx_mul(x, x), ALL_AXES, false); break;
        case DEED_AGAIN: { /* the gradient of itself */
            deed sum = DEED_SUM;
            mx_array *value = NULL, *grad = NULL;
            if (!mx_value_and_grad(hostile_fn, &sum, &x, 1, &value, &grad)) return false;
            out[i] = mx_sum(grad, ALL_AXES, false);
            break;
        }
        default: out[i] = mx_mul(x, x);
        }
    }
    return true;
}

/* Arguments number `seed`: right ones, NULL, of other shapes and dtypes, empty, in the wrong order. */
static mx_array *argument(int64_t seed)
{
    switch (seed % 8) {
    case 0:
    case 1: return check_random(MX_SHAPE(2, 3), MX_FLOAT32, -1, 1, 7);
    case 2: return mx_float(2);
    case 3: return NULL;
    case 4: return mx_zeros(MX_SHAPE(0, 3), MX_FLOAT32);
    case 5: return mx_int(3);
    case 6: return mx_broadcast_to(mx_float(1), MX_SHAPE((int64_t)1 << 40, (int64_t)1 << 18));
    default: return check_random(MX_SHAPE(3, 2), MX_FLOAT16, -1, 1, 8);
    }
}

enum { MOST = 3 };

static bool works(bool ok, mx_array *const *arrays, int count)
{
    for (int i = 0; i < count && ok; i++) {
        ok &= arrays[i] != NULL;
        if (ok && mx_size(arrays[i]) < 100) ok &= mx_eval(arrays[i]);
    }
    return ok;
}

static void transform(int64_t seed, deed d)
{
    static const int axes[] = {0, -1, 1, MX_UNMAPPED, 5, -7, INT_MAX, INT_MIN};
    mx_array *in[MOST], *with[MOST], *out[MOST] = {NULL}, *second[MOST] = {NULL};
    int in_axes[MOST], out_axes[MOST], nin = (int)(seed % 5) - 1, nout = (int)(seed / 5 % 5) - 1;
    for (int i = 0; i < MOST; i++) {
        in[i] = argument(seed / 7 + i * (seed % 3)), with[i] = argument(seed / 3 + i);
        in_axes[i] = axes[(seed + i) % 8], out_axes[i] = axes[(seed / 8 + i) % 8];
    }
    (void)mx_error();
    bool no_list = seed % 29 == 0;
    mx_array *const *list = no_list ? NULL : in;
    mx_fn fn = seed % 31 == 0 ? NULL : hostile_fn;
    switch (seed % 4) {
    case 0: RULE_SEED(works(mx_value_and_grad(fn, &d, list, nin, out, second), second, nin), seed * 100 + d); break;
    case 1: RULE_SEED(works(mx_vjp(fn, &d, list, nin, with, nout, out, second), second, nin), seed * 100 + d); break;
    case 2: RULE_SEED(works(mx_jvp(fn, &d, list, with, nin, out, second, nout), second, nout), seed * 100 + d); break;
    default: RULE_SEED(works(mx_vmap(fn, &d, list, in_axes, nin, out, out_axes, nout), out, nout), seed * 100 + d);
    }
}

TEST(hostile_functions_in_transforms)
{
    int64_t seeds = check_is_full() ? 20000 : 600;
    for (int64_t seed = 0; seed < seeds; seed++) {
        for (deed d = 0; d < DEED_COUNT; d++) {
            mx_scope s = mx_scope_open();
            transform(seed, d);
            mx_scope_close(s, NULL);
        }
    }
}

TEST(hostile_traces)
{
    mx_array *x = check_random(MX_SHAPE(2, 3), MX_FLOAT32, -1, 1, 7), *traced[2] = {NULL}, *got[2] = {NULL};
    mx_trace *none = NULL, *t;
    mx_trace_end(&none);
    REFUSED(mx_trace_begin(NULL, 1, traced) != NULL);
    REFUSED(mx_trace_begin(&x, -1, traced) != NULL);
    REFUSED(mx_trace_begin(&(mx_array *){NULL}, 1, traced) != NULL);
    REFUSED(mx_trace_begin_batched(&x, (const int[]){9}, 1, traced) != NULL);
    REFUSED(mx_trace_vjp(NULL, &x, &x, 1, got));
    REFUSED(mx_trace_jvp(NULL, &x, &x, 1, got));
    REFUSED(mx_trace_vmap(NULL, &x, (const int[]){0}, 1, got));
    t = mx_trace_begin(&x, 1, traced);
    RULE(mx_eval(mx_exp(traced[0])));
    REFUSED(
        mx_trace_vjp(t, (mx_array *[]){mx_exp(traced[0])}, (mx_array *[]){mx_zeros(MX_SHAPE(5), MX_FLOAT32)}, 1, got));
    REFUSED(mx_trace_vjp(t, &(mx_array *){NULL}, &x, 1, got));
    RULE(mx_trace_vjp(t, &x, &x, 1, got)); /* an output that is no function of the inputs */
    mx_trace_end(&t);
    CHECK(t == NULL);
    RULE(mx_eval(traced[0])); /* after its trace's end */
    t = mx_trace_begin_batched(&x, (const int[]){0}, 1, traced);
    REFUSED(mx_eval(mx_exp(traced[0])));
    REFUSED(mx_trace_vmap(t, traced, NULL, 1, got));
    mx_trace_end(&t);
    REFUSED(mx_eval(traced[0]));
}

/* ---- Evaluation and reading */
TEST(hostile_evaluation_and_reading)
{
    mx_array *x = check_random(MX_SHAPE(2, 3), MX_FLOAT32, -1, 1, 7), *none = NULL;
    float room[6];
    REFUSED(mx_eval(NULL));
    REFUSED(mx_eval_n(&none, 1));
    REFUSED(mx_eval_n(NULL, 2));
    REFUSED(mx_eval_n(&x, -1));
    REFUSED(mx_async_eval_n(&none, 1));
    RULE(mx_eval_n(NULL, 0));
    REFUSED(mx_read(NULL, room, sizeof room));
    REFUSED(mx_read(x, NULL, sizeof room));
    REFUSED(mx_read(x, room, sizeof room - 1));
    REFUSED(mx_read(x, room, SIZE_MAX));
    (void)mx_value(x);
    REFUSED(!mx_failed());
    (void)mx_value_int(NULL);
    REFUSED(!mx_failed());
    REFUSED(mx_value_complex(x, room, room + 1));
    REFUSED(mx_value_complex(mx_float(1), NULL, NULL));
    REFUSED(mx_data(NULL) != NULL);
    REFUSED(mx_data(mx_transpose(x, ALL_AXES)) != NULL);
    RULE(mx_data_strided(mx_transpose(x, ALL_AXES), NULL) != NULL);
    REFUSED(mx_export(NULL, NULL) != NULL);
    mx_unexport(NULL);
    REFUSED(mx_from_data(NULL, MX_SHAPE(2), MX_FLOAT32) != NULL);
    REFUSED(mx_from_data(room, (mx_shape){-1, NULL}, MX_FLOAT32) != NULL);
    REFUSED(mx_from_data(room, MX_SHAPE(-2), MX_FLOAT32) != NULL);
    REFUSED(mx_from_data(room, MX_SHAPE(INT64_MAX, INT64_MAX), MX_FLOAT32) != NULL);
    REFUSED(mx_from_data(room, MX_SHAPE(1), (mx_dtype)99) != NULL);
    REFUSED(mx_from_foreign(NULL, MX_SHAPE(2), MX_FLOAT32, NULL, NULL) != NULL);
    REFUSED(mx_to_text(NULL, -1) != NULL);
    for (int precision = -3; precision < 40; precision += 7) {
        char *text = mx_to_text(x, precision);
        RULE(text != NULL);
        mx_free_text(text);
    }
    mx_free_text(NULL);
    REFUSED(mx_dim(x, 2) >= 0);
    REFUSED(mx_dim(x, INT_MIN) >= 0);
    CHECK(mx_ndim(NULL) == 0 && mx_size(NULL) == 0 && mx_nbytes(NULL) == 0 && mx_stream_of(NULL) == NULL);
    CHECK(mx_op_name(NULL)[0] == 0 && !mx_is_tracer(NULL) && !mx_is_available(NULL));
    (void)mx_error();
    mx_drop(NULL), mx_drop_n(NULL, 0), mx_drop_n(&none, 1), mx_keep(NULL), mx_temporary(NULL);
}

/* ---- Streams and devices */
TEST(hostile_streams_and_devices)
{
    static const int types[] = {MX_CPU, MX_GPU, 2, -1, INT_MAX, INT_MIN}, indices[] = {0, 1, -1, 99, INT_MAX, INT_MIN};
    mx_device before = mx_default_device();
    for (size_t i = 0; i < 36; i++) {
        mx_device d = {(mx_device_type)types[i / 6], indices[i % 6]};
        bool there = mx_device_available(d);
        mx_device_fact fact;
        (void)mx_error();
        RULE(mx_default_stream(d) != NULL);
        if (!there) REFUSED(mx_new_stream(d) != NULL);
        RULE(mx_set_default_device(d));
        mx_set_default_device(before);
        (void)mx_device_count(d.type), (void)mx_error();
        for (size_t k = 0; k < 6; k++) {
            bool found = mx_device_info(d, indices[k], &fact);
            if (!there && found) CHECK(fact.name != NULL);
            (void)mx_error(); /* none, or "no such device" */
        }
        CHECK(mx_stream_by_index(indices[i % 6] > 1 ? indices[i % 6] : -1) == NULL);
        (void)mx_error();
    }
    (void)mx_stream_device(NULL), (void)mx_stream_index(NULL), (void)mx_error();
    RULE(mx_set_default_stream(NULL));
    mx_use_stream(mx_use_stream(NULL));
    RULE(mx_synchronize(NULL));
}

/* ---- Tables and files */
TEST(hostile_tables)
{
    static const int indices[] = {-1, 0, 1, 2, INT_MAX, INT_MIN};
    mx_array *x = mx_float(1);
    mx_table *t = mx_table_new(), *none = NULL;
    mx_table_free(&none), mx_table_free(NULL);
    REFUSED(mx_table_put(NULL, "a", x));
    REFUSED(mx_table_put(t, NULL, x));
    REFUSED(mx_table_put(t, "a", NULL));
    REFUSED(mx_table_put_text(t, NULL, "b"));
    REFUSED(mx_table_put_text(t, "a", NULL));
    REFUSED(mx_table_put_text(NULL, "a", "b"));
    RULE(mx_table_put(t, "", x));
    RULE(mx_table_put(t, "a", x));
    RULE(mx_table_put(t, "a", x)); /* again */
    REFUSED(mx_table_get(t, "missing") != NULL);
    REFUSED(mx_table_get(t, NULL) != NULL);
    REFUSED(mx_table_get(NULL, "a") != NULL);
    for (size_t i = 0; i < 6; i++) {
        bool inside = indices[i] >= 0 && indices[i] < mx_table_count(t);
        CHECK((mx_table_value(t, indices[i]) != NULL) == inside);
        CHECK((mx_table_name(t, indices[i]) != NULL) == inside);
        CHECK(mx_table_text(t, indices[i]) == NULL && mx_table_text_name(t, indices[i]) == NULL);
        CHECK(mx_table_value(NULL, indices[i]) == NULL && mx_table_name(NULL, indices[i]) == NULL);
        (void)mx_error();
    }
    CHECK(mx_table_count(NULL) == 0 && mx_table_text_count(NULL) == 0);
    (void)mx_error();
    mx_table_free(&t);
    CHECK(t == NULL);
}

static void hostile_path(const char *path, const mx_table *t, mx_array *x)
{
    mx_table *back;
    RULE(mx_save_npy(path, x));
    RULE(mx_save_npz(path, t, true));
    RULE(mx_save_npz(path, t, false));
    RULE(mx_save_safetensors(path, t));
    mx_array *y = mx_load_npy(path);
    RULE(y && mx_eval(y));
    back = mx_load_npz(path), RULE(back != NULL), mx_table_free(&back);
    back = mx_load_safetensors(path), RULE(back != NULL), mx_table_free(&back);
}

TEST(hostile_paths)
{
    char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    mx_table *t = mx_table_new(), *empty = mx_table_new();
    mx_array *x = check_random(MX_SHAPE(300, 300), MX_FLOAT32, -1, 1, 7);
    mx_table_put(t, "x", x);
    const char *paths[] = {NULL,   "", "/", ".", "/nowhere/at/all", "/dev/null/x", "/dev/full", "/proc/self/nothing",
                           longest};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) hostile_path(paths[i], t, x);
    REFUSED(mx_save_npz("/tmp/never-written", NULL, false));
    REFUSED(mx_save_safetensors("/tmp/never-written", NULL));
    REFUSED(mx_save_npy("/tmp/never-written", NULL));
    CHECK(access("/tmp/never-written", F_OK) != 0);
    mx_table_free(&t), mx_table_free(&empty);
}

/* A stream that goes wrong at its n-th call, or that lacks a function. */
typedef struct bad_stream {
    int64_t at, size, calls, fails_at;
    char bytes[4096];
} bad_stream;

static bool goes_wrong(bad_stream *b)
{
    return b->calls++ >= b->fails_at;
}
static bool bad_read(void *ctx, void *to, size_t n)
{
    bad_stream *b = ctx;
    if (goes_wrong(b) || n > (size_t)(b->size - b->at)) return false;
    memcpy(to, b->bytes + b->at, n);
    b->at += (int64_t)n;
    return true;
}
static bool bad_write(void *ctx, const void *from, size_t n)
{
    bad_stream *b = ctx;
    if (goes_wrong(b) || n > sizeof b->bytes - (size_t)b->at) return false;
    memcpy(b->bytes + b->at, from, n);
    b->at += (int64_t)n;
    if (b->at > b->size) b->size = b->at;
    return true;
}
static bool bad_seek(void *ctx, int64_t offset, int whence)
{
    bad_stream *b = ctx;
    int64_t at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? b->at : b->size);
    if (goes_wrong(b) || at < 0 || at > b->size) return false;
    b->at = at;
    return true;
}
static int64_t bad_tell(void *ctx)
{
    bad_stream *b = ctx;
    return goes_wrong(b) ? INT64_MIN : b->at;
}

static bool save_to(int kind, const mx_stream_io *io, const mx_table *t)
{
    if (kind == 0) return mx_save_npy_to(io, mx_table_value(t, 0));
    return kind == 1 ? mx_save_npz_to(io, t, true) : mx_save_safetensors_to(io, t);
}
static bool load_from(int kind, const mx_stream_io *io)
{
    if (kind == 0) {
        mx_array *x = mx_load_npy_from(io);
        return x && mx_eval(x);
    }
    mx_table *t = kind == 1 ? mx_load_npz_from(io) : mx_load_safetensors_from(io);
    bool ok = t && mx_eval(mx_table_value(t, 0));
    mx_table_free(&t);
    return ok;
}

TEST(hostile_stream_callbacks)
{
    mx_table *t = mx_table_new();
    mx_table_put(t, "x", check_random(MX_SHAPE(5, 7), MX_FLOAT32, -1, 1, 7));
    for (int kind = 0; kind < 3; kind++) {
        bad_stream good = {.fails_at = INT64_MAX};
        mx_stream_io io = {&good, bad_read, bad_write, bad_seek, bad_tell, NULL};
        bool saved = save_to(kind, &io, t);
        RULE_SEED(saved, kind);
        for (int64_t n = 0; n < 40; n++) {
            bad_stream b = good;
            mx_stream_io one = io;
            one.ctx = &b;
            b.calls = 0, b.fails_at = n, b.at = b.size = 0;
            RULE_SEED(save_to(kind, &one, t), n);
            b = good;
            b.calls = 0, b.fails_at = n, b.at = 0;
            RULE_SEED(load_from(kind, &one), n);
        }
        for (int lacks = 0; lacks < 4; lacks++) {
            mx_stream_io one = io;
            good.at = 0;
            if (lacks == 0) one.read = NULL;
            if (lacks == 1) one.write = NULL;
            if (lacks == 2) one.seek = NULL;
            if (lacks == 3) one.tell = NULL;
            RULE_SEED(load_from(kind, &one), lacks);
            bad_stream b = {.fails_at = INT64_MAX};
            one.ctx = &b;
            RULE_SEED(save_to(kind, &one, t), lacks);
        }
        REFUSED(save_to(kind, NULL, t));
        REFUSED(load_from(kind, NULL));
    }
    mx_table_free(&t);
}
