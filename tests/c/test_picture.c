/* SPDX-License-Identifier: MIT
 *
 * Graphs as text and pictures. */
#include "check.h"
#include "core/array.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; p && (p = strstr(p, part)); p += strlen(part)) n++;
    return n;
}

TEST(a_graph_is_written_for_graphviz_as_mlx_writes_it)
{
    static const char want[] =
        "digraph {\n{ rank=source; \"x\"; }\n{ rank=source; \"B\"; }\n"
        "{ 0 [label =\"add\", shape=rectangle]; }\n\"x\" -> 0\n\"B\" -> 0\n{ \"C\"; }\n0 -> \"C\"\n"
        "{ 1 [label =\"multiply\", shape=rectangle]; }\n\"C\" -> 1\n\"C\" -> 1\n"
        "{ rank=sink; \"D\"; }\n1 -> \"D\"\n}\n";
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1), *sum = mx_add(x, mx_float(2));
    mx_array *y = mx_mul(sum, sum);
    mx_namer *names = mx_namer_new();
    CHECK(mx_namer_set(names, x, "x"));
    char *text = mx_graph_text(&y, 1, names, MX_GRAPH_DOT);
    check_that(text && strcmp(text, want) == 0, __FILE__, __LINE__, "%s", text);
    CHECK(strcmp(mx_namer_get(names, y), "D") == 0);
    mx_free_text(text);
    mx_namer_free(&names);
    CHECK(!names);
}

TEST(a_list_of_a_graph_shows_types_parameters_and_numbers)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, 1, 2, 1);
    mx_array *y = mx_sum(mx_mul(x, mx_float(2.5)), AXES(1), false);
    char *text = mx_graph_text(&y, 1, NULL, MX_GRAPH_LIST);
    CHECK(has(text, "A: float32 (2,3)\n"));
    CHECK(has(text, "C: float32 (2,3) = multiply(A, 2.5)\n"));
    CHECK(has(text, "D: float32 (2) = sum(C"));
    mx_free_text(text);
    CHECK(mx_eval(y)); /* what is computed is a leaf */
    text = mx_graph_text(&y, 1, NULL, MX_GRAPH_LIST);
    CHECK(text && strcmp(text, "A: float32 (2)\n") == 0);
    mx_free_text(text);
}

TEST(a_picture_has_a_box_for_each_op_and_escapes_names)
{
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1), *y = mx_exp(mx_sin(x));
    mx_namer *names = mx_namer_new();
    CHECK(mx_namer_set(names, x, "<a&\"b\">\n"));
    char *text = mx_graph_text(&y, 1, names, MX_GRAPH_SVG);
    CHECK(has(text, "<svg xmlns") && has(text, "</svg>\n"));
    CHECK(has(text, "&lt;a&amp;&quot;b&quot;&gt;?") && !has(text, "<a&"));
    CHECK(has(text, "= sin(") && has(text, "= exp("));
    mx_free_text(text);
    text = mx_graph_text(&y, 1, names, MX_GRAPH_DOT);
    CHECK(has(text, "\"<a&\\\"b\\\">\n\""));
    mx_free_text(text);
    mx_namer_free(&names);
}

/* A reader outside of the group comes after, and the group's ops share a box. */
TEST(ops_that_run_as_one_share_a_box)
{
    mx_array *x = check_random(SHAPE(5), MX_FLOAT32, 1, 2, 1);
    mx_array *y = mx_cumsum(mx_exp(mx_sin(x)), 0, false, true);
    char *text = mx_graph_text(&y, 1, NULL, MX_GRAPH_SVG);
    bool groups = runtime.fuse && mx_stream_of(y)->backend->role;
    CHECK(count_of(text, "class=\"group\"") == groups && count_of(text, "class=\"op\"") == (groups ? 1 : 3));
    CHECK(array_state(y) == STATE_LAZY); /* and all is as it was */
    mx_free_text(text);
    CHECK(mx_eval(y));
}

TEST(graphs_of_nothing_of_leaves_and_of_many_ops)
{
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1), *y = x;
    for (int format = MX_GRAPH_DOT; format <= MX_GRAPH_LIST; format++) {
        char *text = mx_graph_text(NULL, 0, NULL, (mx_graph_format)format);
        CHECK(text);
        mx_free_text(text);
        CHECK(text = mx_graph_text(&x, 1, NULL, (mx_graph_format)format));
        mx_free_text(text);
    }
    for (int i = 0; i < 700; i++) y = mx_add(mx_sin(y), x);
    char *text = mx_graph_text(&y, 1, NULL, MX_GRAPH_SVG);
    CHECK(count_of(text, "= sin(") == 700 && count_of(text, "= add(") == 700);
    mx_free_text(text);
    CHECK(text = mx_graph_text(&y, 1, NULL, MX_GRAPH_DOT));
    CHECK(count_of(text, "label") == 1400 && has(text, "\"AAA\""));
    mx_free_text(text);
}

static bool draw_inside(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    out[0] = mx_sin(in[0]);
    *(char **)ctx = mx_graph_text(out, 1, NULL, MX_GRAPH_SVG);
    return out[0] && *(char **)ctx;
}

TEST(placeholders_are_leaves_of_a_picture)
{
    mx_array *x = check_random(SHAPE(3, 2), MX_FLOAT32, 1, 2, 1), *y;
    char *text = NULL;
    CHECK(mx_vmap(draw_inside, &text, &x, (const int[]){0}, 1, &y, (const int[]){0}, 1));
    CHECK(has(text, "= sin(A)") && has(text, "float32 (2)"));
    mx_free_text(text);
}

TEST(pictures_name_what_is_wrong)
{
    mx_array *x = mx_float(1), *none = NULL;
    CHECK_CODE(mx_graph_text(&none, 1, NULL, MX_GRAPH_DOT), MX_VALUE, "[export_to_dot]");
    CHECK_CODE(mx_graph_text(&x, 1, NULL, (mx_graph_format)7), MX_VALUE, "[graph_text] there is no format 7");
    CHECK_CODE(mx_export_to_dot(NULL, &x, 1, NULL), MX_VALUE, "[export_to_dot] the path is NULL");
    CHECK_CODE(mx_export_to_dot("no/such/folder/x.dot", &x, 1, NULL), MX_RUNTIME, "[export_to_dot] Failed to open");
    CHECK_CODE(mx_namer_set(NULL, x, "x"), MX_VALUE, "[namer] the namer is NULL");
    CHECK_CODE(mx_namer_get(NULL, x), MX_VALUE, "[namer] the namer is NULL");
    mx_namer *names = mx_namer_new();
    CHECK_CODE(mx_namer_set(names, x, NULL), MX_VALUE, "[namer] the name is NULL");
    CHECK_CODE(mx_namer_get(names, NULL), MX_VALUE, "[namer]");
    mx_namer_free(&names);
    mx_namer_free(NULL);
}

/* The graph lock keeps a walk and evaluations apart (ThreadSanitizer looks on). */
static void *draw_often(void *array)
{
    mx_array *y = array;
    for (int i = 0; i < 50; i++) mx_free_text(mx_graph_text(&y, 1, NULL, MX_GRAPH_LIST));
    return NULL;
}

TEST(a_graph_can_be_drawn_while_it_is_evaluated)
{
    mx_array *x = check_random(SHAPE(100), MX_FLOAT32, 1, 2, 1), *y = x;
    pthread_t thread;
    for (int i = 0; i < 200; i++) y = mx_add(mx_sin(y), x);
    CHECK(pthread_create(&thread, NULL, draw_often, y) == 0);
    CHECK(mx_eval(y));
    pthread_join(thread, NULL);
}

/* Each allocation fails once: an error, nothing lost, and the next try succeeds. */
TEST(a_picture_without_memory_is_an_error)
{
    mx_array *x = check_random(SHAPE(4, 4), MX_FLOAT32, 1, 2, 1), *y = mx_matmul(mx_exp(mx_sin(x)), x);
    for (int format = MX_GRAPH_DOT; format <= MX_GRAPH_LIST; format++) {
        char *text = NULL;
        for (int n = 1; n < 1000 && !text; n++) {
            memory_fail_at(n, false);
            text = mx_graph_text(&y, 1, NULL, (mx_graph_format)format);
            memory_fail_at(0, false);
            if (!text) CHECK(mx_error().code == MX_MEMORY);
        }
        CHECK(text);
        mx_free_text(text);
    }
    CHECK(mx_eval(y));
}
