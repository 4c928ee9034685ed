/* SPDX-License-Identifier: MIT
 *
 * The profiler: what it counts, its table and its trace, and what goes wrong. */
#include "check.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const mx_profile_row *row_named(const mx_profile *p, const char *start)
{
    const mx_profile_row *rows = mx_profile_rows(p);
    for (int i = 0; i < mx_profile_count(p); i++) {
        if (strncmp(rows[i].name, start, strlen(start)) == 0) return &rows[i];
    }
    return NULL;
}

static mx_array *ready(int64_t rows, int64_t columns)
{
    mx_array *x = check_random(SHAPE(rows, columns), MX_FLOAT32, 1, 2, 1);
    CHECK(mx_eval(x));
    return x;
}

TEST(a_profile_counts_ops_bytes_and_flops)
{
    mx_array *a = ready(8, 16), *b = ready(16, 4), *row = ready(1, 4);
    CHECK(mx_profile_begin());
    for (int i = 0; i < 3; i++) CHECK(mx_eval(mx_matmul(a, b)));
    CHECK(mx_eval(mx_cumsum(mx_broadcast_to(row, SHAPE(8, 4)), 0, false, true)));
    mx_profile *p = mx_profile_end();
    CHECK(p && mx_profile_count(p) >= 2);
    const mx_profile_row *product = row_named(p, "matmul"), *scan = row_named(p, "scan");
    CHECK(product && product->count == 3 && !product->is_range && product->device == mx_default_device().type);
    CHECK(product && product->flops == 3 * 2 * 8 * 16 * 4 && product->bytes == 3 * 4 * (8 * 16 + 16 * 4 + 8 * 4));
    CHECK(product && product->ms >= 0);
    CHECK(scan && scan->count == 1 && scan->flops == 0);
    CHECK(scan && scan->bytes == 4 * (4 + 8 * 4)); /* a broadcast axis is read once */
    mx_profile_free(&p);
    CHECK(!p);
}

/* A GPU runs a group as one when its kernel is compiled, node by node meanwhile. */
TEST(a_profile_names_groups)
{
    mx_array *x = ready(8, 16);
    CHECK(mx_profile_begin());
    CHECK(mx_eval(mx_tanh(mx_add(mx_mul(x, x), x))));
    mx_profile *p = mx_profile_end();
    const mx_profile_row *group = row_named(p, "multiply+add+tanh (3 ops)"), *last = row_named(p, "tanh");
    bool groups = runtime.fuse && mx_default_device().type == MX_CPU;
    CHECK(groups ? group && !last : group || last);
    const mx_profile_row *row = group ? group : last;
    CHECK(row && row->count == 1 && row->bytes == 4 * 2 * 8 * 16); /* one operand, one result */
    mx_profile_free(&p);
}

/* The event of that name in the trace. */
static json_t *event_named(json_t *trace, const char *name)
{
    json_t *events = json_object_get(trace, "traceEvents");
    for (size_t i = 0; i < json_array_size(events); i++) {
        json_t *e = json_array_get(events, i);
        const char *text = json_string_value(json_object_get(e, "name"));
        if (text && strcmp(text, name) == 0) return e;
    }
    return NULL;
}

static double number(json_t *event, const char *key)
{
    json_t *value = json_object_get(event, key);
    CHECK(json_is_number(value));
    return json_number_value(value);
}

TEST(a_trace_is_json_with_ranges_around_their_ops)
{
    mx_array *x = ready(64, 64);
    mx_range early = mx_range_begin();
    CHECK(mx_profile_begin());
    mx_range step = mx_range_begin(), inner = mx_range_begin();
    CHECK(mx_eval(mx_sin(x)));
    mx_range_end(inner, "inner \"one\"\n");
    mx_range_end(step, "step");
    mx_range_end(early, "begun before");
    mx_range late = mx_range_begin();
    mx_profile *p = mx_profile_end();
    mx_range_end(late, "ended after");
    char *text = mx_profile_trace(p);
    json_t *trace = text ? json_loads(text, 0, NULL) : NULL;
    CHECK(trace);
    json_t *op = event_named(trace, "sin"), *range = event_named(trace, "step");
    CHECK(event_named(trace, "inner \"one\"\n") && event_named(trace, "process_name") &&
          event_named(trace, "thread_name"));
    CHECK(!event_named(trace, "begun before") && !event_named(trace, "ended after"));
    bool on_cpu = mx_default_device().type == MX_CPU;
    if (on_cpu && CHECK(op && range)) {
        CHECK(number(op, "ts") >= number(range, "ts"));
        CHECK(number(op, "ts") + number(op, "dur") <= number(range, "ts") + number(range, "dur") + 0.002);
        CHECK(number(op, "tid") == number(range, "tid"));
    }
    CHECK(strcmp(json_string_value(json_object_get(json_object_get(op, "args"), "result")), "float32 (64,64)") == 0);
    json_decref(trace);
    mx_free_text(text);
    text = mx_profile_table(p);
    CHECK(text && strstr(text, "sin ") && strstr(text, "step ") && strstr(text, "GFLOP/s"));
    mx_free_text(text);
    mx_profile_free(&p);
}

TEST(a_profile_of_nothing_and_wrong_calls)
{
    mx_profile *p;
    CHECK_CODE(mx_profile_end(), MX_RUNTIME, "[profiler] no profile is being recorded");
    CHECK(mx_profile_begin());
    CHECK_CODE(mx_profile_begin(), MX_RUNTIME, "[profiler] a profile is being recorded already");
    CHECK(p = mx_profile_end());
    CHECK(mx_profile_count(p) == 0);
    char *table = mx_profile_table(p), *trace = mx_profile_trace(p);
    json_t *json = trace ? json_loads(trace, 0, NULL) : NULL;
    CHECK(table && json);
    json_decref(json);
    mx_free_text(table);
    mx_free_text(trace);
    CHECK_CODE(mx_profile_save(p, "no/such/folder/trace.json"), MX_RUNTIME, "[profiler] Failed to open");
    CHECK_CODE(mx_profile_save(p, NULL), MX_VALUE, "[profiler] the path is NULL");
    CHECK_CODE(mx_profile_save(NULL, "trace.json"), MX_VALUE, "[profiler] the profile is NULL");
    CHECK_CODE(mx_profile_table(NULL), MX_VALUE, "[profiler] the profile is NULL");
    CHECK(mx_profile_count(NULL) == 0 && !mx_profile_rows(NULL));
    mx_profile_free(&p);
    mx_profile_free(NULL);
}

TEST(a_failed_op_is_not_in_the_profile)
{
    mx_array *zero = mx_sub(ready(2, 2), ready(2, 2));
    CHECK(mx_eval(zero));
    runtime.check_nan = true;
    CHECK(mx_profile_begin());
    CHECK_CODE(mx_eval(mx_exp(mx_div(zero, zero))), MX_RUNTIME, "[divide] made a NaN");
    runtime.check_nan = false;
    mx_profile *p = mx_profile_end();
    CHECK(p && !row_named(p, "exp "));
    mx_profile_free(&p);
}

enum { TIMES = 300 };

static void *evaluate_often(void *array)
{
    for (int i = 0; i < TIMES; i++) {
        mx_scope s = mx_scope_open();
        mx_range r = mx_range_begin();
        if (!mx_eval(mx_sin(array))) mx_error();
        mx_range_end(r, "turn");
        mx_scope_close(s, NULL);
    }
    return NULL;
}

/* Recording begins and ends while others run (ThreadSanitizer looks on). */
TEST(profiles_of_several_threads)
{
    mx_array *x = ready(4, 4);
    pthread_t threads[3];
    CHECK(mx_profile_begin());
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, evaluate_often, x) == 0);
    for (int i = 0; i < 20; i++) {
        mx_profile *part = mx_profile_end();
        CHECK(part);
        mx_profile_free(&part);
        CHECK(mx_profile_begin());
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    mx_profile *p = mx_profile_end();
    CHECK(p);
    mx_profile_free(&p);
    CHECK(mx_profile_begin());
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, evaluate_often, x) == 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    p = mx_profile_end();
    const mx_profile_row *op = row_named(p, "sin"), *range = row_named(p, "turn");
    CHECK(op && op->count == 3 * TIMES && range && range->count == 3 * TIMES && range->is_range);
    mx_profile_free(&p);
}

/* Each allocation fails once: the arrays are computed whatever becomes of the profile. */
TEST(a_profile_without_memory_is_an_error)
{
    mx_array *x = ready(4, 4);
    bool whole = false;
    for (int n = 1; n < 1000 && !whole; n++) {
        mx_scope s = mx_scope_open();
        mx_array *y = mx_sin(x);
        memory_fail_at(n, false);
        bool began = mx_profile_begin();
        mx_range r = mx_range_begin();
        bool computed = mx_eval(y);
        mx_range_end(r, "range");
        mx_profile *p = began ? mx_profile_end() : NULL;
        char *text = p ? mx_profile_trace(p) : NULL;
        memory_fail_at(0, false);
        whole = text && computed;
        CHECK(whole || mx_error().code == MX_MEMORY);
        mx_error();
        mx_free_text(text);
        mx_profile_free(&p);
        CHECK(mx_eval(y));
        mx_scope_close(s, NULL);
    }
    CHECK(whole);
}
