/* SPDX-License-Identifier: MIT
 *
 * Opening and closing traces, and listing what was made in one.
 *
 * Every open trace has a bit; a node's bits are those of its inputs.  So a walk knows where to stop, nesting needs no
 * order, and when a trace ends its bit means nothing any more. */
#include "graph/trace.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include <string.h>

/* ---- Opening and closing */
/* A free bit, each in its turn: the longer a bit rests, the fewer nodes still carry it from before. */
static uint64_t take_bit(void)
{
    uint64_t open = atomic_load(&runtime.traces);
    while (~open) {
        uint64_t bit = (uint64_t)1 << (atomic_fetch_add(&runtime.trace_turn, 1) % 64);
        if (!(open & bit) && atomic_compare_exchange_strong(&runtime.traces, &open, open | bit)) return bit;
        open = atomic_load(&runtime.traces);
    }
    mx_fail(MX_RUNTIME, "[trace] 64 function transformations are open at once; no more are possible.");
    return 0;
}

mx_trace *trace_new(int nin, bool batched)
{
    mx_trace *t = mx_alloc(1, sizeof *t);
    if (!t) return NULL;
    t->nin = nin;
    t->batch = -1;
    t->traced = mx_alloc((size_t)nin, sizeof *t->traced);
    t->in = mx_alloc((size_t)nin, sizeof *t->in);
    t->axes = mx_alloc((size_t)nin, sizeof *t->axes);
    if (t->traced && t->in && t->axes) t->bit = take_bit();
    if (!t->bit) mx_trace_end(&t);
    if (t && batched) atomic_fetch_or(&runtime.batched_traces, t->bit);
    return t;
}

void mx_trace_end(mx_trace **trace)
{
    mx_trace *t = trace ? *trace : NULL;
    if (!t) return;
    if (t->is_capture) {
        thread_self()->sizes_used = t->sizes_used;
        thread_self()->origins = t->outer_origins;
        origins_free(&t->origins);
    }
    atomic_fetch_and(&runtime.batched_traces, ~t->bit);
    atomic_fetch_and(&runtime.traces, ~t->bit);
    for (int i = 0; i < t->nin && t->traced; i++) mx_drop(t->traced[i]);
    for (int i = 0; i < t->nin && t->in; i++) mx_drop(t->in[i]);
    mx_free(t->traced);
    mx_free(t->in);
    mx_free(t->axes);
    mx_free(t);
    *trace = NULL;
}

bool trace_is_open(const char *op, const mx_trace *t, mx_array *const *out, int nout)
{
    return t ? op_has_all(op, out, nout) : mx_fail_false(MX_VALUE, "[%s] the trace is NULL.", op);
}

mx_trace *mx_trace_begin(mx_array *const *in, int nin, mx_array **traced)
{
    if (!op_has_all("trace", in, nin)) return NULL;
    mx_trace *t = trace_new(nin, false);
    for (int i = 0; t && i < nin; i++) {
        mx_array *alias = mx_copy(in[i]);
        if (!alias) {
            mx_trace_end(&t);
            return NULL;
        }
        alias->trace |= t->bit;
        t->traced[i] = mx_keep(alias);
        traced[i] = alias;
    }
    return t;
}

/* ---- Listing */
static size_t hash_of(const mx_array *lead)
{
    return (size_t)(((uintptr_t)lead >> 6) * 0x9e3779b97f4a7c15u >> 20);
}

static size_t *slot_of(const node_list *list, const mx_array *lead)
{
    size_t i = hash_of(lead) & (list->slot_count - 1);
    while (list->slots[i] && list->nodes[list->slots[i] - 1] != lead) i = (i + 1) & (list->slot_count - 1);
    return &list->slots[i];
}

static bool make_room(node_list *list)
{
    if (list->count < list->capacity) return true;
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    mx_array **nodes = mx_resize(list->nodes, capacity, sizeof *nodes);
    if (!nodes) return false;
    list->nodes = nodes;
    size_t *slots = mx_alloc(2 * capacity, sizeof *slots);
    if (!slots) return false;
    mx_free(list->slots);
    list->slots = slots;
    list->slot_count = 2 * capacity;
    list->capacity = capacity;
    for (size_t i = 0; i < list->count; i++) *slot_of(list, list->nodes[i]) = i + 1;
    return true;
}

static bool list_add(node_list *list, mx_array *lead)
{
    if (!make_room(list)) return false;
    list->nodes[list->count++] = lead;
    *slot_of(list, lead) = list->count;
    return true;
}

int64_t list_find(const node_list *list, const mx_array *x)
{
    return list->slot_count ? (int64_t)*slot_of(list, array_lead(x)) - 1 : -1;
}

void list_free(node_list *list)
{
    mx_free(list->nodes);
    mx_free(list->slots);
    *list = (node_list){0};
}

typedef struct list_frame {
    mx_array *lead;
    int next, end;
} list_frame;

/* Is the node in the list of a trace, or of what is to be computed (NULL)? */
static bool belongs(const mx_array *lead, const mx_trace *t)
{
    return !t || (lead->trace & t->bit);
}

static int inputs_below(mx_array *lead, const mx_trace *t)
{
    if (!t) return atomic_load_explicit(&lead->state, memory_order_acquire) == STATE_LAZY ? lead->nin : 0;
    if (LIKELY(!lead->op || !lead->op->walked)) return lead->nin;
    mx_call c = {.op = lead->op, .params = array_params(lead), .in = lead->in, .nin = lead->nin, .nout = lead->nout};
    return lead->op->walked(&c, t->batch >= 0);
}

/* Depth first, by hand: graphs are deeper than stacks.  A node is added when all its inputs are. */
static bool collect_below(node_list *list, const mx_trace *t, mx_array *root)
{
    size_t depth = 0, capacity = 0;
    list_frame *stack = NULL;
    bool ok = true;
    mx_array *enter = root;
    for (;;) {
        if (enter && belongs(enter, t) && list_find(list, enter) < 0) {
            /* A failed node has lost its inputs: going on would take it for a constant. */
            ok = !t || array_state(enter) != STATE_FAILED || (failure_raise(enter->failure), false);
            if (!ok) break;
            if (depth == capacity) {
                capacity = capacity ? 2 * capacity : 64;
                list_frame *bigger = mx_resize(stack, capacity, sizeof *stack);
                if (!(ok = bigger != NULL)) break;
                stack = bigger;
            }
            stack[depth++] = (list_frame){enter, 0, inputs_below(enter, t)};
        }
        enter = NULL;
        if (depth == 0) break;
        list_frame *top = &stack[depth - 1];
        if (top->next < top->end) {
            enter = array_lead(top->lead->in[top->next++]);
        } else if (depth--, list_find(list, top->lead) < 0 && !(ok = list_add(list, top->lead))) {
            break;
        }
    }
    mx_free(stack);
    return ok;
}

bool list_collect(node_list *list, const mx_trace *t, mx_array *const *out, int nout)
{
    bool ok = true;
    for (int i = 0; i < t->nin && ok; i++) {
        if (list_find(list, t->traced[i]) < 0) ok = list_add(list, t->traced[i]);
    }
    for (int i = 0; i < nout && ok; i++) ok = collect_below(list, t, array_lead(out[i]));
    return ok;
}

bool list_collect_lazy(node_list *list, mx_array *const *out, int nout)
{
    bool ok = true;
    for (int i = 0; i < nout && ok; i++) ok = collect_below(list, NULL, array_lead(out[i]));
    return ok;
}

mx_call list_call(const mx_array *lead, mx_array **out)
{
    for (int i = 0; i < lead->nout; i++) out[i] = (mx_array *)lead + i;
    return (mx_call){
        .op = lead->op, .params = array_params(lead), .in = lead->in, .out = out, .nin = lead->nin, .nout = lead->nout};
}

bool room_take(call_room *r, size_t count)
{
    bool few = count <= sizeof r->few / sizeof *r->few;
    memset(r->few, 0, sizeof r->few);
    return (r->at = few ? r->few : mx_alloc(count, sizeof *r->at)) != NULL;
}

void room_free(call_room *r)
{
    if (r->at != r->few) mx_free(r->at);
}

/* ---- Whole functions */
bool trace_hand_out(mx_scope s, bool ok, mx_array **a, int na, mx_array **b, int nb)
{
    for (int i = 0; i < na; i++) mx_keep(a[i] = ok ? a[i] : NULL);
    for (int i = 0; i < nb; i++) mx_keep(b[i] = ok ? b[i] : NULL);
    mx_scope_close(s, NULL);
    for (int i = 0; i < na; i++) ok &= (a[i] = mx_temporary(a[i])) != NULL;
    for (int i = 0; i < nb; i++) ok &= (b[i] = mx_temporary(b[i])) != NULL;
    return ok;
}

static bool can_transform(const char *op, mx_fn fn, int nin, int nout, const void *results)
{
    if (!fn) return mx_fail_false(MX_VALUE, "[%s] the function is NULL.", op);
    if (nin < 0 || nout < 0) return mx_fail_false(MX_VALUE, "[%s] %d inputs, %d outputs.", op, nin, nout);
    return results || mx_fail_false(MX_VALUE, "[%s] there is no place for the results: NULL.", op);
}

bool trace_call(const char *op, mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    bool pending = mx_failed();
    for (int i = 0; i < nout; i++) out[i] = NULL;
    if (!fn(ctx, in, nin, out, nout))
        return mx_fail_false(MX_RUNTIME, "[%s] the function failed and recorded no error.", op);
    if (!pending && mx_failed()) return false;
    for (int i = 0; i < nout; i++) {
        if (!out[i]) return mx_fail_false(MX_VALUE, "[%s] the function gave NULL as its result %d.", op, i);
    }
    return true;
}

bool mx_vjp(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array *const *dout, int nout, mx_array **out,
            mx_array **din)
{
    if (!can_transform("vjp", fn, nin, nout, nin ? din : out)) return false;
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin(in, nin, traced) : NULL;
    bool ok = t && trace_call("vjp", fn, ctx, traced, nin, out, nout) && mx_trace_vjp(t, out, dout, nout, din);
    mx_trace_end(&t);
    mx_free(traced);
    return trace_hand_out(s, ok, out, nout, din, nin);
}

bool mx_value_and_grad(mx_fn fn, void *ctx, mx_array *const *params, int n, mx_array **value, mx_array **grads)
{
    if (!can_transform("value_and_grad", fn, n, 1, value)) return false;
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)n, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin(params, n, traced) : NULL;
    bool ok = t && trace_call("value_and_grad", fn, ctx, traced, n, value, 1);
    if (ok && (*value)->size != 1) {
        char shape[SHAPE_TEXT];
        ok = mx_fail_false(MX_VALUE, "[value_and_grad] the function must return a scalar, not an array of shape %s.",
                           shape_text(shape, array_shape(*value)));
    }
    mx_array *seed = ok ? mx_ones_like(*value) : NULL;
    ok = ok && seed && mx_trace_vjp(t, value, &seed, 1, grads);
    mx_trace_end(&t);
    mx_free(traced);
    return trace_hand_out(s, ok, value, 1, grads, n);
}

bool mx_jvp(mx_fn fn, void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **out, mx_array **tout,
            int nout)
{
    if (!can_transform("jvp", fn, nin, nout, tout)) return false;
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin(in, nin, traced) : NULL;
    bool ok = t && trace_call("jvp", fn, ctx, traced, nin, out, nout) && mx_trace_jvp(t, tin, out, nout, tout);
    mx_trace_end(&t);
    mx_free(traced);
    return trace_hand_out(s, ok, out, nout, tout, nout);
}

bool mx_vmap(mx_fn fn, void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out, const int *out_axes,
             int nout)
{
    if (!can_transform("vmap", fn, nin, nout, out)) return false;
    mx_scope s = mx_scope_open();
    mx_array **traced = mx_alloc((size_t)nin + (size_t)nout, sizeof *traced), **inner = traced ? traced + nin : NULL;
    mx_trace *t = traced ? mx_trace_begin_batched(in, in_axes, nin, traced) : NULL;
    bool ok =
        t && trace_call("vmap", fn, ctx, traced, nin, inner, nout) && mx_trace_vmap(t, inner, out_axes, nout, out);
    mx_trace_end(&t);
    mx_free(traced);
    return trace_hand_out(s, ok, out, nout, NULL, 0);
}
