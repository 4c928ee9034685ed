/* SPDX-License-Identifier: MIT
 *
 * Groups of nodes as one kernel.
 *
 * A kernel takes longer to compile than most groups ever run, so a group that is new runs node by node (the graph does
 * that when told so).  One that comes again has its kernel compiled, behind those that somebody waits for, and goes on
 * node by node until it is there; so does one whose kernel does not compile. */
#include "cuda/group.h"
#include "cuda/jit.h"
#include "core/runtime.h"
#include <stdio.h>

enum { SEEN_OFTEN = 2 };

/* ---- The program */
static int source_of(elementwise_program *p, const mx_group *g, int upto, mx_array *x)
{
    for (int i = upto; i-- > 0;) {
        if (g->nodes[i] == x) return ELEMENTWISE_STEP + i;
    }
    return elementwise_operand(p, x, true);
}

bool group_writes(const mx_group *g, int k)
{
    return k + 1 == g->count || (g->written >> k & 1);
}

/* Views, or work along rows. */
static bool has_others(const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        if (!(g->nodes[k]->op->flags & OP_ELEMENTWISE)) return true;
    }
    return false;
}

/* False (no error): not in one kernel. */
static bool add_steps(elementwise_program *p, const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        const mx_array *node = g->nodes[k];
        uint8_t from[3];
        if (node->size != p->total) return false;
        for (int i = 0; i < node->nin; i++) {
            int source = source_of(p, g, k, node->in[i]);
            if (source < 0) return false;
            from[i] = (uint8_t)source;
        }
        if (!elementwise_add(p, node, from, group_writes(g, k) ? STEP_WRITTEN : 0)) return false;
    }
    return true;
}

/* What stays alive needs what it reads. */
static void spare_operands(elementwise_program *p, const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        if (!g->keeps_inputs && !(g->kept >> k & 1)) continue;
        for (int i = 0; i < g->nodes[k]->nin; i++) {
            for (int o = 0; o < p->key.nin; o++) {
                if (p->in[o] == g->nodes[k]->in[i]) p->uses[o] = 0;
            }
        }
    }
}

/* ---- The kernel */
/* How often was the key seen, this time included?  A few hundred keys are remembered, by their hash. */
static unsigned times_seen(cuda_device *d, const elementwise_key *key)
{
    uint64_t hash = jit_hash(key, elementwise_key_bytes(key)), mark = hash & ~(uint64_t)0xff;
    _Atomic uint64_t *slot = &d->seen[hash >> 8 & (CUDA_SEEN - 1)];
    uint64_t now = atomic_load_explicit(slot, memory_order_relaxed);
    uint64_t next = (now & ~(uint64_t)0xff) == mark ? (now & 0xff) + ((now & 0xff) < 0xff) : 1;
    atomic_store_explicit(slot, mark | next, memory_order_relaxed);
    return (unsigned)next;
}

static bool failed_for_memory(cuda_kernel *k)
{
    mx_failure *failure = jit_finish(k);
    bool memory = failure && failure->code == MX_MEMORY;
    failure_drop(failure);
    return memory;
}

static void explain(const elementwise_key *key, const char *what)
{
    if (LIKELY(!runtime.trace_fuse)) return;
    fprintf(stderr, "[fuse] GPU: %d steps to %s, %d operands, %d results%s: %s\n", key->count,
            mx_ops[key->steps[key->count - 1].op]->name, key->nin, key->nout,
            key->kind == MANY_KIND ? ", many launches in one" : "", what);
}

cuda_kernel *group_kernel(cuda_device *d, const elementwise_key *key, bool comes_again)
{
    bool at_once = d->gpu->fuse_at_once;
    cuda_kernel *k = jit_look(d, key, elementwise_key_bytes(key));
    jit_state state = k ? (jit_state)atomic_load_explicit(&k->state, memory_order_acquire) : JIT_FAILED;
    if (LIKELY(state == JIT_READY) || (state == JIT_PENDING && at_once)) return k;
    if (state == JIT_PENDING || (k && !at_once && !failed_for_memory(k))) return NULL;
    if (!at_once && !comes_again && times_seen(d, key) < SEEN_OFTEN) return explain(key, "new, one by one"), NULL;
    mx_mark mark = mx_error_mark();
    k = elementwise_kernel(d, key, !at_once);
    explain(key, at_once ? "compiled now" : "compiled meanwhile, one by one");
    if (!at_once) mx_error_reset(mark);
    return at_once ? k : NULL;
}

/* False (no error): there is none. */
static bool make_program(elementwise_program *p, elementwise_rows *rows, reduce_args *fold, const mx_group *g)
{
    mx_shape shape = array_shape(g->nodes[g->count - 1]);
    elementwise_start(p, shape);
    if (!p->total) return false;
    if (!has_others(g)) return add_steps(p, g);
    if (cuda_row_program(p, rows, g)) return true;
    elementwise_start(p, shape);
    return cuda_end_program(p, fold, g);
}

/* A product and its addend: no kernel of ours, and so from the first time on. */
static bool run_product(cuda_queue *q, const mx_group *g)
{
    mx_array *product = g->nodes[0], *sum = g->nodes[1];
    cuda_call c = {.queue = q,
                   .failures = atomic_load_explicit(&q->failures, memory_order_acquire),
                   .op = product->op,
                   .params = array_params(product),
                   .in = product->in,
                   .nin = product->nin,
                   .out = sum,
                   .nout = 1,
                   .reads = 1,
                   .may_donate = !g->keeps_inputs && !(sum->trace & atomic_load(&runtime.traces))};
    bool ok = cuda_ops[product->op->id]->add_to(&c, sum->in[sum->in[0] == product]);
    cuda_release(&c);
    if (!ok) {
        buffer_drop(sum->buffer);
        sum->buffer = NULL;
    }
    return ok;
}

bool cuda_run_group(mx_stream *stream, const mx_group *g)
{
    const cuda_op *first = cuda_ops[g->nodes[0]->op->id];
    elementwise_program p;
    elementwise_layout l;
    elementwise_rows rows;
    reduce_args fold;
    mx_array *last = g->nodes[g->count - 1];
    cuda_queue *q = cuda_queue_of(stream);
    if (!q) return false;
    if (first && first->add_to) return !group_writes(g, 0) && run_product(q, g);
    if (!make_program(&p, &rows, &fold, g)) return false;
    elementwise_place(&p, &l);
    cuda_kernel *kernel = group_kernel(q->device, &p.key, last->made_flags & ARRAY_COMPILED);
    if (!kernel) return false;
    spare_operands(&p, g);
    cuda_call c = {.queue = q,
                   .failures = atomic_load_explicit(&q->failures, memory_order_acquire),
                   .op = last->op,
                   .may_donate = true};
    bool ok = p.key.kind == END_KIND
                  ? cuda_end_launch(&c, &p, &l, kernel, &fold)
                  : elementwise_launch(&c, &p, &l, kernel, kernel->entry, p.key.kind == ROWS_KIND ? &rows : NULL);
    cuda_release(&c);
    for (int i = 0; !ok && i < p.key.nout; i++) {
        buffer_drop(p.out[i]->buffer);
        p.out[i]->buffer = NULL;
    }
    return ok;
}
