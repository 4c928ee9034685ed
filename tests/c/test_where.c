/* SPDX-License-Identifier: MIT
 *
 * MICA_TRACE=where: errors of an evaluation name the line that made the node. */
#include "check.h"
#include "core/array.h"
#include "core/where.h"
#include <stdio.h>
#include <string.h>

enum { MANY = 5000 };

static bool place(char *text, size_t size)
{
    static const char line[] = "model.c:12";
    return snprintf(text, size, "%s", line) > 0;
}

static bool nowhere(char *text, size_t size)
{
    (void)text, (void)size;
    return false;
}

/* Makes 0 / 0 with the locator and returns the error of evaluating it. */
static const char *error_of_nan(mx_locate_fn locate)
{
    bool check_nan = runtime.check_nan, trace_where = runtime.trace_where;
    runtime.check_nan = runtime.trace_where = true;
    mx_set_locator(locate);
    mx_array *zero = mx_scalar(0, MX_FLOAT32), *bad = mx_div(zero, zero), *y = mx_sum(bad, ALL_AXES, false);
    mx_set_locator(NULL);
    bool failed = !mx_eval(y) && array_state(y) == STATE_FAILED;
    runtime.check_nan = check_nan;
    const char *message = mx_error().message;
    runtime.trace_where = trace_where;
    return failed ? message : "no failure";
}

TEST(an_error_says_where_its_node_was_made)
{
    const char *message = error_of_nan(place);
    check_that(strstr(message, "[divide] made a NaN") && strstr(message, "\n  made at model.c:12"), __FILE__, __LINE__,
               "%s", message);
    message = error_of_nan(nowhere);
    check_that(strstr(message, "[divide] made a NaN") && !strstr(message, "made at"), __FILE__, __LINE__, "%s",
               message);
    message = error_of_nan(NULL);
    check_that(strstr(message, "[divide] made a NaN") && !strstr(message, "made at"), __FILE__, __LINE__, "%s",
               message);
}

/* The table grows and forgets with the nodes: a leak would be one of the test. */
TEST(lines_of_many_nodes_are_forgotten_with_them)
{
    bool trace_where = runtime.trace_where;
    runtime.trace_where = true;
    mx_set_locator(place);
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1), *y = x;
    size_t before = runtime.where ? runtime.where->count : 0;
    for (int i = 0; i < MANY; i++) y = mx_add(y, x);
    CHECK(runtime.where && runtime.where->count >= before + MANY);
    mx_scope_close(s, NULL);
    CHECK(runtime.where->count <= before);
    mx_set_locator(NULL);
    runtime.trace_where = trace_where;
}
