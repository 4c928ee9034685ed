/* SPDX-License-Identifier: MIT
 *
 * Closures: a C function of one of six types, with or without a payload, counted.
 *
 * All types share one record; the function pointer is kept in a generic type and cast back by the type's own apply.
 * The destructor runs on the thread that gives back the last reference, and only handles hold references, so a worker
 * never runs it. */
#include "mlxc/mlxc.h"

#include <stdatomic.h>

typedef void generic_fn(void);

typedef enum form { PLAIN, WITH_PAYLOAD, UNARY, GRADIENT, NATIVE } form;

struct mlxc_closure {
    atomic_int count;
    form form;
    generic_fn *fn;
    void *payload;
    void (*dtor)(void *);
};

static void *new_closure(const char *name, form form, generic_fn *fn, void *payload, void (*dtor)(void *))
{
    mlxc_call call = mlxc_enter(name);
    mlxc_closure *closure = fn ? mx_alloc(1, sizeof *closure) : mx_fail(MX_VALUE, "[%s] fun is NULL.", name);
    if (closure) {
        atomic_init(&closure->count, 1);
        closure->form = form;
        closure->fn = fn;
        closure->payload = payload;
        closure->dtor = dtor;
    }
    mlxc_leave_plain(&call, closure != NULL);
    return closure;
}

mlxc_closure *mlxc_closure_keep(mlxc_closure *closure)
{
    if (closure) atomic_fetch_add(&closure->count, 1);
    return closure;
}

void mlxc_closure_drop(mlxc_closure *closure)
{
    if (!closure || atomic_fetch_sub(&closure->count, 1) != 1) return;
    if (closure->dtor) closure->dtor(closure->payload);
    mx_free(closure);
}

static int set_closure(const char *name, void **ctx, mlxc_closure *src)
{
    mlxc_call call = mlxc_enter(name);
    bool ok = mlxc_is_set(ctx, name, "cls") && mlxc_is_set(src, name, "src");
    if (ok) {
        mlxc_closure *old = *ctx;
        *ctx = mlxc_closure_keep(src);
        mlxc_closure_drop(old);
    }
    return mlxc_leave_plain(&call, ok);
}

/* new, free and set of a closure type. */
#define LIFE(type)                                                                                                     \
    type type##_new(void)                                                                                              \
    {                                                                                                                  \
        return (type){NULL};                                                                                           \
    }                                                                                                                  \
    int type##_free(type cls)                                                                                          \
    {                                                                                                                  \
        mlxc_closure_drop(cls.ctx);                                                                                    \
        return 0;                                                                                                      \
    }                                                                                                                  \
    int type##_set(type *cls, const type src)                                                                          \
    {                                                                                                                  \
        return set_closure(__func__, cls ? &cls->ctx : NULL, src.ctx);                                                 \
    }
LIFE(mlx_closure)
LIFE(mlx_closure_kwargs)
LIFE(mlx_closure_value_and_grad)
LIFE(mlx_closure_custom)
LIFE(mlx_closure_custom_jvp)
LIFE(mlx_closure_custom_vmap)

/* The type of a closure's function without a payload, and with one; then what makes a closure of each. */
#define FUNCTION_TYPES(type, ...)                                                                                      \
    typedef int type##_fn(__VA_ARGS__);                                                                                \
    typedef int type##_payload_fn(__VA_ARGS__, void *);                                                                \
    type type##_new_func(type##_fn *fun)                                                                               \
    {                                                                                                                  \
        return (type){new_closure(__func__, PLAIN, (generic_fn *)fun, NULL, NULL)};                                    \
    }                                                                                                                  \
    type type##_new_func_payload(type##_payload_fn *fun, void *payload, void (*dtor)(void *))                          \
    {                                                                                                                  \
        return (type){new_closure(__func__, WITH_PAYLOAD, (generic_fn *)fun, payload, dtor)};                          \
    }
FUNCTION_TYPES(mlx_closure, mlx_vector_array *, const mlx_vector_array)
FUNCTION_TYPES(mlx_closure_kwargs, mlx_vector_array *, const mlx_vector_array, const mlx_map_string_to_array)
FUNCTION_TYPES(mlx_closure_value_and_grad, mlx_vector_array *, mlx_vector_array *, const mlx_vector_array)
FUNCTION_TYPES(mlx_closure_custom, mlx_vector_array *, const mlx_vector_array, const mlx_vector_array,
               const mlx_vector_array)
FUNCTION_TYPES(mlx_closure_custom_jvp, mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const int *,
               size_t)
FUNCTION_TYPES(mlx_closure_custom_vmap, mlx_vector_array *, mlx_vector_int *, const mlx_vector_array, const int *,
               size_t)

typedef int unary_fn(mlx_array *, const mlx_array);

mlx_closure mlx_closure_new_unary(unary_fn *fun)
{
    return (mlx_closure){new_closure(__func__, UNARY, (generic_fn *)fun, NULL, NULL)};
}

mlx_closure_value_and_grad mlxc_gradient_closure(mlxc_gradient_fn *fn, void *payload, void (*dtor)(void *))
{
    return (mlx_closure_value_and_grad){new_closure("value_and_grad", GRADIENT, (generic_fn *)fn, payload, dtor)};
}

mlx_closure mlxc_native_closure(const char *name, mlxc_native_fn *fn, void *payload, void (*dtor)(void *))
{
    return (mlx_closure){new_closure(name, NATIVE, (generic_fn *)fn, payload, dtor)};
}

/* Calls through the type's own signature; the arguments are those of the plain form. */
#define CALL(type, closure, ...)                                                                                       \
    ((closure)->form == WITH_PAYLOAD ? ((type##_payload_fn *)(closure)->fn)(__VA_ARGS__, (closure)->payload)           \
                                     : ((type##_fn *)(closure)->fn)(__VA_ARGS__))

/* ---- Applying ---- */

static bool check_status(const char *name, int status)
{
    return status == 0 || mx_fail_false(MX_RUNTIME, "[%s] the function returned %d.", name, status);
}

/* Hands the entries of a list that a function filled to a result handle, and ends the list. */
static bool move_vector(const char *name, bool ok, mlx_vector_array *res, mlx_vector_array filled)
{
    mlxc_vector *from = filled.ctx;
    ok = ok && mlxc_is_set(res, name, "res") && (from || mx_fail_false(MX_VALUE, "[%s] no result was set.", name)) &&
         mlxc_set_vector(res, from->at, from->count);
    mlx_vector_array_free(filled);
    return ok;
}

static int run_unary(mlxc_closure *closure, mlx_vector_array *out, mx_array *const *in, size_t count)
{
    if (count != 1) {
        mx_fail(MX_VALUE, "[closure] a function of one array got %zu.", count);
        return 1;
    }
    mlxc_array box = {.array = in[0]};
    mlx_array result = {NULL};
    int status = ((unary_fn *)closure->fn)(&result, (mlx_array){&box});
    if (status == 0 && result.ctx) mlxc_set_vector(out, &((mlxc_array *)result.ctx)->array, 1);
    mlx_array_free(result);
    mx_free(box.shape);
    for (int i = 0; i < 2; i++) mx_free(box.strides[i]);
    return status;
}

bool mlxc_closure_run(mlxc_closure *closure, mlx_vector_array *out, mx_array *const *in, size_t count)
{
    mlxc_vector list = {.at = (mx_array **)in, .count = count};
    if (closure->form == NATIVE) return ((mlxc_native_fn *)closure->fn)(out, list, closure->payload);
    int status = closure->form == UNARY ? run_unary(closure, out, in, count)
                                        : CALL(mlx_closure, closure, out, (mlx_vector_array){&list});
    return !mx_failed() && check_status("closure", status) &&
           (out->ctx || mx_fail_false(MX_VALUE, "[closure] no result was set."));
}

bool mlxc_closure_run_kwargs(mlxc_closure *closure, mlx_vector_array *out, mx_array *const *in, size_t count,
                             mlxc_map *named)
{
    mlxc_vector list = {.at = (mx_array **)in, .count = count};
    int status = CALL(mlx_closure_kwargs, closure, out, (mlx_vector_array){&list}, (mlx_map_string_to_array){named});
    return !mx_failed() && check_status("closure", status) &&
           (out->ctx || mx_fail_false(MX_VALUE, "[closure] no result was set."));
}

int mlx_closure_apply(mlx_vector_array *res, mlx_closure cls, const mlx_vector_array input)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector in = VECTOR(input);
    mlx_vector_array out = {NULL};
    bool ok = !mx_failed() && IS_SET(cls.ctx) && mlxc_closure_run(cls.ctx, &out, in.at, in.count);
    return mlxc_leave_plain(&call, move_vector(__func__, ok, res, out));
}

int mlx_closure_kwargs_apply(mlx_vector_array *res, mlx_closure_kwargs cls, const mlx_vector_array input_0,
                             const mlx_map_string_to_array input_1)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_closure *closure = cls.ctx;
    mlx_vector_array out = {NULL};
    bool ok = IS_SET(closure) && IS_SET(input_0.ctx) && IS_SET(input_1.ctx) &&
              check_status(__func__, CALL(mlx_closure_kwargs, closure, &out, input_0, input_1));
    return mlxc_leave_plain(&call, move_vector(__func__, ok, res, out));
}

int mlx_closure_value_and_grad_apply(mlx_vector_array *res_0, mlx_vector_array *res_1, mlx_closure_value_and_grad cls,
                                     const mlx_vector_array input)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_closure *closure = cls.ctx;
    mlx_vector_array values = {NULL}, grads = {NULL};
    bool ok = IS_SET(closure) && IS_SET(input.ctx);
    if (ok && closure->form == GRADIENT)
        ok = ((mlxc_gradient_fn *)closure->fn)(&values, &grads, VECTOR(input), closure->payload);
    else if (ok)
        ok = check_status(__func__, CALL(mlx_closure_value_and_grad, closure, &values, &grads, input));
    ok = move_vector(__func__, ok, res_0, values);
    ok = move_vector(__func__, ok, res_1, grads);
    return mlxc_leave_plain(&call, ok);
}

int mlx_closure_custom_apply(mlx_vector_array *res, mlx_closure_custom cls, const mlx_vector_array input_0,
                             const mlx_vector_array input_1, const mlx_vector_array input_2)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_closure *closure = cls.ctx;
    mlx_vector_array out = {NULL};
    bool ok = IS_SET(closure) && IS_SET(input_0.ctx) && IS_SET(input_1.ctx) && IS_SET(input_2.ctx) &&
              check_status(__func__, CALL(mlx_closure_custom, closure, &out, input_0, input_1, input_2));
    return mlxc_leave_plain(&call, move_vector(__func__, ok, res, out));
}

int mlx_closure_custom_jvp_apply(mlx_vector_array *res, mlx_closure_custom_jvp cls, const mlx_vector_array input_0,
                                 const mlx_vector_array input_1, const int *input_2, size_t input_2_num)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_closure *closure = cls.ctx;
    mlx_vector_array out = {NULL};
    bool ok =
        IS_SET(closure) && IS_SET(input_0.ctx) && IS_SET(input_1.ctx) && (input_2_num == 0 || IS_SET(input_2)) &&
        check_status(__func__, CALL(mlx_closure_custom_jvp, closure, &out, input_0, input_1, input_2, input_2_num));
    return mlxc_leave_plain(&call, move_vector(__func__, ok, res, out));
}

int mlx_closure_custom_vmap_apply(mlx_vector_array *res_0, mlx_vector_int *res_1, mlx_closure_custom_vmap cls,
                                  const mlx_vector_array input_0, const int *input_1, size_t input_1_num)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_closure *closure = cls.ctx;
    mlx_vector_array out = {NULL};
    mlx_vector_int axes = {NULL};
    bool ok =
        IS_SET(closure) && IS_SET(input_0.ctx) && (input_1_num == 0 || IS_SET(input_1)) && IS_SET(res_1) &&
        check_status(__func__, CALL(mlx_closure_custom_vmap, closure, &out, &axes, input_0, input_1, input_1_num));
    ok = move_vector(__func__, ok, res_0, out);
    int status = mlxc_leave_plain(&call, ok);
    if (status == 0) status = mlx_vector_int_set(res_1, axes);
    mlx_vector_int_free(axes);
    return status;
}

/* ---- Rules of custom functions, run by the library in the scope of the call that needs them ---- */

static bool rule_result(int status, const mlx_vector_array *out)
{
    return !mx_failed() && check_status("closure", status) &&
           (out->ctx || mx_fail_false(MX_VALUE, "[closure] no result was set."));
}

bool mlxc_closure_run_vjp(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_array primals,
                          mlx_vector_array cotangents, mlx_vector_array outputs)
{
    return rule_result(CALL(mlx_closure_custom, rule, out, primals, cotangents, outputs), out);
}

bool mlxc_closure_run_jvp(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_array primals,
                          mlx_vector_array tangents, const int *positions, size_t count)
{
    return rule_result(CALL(mlx_closure_custom_jvp, rule, out, primals, tangents, positions, count), out);
}

bool mlxc_closure_run_vmap(mlxc_closure *rule, mlx_vector_array *out, mlx_vector_int *out_axes, mlx_vector_array in,
                           const int *axes, size_t count)
{
    return rule_result(CALL(mlx_closure_custom_vmap, rule, out, out_axes, in, axes, count), out);
}
