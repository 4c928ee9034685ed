/* SPDX-License-Identifier: MIT
 *
 * Running a group node by node: on the GPU where there is a kernel, else on the CPU, whose backend brings its inputs to
 * the host by itself and whose results are copied here when a kernel reads them. */
#include "cuda/dispatch.h"
#include "core/layout.h"
#include "core/runtime.h"
#include "cuda/group.h"

#define VIEW(name)
#define OP(name) extern const cuda_op cuda_##name;
#include "core/ops.def"
#undef OP

#define VIEW(name)
#define OP(name) [OP_##name] = &cuda_##name,
const cuda_op *const cuda_ops[OP_COUNT] = {
#include "core/ops.def"
};
#undef OP

/* What a failed call has made already. */
static void release_outputs(mx_array *lead)
{
    for (int i = 0; i < lead->nout; i++) {
        buffer_drop(lead[i].buffer);
        lead[i].buffer = NULL;
    }
}

bool cuda_on_cpu(cuda_call *c)
{
    mx_array *lead = c->out;
    mx_group alone = {.nodes = &lead, .count = 1, .written = 1, .keeps_inputs = !c->may_donate};
    return backend_of(MX_CPU)->run(c->queue->stream, &alone);
}

static bool run_kernel(cuda_call *c, const cuda_op *op)
{
    if (c->op->flags & OP_VIEW) return cuda_copy(c, c->in[0]);
    return op->run ? op->run(c) : cuda_elementwise(c);
}

static bool run_node(mx_stream *stream, mx_array *lead, bool keeps_inputs)
{
    const cuda_op *op = cuda_ops[lead->op->id];
    bool here = (lead->op->flags & OP_VIEW) || (op && (op->run || cuda_has_elementwise(lead, op)));
    mx_group alone = {.nodes = &lead, .count = 1, .written = 1, .keeps_inputs = keeps_inputs};
    if (!here) return backend_of(MX_CPU)->run(stream, &alone);
    cuda_queue *q = cuda_queue_of(stream);
    if (!q) return false;
    cuda_call c = {.queue = q,
                   .failures = atomic_load_explicit(&q->failures, memory_order_acquire),
                   .op = lead->op,
                   .params = array_params(lead),
                   .in = lead->in,
                   .nin = lead->nin,
                   .out = lead,
                   .nout = lead->nout,
                   .reads = 1,
                   .may_donate =
                       !keeps_inputs && !(lead->trace & atomic_load_explicit(&runtime.traces, memory_order_relaxed))};
    bool ok = run_kernel(&c, op);
    cuda_release(&c);
    if (!ok) release_outputs(lead);
    return ok;
}

bool cuda_run(mx_stream *stream, const mx_group *group)
{
    return group->count == 1 ? run_node(stream, group->nodes[0], group->keeps_inputs) : cuda_run_group(stream, group);
}

mx_role cuda_role(const mx_array *node)
{
    const cuda_op *op = cuda_ops[node->op->id];
    if (node->op->flags & OP_VIEW) return node->nin == 1 && layout_is_view(node) ? ROLE_VIEW : ROLE_ALONE;
    if (!op || node->size == 0) return ROLE_ALONE;
    if (op->add_to) return ROLE_PRODUCT;
    if (op->rows) return ROLE_ROWS;
    if (op->fold) return cuda_folds_rows(node) ? ROLE_FOLD : cuda_can_end(node) ? ROLE_END : ROLE_ALONE;
    return !op->run && cuda_has_elementwise(node, op) ? ROLE_MAP : ROLE_ALONE;
}

bool cuda_flush(mx_stream *stream)
{
    cuda_queue *q = atomic_load_explicit(&stream->state, memory_order_acquire);
    return !q || (cuda_enter(q->device) && queue_commit(q));
}

bool cuda_wait(mx_stream *stream)
{
    cuda_queue *q = atomic_load_explicit(&stream->state, memory_order_acquire);
    return !q || (cuda_enter(q->device) && queue_drain(q));
}
