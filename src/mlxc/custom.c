/* SPDX-License-Identifier: MIT
 *
 * custom_function, custom_vjp and checkpoint: a closure whose payload is the function and its rules.  A call hands the
 * library a record that keeps them, because arrays may ask for a rule when the closure is long gone. */
#include "mlxc/mlxc.h"

typedef struct ruled_closure {
    mlxc_closure *fun, *vjp, *jvp, *vmap; /* NULL: derived */
    bool checkpoint;
} ruled_closure;

static void free_ruled(void *payload)
{
    ruled_closure *r = payload;
    mlxc_closure_drop(r->fun);
    mlxc_closure_drop(r->vjp);
    mlxc_closure_drop(r->jvp);
    mlxc_closure_drop(r->vmap);
    mx_free(r);
}

static ruled_closure *copy_ruled(const ruled_closure *from)
{
    ruled_closure *r = mx_alloc(1, sizeof *r);
    if (!r) return NULL;
    *r = *from;
    mlxc_closure_keep(r->fun);
    mlxc_closure_keep(r->vjp);
    mlxc_closure_keep(r->jvp);
    mlxc_closure_keep(r->vmap);
    return r;
}

/* Moves what a closure made to `out`, as temporaries; ends the list. */
static bool take_results(bool ok, const char *what, mlx_vector_array made, mx_array **out, int nout)
{
    mlxc_vector *v = made.ctx;
    if (ok && (!v || v->count != (size_t)nout))
        ok = mx_fail_false(MX_VALUE, "[custom_function] the %s gave %zu arrays, but %d are expected.", what,
                           v ? v->count : 0, nout);
    for (int i = 0; i < nout && ok; i++) ok = (out[i] = mx_temporary(mx_keep(v->at[i]))) != NULL;
    mlx_vector_array_free(made);
    return ok;
}

/* A borrowed list as a handle. */
#define LIST(name, arrays, n)                                                                                          \
    mlxc_vector name##_list = {.at = (mx_array **)(arrays), .count = (size_t)(n)};                                     \
    mlx_vector_array name = {&name##_list}

static bool run_fun(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mlx_vector_array made = {NULL};
    bool ok = mlxc_closure_run(((ruled_closure *)ctx)->fun, &made, in, (size_t)nin);
    return take_results(ok, "function", made, out, nout);
}

static bool run_vjp(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                    mx_array **din)
{
    LIST(primals, in, nin);
    LIST(cotangents, dout, nout);
    LIST(outputs, out, nout);
    mlx_vector_array made = {NULL};
    bool ok = mlxc_closure_run_vjp(((ruled_closure *)ctx)->vjp, &made, primals, cotangents, outputs);
    return take_results(ok, "vjp rule", made, din, nin);
}

static bool run_jvp(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    LIST(primals, in, nin);
    mx_array **given = mx_alloc((size_t)nin + 1, sizeof *given);
    int *positions = mx_alloc((size_t)nin + 1, sizeof *positions), count = 0;
    mlx_vector_array made = {NULL};
    bool ok = given && positions;
    for (int i = 0; i < nin && ok; i++) {
        if (!tin[i]) continue;
        given[count] = tin[i];
        positions[count++] = i;
    }
    LIST(tangents, given, count);
    ok = ok && mlxc_closure_run_jvp(((ruled_closure *)ctx)->jvp, &made, primals, tangents, positions, (size_t)count);
    mx_free(given);
    mx_free(positions);
    return take_results(ok, "jvp rule", made, tout, nout);
}

static bool run_vmap(void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out, int *out_axes,
                     int nout)
{
    LIST(inputs, in, nin);
    int *axes = mx_alloc((size_t)nin + 1, sizeof *axes);
    mlx_vector_array made = {NULL};
    mlx_vector_int made_axes = {NULL};
    for (int i = 0; i < nin && axes; i++) axes[i] = in_axes[i] == MX_UNMAPPED ? -1 : in_axes[i];
    bool ok = axes && mlxc_closure_run_vmap(((ruled_closure *)ctx)->vmap, &made, &made_axes, inputs, axes, (size_t)nin);
    if (ok && mlx_vector_int_size(made_axes) != (size_t)nout)
        ok = mx_fail_false(MX_VALUE, "[custom_function] the vmap rule gave %zu axes, but %d are expected.",
                           mlx_vector_int_size(made_axes), nout);
    for (int i = 0; i < nout && ok; i++) {
        ok = mlx_vector_int_get(&out_axes[i], made_axes, (size_t)i) == 0;
        if (out_axes[i] == -1) out_axes[i] = MX_UNMAPPED;
    }
    mlx_vector_int_free(made_axes);
    mx_free(axes);
    return take_results(ok, "vmap rule", made, out, nout);
}

static bool apply(mlx_vector_array *res, mlxc_vector in, void *payload)
{
    const ruled_closure *r = payload;
    mx_array **inner = mx_alloc(in.count + 1, sizeof *inner), **out = NULL;
    mx_array *key = r->checkpoint ? mx_random_state() : NULL;
    mlx_vector_array made = {NULL};
    bool ok = inner && (key || !r->checkpoint) && mx_custom_begin(in.at, (int)in.count, inner) &&
              mlxc_closure_run(r->fun, &made, inner, in.count);
    ruled_closure *record = ok ? copy_ruled(r) : NULL;
    if (record) {
        mx_custom_rules rules = {.fn = run_fun,
                                 .vjp = r->vjp ? run_vjp : NULL,
                                 .jvp = r->jvp ? run_jvp : NULL,
                                 .vmap = r->vmap ? run_vmap : NULL,
                                 .ctx = record,
                                 .release = free_ruled,
                                 .checkpoint = key};
        mlxc_vector v = *(mlxc_vector *)made.ctx;
        out = mx_alloc(v.count + 1, sizeof *out);
        ok = mx_custom_end(&rules, in.at, (int)in.count, v.at, (int)v.count, out) && out &&
             mlxc_set_vector(res, out, v.count);
    }
    mlx_vector_array_free(made);
    mx_free(inner);
    mx_free(out);
    return ok && record;
}

static int make_closure(const char *name, mlx_closure *res, ruled_closure rules, bool complete)
{
    mlxc_call call = mlxc_enter(name);
    bool ok = mlxc_is_set(res, name, "res") && mlxc_is_set(rules.fun, name, "fun") &&
              (complete || mx_fail_false(MX_VALUE, "[%s] fun_vjp is empty.", name));
    ruled_closure *r = ok ? copy_ruled(&rules) : NULL;
    int status = mlxc_leave_plain(&call, r != NULL);
    if (status) return status;
    mlx_closure made = mlxc_native_closure(name, apply, r, free_ruled);
    if (!made.ctx) {
        free_ruled(r);
        return 1;
    }
    mlx_closure_free(*res);
    *res = made;
    return 0;
}

int mlx_checkpoint(mlx_closure *res, const mlx_closure fun)
{
    return make_closure(__func__, res, (ruled_closure){.fun = fun.ctx, .checkpoint = true}, true);
}

int mlx_custom_function(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp,
                        const mlx_closure_custom_jvp fun_jvp, const mlx_closure_custom_vmap fun_vmap)
{
    return make_closure(__func__, res, (ruled_closure){fun.ctx, fun_vjp.ctx, fun_jvp.ctx, fun_vmap.ctx, false}, true);
}

int mlx_custom_vjp(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp)
{
    return make_closure(__func__, res, (ruled_closure){.fun = fun.ctx, .vjp = fun_vjp.ctx}, fun_vjp.ctx != NULL);
}

int mlx_depends(mlx_vector_array *res, const mlx_vector_array inputs, const mlx_vector_array dependencies)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(inputs), on = VECTOR(dependencies);
    mx_array **out = mx_failed() ? NULL : mx_alloc(in.count + 1, sizeof *out);
    bool ok = out && mx_depends(in.at, (int)in.count, on.at, (int)on.count, out);
    int status = mlxc_leave_list(&call, res, out, (int)in.count, ok);
    mx_free(out);
    return status;
}
