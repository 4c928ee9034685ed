/* SPDX-License-Identifier: MIT
 *
 * Evaluation and transforms.  The number of a closure's outputs is known only after it ran, so all is done in the steps
 * of mx_trace: begin on the inputs, run, ask for products with the Jacobian, end. */
#include "mlxc/mlxc.h"

#include <limits.h>
#include <string.h>

int mlx_eval(const mlx_vector_array outputs)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector v = VECTOR(outputs);
    return mlxc_leave_plain(&call, !mx_failed() && mx_eval_n(v.at, (int)v.count));
}

int mlx_async_eval(const mlx_vector_array outputs)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector v = VECTOR(outputs);
    return mlxc_leave_plain(&call, !mx_failed() && mx_async_eval_n(v.at, (int)v.count));
}

/* Room for a list of arrays, not empty so that NULL means failure. */
static mx_array **room_for(size_t count)
{
    return mx_alloc(count + 1, sizeof(mx_array *));
}

/* ---- One trace of a closure ---- */

typedef struct traced_run {
    mx_array **args; /* what the closure gets */
    mx_array **marked;
    mx_array **products;
    mx_trace *trace;
    mlx_vector_array outputs;
} traced_run;

/* Runs the closure on `in`, tracing the inputs at `which` (count of them; NULL: the first `count`). */
static bool run_traced(traced_run *r, mlxc_closure *closure, mlxc_vector in, const int *which, size_t count,
                       size_t products)
{
    mx_array **picked = room_for(count);
    r->args = room_for(in.count);
    r->marked = room_for(count);
    r->products = room_for(products);
    bool ok = picked && r->args && r->marked && r->products;
    if (ok) {
        if (in.count) memcpy(r->args, in.at, in.count * sizeof *in.at);
        for (size_t i = 0; i < count; i++) picked[i] = in.at[which ? (size_t)which[i] : i];
        r->trace = mx_trace_begin(picked, (int)count, r->marked);
        ok = r->trace != NULL;
    }
    for (size_t i = 0; ok && i < count; i++) r->args[which ? (size_t)which[i] : i] = r->marked[i];
    mx_free(picked);
    return ok && mlxc_closure_run(closure, &r->outputs, r->args, in.count);
}

static mlxc_vector outputs_of(const traced_run *r)
{
    return *(mlxc_vector *)r->outputs.ctx;
}

static void end_run(traced_run *r)
{
    if (r->trace) mx_trace_end(&r->trace);
    mlx_vector_array_free(r->outputs);
    mx_free(r->args);
    mx_free(r->marked);
    mx_free(r->products);
}

/* Writes both result lists of a transform and ends its run. */
static bool give_results(const char *name, traced_run *r, bool ok, mlx_vector_array *res_0, mlx_vector_array *res_1,
                         size_t products)
{
    ok = ok && mlxc_is_set(res_0, name, "res_0") && mlxc_is_set(res_1, name, "res_1");
    if (ok) {
        mlxc_vector out = outputs_of(r);
        ok = mlxc_set_vector(res_0, out.at, out.count) && mlxc_set_vector(res_1, r->products, products);
    }
    end_run(r);
    return ok;
}

static bool check_like(const char *name, const char *what, mlxc_vector a, mlxc_vector like)
{
    if (a.count != like.count)
        return mx_fail_false(MX_VALUE, "[%s] %zu %s for %zu arrays.", name, a.count, what, like.count);
    for (size_t i = 0; i < a.count; i++) {
        mx_shape s = mx_shape_of(a.at[i]), t = mx_shape_of(like.at[i]);
        if (s.ndim != t.ndim || (s.ndim && memcmp(s.at, t.at, (size_t)s.ndim * sizeof *s.at) != 0))
            return mx_fail_false(MX_VALUE, "[%s] entry %zu of the %s has another shape than its array.", name, i, what);
    }
    return true;
}

int mlx_vjp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun, const mlx_vector_array primals,
            const mlx_vector_array cotangents)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(primals), dout = VECTOR(cotangents);
    traced_run r = {0};
    bool ok = !mx_failed() && IS_SET(fun.ctx) && run_traced(&r, fun.ctx, in, NULL, in.count, in.count) &&
              check_like(__func__, "cotangents", dout, outputs_of(&r)) &&
              mx_trace_vjp(r.trace, outputs_of(&r).at, dout.at, (int)dout.count, r.products);
    return mlxc_leave_plain(&call, give_results(__func__, &r, ok, res_0, res_1, in.count));
}

int mlx_jvp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun, const mlx_vector_array primals,
            const mlx_vector_array tangents)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(primals), tin = VECTOR(tangents), out = {0};
    traced_run r = {0};
    bool ok = !mx_failed() && IS_SET(fun.ctx) && check_like(__func__, "tangents", tin, in) &&
              run_traced(&r, fun.ctx, in, NULL, in.count, 0);
    if (ok) {
        out = outputs_of(&r);
        mx_free(r.products);
        r.products = room_for(out.count);
        ok = r.products && mx_trace_jvp(r.trace, tin.at, out.at, (int)out.count, r.products);
    }
    return mlxc_leave_plain(&call, give_results(__func__, &r, ok, res_0, res_1, out.count));
}

/* ---- value_and_grad: a closure whose payload is the function and the positions to differentiate by ---- */

typedef struct gradient_of {
    mlxc_closure *fun;
    size_t count;
    int argnums[];
} gradient_of;

static void free_gradient_of(void *payload)
{
    gradient_of *g = payload;
    mlxc_closure_drop(g->fun);
    mx_free(g);
}

static bool check_argnums(const gradient_of *g, size_t inputs)
{
    for (size_t i = 0; i < g->count; i++)
        if ((size_t)g->argnums[i] >= inputs)
            return mx_fail_false(MX_VALUE, "[value_and_grad] argument %d of %zu.", g->argnums[i], inputs);
    return true;
}

/* The function ran; the gradient of its first output, which must be a scalar. */
static bool gradient_of_first(traced_run *r)
{
    mlxc_vector out = outputs_of(r);
    if (out.count == 0 || mx_ndim(out.at[0]) != 0)
        return mx_fail_false(MX_VALUE, "[value_and_grad] the first result must be a scalar, it has %d dimensions.",
                             out.count ? mx_ndim(out.at[0]) : -1);
    mx_array *one = mx_scalar(1, mx_dtype_of(out.at[0]));
    return one && mx_trace_vjp(r->trace, out.at, &one, 1, r->products);
}

static bool value_and_grad(mlx_vector_array *values, mlx_vector_array *grads, mlxc_vector in, void *payload)
{
    gradient_of *g = payload;
    traced_run r = {0};
    bool ok = !mx_failed() && check_argnums(g, in.count) &&
              run_traced(&r, g->fun, in, g->argnums, g->count, g->count) && gradient_of_first(&r);
    return give_results("value_and_grad", &r, ok, values, grads, g->count);
}

int mlx_value_and_grad(mlx_closure_value_and_grad *res, const mlx_closure fun, const int *argnums, size_t argnums_num)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(res) && IS_SET(fun.ctx) && IS_SET(argnums);
    if (ok && (argnums_num == 0 || argnums_num > INT_MAX))
        ok = mx_fail_false(MX_VALUE, "[value_and_grad] %zu arguments to differentiate by.", argnums_num);
    for (size_t i = 0; ok && i < argnums_num; i++) {
        if (argnums[i] < 0) ok = mx_fail_false(MX_VALUE, "[value_and_grad] argument %d is negative.", argnums[i]);
        for (size_t j = 0; ok && j < i; j++)
            if (argnums[i] == argnums[j])
                ok = mx_fail_false(MX_VALUE, "[value_and_grad] argument %d is named twice.", argnums[i]);
    }
    gradient_of *g = ok ? mx_alloc(1, sizeof *g + argnums_num * sizeof *argnums) : NULL;
    if (g) {
        g->fun = mlxc_closure_keep(fun.ctx);
        g->count = argnums_num;
        memcpy(g->argnums, argnums, argnums_num * sizeof *argnums);
    }
    int status = mlxc_leave_plain(&call, g != NULL);
    if (status) return status;
    mlx_closure_value_and_grad closure = mlxc_gradient_closure(value_and_grad, g, free_gradient_of);
    if (!closure.ctx) {
        free_gradient_of(g);
        return 1;
    }
    mlxc_closure_drop(res->ctx);
    *res = closure;
    return 0;
}
