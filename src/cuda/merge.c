/* SPDX-License-Identifier: MIT
 *
 * Launches of a batch that become one (multi-tensor apply).  An optimizer asks for the same elementwise kernel once for
 * each parameter, and many such launches take longer to start than to run.  Those over flat operands that do not need
 * each other are held back, each until a launch of another kind needs what it writes or overwrites what it reads, or the
 * batch ends.  What was held back for one kernel then is one launch, whose arguments are a table
 * (kernels/elementwise_run.cuh).  All else keeps its order. */
#include "cuda/group.h"
#include "cuda/jit.h"
#include "core/runtime.h"
#include <stdio.h>
#include <string.h>

enum { FEWEST = 4, HEAD_WORDS = 2, DIVIDER_WORDS = 2 /* elementwise.c: write_args */ };

/* Launches of one kernel that are held back. */
typedef struct bundle {
    cuda_kernel *kernel;
    int count, most;
    uint64_t members;
    uint64_t before; /* the bundles that must start first, with those that these need */
} bundle;

typedef struct merger {
    cuda_queue *queue;
    bundle bundles[BATCH_LAUNCHES];
    int bundle_count;
    uint64_t held;    /* bundles */
    uint64_t members; /* launches that are or were held */
    uint8_t home[BATCH_LAUNCHES];
    cuda_launch order[BATCH_LAUNCHES];
    int count;
    bool merged;
} merger;

static elementwise_key key_of(const cuda_kernel *k)
{
    elementwise_key key;
    memcpy(&key, k->key, k->key_bytes);
    return key;
}

/* ---- Starting what was held back */
/* The arguments of a flat program as an entry of the table. */
static void write_entry(uint64_t *entry, const uint64_t *args, const elementwise_key *key, unsigned first)
{
    int addresses = key->nin + key->nout;
    const uint64_t *strides = args + HEAD_WORDS + addresses + DIVIDER_WORDS;
    uint64_t adjacent = 0;
    for (int k = 0; k < key->nin; k++) adjacent |= (uint64_t)(strides[k] != 0) << k;
    entry[0] = first | args[0] << 32;
    entry[1] = args[1] >> 32 | adjacent << 32;
    memcpy(entry + 2, args + HEAD_WORDS, (size_t)addresses * sizeof *args);
}

static bool start_as_one(merger *m, const bundle *g, cuda_kernel *kernel)
{
    cuda_batch *b = &m->queue->batch;
    elementwise_key key = key_of(g->kernel);
    uint64_t words = ELEMENTWISE_ENTRY_BYTES(key.nin, key.nout) / sizeof(uint64_t);
    size_t bytes = 8 + (size_t)g->most * (size_t)words * sizeof words, at;
    mx_mark mark = mx_error_mark();
    bool ok = batch_add_args(b, bytes, &at);
    mx_error_reset(mark);
    if (!ok) return false;
    uint64_t *table = (uint64_t *)(void *)(b->args + at);
    unsigned blocks = 0, count = 0;
    cuda_launch one = {0};
    for (int i = 0; i < b->count; i++) {
        if (!(g->members >> i & 1)) continue;
        const cuda_launch *l = &b->launches[i];
        if (!count) one = *l;
        write_entry(table + 1 + count++ * words, (const uint64_t *)(const void *)(b->args + l->args_at), &key, blocks);
        blocks += l->grid[0];
    }
    memset(table + 1 + count * words, 0, bytes - 8 - count * words * sizeof words);
    table[0] = count | (uint64_t)blocks << 32;
    one.kernel = kernel;
    one.grid[0] = blocks;
    one.args_at = at;
    one.args_bytes = bytes;
    m->order[m->count++] = one;
    m->merged = true;
    if (UNLIKELY(runtime.trace_fuse))
        fprintf(stderr, "[fuse] GPU: %u launches of %s in one\n", count, g->kernel->entry);
    return true;
}

static void start_bundle(merger *m, const bundle *g)
{
    const cuda_batch *b = &m->queue->batch;
    cuda_kernel *kernel = NULL;
    if (g->count >= FEWEST) {
        elementwise_key key = key_of(g->kernel);
        mx_mark mark = mx_error_mark();
        key.kind = MANY_KIND;
        kernel = group_kernel(m->queue->device, &key, false);
        mx_error_reset(mark);
    }
    if (kernel && start_as_one(m, g, kernel)) return;
    for (int i = 0; i < b->count; i++) {
        if (g->members >> i & 1) m->order[m->count++] = b->launches[i];
    }
}

/* With each bundle its set has those that this one needs. */
static void start(merger *m, uint64_t bundles)
{
    for (int i = 0; bundles; i = (i + 1) % m->bundle_count) {
        uint64_t bit = (uint64_t)1 << i;
        if (!(bundles & bit) || (m->bundles[i].before & m->held)) continue;
        start_bundle(m, &m->bundles[i]);
        m->held &= ~bit;
        bundles &= ~bit;
    }
}

/* ---- Holding back */
static uint64_t bundles_before(const merger *m, const cuda_launch *l)
{
    uint64_t bundles = 0, after = l->after & m->members;
    for (int i = 0; after; i++, after >>= 1) {
        if (after & 1) bundles |= (uint64_t)1 << m->home[i] | m->bundles[m->home[i]].before;
    }
    return bundles & m->held;
}

/* One that needs a bundle does not join it, nor one that the bundle needs something of: there would be no order. */
static void hold(merger *m, int i, const cuda_launch *l, uint64_t before)
{
    int at = 0;
    for (; at < m->bundle_count; at++) {
        const bundle *g = &m->bundles[at];
        if (g->kernel == l->kernel && (m->held & ~before) >> at & 1 && g->count < g->most) break;
    }
    bundle *g = &m->bundles[at];
    if (at == m->bundle_count) {
        elementwise_key key = key_of(l->kernel);
        *g = (bundle){.kernel = l->kernel, .before = before, .most = ELEMENTWISE_MANY(key.nin, key.nout)};
        m->held |= (uint64_t)1 << m->bundle_count++;
    }
    for (int k = 0; before & ~g->before && k < m->bundle_count; k++) {
        if (m->bundles[k].before >> at & 1) m->bundles[k].before |= before;
    }
    g->before |= before;
    g->members |= (uint64_t)1 << i;
    g->count++;
    m->members |= (uint64_t)1 << i;
    m->home[i] = (uint8_t)at;
}

/* Are there FEWEST of one kernel? */
static bool is_of_use(const cuda_batch *b)
{
    for (int i = 0; i + FEWEST <= b->count; i++) {
        int like = 0;
        if (!b->launches[i].merges) continue;
        for (int k = i; k < b->count; k++)
            like += b->launches[k].merges && b->launches[k].kernel == b->launches[i].kernel;
        if (like >= FEWEST) return true;
    }
    return false;
}

void merge_launches(cuda_queue *q)
{
    cuda_batch *b = &q->batch;
    if (!runtime.fuse || b->count > BATCH_LAUNCHES || !is_of_use(b)) return; /* more: a cold start */
    merger m;
    m.queue = q;
    m.bundle_count = m.count = 0;
    m.held = m.members = 0;
    m.merged = false;
    for (int i = 0; i < b->count; i++) {
        const cuda_launch *l = &b->launches[i];
        uint64_t before = bundles_before(&m, l);
        if (l->merges) {
            hold(&m, i, l, before);
        } else {
            start(&m, before);
            m.order[m.count++] = *l;
        }
    }
    start(&m, m.held);
    if (!m.merged) return; /* in the order in which they came */
    memcpy(b->launches, m.order, (size_t)m.count * sizeof *m.order);
    b->count = m.count;
}
