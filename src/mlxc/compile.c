/* SPDX-License-Identifier: MIT
 *
 * compile: a closure whose payload is the traced closure and where its programs are kept.  With an id of the caller's
 * they are shared by all closures of that id, for bindings that make a closure for each call. */
#include "mlxc/mlxc.h"

#include <string.h>

typedef struct compiled_closure {
    mlxc_closure *fun;
    mx_compiled *programs;
    bool shapeless;
    size_t key_bytes;
    uint64_t key[]; /* the caller's constants */
} compiled_closure;

static void free_compiled(void *payload)
{
    compiled_closure *c = payload;
    mlxc_closure_drop(c->fun);
    mx_compiled_free(&c->programs);
    mx_free(c);
}

/* Runs the closure on placeholders; a reference of the program is the caller's. */
static mx_program *capture(compiled_closure *c, mlxc_vector in)
{
    mlx_vector_array out = {NULL};
    mx_array **traced = mx_alloc(in.count + 1, sizeof *traced);
    mx_trace *t = traced ? mx_trace_begin_captured(in.at, (int)in.count, c->shapeless, traced) : NULL;
    mx_program *p = NULL;
    if (t && mlxc_closure_run(c->fun, &out, traced, in.count)) {
        mlxc_vector results = *(mlxc_vector *)out.ctx;
        p = mx_trace_program(t, results.at, (int)results.count);
    }
    mx_trace_end(&t);
    mlx_vector_array_free(out);
    mx_free(traced);
    return p;
}

static bool replay(const mx_program *p, mlxc_vector in, mlx_vector_array *res)
{
    int nout = mx_program_outputs(p);
    mx_array **out = mx_alloc((size_t)nout + 1, sizeof *out);
    bool ok = out && mx_program_run(p, in.at, (int)in.count, out, nout) && mlxc_set_vector(res, out, (size_t)nout);
    mx_free(out);
    return ok;
}

static bool apply(mlx_vector_array *out, mlxc_vector in, void *payload)
{
    compiled_closure *c = payload;
    if (mx_compile_mode_now() == MX_COMPILE_DISABLED) return mlxc_closure_run(c->fun, out, in.at, in.count);
    mx_program *p = mx_compiled_find(c->programs, c->key, c->key_bytes, in.at, (int)in.count);
    bool ok = p != NULL;
    if (!p && !mx_failed()) {
        p = capture(c, in);
        ok = p && mx_compiled_add(c->programs, c->key, c->key_bytes, in.at, (int)in.count, p);
    }
    ok = ok && replay(p, in, out);
    mx_program_drop(p);
    return ok;
}

/* Takes the programs. */
static int make_closure(mlx_closure *res, mlxc_closure *fun, mx_compiled *programs, bool shapeless,
                        const uint64_t *constants, size_t count)
{
    compiled_closure *c = programs ? mx_alloc(1, sizeof *c + count * sizeof *constants) : NULL;
    if (!c) {
        mx_compiled_free(&programs);
        return mlxc_report("compile");
    }
    *c = (compiled_closure){mlxc_closure_keep(fun), programs, shapeless, count * sizeof *constants};
    if (count) memcpy(c->key, constants, c->key_bytes);
    mlx_closure made = mlxc_native_closure("compile", apply, c, free_compiled);
    if (!made.ctx) {
        free_compiled(c);
        return 1;
    }
    mlx_closure_free(*res);
    *res = made;
    return 0;
}

int mlx_compile(mlx_closure *res, const mlx_closure fun, bool shapeless)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(res) && IS_SET(fun.ctx);
    mx_compiled *programs = ok ? mx_compile(NULL, NULL, 0, shapeless) : NULL;
    int status = mlxc_leave_plain(&call, programs != NULL);
    return status ? status : make_closure(res, fun.ctx, programs, shapeless, NULL, 0);
}

int mlx_detail_compile(mlx_closure *res, const mlx_closure fun, uintptr_t fun_id, bool shapeless,
                       const uint64_t *constants, size_t constants_num)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(res) && IS_SET(fun.ctx) && (constants_num == 0 || IS_SET(constants));
    mx_compiled *programs = ok ? mx_compile_shared(fun_id, shapeless) : NULL;
    int status = mlxc_leave_plain(&call, programs != NULL);
    return status ? status : make_closure(res, fun.ctx, programs, shapeless, constants, constants_num);
}

int mlx_detail_compile_clear_cache(void)
{
    mx_compile_clear_cache();
    return 0;
}

int mlx_detail_compile_erase(uintptr_t fun_id)
{
    mx_compile_erase(fun_id);
    return 0;
}

int mlx_disable_compile(void)
{
    mx_set_compile_mode(MX_COMPILE_DISABLED);
    return 0;
}

int mlx_enable_compile(void)
{
    mx_set_compile_mode(MX_COMPILE_ENABLED);
    return 0;
}

int mlx_set_compile_mode(mlx_compile_mode mode)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = (unsigned)mode <= MLX_COMPILE_MODE_ENABLED ||
              mx_fail_false(MX_VALUE, "[set_compile_mode] there is no mode %d.", (int)mode);
    if (ok) mx_set_compile_mode((mx_compile_mode)mode);
    return mlxc_leave_plain(&call, ok);
}
