/* SPDX-License-Identifier: MIT
 *
 * Function transforms.  A function takes arrays and returns arrays; what it returns is borrowed from the scope that is
 * open when it is called, as the result of an op is.  Functions of functions nest freely. */
#ifndef MICA_TRANSFORMS_H
#define MICA_TRANSFORMS_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* Writes `nout` arrays to `out`; false means that an error is recorded. */
typedef bool (*mx_fn)(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout);

/* The value of a scalar-valued function and its gradient by each of its n arguments. */
MX_API bool mx_value_and_grad(mx_fn fn, void *ctx, mx_array *const *params, int n, mx_array **value, mx_array **grads);
/* Outputs and products with the Jacobian: v'J for vjp (dout has the outputs' shapes), Jv for jvp (tin has the inputs'
 * shapes). */
MX_API bool mx_vjp(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array *const *dout, int nout, mx_array **out,
                   mx_array **din);
MX_API bool mx_jvp(mx_fn fn, void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **out,
                   mx_array **tout, int nout);
/* Applies fn to every index along an axis of its inputs at once; axis MX_UNMAPPED (an input that is not mapped, an
 * output that is wanted once). */
#define MX_UNMAPPED (-1000)
MX_API bool mx_vmap(mx_fn fn, void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out,
                    const int *out_axes, int nout);

/* The same in steps, for bindings that do not know the number of outputs beforehand.  Between begin and end the
 * function is run on `traced`; then vjp or jvp may be asked for.  The trace belongs to the calling thread; traces nest.
 */
typedef struct mx_trace mx_trace;
MX_API mx_trace *mx_trace_begin(mx_array *const *in, int nin, mx_array **traced);
MX_API bool mx_trace_vjp(mx_trace *t, mx_array *const *out, mx_array *const *dout, int nout, mx_array **din);
MX_API bool mx_trace_jvp(mx_trace *t, mx_array *const *tin, mx_array *const *out, int nout, mx_array **tout);
/* vmap: `traced` are placeholders without the mapped axis; mx_trace_vmap replays what was made from them on whole
 * arrays. */
MX_API mx_trace *mx_trace_begin_batched(mx_array *const *in, const int *in_axes, int nin, mx_array **traced);
MX_API bool mx_trace_vmap(mx_trace *t, mx_array *const *out, const int *out_axes, int nout, mx_array **results);
MX_API void mx_trace_end(mx_trace **t); /* also after an error; sets *t to NULL */

/* ---- Programs: a function captured once, made again without calling it.  `traced` are placeholders with the shapes and
 * dtypes of `in`; asking one for its value is a VALUE error, later too.  What the outputs do not need is left out, equal
 * applications become one, arrays that do not depend on the inputs become constants.  With `shapeless` the program takes
 * inputs of other sizes (not other numbers of dimensions), unless the function looks at sizes: a binding that tells one
 * calls mx_note_sizes. */
typedef struct mx_program mx_program;
MX_API mx_trace *mx_trace_begin_captured(mx_array *const *in, int nin, bool shapeless, mx_array **traced);
MX_API void mx_note_sizes(void);
MX_API mx_program *mx_trace_program(mx_trace *t, mx_array *const *out, int nout); /* one reference, the caller's */
/* Lazy results for other inputs.  They may be traced, batched and captured like those of any op. */
MX_API bool mx_program_run(const mx_program *p, mx_array *const *in, int nin, mx_array **out, int nout);
MX_API mx_program *mx_program_keep(mx_program *p);
MX_API void mx_program_drop(mx_program *p); /* NULL is fine */
MX_API int mx_program_outputs(const mx_program *p);
/* Something of the binding's that lives as long as the program; `release(note)` at its end. */
MX_API void mx_program_set_note(mx_program *p, void *note, void (*release)(void *note));
MX_API void *mx_program_note(const mx_program *p);

/* ---- compile: fn is captured at its first call for each kind of inputs (dtypes, shapes or, with `shapeless`, numbers of
 * dimensions, device; sizes too where fn looks at them) and made again from then on, without being called.  Arrays that fn uses and is not given are
 * constants.  At most 256 programs are kept, the last ones used.  From any thread. */
typedef struct mx_compiled mx_compiled;
MX_API mx_compiled *mx_compile(mx_fn fn, void *ctx, int nout, bool shapeless);
MX_API bool mx_compiled_call(mx_compiled *c, mx_array *const *in, int nin, mx_array **out);
MX_API void mx_compiled_clear(mx_compiled *c); /* forgets what was captured */
MX_API void mx_compiled_free(mx_compiled **c); /* sets *c to NULL */
/* For bindings whose functions have identities: the one of an id, which lives until it is erased and freed. */
MX_API mx_compiled *mx_compile_shared(uintptr_t id, bool shapeless);
MX_API void mx_compile_erase(uintptr_t id);
MX_API void mx_compile_clear_cache(void); /* erases all */
/* The same in steps, with a key of the binding's own (constants, the structure of its arguments); fn may be NULL.  find
 * gives a reference or, without an error, NULL; add keeps the program unless it depends on a trace that is open. */
MX_API mx_program *mx_compiled_find(mx_compiled *c, const void *key, size_t key_bytes, mx_array *const *in, int nin);
MX_API bool mx_compiled_add(mx_compiled *c, const void *key, size_t key_bytes, mx_array *const *in, int nin,
                            mx_program *p);

/* What compile does, in the whole process; MLX_DISABLE_COMPILE in the environment is DISABLED at first: functions are
 * called as they are.  NO_SIMPLIFY captures every step that was made, what is captured under NO_FUSE runs op by op.
 * Returns the mode before. */
typedef enum mx_compile_mode {
    MX_COMPILE_DISABLED,
    MX_COMPILE_NO_SIMPLIFY,
    MX_COMPILE_NO_FUSE,
    MX_COMPILE_ENABLED
} mx_compile_mode;
MX_API mx_compile_mode mx_set_compile_mode(mx_compile_mode mode);
MX_API mx_compile_mode mx_compile_mode_now(void);

/* The same arrays, not computed before those in `on` are; `out` has room for nin. */
MX_API bool mx_depends(mx_array *const *in, int nin, mx_array *const *on, int count, mx_array **out);

/* ---- Functions with rules of their own.  A rule that is NULL is derived from fn.  Rules are run where a transform needs
 * them, on the thread that calls it; false means that an error is recorded.  Arrays that fn takes from elsewhere are
 * constants to all derivatives of it. */
typedef struct mx_custom_rules {
    mx_fn fn;
    /* din[i] (all NULL at first: zero) = the cotangent of input i, of its shape. */
    bool (*vjp)(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                mx_array **din);
    /* tin[i] is NULL where an input has no tangent; tout[i] (all NULL at first: zero) = the tangent of output i. */
    bool (*jvp)(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout);
    /* in_axes[i] is 0 where the first axis of input i is the batch, else MX_UNMAPPED; writes the outputs of the whole
     * batch and which axis of each is the batch, or MX_UNMAPPED. */
    bool (*vmap)(void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out, int *out_axes, int nout);
    void *ctx;
    /* Called once with ctx, in some later call to the library, when no array may need the rules any more; also after
     * an error.  May be NULL. */
    void (*release)(void *ctx);
    /* Not NULL: what only derivatives need of fn is not kept, but computed again when the cotangents are there, from this
     * state of the random numbers (mx_random_state before fn ran). */
    mx_array *checkpoint;
} mx_custom_rules;
/* fn of `in`. */
MX_API bool mx_custom_function(const mx_custom_rules *rules, mx_array *const *in, int nin, mx_array **out, int nout);
/* fn of `in`, such that derivatives keep its inputs and outputs only; `release` as above, may be NULL. */
MX_API bool mx_checkpoint(mx_fn fn, void *ctx, void (*release)(void *ctx), mx_array *const *in, int nin, mx_array **out,
                          int nout);
/* Both in steps, for bindings that do not know the number of outputs beforehand: run the function on `inner` (room for
 * nin) and hand what it made to the second, which writes the outputs to `out` (room for nout). */
MX_API bool mx_custom_begin(mx_array *const *in, int nin, mx_array **inner);
MX_API bool mx_custom_end(const mx_custom_rules *rules, mx_array *const *in, int nin, mx_array *const *made, int nout,
                          mx_array **out);

/* ---- Whole Jacobians, by reverse or forward mode: jac[i * nin + k], of the shape of output i and then that of input k,
 * is the derivative of one by the other.  The outputs are given too.  Inputs must be real and floating. */
MX_API bool mx_jacrev(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **jac);
MX_API bool mx_jacfwd(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **jac);
/* Second derivatives: hessian[(i * nin + k) * nin + l] of output i by inputs k and l. */
MX_API bool mx_hessian(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout, mx_array **hessian);
/* The outputs at `in`, and a program that takes tangents of the inputs to those of the outputs there; one reference. */
MX_API mx_program *mx_linearize(mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout);
/* In steps, of an open trace (mx_trace_begin). */
MX_API bool mx_trace_jacobian(mx_trace *t, mx_array *const *out, int nout, bool reverse, mx_array **jac);
MX_API mx_program *mx_trace_linearize(mx_trace *t, mx_array *const *out, int nout);

/* ---- Control flow: lazy nodes that run captured functions when they are evaluated.  Functions are called once, to be
 * captured (see Programs); random numbers without a key are the same at each step. */
/* The loop body(carry..., xs at a step...) -> carry..., ys at the step...  The steps go along the first axis of the xs,
 * from the end if `reverse`; without xs there are `length` of them (-1: as the xs say).  Carries keep their shapes and
 * dtypes; `ys` are stacked along a new first axis.  Reverse mode keeps one carry a step and runs the steps again. */
MX_API bool mx_scan(mx_fn body, void *ctx, mx_array *const *init, int ncarry, mx_array *const *xs, int nxs,
                    int64_t length, bool reverse, mx_array **carry, mx_array **ys, int nys);
/* body(carry...) -> carry... while cond(carry...), a scalar, is not zero.  Forward mode only. */
MX_API bool mx_while_loop(mx_fn cond, mx_fn body, void *ctx, mx_array *const *init, int n, mx_array **out);
/* yes(in...) if the scalar predicate is not zero, else no(in...); both give the same shapes and dtypes, and one runs. */
MX_API bool mx_cond(mx_array *predicate, mx_fn yes, mx_fn no, void *ctx, mx_array *const *in, int nin, mx_array **out,
                    int nout);
/* The same of programs, for bindings.  `out` has room for the body's outputs; mx_scan_begin opens a trace as
 * mx_trace_begin_captured does, over carries and xs at a step. */
MX_API mx_trace *mx_scan_begin(mx_array *const *init, int ncarry, mx_array *const *xs, int nxs, mx_array **traced);
MX_API bool mx_scan_program(const mx_program *body, mx_array *const *init, int ncarry, mx_array *const *xs, int nxs,
                            int64_t length, bool reverse, mx_array **out);
MX_API bool mx_while_program(const mx_program *cond, const mx_program *body, mx_array *const *init, int n,
                             mx_array **out);
MX_API bool mx_cond_program(mx_array *predicate, const mx_program *yes, const mx_program *no, mx_array *const *in,
                            int nin, mx_array **out);

MX_END_DECLS
#endif
