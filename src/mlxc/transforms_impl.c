/* SPDX-License-Identifier: MIT
 *
 * vmap in two calls.  The first opens a batched trace and runs the closure on its placeholders; the trace stays open
 * and belongs to the list of placeholders, which the second call gets back: it makes the same nodes from whole arrays.
 * The trace ends with that list. */
#include "mlxc/mlxc.h"

/* An axis that is not mapped, in mlx-c. */
#define UNMAPPED (-1)

struct mlxc_batch {
    mx_trace *trace;
    size_t count;
    mx_array **in; /* the whole inputs, owned */
    int *axes;     /* as the native API has them */
};

void mlxc_batch_free(struct mlxc_batch *batch)
{
    if (!batch) return;
    if (batch->trace) mx_trace_end(&batch->trace);
    if (batch->in) mx_drop_n(batch->in, (int)batch->count);
    mx_free(batch->in);
    mx_free(batch->axes);
    mx_free(batch);
}

static int native_axis(int axis)
{
    return axis == UNMAPPED ? MX_UNMAPPED : axis;
}

static struct mlxc_batch *new_batch(mlxc_vector in, const int *axes)
{
    struct mlxc_batch *b = mx_alloc(1, sizeof *b);
    if (!b) return NULL;
    b->in = mx_alloc(in.count + 1, sizeof *b->in);
    b->axes = mx_alloc(in.count + 1, sizeof *b->axes);
    if (!b->in || !b->axes) {
        mlxc_batch_free(b);
        return NULL;
    }
    b->count = in.count;
    for (size_t i = 0; i < in.count; i++) {
        b->in[i] = mx_keep(in.at[i]);
        b->axes[i] = native_axis(axes[i]);
    }
    return b;
}

static bool check_axes(const char *name, const int *axes, size_t axes_num, size_t arrays)
{
    if (axes_num != arrays) return mx_fail_false(MX_VALUE, "[%s] %zu axes for %zu arrays.", name, axes_num, arrays);
    return arrays == 0 || mlxc_is_set(axes, name, "the list of axes");
}

int mlx_detail_vmap_trace(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                          const mlx_vector_array inputs, const int *in_axes, size_t in_axes_num)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(inputs);
    bool ok = !mx_failed() && IS_SET(res_0) && IS_SET(res_1) && IS_SET(fun.ctx) &&
              check_axes(__func__, in_axes, in_axes_num, in.count);
    struct mlxc_batch *batch = ok ? new_batch(in, in_axes) : NULL;
    mx_array **placeholders = batch ? mx_alloc(in.count + 1, sizeof *placeholders) : NULL;
    mlx_vector_array out = {NULL};
    ok = placeholders && (batch->trace = mx_trace_begin_batched(batch->in, batch->axes, (int)in.count, placeholders)) &&
         mlxc_closure_run(fun.ctx, &out, placeholders, in.count);
    if (ok) {
        mlxc_vector made = *(mlxc_vector *)out.ctx;
        ok = mlxc_set_vector(res_1, made.at, made.count) && mlxc_set_vector(res_0, placeholders, in.count);
    }
    if (ok)
        ((mlxc_vector *)res_0->ctx)->batch = batch;
    else
        mlxc_batch_free(batch);
    mlx_vector_array_free(out);
    mx_free(placeholders);
    return mlxc_leave_plain(&call, ok);
}

/* The trace knows its inputs: others cannot be put in their place. */
static bool check_same_inputs(const char *name, const struct mlxc_batch *batch, mlxc_vector in, const int *axes)
{
    if (!batch) return mx_fail_false(MX_VALUE, "[%s] s_inputs is not a list that mlx_detail_vmap_trace gave.", name);
    bool same = in.count == batch->count;
    for (size_t i = 0; same && i < in.count; i++)
        same = in.at[i] == batch->in[i] && native_axis(axes[i]) == batch->axes[i];
    return same || mx_fail_false(MX_VALUE, "[%s] the inputs and axes are not those that were traced.", name);
}

int mlx_detail_vmap_replace(mlx_vector_array *res, const mlx_vector_array inputs, const mlx_vector_array s_inputs,
                            const mlx_vector_array s_outputs, const int *in_axes, size_t in_axes_num,
                            const int *out_axes, size_t out_axes_num)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(inputs), from = VECTOR(s_inputs), made = VECTOR(s_outputs);
    bool ok = !mx_failed() && check_axes(__func__, in_axes, in_axes_num, in.count) &&
              check_axes(__func__, out_axes, out_axes_num, made.count) &&
              check_same_inputs(__func__, from.batch, in, in_axes);
    int *axes = ok ? mx_alloc(made.count + 1, sizeof *axes) : NULL;
    mx_array **out = axes ? mx_alloc(made.count + 1, sizeof *out) : NULL;
    for (size_t i = 0; out && i < made.count; i++) axes[i] = native_axis(out_axes[i]);
    ok = out && mx_trace_vmap(from.batch->trace, made.at, axes, (int)made.count, out);
    int status = mlxc_leave_list(&call, res, out, (int)made.count, ok);
    mx_free(axes);
    mx_free(out);
    return status;
}
