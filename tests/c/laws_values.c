/* SPDX-License-Identifier: MIT
 *
 * Laws on values: what comes out is what the reference says, has the shape that was promised, and does not depend on
 * how the inputs lie in memory or who owns them. */
#include "laws.h"
#include "core/array.h"
#include <stdlib.h>
#include <string.h>

/* ---- Cases */
bool case_is_big(const law_case *c)
{
    for (int i = 0; i < c->nin; i++) {
        if (c->in[i].size > BIG) return true;
    }
    return false;
}

bool case_is_special(const law_case *c)
{
    for (int i = 0; i < c->nin; i++) {
        if (c->sample->in[i].kind == INPUT_SPECIAL) return true;
    }
    return false;
}

double case_magnitude(const law_case *c)
{
    double most = 0;
    for (int i = 0; i < c->nin; i++) most = fmax(most, numbers_largest(&c->in[i]));
    return most;
}

void case_arrays(const law_case *c, const numbers *in, layout how, mx_array **out)
{
    for (int i = 0; i < SAMPLE_INPUTS; i++) out[i] = i < c->nin ? numbers_array(&in[i], how) : NULL;
}

static bool run_on(const law_case *c, mx_array *const *in, numbers *out)
{
    mx_scope s = mx_scope_open();
    mx_array *y = mx_scope_close(s, c->sample->apply(in));
    bool ok = numbers_read(y, out);
    mx_drop(y);
    return ok;
}

bool case_run(const law_case *c, const numbers *in, numbers *out)
{
    mx_array *arrays[SAMPLE_INPUTS];
    mx_scope s = mx_scope_open();
    case_arrays(c, in, ROW_MAJOR, arrays);
    bool ok = run_on(c, arrays, out);
    mx_scope_close(s, NULL);
    return ok;
}

mx_array *find_node(mx_array *x, const mx_op *op)
{
    enum { QUEUE = 4096 };
    mx_array *queue[QUEUE];
    int first = 0, last = 0;
    queue[last++] = array_lead(x);
    while (first < last) {
        mx_array *lead = queue[first++];
        if (lead->op == op) return lead;
        for (int i = 0; i < lead->nin && last < QUEUE; i++) queue[last++] = array_lead(lead->in[i]);
    }
    return NULL;
}

/* ---- Values */
/* The data of an evaluated array lies in its buffer, and its flag of contiguity is right. */
static bool check_memory(const law_case *c, mx_array *x)
{
    if (!x->buffer) return x->size == 0 || law_fail(c, "the evaluated array has no buffer");
    int64_t width = (int64_t)mx_dtype_size((mx_dtype)x->dtype), low = x->offset, high = x->offset, expected = 1;
    bool contiguous = true;
    if (x->size == 0) return true;
    for (int d = x->ndim - 1; d >= 0; d--) {
        int64_t reach = (x->shape[d] - 1) * x->strides[d] * width;
        *(reach < 0 ? &low : &high) += reach;
        contiguous &= x->shape[d] == 1 || x->strides[d] == expected;
        expected *= x->shape[d];
    }
    if (low < 0 || high + width > (int64_t)x->buffer->bytes) {
        return law_fail(c, "its elements are in bytes %lld to %lld of a buffer of %zu bytes", (long long)low,
                        (long long)(high + width), x->buffer->bytes);
    }
    if (contiguous == array_is_contiguous(x)) return true;
    return law_fail(c, "its flag of contiguity is %d, its strides say %d", array_is_contiguous(x), contiguous);
}

typedef struct node_facts {
    const mx_op *op;
    void *params;
    mx_array *lead, **in;
    int nin, nout;
} node_facts;

/* What evaluation takes from a node: kept, to be told to the reference. */
static node_facts keep_node(mx_array *lead)
{
    node_facts f = {.op = lead->op, .lead = lead, .nin = lead->nin, .nout = lead->nout};
    f.params = calloc(1, f.op->params_size + 1);
    memcpy(f.params, array_params(lead), f.op->params_size);
    params_keep(f.op, f.params);
    f.in = calloc((size_t)f.nin + 1, sizeof(mx_array *));
    for (int i = 0; i < f.nin; i++) f.in[i] = mx_keep(lead->in[i]);
    for (int i = 0; i < f.nout; i++) mx_keep(lead + i);
    return f;
}

static void drop_node(node_facts *f)
{
    for (int i = 0; i < f->nin; i++) mx_drop(f->in[i]);
    for (int i = 0; i < f->nout; i++) mx_drop(f->lead + i);
    params_drop(f->op, f->params);
    free(f->params);
    free(f->in);
}

static bool compare_outputs(const law_case *c, const node_facts *f, const numbers *want)
{
    char text[TEXT];
    bool ok = true;
    for (int i = 0; i < f->nout && ok; i++) {
        numbers got = {0};
        ok = numbers_read(f->lead + i, &got) || law_fail(c, "output %d cannot be read", i);
        ok = ok && check_memory(c, f->lead + i);
        if (ok && !numbers_near(&got, &want[i], c->sample->eps, text)) ok = law_fail(c, "output %d: %s", i, text);
        numbers_free(&got);
    }
    return ok;
}

static bool check_node(const law_case *c, node_facts *f)
{
    numbers in[64] = {{0}}, out[16] = {{0}};
    bool ok = f->nin <= 64 || law_fail(c, "more inputs than the harness holds");
    for (int i = 0; i < f->nin && ok; i++) {
        ok = numbers_read(f->in[i], &in[i]) || law_fail(c, "input %d of the node cannot be evaluated", i);
    }
    for (int i = 0; i < f->nout; i++) {
        mx_array *x = f->lead + i;
        out[i] = numbers_new(x->ndim, x->shape, (mx_dtype)x->dtype);
    }
    if (ok) {
        ref_call call = {.params = f->params, .in = in, .out = out, .nin = f->nin, .nout = f->nout};
        c->ref(&call);
        ok = compare_outputs(c, f, out);
    }
    for (int i = 0; i < f->nin && i < 64; i++) numbers_free(&in[i]);
    for (int i = 0; i < f->nout; i++) numbers_free(&out[i]);
    return ok;
}

/* A composed function: the reference sees what the function sees. */
static bool check_composed(const law_case *c, mx_array *y)
{
    char text[TEXT];
    numbers got = {0}, want = numbers_new(mx_ndim(y), mx_shape_of(y).at, mx_dtype_of(y));
    ref_call call = {.params = c->sample->params, .in = c->in, .out = &want, .nin = c->nin, .nout = 1};
    c->ref(&call);
    bool ok = numbers_read(y, &got) || law_fail(c, "it cannot be evaluated");
    ok = ok && check_memory(c, y);
    if (ok && !numbers_near(&got, &want, c->sample->eps, text)) ok = law_fail(c, "%s", text);
    numbers_free(&got);
    numbers_free(&want);
    return ok;
}

static bool check_expression(law_case *c, mx_array *y)
{
    if (!y) return law_fail(c, "the expression cannot be made");
    if (!c->op) return check_composed(c, y);
    mx_array *lead = find_node(y, c->op);
    if (!lead) return law_fail(c, "there is no %s in the graph of the sample", c->op->name);
    node_facts f = keep_node(lead);
    bool ok = check_node(c, &f);
    drop_node(&f);
    return ok;
}

/* Evaluated node by node and all at once: the same bits. */
bool law_values(law_case *c)
{
    char text[TEXT];
    mx_array *in[SAMPLE_INPUTS];
    numbers alone = {0}, at_once = {0};
    mx_scope s = mx_scope_open();
    case_arrays(c, c->in, ROW_MAJOR, in);
    mx_array *y = c->sample->apply(in);
    bool ok = check_expression(c, y);
    ok = ok && (numbers_read(y, &alone) || law_fail(c, "the expression cannot be evaluated"));
    mx_scope_close(s, NULL);
    ok = ok && (case_run(c, c->in, &at_once) || law_fail(c, "a second evaluation fails"));
    if (ok && !numbers_same(&at_once, &alone, text)) ok = law_fail(c, "evaluated at once: %s", text);
    numbers_free(&alone);
    numbers_free(&at_once);
    return ok;
}

/* ---- Layouts */
static bool same_result(law_case *c, mx_array *const *in, const numbers *want, const char *how, int input)
{
    char text[TEXT];
    numbers got = {0};
    bool ok = run_on(c, in, &got) || law_fail(c, "%s input %d: it fails", how, input);
    bool same = !ok || (c->sample->flags & ANY_ORDER ? numbers_near(&got, want, 2 * c->sample->eps, text)
                                                     : numbers_same(&got, want, text));
    if (!same) ok = law_fail(c, "%s input %d: %s", how, input, text);
    numbers_free(&got);
    return ok;
}

/* Input i has the same values all along `axis`: as a full array and as one with stride 0. */
static bool check_repeated(law_case *c, int i, int axis)
{
    numbers in[SAMPLE_INPUTS], want = {0}, *a = &in[i];
    mx_array *arrays[SAMPLE_INPUTS];
    memcpy(in, c->in, sizeof in);
    *a = numbers_copy(&c->in[i]);
    for (int64_t k = 0; k < a->size; k++) {
        int64_t index[MX_MAX_NDIM];
        index_unravel(a, k, index);
        index[axis] = 0;
        copy_element(a, k, a, index_ravel(a, index));
    }
    bool ok = case_run(c, in, &want) || law_fail(c, "it fails on repeated values");
    numbers_scale(&want, case_magnitude(c));
    mx_scope s = mx_scope_open();
    case_arrays(c, in, ROW_MAJOR, arrays);
    arrays[i] = numbers_array_repeated(a, axis);
    ok = ok && same_result(c, arrays, &want, "broadcast", i);
    mx_scope_close(s, NULL);
    numbers_free(&want);
    numbers_free(a);
    return ok;
}

bool law_layouts(law_case *c)
{
    numbers want = {0};
    mx_array *in[SAMPLE_INPUTS];
    bool ok = case_run(c, c->in, &want) || law_fail(c, "it cannot be evaluated");
    numbers_scale(&want, case_magnitude(c));
    for (layout how = COLUMN_MAJOR; how < LAYOUT_COUNT && ok; how++) {
        for (int i = 0; i <= c->nin && ok && c->nin; i++) { /* each input alone, then all of them */
            mx_scope s = mx_scope_open();
            case_arrays(c, c->in, i < c->nin ? ROW_MAJOR : how, in);
            if (i < c->nin) in[i] = numbers_array(&c->in[i], how);
            ok = same_result(c, in, &want, layout_names[how], i);
            mx_scope_close(s, NULL);
        }
    }
    for (int i = 0; i < c->nin && ok; i++) {
        for (int axis = 0; axis < c->in[i].ndim && ok; axis++) ok = check_repeated(c, i, axis);
    }
    numbers_free(&want);
    return ok;
}

/* ---- Donation */
/* The same numbers as the result of an op that nobody else holds. */
static mx_array *fresh(const numbers *a)
{
    return mx_contiguous(numbers_array(a, GAPS));
}

static bool equal_inputs(const law_case *c, int i)
{
    const numbers *a = &c->in[0], *b = &c->in[i];
    return a->dtype == b->dtype && a->ndim == b->ndim && memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

/* Each input fresh, all fresh, and one fresh array in every place that it fits. */
bool law_donation(law_case *c)
{
    char text[TEXT];
    bool ok = true;
    for (int which = 0; which <= c->nin + 1 && ok && c->nin; which++) {
        mx_array *arrays[SAMPLE_INPUTS];
        numbers in[SAMPLE_INPUTS], want = {0}, got = {0};
        memcpy(in, c->in, sizeof in);
        for (int i = 0; i < c->nin; i++) {
            if (which == c->nin + 1 && equal_inputs(c, i)) in[i] = in[0];
        }
        ok = case_run(c, in, &want) || law_fail(c, "it cannot be evaluated");
        mx_scope s = mx_scope_open();
        case_arrays(c, in, ROW_MAJOR, arrays);
        for (int i = 0; i < c->nin; i++) {
            if (i == which || which >= c->nin) arrays[i] = fresh(&in[i]);
            if (which == c->nin + 1 && i && equal_inputs(c, i)) arrays[i] = arrays[0];
        }
        mx_array *y = mx_scope_close(s, c->sample->apply(arrays)); /* now only the graph holds the inputs */
        ok = ok && (numbers_read(y, &got) || law_fail(c, "it fails on a donated input"));
        mx_drop(y);
        if (ok && !numbers_same(&got, &want, text)) ok = law_fail(c, "donated (%d): %s", which, text);
        numbers_free(&want);
        numbers_free(&got);
    }
    return ok;
}

/* ---- NULL */
bool law_null(law_case *c)
{
    bool ok = true;
    for (int i = 0; i < c->nin && ok && !(c->sample->flags & NULL_ALLOWED); i++) {
        mx_array *in[SAMPLE_INPUTS];
        mx_scope s = mx_scope_open();
        case_arrays(c, c->in, ROW_MAJOR, in);
        in[i] = NULL;
        bool made = c->sample->apply(in) != NULL;
        mx_error_info e = mx_error();
        if (made) ok = law_fail(c, "NULL for input %d gives an array", i);
        if (!made && e.code != MX_VALUE) ok = law_fail(c, "NULL for input %d records no VALUE error", i);
        if (ok && (e.message[0] != '[' || !strchr(e.message, ']'))) ok = law_fail(c, "no name in: %s", e.message);
        mx_fail(MX_INDEX, "the first error");
        made = c->sample->apply(in) != NULL;
        e = mx_error();
        if (ok && (made || strcmp(e.message, "the first error") != 0)) ok = law_fail(c, "NULL hides the first error");
        mx_scope_close(s, NULL);
    }
    return ok;
}
