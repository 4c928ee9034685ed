/* SPDX-License-Identifier: MIT
 *
 * Graphs: nodes added one by one or captured from streams, made executable (a copy, children dissolved), updated, launched.  The nodes of a
 * launch run in a random order that their dependencies allow. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static int position_of(const sim_graph *g, const sim_node *node)
{
    for (int i = 0; i < g->count; i++)
        if (g->node[i] == node) return i;
    return -1;
}

static void node_free(sim_node *n)
{
    if (n->command.nodes) sim_drop_nodes(n->command.nodes);
    free(n->command.params);
    free(n->command.staged);
    free(n->after);
    free(n);
}

void sim_drop_nodes(sim_nodes *n)
{
    if (--n->references) return;
    for (int i = 0; i < n->count; i++) node_free(n->node[i]);
    free(n->node);
    free(n);
}

/* Adds a node that is all zero but for its dependencies; NULL: no memory. */
static sim_node *add(sim_graph *g, const int *after, int count)
{
    sim_node **nodes = realloc(g->node, (size_t)(g->count + 1) * sizeof *nodes);
    if (nodes) g->node = nodes;
    sim_node *n = nodes ? calloc(1, sizeof *n) : NULL;
    if (!n || !(n->after = malloc((size_t)(count + 1) * sizeof *n->after))) {
        free(n);
        return NULL;
    }
    if (count) memcpy(n->after, after, (size_t)count * sizeof *after);
    n->after_count = count;
    n->origin = n;
    return g->node[g->count++] = n;
}

static sim_node *add_after(sim_graph *g, sim_node *const *after, size_t count)
{
    int *positions = malloc((count + 1) * sizeof *positions);
    bool known = positions != NULL;
    for (size_t i = 0; known && i < count; i++) known = (positions[i] = position_of(g, after[i])) >= 0;
    sim_node *n = known ? add(g, positions, (int)count) : NULL;
    free(positions);
    return n;
}

API sim_result cuGraphCreate(sim_graph **g, unsigned flags)
{
    if (flags) return SIM_INVALID_VALUE;
    ENTER(cuGraphCreate);
    *g = calloc(1, sizeof **g);
    return sim_leave(*g ? SIM_OK : SIM_OUT_OF_MEMORY);
}

API sim_result cuGraphDestroy(sim_graph *g)
{
    ENTER(cuGraphDestroy);
    for (int i = 0; i < g->count; i++) node_free(g->node[i]);
    free(g->node);
    free(g);
    return sim_leave(SIM_OK);
}

API sim_result cuGraphAddKernelNode_v2(sim_node **node, sim_graph *g, sim_node *const *after, size_t count,
                                       const sim_kernel_node_params *p)
{
    ENTER(cuGraphAddKernelNode);
    sim_command filled = {.kind = KERNEL};
    sim_result r = sim_fill_launch(&filled, p->function, p->grid, p->block, p->shared_bytes, p->params);
    if (r) return sim_leave(r);
    if (!(*node = add_after(g, after, count))) {
        free(filled.params);
        return sim_leave(SIM_INVALID_VALUE);
    }
    (*node)->command = filled;
    return sim_leave(SIM_OK);
}

API sim_result cuGraphAddEmptyNode(sim_node **node, sim_graph *g, sim_node *const *after, size_t count)
{
    ENTER(cuGraphAddEmptyNode);
    *node = add_after(g, after, count);
    if (*node) (*node)->command.kind = EMPTY;
    return sim_leave(*node ? SIM_OK : SIM_INVALID_VALUE);
}

/* ---- Executable graphs */

static size_t params_bytes(const sim_command *c)
{
    size_t count = (size_t)c->function->kernel->param_count, bytes = (count + 1) / 2 * 2 * sizeof(void *);
    for (size_t i = 0; i < count; i++) bytes += (c->function->kernel->param_bytes[i] + 15u) / 16 * 16;
    return bytes;
}

static bool copy_command(sim_command *to, const sim_command *from)
{
    *to = *from;
    to->params = NULL;
    to->staged = NULL;
    to->nodes = NULL;
    if (from->staged) {
        if (!(to->staged = malloc(from->bytes))) return false;
        memcpy(to->staged, from->staged, from->bytes);
    }
    if (from->params) {
        if (!(to->params = aligned_alloc(16, (params_bytes(from) + 31) / 16 * 16))) return false;
        memcpy(to->params, from->params, params_bytes(from));
        ptrdiff_t moved = (char *)to->params - (char *)from->params;
        for (int i = 0; i < from->function->kernel->param_count; i++) to->params[i] = (char *)from->params[i] + moved;
    }
    if (from->nodes) {
        to->nodes = from->nodes;
        to->nodes->references++;
    }
    return true;
}

static sim_nodes *copy_nodes(sim_node *const *node, int count)
{
    sim_graph g = {0};
    for (int i = 0; i < count; i++) {
        sim_node *n = add(&g, node[i]->after, node[i]->after_count);
        if (!n || !copy_command(&n->command, &node[i]->command)) return NULL;
        n->origin = node[i]->origin;
    }
    sim_nodes *nodes = malloc(sizeof *nodes);
    if (nodes) *nodes = (sim_nodes){1, g.count, g.node};
    return nodes;
}

struct sim_exec {
    sim_nodes *nodes;
};

API sim_result cuGraphAddChildGraphNode(sim_node **node, sim_graph *g, sim_node *const *after, size_t count,
                                        sim_graph *child)
{
    ENTER(cuGraphAddChildGraphNode);
    sim_nodes *nodes = copy_nodes(child->node, child->count);
    *node = nodes ? add_after(g, after, count) : NULL;
    if (!*node) return sim_leave(SIM_INVALID_VALUE);
    (*node)->command = (sim_command){.kind = GRAPH, .nodes = nodes};
    return sim_leave(SIM_OK);
}

API sim_result cuGraphInstantiateWithFlags(sim_exec **exec, sim_graph *g, unsigned long long flags)
{
    (void)flags;
    ENTER(cuGraphInstantiate);
    *exec = calloc(1, sizeof **exec);
    if (!*exec || !((*exec)->nodes = copy_nodes(g->node, g->count))) return sim_leave(SIM_OUT_OF_MEMORY);
    return sim_leave(SIM_OK);
}

API sim_result cuGraphExecDestroy(sim_exec *exec)
{
    ENTER(cuGraphExecDestroy);
    sim_drop_nodes(exec->nodes);
    free(exec);
    return sim_leave(SIM_OK);
}

/* Launches under way keep what they were launched with. */
static bool make_own(sim_exec *exec)
{
    if (exec->nodes->references == 1) return true;
    sim_nodes *own = copy_nodes(exec->nodes->node, exec->nodes->count);
    if (!own) return false;
    sim_drop_nodes(exec->nodes);
    exec->nodes = own;
    return true;
}

API sim_result cuGraphExecKernelNodeSetParams_v2(sim_exec *exec, sim_node *node, const sim_kernel_node_params *p)
{
    ENTER(cuGraphExecKernelNodeSetParams);
    sim_command filled = {.kind = KERNEL};
    sim_result r = sim_fill_launch(&filled, p->function, p->grid, p->block, p->shared_bytes, p->params);
    if (r) return sim_leave(r);
    for (int i = 0; make_own(exec) && i < exec->nodes->count; i++) {
        sim_node *n = exec->nodes->node[i];
        if (n->origin != node || n->command.kind != KERNEL) continue;
        free(n->command.params);
        n->command = filled;
        return sim_leave(SIM_OK);
    }
    free(filled.params);
    return sim_leave(SIM_INVALID_VALUE);
}

/* The new graph must have the same nodes in the same places. */
API sim_result cuGraphExecUpdate_v2(sim_exec *exec, sim_graph *g, sim_update_result *result)
{
    ENTER(cuGraphExecUpdate);
    *result = (sim_update_result){0};
    bool same = g->count == exec->nodes->count;
    for (int i = 0; same && i < g->count; i++) {
        const sim_node *a = g->node[i], *b = exec->nodes->node[i];
        same = a->command.kind == b->command.kind && a->after_count == b->after_count &&
               !memcmp(a->after, b->after, (size_t)a->after_count * sizeof *a->after);
    }
    if (!same) {
        result->result = 1; /* CU_GRAPH_EXEC_UPDATE_ERROR */
        return sim_leave(SIM_UPDATE_FAILURE);
    }
    sim_nodes *fresh = copy_nodes(g->node, g->count);
    if (!fresh) return sim_leave(SIM_OUT_OF_MEMORY);
    for (int i = 0; i < fresh->count; i++) fresh->node[i]->origin = exec->nodes->node[i]->origin;
    sim_drop_nodes(exec->nodes);
    exec->nodes = fresh;
    return sim_leave(SIM_OK);
}

API sim_result cuGraphLaunch(sim_exec *exec, sim_stream *handle)
{
    ENTER(cuGraphLaunch);
    sim_command *c = sim_command_new(sim_stream_of(handle), GRAPH);
    c->nodes = exec->nodes;
    c->nodes->references++;
    return sim_leave(sim_push(c));
}

static bool may_run(const sim_node *n, const bool *done)
{
    for (int i = 0; i < n->after_count; i++)
        if (!done[n->after[i]]) return false;
    return true;
}

/* Position of the node to run next: the first that may, or any by chance. */
static int next_node(const sim_nodes *nodes, const bool *done)
{
    int found = -1;
    unsigned seen = 0;
    for (int i = 0; i < nodes->count; i++) {
        if (done[i] || !may_run(nodes->node[i], done)) continue;
        if (sim.sched == RUN_FIFO) return i;
        if (sim_random() % ++seen == 0) found = i;
    }
    return found;
}

void sim_run_nodes(sim_command *launch)
{
    const sim_nodes *nodes = launch->nodes;
    bool *done = calloc((size_t)nodes->count + 1, sizeof *done);
    if (!done) abort();
    int at;
    while (!sim.sticky && (at = next_node(nodes, done)) >= 0) {
        sim_command *c = &nodes->node[at]->command;
        done[at] = true;
        c->stream = launch->stream;
        memcpy(c->clock, launch->clock, sizeof c->clock);
        sim_remember(c, launch->clock[launch->stream->id]); /* for the checker: after the nodes before it */
        sim_run_command(c);
    }
    sim.running = launch;
    free(done);
}

/* ---- Capture */

/* Makes a command of a capturing stream a node; its only dependency is then what the stream goes on from. */
sim_result sim_capture(sim_command *c)
{
    sim_stream *s = c->stream;
    sim_node *n = add(s->capture, s->capture_after, s->capture_count);
    if (!n || !copy_command(&n->command, c)) return SIM_OUT_OF_MEMORY;
    sim_command_free(c);
    s->capture_after[0] = s->capture->count - 1;
    s->capture_count = 1;
    return SIM_OK;
}

API sim_result cuStreamBeginCapture_v2(sim_stream *handle, int mode)
{
    (void)mode;
    ENTER(cuStreamBeginCapture);
    sim_stream *s = sim_stream_of(handle);
    if (s == &sim.legacy || s->capture) return sim_leave(SIM_CAPTURE_UNSUPPORTED);
    s->capture = calloc(1, sizeof *s->capture);
    s->capture_origin = true;
    s->capture_count = 0;
    return sim_leave(s->capture ? SIM_OK : SIM_OUT_OF_MEMORY);
}

static bool is_followed(const sim_graph *g, int node)
{
    for (int i = 0; i < g->count; i++)
        for (int j = 0; j < g->node[i]->after_count; j++)
            if (g->node[i]->after[j] == node) return true;
    return false;
}

static bool is_joined(const sim_stream *fork, const sim_stream *origin)
{
    if (fork->capture_count != 1) return false;
    int last = fork->capture_after[0];
    for (int i = 0; i < origin->capture_count; i++)
        if (origin->capture_after[i] == last) return true;
    return is_followed(fork->capture, last);
}

API sim_result cuStreamEndCapture(sim_stream *handle, sim_graph **g)
{
    ENTER(cuStreamEndCapture);
    sim_stream *s = sim_stream_of(handle);
    *g = NULL;
    if (!s->capture || !s->capture_origin) return sim_leave(SIM_INVALID_VALUE);
    sim_result r = SIM_OK;
    for (int i = 1; i < sim.stream_count; i++) {
        sim_stream *fork = sim.stream[i];
        if (fork == s || fork->capture != s->capture) continue;
        if (!is_joined(fork, s)) {
            sim_report("cuStreamEndCapture: stream %d was forked from stream %d and not joined", fork->id, s->id);
            r = SIM_CAPTURE_UNJOINED;
        }
        fork->capture = NULL;
        fork->capture_count = 0;
    }
    if (!r) *g = s->capture;
    s->capture = NULL;
    s->capture_origin = false;
    s->capture_count = 0;
    return sim_leave(r);
}

API sim_result cuStreamIsCapturing(sim_stream *handle, int *status)
{
    ENTER(cuStreamIsCapturing);
    *status = sim_stream_of(handle)->capture != NULL;
    return sim_leave(SIM_OK);
}
