/* SPDX-License-Identifier: MIT
 *
 * Capturing: the nodes that the outputs need and that depend on the placeholders become steps, in the order in which
 * they were listed (inputs before readers); all other arrays they read become constants.  Simplified on the way: equal
 * applications are one step, aliases are what they stand for, equal scalars are one constant.  What depends on constants
 * only is a constant and so computed once, by the same kernels. */
#include "graph/capture.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/where.h"
#include "graph/trace.h"
#include <string.h>

typedef struct capture {
    const mx_trace *trace;
    node_list list;
    mx_program *p;
    uint32_t *first;          /* of each listed lead: the value of its first output */
    uint32_t *step_slots;     /* open addressing: step + 1 */
    uint32_t *constant_slots; /* the same: constant + 1 */
    size_t step_slot_count, constant_slot_count, constant_room;
    uint32_t source_count;
    bool simplify;
} capture;

mx_trace *mx_trace_begin_captured(mx_array *const *in, int nin, bool shapeless, mx_array **traced)
{
    if (!op_has_all("compile", in, nin)) return NULL;
    mx_trace *t = trace_new(nin, true);
    if (!t) return NULL;
    t->is_capture = true;
    t->shapeless = shapeless;
    t->sizes_used = thread_self()->sizes_used;
    t->outer_origins = thread_self()->origins;
    thread_self()->sizes_used = false;
    thread_self()->origins = shapeless ? &t->origins : NULL;
    t->stream = mx_current_stream();
    for (int i = 0; i < nin; i++) {
        traced[i] = placeholder_new(array_shape(in[i]), (mx_dtype)in[i]->dtype);
        if (!traced[i]) {
            mx_trace_end(&t);
            return NULL;
        }
        traced[i]->trace |= t->bit;
        t->traced[i] = mx_keep(traced[i]);
    }
    return t;
}

void mx_note_sizes(void)
{
    note_sizes();
}

/* ---- Constants */
/* Scalars that look alike are one constant. */
static bool is_plain_scalar(mx_array *x)
{
    return x->size == 1 && array_state(x) == STATE_DONE && !x->trace && array_ready(x);
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    return (h ^ x) * 0x9e3779b97f4a7c15u ^ (h >> 29);
}

static uint64_t constant_hash(mx_array *x)
{
    if (!is_plain_scalar(x)) return mix(1, (uintptr_t)x >> 4) >> 16;
    uint64_t bits = 0;
    memcpy(&bits, array_data(x), mx_dtype_size((mx_dtype)x->dtype));
    return mix(mix(mix(2, bits), x->dtype), x->ndim) >> 16;
}

static bool same_constant(mx_array *a, mx_array *b)
{
    if (a == b) return true;
    return a->dtype == b->dtype && a->ndim == b->ndim && is_plain_scalar(a) && is_plain_scalar(b) &&
           memcmp(array_data(a), array_data(b), mx_dtype_size((mx_dtype)a->dtype)) == 0;
}

static uint32_t *constant_slot(const capture *c, mx_array *x)
{
    size_t i = constant_hash(x) & (c->constant_slot_count - 1);
    while (c->constant_slots[i] && !same_constant(c->p->constants[c->constant_slots[i] - 1].array, x))
        i = (i + 1) & (c->constant_slot_count - 1);
    return &c->constant_slots[i];
}

static bool room_for_constant(capture *c)
{
    if (c->p->constant_count < c->constant_room) return true;
    size_t room = c->constant_room ? 2 * c->constant_room : 32;
    program_constant *constants = mx_resize(c->p->constants, room, sizeof *constants);
    if (!constants) return false;
    c->p->constants = constants;
    uint32_t *slots = mx_alloc(2 * room, sizeof *slots);
    if (!slots) return false;
    mx_free(c->constant_slots);
    c->constant_slots = slots;
    c->constant_slot_count = 2 * room;
    c->constant_room = room;
    for (uint32_t i = 0; i < c->p->constant_count; i++) *constant_slot(c, constants[i].array) = i + 1;
    return true;
}

/* Is x made of few scalars?  The caller holds the graph lock. */
static bool is_cheap(mx_array *x, int depth)
{
    mx_array *lead = array_lead(x);
    if (x->size != 1 || depth == 0) return false;
    if (array_state(x) != STATE_LAZY || !lead->op) return array_state(x) == STATE_DONE;
    if (!(lead->op->flags & (OP_ELEMENTWISE | OP_VIEW)) || lead->op->flags & OP_PLACEHOLDER) return false;
    for (int i = 0; i < lead->nin; i++) {
        if (!is_cheap(lead->in[i], depth - 1)) return false;
    }
    return true;
}

/* Computes a scalar that costs nothing, so that it is one of the plain ones. */
static void fold(mx_array *x)
{
    if (x->size != 1 || array_state(x) != STATE_LAZY) return;
    pthread_mutex_lock(&runtime.graph_lock);
    bool cheap = is_cheap(x, 4);
    pthread_mutex_unlock(&runtime.graph_lock);
    mx_mark mark = mx_error_mark();
    if (cheap && !mx_eval(x)) mx_error_reset(mark); /* whoever reads it will hear of it */
}

static bool constant_value(capture *c, mx_array *x, uint32_t *value)
{
    fold(x);
    if (!room_for_constant(c)) return false;
    uint32_t *slot = constant_slot(c, x);
    if (!*slot) {
        c->p->constants[c->p->constant_count++] = (program_constant){mx_keep(x), c->p->value_count++};
        *slot = c->p->constant_count;
    }
    *value = c->p->constants[*slot - 1].value;
    return true;
}

static bool value_of(capture *c, mx_array *x, uint32_t *value)
{
    int64_t i = list_find(&c->list, x);
    if (i < 0) return constant_value(c, x, value);
    *value = c->first[i] + x->out_index;
    return true;
}

/* ---- Steps */
static bool same_step(const program_step *a, const program_step *b)
{
    return a->op == b->op && a->nin == b->nin && a->nout == b->nout && a->stream == b->stream &&
           memcmp(a->in, b->in, a->nin * sizeof *a->in) == 0 && params_equal(a->op, a->params, b->params);
}

/* The slot of an equal step, or a free one. */
static uint32_t *step_slot(const capture *c, const program_step *s)
{
    uint64_t h = params_hash(s->op, s->params);
    for (int i = 0; i < s->nin; i++) h = mix(h, s->in[i]);
    size_t at = (h >> 16) & (c->step_slot_count - 1);
    while (c->step_slots[at] && !same_step(&c->p->steps[c->step_slots[at] - 1], s))
        at = (at + 1) & (c->step_slot_count - 1);
    return &c->step_slots[at];
}

static bool add_step(capture *c, size_t index)
{
    mx_array *lead = c->list.nodes[index];
    mx_program *p = c->p;
    program_step s = {.op = lead->op,
                      .params = array_params(lead),
                      .in = p->sources + c->source_count,
                      .nin = lead->nin,
                      .nout = lead->nout,
                      .stream = lead->stream == c->trace->stream ? NULL : lead->stream};
    for (int i = 0; i < lead->nin; i++) {
        if (!value_of(c, lead->in[i], &s.in[i])) return false;
    }
    if (s.op->flags & OP_IDENTITY && c->simplify) {
        c->first[index] = s.in[0];
        return true;
    }
    bool alone = !c->simplify || s.op->flags & OP_IMPURE || (s.op->params_size && !s.op->fields);
    uint32_t *slot = alone ? NULL : step_slot(c, &s);
    if (slot && *slot) {
        c->first[index] = p->steps[*slot - 1].out;
        return true;
    }
    c->first[index] = s.out = p->value_count;
    p->value_count += s.nout;
    c->source_count += s.nin;
    p->steps[p->step_count++] = s;
    if (slot) *slot = p->step_count;
    return true;
}

static bool add_steps(capture *c)
{
    for (int i = 0; i < c->trace->nin; i++) c->first[list_find(&c->list, c->trace->traced[i])] = (uint32_t)i;
    for (size_t i = (size_t)c->trace->nin; i < c->list.count; i++) {
        mx_array *lead = c->list.nodes[i];
        if (!lead->op || lead->op->flags & OP_PLACEHOLDER) {
            return mx_fail_false(MX_VALUE, "[compile] An output depends on an array that belongs to another function "
                                           "transformation.");
        }
        if (!add_step(c, i)) return false;
    }
    return true;
}

static bool add_outputs(capture *c, mx_array *const *out, int nout)
{
    for (int i = 0; i < nout; i++) {
        if (!value_of(c, out[i], &c->p->outputs[i])) return false;
    }
    return true;
}

/* ---- Values and prototypes */
static bool describe_values(capture *c)
{
    mx_program *p = c->p;
    size_t dims = 0;
    for (uint32_t i = 0; i < p->nin; i++) dims += c->trace->traced[i]->ndim;
    if (!(p->values = mx_alloc(p->value_count, sizeof *p->values))) return false;
    if (!(p->dims = mx_alloc(dims, sizeof *p->dims))) return false;
    int64_t *at = p->dims;
    for (uint32_t i = 0; i < p->nin; i++) {
        const mx_array *x = c->trace->traced[i];
        if (x->ndim) memcpy(at, x->shape, x->ndim * sizeof *at);
        p->values[i] = (program_value){(mx_dtype)x->dtype, {x->ndim, at}, 0};
        at += x->ndim;
    }
    for (uint32_t i = 0; i < p->constant_count; i++) {
        const mx_array *x = p->constants[i].array;
        p->values[p->constants[i].value] = (program_value){(mx_dtype)x->dtype, array_shape(x), 0};
    }
    for (uint32_t i = 0; i < c->source_count; i++) p->values[p->sources[i]].uses++;
    for (uint32_t i = 0; i < p->nout; i++) p->values[p->outputs[i]].uses++;
    return true;
}

static bool share_params(program_step *s, const mx_array *lead)
{
    mx_array *own = s->prototype;
    if (!s->op->params_size) return true;
    if (lead->made_flags & ARRAY_INLINE_PARAMS) {
        own->params.word = lead->params.word;
        for (const mx_field *f = s->op->fields; f && f->kind; f++)
            s->counts_params |= f->kind == FIELD_KIND_BYTES || f->kind == FIELD_KIND_OBJECT;
        if (s->counts_params) params_keep(s->op, &own->params.word);
        return true;
    }
    own->params.block = params_share(s->op, array_params(lead));
    if (own->params.block) own->made_flags |= ARRAY_SHARED_PARAMS;
    return own->params.block != NULL;
}

/* One output: `source` is the node of the trace. */
static bool set_prototype(mx_array *x, const mx_array *source, program_value *value)
{
    *x = (mx_array){.dtype = source->dtype,
                    .ndim = source->ndim,
                    .out_index = source->out_index,
                    .nout = source->nout,
                    .size = source->size,
                    .op = source->op,
                    .made_flags = ARRAY_COMPILED};
    atomic_init(&x->refs, (int32_t)value->uses);
    x->shape = x->inline_dims;
    if (x->ndim > INLINE_NDIM) {
        if (!(x->shape = mx_alloc(x->ndim, sizeof *x->shape))) return false;
        x->made_flags |= ARRAY_EXTRA_BLOCK;
    }
    if (x->ndim) memcpy(x->shape, source->shape, x->ndim * sizeof *x->shape);
    *value = (program_value){(mx_dtype)x->dtype, array_shape(x), value->uses};
    return true;
}

static bool make_prototype(mx_program *p, program_step *s, const mx_array *lead)
{
    int live = 0;
    if (!(s->prototype = mx_alloc(s->nout, sizeof *s->prototype))) return false;
    for (int i = 0; i < s->nout; i++) {
        if (!set_prototype(&s->prototype[i], &lead[i], &p->values[s->out + (uint32_t)i])) return false;
        live += p->values[s->out + (uint32_t)i].uses > 0;
    }
    s->prototype->made_flags |= lead->made_flags & ARRAY_INLINE_PARAMS;
    if (p->unfused) s->prototype->made_flags |= ARRAY_UNFUSED;
    s->prototype->nin = s->nin;
    atomic_init(&s->prototype->live_outputs, live);
    if (!share_params(s, lead)) return false;
    s->params = array_params(s->prototype);
    return true;
}

/* The trace's node of each step comes from the list: the first lead that got the step's value. */
static bool make_prototypes(capture *c)
{
    uint32_t next = 0;
    for (size_t i = (size_t)c->trace->nin; i < c->list.count && next < c->p->step_count; i++) {
        program_step *s = &c->p->steps[next];
        if (c->first[i] != s->out || c->list.nodes[i]->op != s->op) continue;
        if (!make_prototype(c->p, s, c->list.nodes[i])) return false;
        where_prototype(s->prototype, c->list.nodes[i]);
        next++;
    }
    return true;
}

/* Is x made of arrays that are there, by ops that hold no sizes?  The caller holds the graph lock. */
static bool holds_no_sizes(mx_array *x, int depth)
{
    mx_array *lead = array_lead(x);
    if (array_state(x) != STATE_LAZY || !lead->op) return array_state(x) == STATE_DONE;
    bool any_size = lead->op->flags & (OP_ANY_SIZE | OP_ELEMENTWISE) && lead->nin;
    for (int i = 0; i < lead->nin && any_size; i++) any_size = depth && holds_no_sizes(lead->in[i], depth - 1);
    return any_size;
}

/* Would the same steps be right for inputs of other sizes?  A constant that is not computed yet was made in here, so it
 * may have been made for the sizes of the inputs. */
static bool depends_on_sizes(const mx_program *p)
{
    enum { DEEP = 8 };
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!(p->steps[i].op->flags & (OP_ANY_SIZE | OP_ELEMENTWISE))) return true;
    }
    for (uint32_t i = 0; i < p->constant_count; i++) {
        mx_array *x = p->constants[i].array;
        if (x->size == 1 || array_state(x) == STATE_DONE) continue;
        pthread_mutex_lock(&runtime.graph_lock);
        bool fixed = holds_no_sizes(x, DEEP);
        pthread_mutex_unlock(&runtime.graph_lock);
        if (!fixed) return true;
    }
    return thread_self()->sizes_used;
}

/* ---- The whole */
static bool prepare(capture *c, mx_array *const *out, int nout)
{
    if (!list_collect(&c->list, c->trace, out, nout)) return false;
    mx_program *p = c->p;
    size_t sources = 0, count = c->list.count;
    for (size_t i = 0; i < count; i++) sources += c->list.nodes[i]->nin;
    for (c->step_slot_count = 16; c->step_slot_count < 2 * count;) c->step_slot_count *= 2;
    p->nin = p->value_count = (uint32_t)c->trace->nin;
    p->nout = (uint32_t)nout;
    return (c->first = mx_alloc(count, sizeof *c->first)) &&
           (c->step_slots = mx_alloc(c->step_slot_count, sizeof *c->step_slots)) &&
           (p->steps = mx_alloc(count, sizeof *p->steps)) && (p->sources = mx_alloc(sources, sizeof *p->sources)) &&
           (p->outputs = mx_alloc((size_t)nout, sizeof *p->outputs));
}

mx_program *mx_trace_program(mx_trace *t, mx_array *const *out, int nout)
{
    if (!trace_is_open("compile", t, out, nout)) return NULL;
    mx_compile_mode mode = mx_compile_mode_now();
    capture c = {.trace = t, .p = mx_alloc(1, sizeof *c.p), .simplify = mode != MX_COMPILE_NO_SIMPLIFY};
    if (!c.p) return NULL;
    c.p->unfused = mode == MX_COMPILE_NO_FUSE;
    atomic_init(&c.p->refs, 1);
    bool ok = prepare(&c, out, nout) && add_steps(&c) && add_outputs(&c, out, nout) && describe_values(&c) &&
              make_prototypes(&c);
    list_free(&c.list);
    mx_free(c.first);
    mx_free(c.step_slots);
    mx_free(c.constant_slots);
    c.p->sized = ok && depends_on_sizes(c.p);
    c.p->shapeless = t->shapeless && !c.p->sized;
    for (uint32_t i = 0; ok && t->shapeless && i < c.p->step_count; i++)
        c.p->resized |= c.p->steps[i].op->resize != NULL;
    if (ok) return c.p;
    mx_program_drop(c.p);
    return NULL;
}

mx_program *program_of(const char *op, mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout, bool shapeless)
{
    mx_scope scope = mx_scope_open();
    mx_array **arrays = mx_alloc((size_t)nin + (size_t)nout, sizeof *arrays), **out = arrays ? arrays + nin : NULL;
    mx_trace *t = arrays ? mx_trace_begin_captured(in, nin, shapeless, arrays) : NULL;
    bool ok = t && trace_call(op, fn, ctx, arrays, nin, out, nout);
    mx_program *p = ok ? mx_trace_program(t, out, nout) : NULL;
    mx_trace_end(&t);
    mx_free(arrays);
    mx_scope_close(scope, NULL);
    return p;
}
