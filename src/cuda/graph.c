/* SPDX-License-Identifier: MIT
 *
 * Runs of kernels as CUDA graphs.  A run that is seen for the second time (the same kernels in the same order) is built
 * as a graph of kernel nodes, one after the other, and kept; from then on only the arguments of its nodes are set anew,
 * and the whole costs one launch.  A run seen once, or a short one, is launched kernel by kernel: making a graph costs
 * more than it saves.  Calls of libraries end a run: capturing one costs more than issuing it. */
#include "cuda/stream.h"
#include "cuda/jit.h"
#include "core/memory.h"
#include <string.h>

enum { SHORTEST = 4, KEPT = 64, SEEN = 256 };

typedef struct kept_graph {
    uint64_t hash, last_used;
    int count;
    cuda_kernel **kernels;
    cu_graph graph;
    cu_graph_exec exec;
    cu_node *nodes;
} kept_graph;

struct cuda_graph_cache {
    uint64_t clock;
    uint64_t seen[SEEN]; /* hashes of batches, by their low bits */
    kept_graph graphs[KEPT];
};

/* Launches of a batch. */
typedef struct run {
    const cuda_batch *batch;
    const cuda_launch *launches;
    int count;
} run;

static uint64_t hash_run(const run *b)
{
    uint64_t h = 1469598103934665603u;
    for (int i = 0; i < b->count; i++) {
        h = (h ^ (uint64_t)(uintptr_t)b->launches[i].kernel) * 1099511628211u;
        h ^= h >> 29;
    }
    return h ? h : 1;
}

static bool matches(const kept_graph *g, const run *b, uint64_t hash)
{
    if (g->hash != hash || g->count != b->count) return false;
    for (int i = 0; i < b->count; i++) {
        if (g->kernels[i] != b->launches[i].kernel) return false;
    }
    return true;
}

static void node_of(const run *b, int i, void **param, cu_kernel_node *node)
{
    const cuda_launch *l = &b->launches[i];
    *param = b->batch->args + l->args_at;
    *node = (cu_kernel_node){.function = l->kernel->function, .shared_bytes = l->shared_bytes, .params = param};
    memcpy(node->grid, l->grid, sizeof node->grid);
    memcpy(node->block, l->block, sizeof node->block);
}

static cu_result launch_each(cuda_queue *q, const run *b)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    cu_result r = CU_OK;
    for (int i = 0; r == CU_OK && i < b->count; i++) {
        cu_kernel_node n;
        void *param;
        node_of(b, i, &param, &n);
        r = cu->cuLaunchKernel(n.function, n.grid[0], n.grid[1], n.grid[2], n.block[0], n.block[1], n.block[2],
                               n.shared_bytes, q->handle, n.params, NULL);
    }
    return r;
}

static void drop_graph(const cuda_driver *cu, kept_graph *g)
{
    /* One that still runs is freed by the driver when it has finished. */
    if (g->exec) cu->cuGraphExecDestroy(g->exec);
    if (g->graph) cu->cuGraphDestroy(g->graph);
    mx_free(g->kernels);
    mx_free(g->nodes);
    *g = (kept_graph){0};
}

static cu_result build(const cuda_driver *cu, const run *b, kept_graph *g)
{
    g->kernels = memory_try((size_t)b->count * sizeof *g->kernels);
    g->nodes = memory_try((size_t)b->count * sizeof *g->nodes);
    if (!g->kernels || !g->nodes) return CU_NO_MEMORY;
    cu_result r = cu->cuGraphCreate(&g->graph, 0);
    for (int i = 0; r == CU_OK && i < b->count; i++) {
        cu_kernel_node n;
        void *param;
        node_of(b, i, &param, &n);
        g->kernels[i] = b->launches[i].kernel;
        r = cu->cuGraphAddKernelNode_v2(&g->nodes[i], g->graph, i ? &g->nodes[i - 1] : NULL, i > 0, &n);
    }
    if (r == CU_OK) r = cu->cuGraphInstantiateWithFlags(&g->exec, g->graph, 0);
    return r;
}

static cu_result update(const cuda_driver *cu, const run *b, const kept_graph *g)
{
    cu_result r = CU_OK;
    for (int i = 0; r == CU_OK && i < b->count; i++) {
        cu_kernel_node n;
        void *param;
        node_of(b, i, &param, &n);
        r = cu->cuGraphExecKernelNodeSetParams_v2(g->exec, g->nodes[i], &n);
    }
    return r;
}

static kept_graph *find(cuda_graph_cache *c, const run *b, uint64_t hash, kept_graph **oldest)
{
    *oldest = &c->graphs[0];
    for (int i = 0; i < KEPT; i++) {
        if (matches(&c->graphs[i], b, hash)) return &c->graphs[i];
        if (c->graphs[i].last_used < (*oldest)->last_used) *oldest = &c->graphs[i];
    }
    return NULL;
}

cu_result graph_start(cuda_queue *q, int first, int count)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    run whole = {&q->batch, q->batch.launches + first, count}, *b = &whole;
    if (count < SHORTEST) return launch_each(q, b);
    cuda_graph_cache *c = q->graphs;
    if (!c) {
        if (!(c = q->graphs = memory_try(sizeof *c))) return launch_each(q, b);
        memset(c, 0, sizeof *c);
    }
    uint64_t hash = hash_run(b), *seen = &c->seen[hash % SEEN];
    if (*seen != hash) {
        *seen = hash;
        return launch_each(q, b);
    }
    kept_graph *oldest, *g = find(c, b, hash, &oldest);
    cu_result r = CU_OK;
    if (g) {
        r = update(cu, b, g);
    } else {
        drop_graph(cu, oldest);
        g = oldest;
        if ((r = build(cu, b, g)) == CU_OK)
            *g = (kept_graph){hash, 0, b->count, g->kernels, g->graph, g->exec, g->nodes};
    }
    if (r != CU_OK) { /* a graph is never needed */
        drop_graph(cu, g);
        return launch_each(q, b);
    }
    g->last_used = ++c->clock;
    return cu->cuGraphLaunch(g->exec, q->handle);
}
