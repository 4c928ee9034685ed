/* SPDX-License-Identifier: MIT
 *
 * Groups that end with a reduction over any axes: the kernel of the reduction alone (kernels/reduce.cuh) with the same plan, but it
 * computes what it would read, so the order of additions and the bits are the same.  Elements that are wanted too are
 * written by the thread that folds them. */
#include "cuda/group.h"
#include "core/layout.h"
#include "cuda/jit.h"
#include <string.h>

static const cuda_op *op_of(const mx_array *node)
{
    return cuda_ops[node->op->id];
}

/* Bools have no sum: an error of the op alone. */
static bool is_defined(const mx_array *node)
{
    int kind = op_of(node)->fold - 1;
    return node->in[0]->dtype != MX_BOOL || (kind != REDUCE_SUM && kind != REDUCE_PROD);
}

bool cuda_can_end(const mx_array *node)
{
    const mx_array *x = node->in[0];
    return array_state(x) == STATE_CLAIMED && node->size && x->size > node->size && is_defined(node);
}

static int node_of(const mx_group *g, int upto, const mx_array *x)
{
    for (int k = upto; k-- > 0;) {
        if (g->nodes[k] == x) return k;
    }
    return -1;
}

/* ---- Steps */
typedef struct builder {
    const mx_group *g;
    elementwise_program *p;
    uint8_t from[GROUP_MAX];
    bool permuted[GROUP_MAX]; /* views that do not show the elements in their order */
} builder;

static bool add_view(builder *b, int k)
{
    mx_array *view = b->g->nodes[k];
    int in = node_of(b->g, k, view->in[0]);
    if (in < 0 || group_writes(b->g, k) || !layout_view(view) || view->offset || view->size != b->p->total)
        return false;
    b->from[k] = b->from[in];
    b->permuted[k] = !array_is_contiguous(view);
    return true;
}

static bool add_input(builder *b, int k, mx_array *x, uint8_t *from)
{
    const mx_array *node = b->g->nodes[k];
    int in = node_of(b->g, k, x), before = b->p->key.nin;
    if (in >= 0) {
        *from = b->from[in];
        return !b->permuted[in] && shape_equal(array_shape(x), array_shape(node));
    }
    bool plain = shape_equal(array_shape(node), b->p->shape), flat = x->size == b->p->total && array_is_contiguous(x);
    int operand = elementwise_operand(b->p, x, true), lift = plain ? 0 : LIFT_FLAT;
    if (operand < 0 || !(plain || flat || x->size == 1)) return false;
    if (operand == before) b->p->lift[operand] = (uint8_t)lift;
    *from = (uint8_t)operand;
    return b->p->lift[operand] == lift;
}

static bool add_map(builder *b, int k)
{
    const mx_array *node = b->g->nodes[k];
    uint8_t from[3];
    if (!(node->op->flags & OP_ELEMENTWISE) || node->size != b->p->total) return false;
    if (!b->p->key.count) b->p->shape = array_shape(node);
    array_set_row_major((mx_array *)node);
    for (int i = 0; i < node->nin; i++) {
        if (!add_input(b, k, node->in[i], &from[i])) return false;
    }
    b->from[k] = (uint8_t)(ELEMENTWISE_STEP + b->p->key.count);
    return elementwise_add(b->p, node, from, group_writes(b->g, k) ? STEP_WRITTEN : 0);
}

bool cuda_end_program(elementwise_program *p, reduce_args *a, const mx_group *g)
{
    builder b = {.g = g, .p = p};
    int last = g->count - 1;
    mx_array *end = g->nodes[last], *x = end->in[0];
    if (!op_of(end) || !op_of(end)->fold || !is_defined(end) || !x->size || x->size == end->size) return false;
    p->total = x->size;
    for (int k = 0; k < last; k++) {
        g->nodes[k]->offset = 0; /* the planner's until now */
        if (!(g->nodes[k]->op->flags & OP_VIEW ? add_view : add_map)(&b, k)) return false;
    }
    int in = node_of(g, last, x), kind = op_of(end)->fold - 1;
    if (in < 0 || !elementwise_add(p, end, &b.from[in], STEP_WRITTEN | STEP_ROW)) return false;
    array_set_row_major(end);
    cuda_reduce_plan(a, kind, x, end, cuda_folded_dimensions(end));
    p->key.kind = END_KIND;
    p->key.vector = (uint8_t)cuda_reduce_width(a, kind, x->dtype);
    p->key.is_long = cuda_reduce_is_whole(a) ? REDUCE_WHOLE : REDUCE_FIRST;
    return true;
}

/* ---- The kernel */
bool end_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY])
{
    code_text t = {.at = source, .size = ELEMENTWISE_SOURCE};
    const elementwise_step *end = &key->steps[key->count - 1];
    code_head(&t, key, entry);
    for (int k = 0; k + 1 < key->count; k++) code_step(&t, key, k);
    code_read(&t, key);
    code_write(&t, key);
    code_compute(&t, key, key->count - 1, end->from[0] - ELEMENTWISE_STEP);
    code_add(&t,
             "typedef %s T;\n#define OPTION %d\n#define KIND %d\n#define COMPUTED\n#include "
             "\"cuda/kernels/reduce.cuh\"\n",
             elementwise_type(code_dtype(key, end->from[0])), key->is_long, cuda_ops[end->op]->fold - 1);
    return t.used < t.size || mx_fail_false(MX_RUNTIME, "[%s] GPU: the kernel's source is too long.", entry);
}

bool cuda_end_launch(cuda_call *c, const elementwise_program *p, elementwise_layout *l, cuda_kernel *kernel,
                     reduce_args *a)
{
    const mx_array *end = p->out[p->key.nout - 1];
    uint8_t dtype = end->in[0]->dtype;
    int kind = op_of(end)->fold - 1;
    bool whole = cuda_reduce_is_whole(a);
    cu_ptr out[ELEMENTWISE_RESULTS];
    uint64_t args[ELEMENTWISE_ARGS + sizeof *a / sizeof(uint64_t)];
    if (!whole) c->may_donate = false; /* the second launch may fail */
    size_t bytes = elementwise_bind(c, p, l, true, out, args);
    if (!bytes) return false;
    a->out = out[p->key.nout - 1];
    if (!whole && !cuda_reduce_partial(c, kind, dtype, a)) return false;
    memcpy((char *)args + bytes, a, sizeof *a);
    cuda_launch launch = {.kernel = kernel,
                          .grid = {(unsigned)cuda_reduce_blocks(a), 1, 1},
                          .block = {REDUCE_THREADS, 1, 1},
                          .op = kernel->entry};
    return cuda_collect(c, &launch, args, bytes + sizeof *a) &&
           (whole || cuda_reduce_finish(c, kind, dtype, a, out[p->key.nout - 1]));
}
