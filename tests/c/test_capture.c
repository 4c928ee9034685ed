/* SPDX-License-Identifier: MIT
 *
 * Captured programs: what is in them, what a replay leaves, and what is refused. */
#include "check.h"
#include "graph/capture.h"
#include <stdio.h>

static mx_array *vector(void)
{
    return mx_from_data((float[]){1, 2, 3}, SHAPE(3), MX_FLOAT32);
}

static mx_program *capture(mx_fn fn, void *ctx, int nin, int nout)
{
    mx_array *like[4];
    for (int i = 0; i < nin; i++) like[i] = vector();
    return program_of("compile", fn, ctx, like, nin, nout, false);
}

/* (x + 2 y) * (x + 2 y) + copy(x), in terms that are equal but not the same */
static bool repeated(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *a = mx_add(in[0], mx_mul(in[1], mx_float(2))), *b = mx_add(in[0], mx_mul(mx_copy(in[1]), mx_float(2)));
    mx_exp(a); /* nobody wants it */
    return (out[0] = mx_add(mx_mul(a, b), mx_copy(in[0]))) != NULL;
}

TEST(a_program_has_no_repeated_dead_or_alias_steps)
{
    mx_program *p = capture(repeated, NULL, 2, 1);
    if (!CHECK(p)) return;
    CHECK(p->step_count == 4); /* y * 2, + x, squared, + x */
    CHECK(p->constant_count == 1);
    mx_array *out;
    CHECK(mx_program_run(p, (mx_array *[]){vector(), vector()}, 2, &out, 1));
    CHECK_VALUES(out, 0, 10, 38, 84);
    mx_program_drop(p);
}

static bool constants(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *four = mx_square(mx_float(2));
    out[0] = mx_mul(in[0], mx_add(four, mx_float(1)));
    out[1] = ctx;
    return out[0] && out[1];
}

TEST(what_does_not_depend_on_the_inputs_is_a_constant)
{
    mx_array *held = mx_exp(mx_zeros(SHAPE(5), MX_FLOAT32)), *out[2];
    mx_program *p = capture(constants, held, 1, 2);
    if (!CHECK(p)) return;
    CHECK(p->step_count == 1 && p->constant_count == 2);
    CHECK(mx_is_available(p->constants[0].array)); /* a scalar of scalars: folded */
    CHECK(mx_program_run(p, (mx_array *[]){vector()}, 1, out, 2));
    CHECK(out[1] == held);
    CHECK_VALUES(out[0], 0, 5, 10, 15);
    mx_program_drop(p);
}

static bool same(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = out[1] = in[0];
    return true;
}

TEST(an_input_may_be_an_output_twice)
{
    mx_program *p = capture(same, NULL, 1, 2);
    mx_array *x = vector(), *out[2];
    CHECK(mx_program_run(p, &x, 1, out, 2));
    CHECK(out[0] == x && out[1] == x);
    mx_program_drop(p);
}

static bool both_gradients(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return mx_program_run(ctx, in, 1, out, 1) && (out[0] = mx_sum(out[0], MX_ALL_AXES, false));
}

static bool cube(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_mul(mx_square(in[0]), in[0])) != NULL;
}

TEST(a_replay_can_be_differentiated_batched_and_captured)
{
    mx_program *p = capture(cube, NULL, 1, 1);
    mx_array *x = vector(), *y, *dy;
    CHECK(mx_value_and_grad(both_gradients, p, &x, 1, &y, &dy));
    CHECK_VALUES(y, 0, 36);
    CHECK_VALUES(dy, 0, 3, 12, 27);
    mx_array *rows = mx_broadcast_to(x, SHAPE(2, 3));
    CHECK(mx_vmap(both_gradients, p, &rows, (int[]){0}, 1, &y, (int[]){0}, 1));
    CHECK_VALUES(y, 0, 36, 36);
    mx_program *outer = program_of("compile", both_gradients, p, &x, 1, 1, false);
    CHECK(mx_program_run(outer, &x, 1, &y, 1));
    CHECK_VALUES(y, 0, 36);
    mx_program_drop(outer);
    mx_program_drop(p);
}

static bool leak(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    *(mx_array **)ctx = mx_keep(mx_exp(in[0]));
    return (out[0] = mx_neg(in[0])) != NULL;
}

TEST(a_placeholder_has_no_value_not_even_later)
{
    mx_array *leaked = NULL;
    mx_program *p = capture(leak, &leaked, 1, 1);
    CHECK(p);
    CHECK_CODE(mx_eval(leaked), MX_VALUE, "[eval] Attempting to eval an array during function transformations");
    mx_drop(leaked);
    mx_program_drop(p);
}

static bool evaluates(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = in[0];
    return mx_eval(mx_exp(in[0]));
}

TEST(an_error_in_the_function_leaves_no_program)
{
    CHECK_CODE(capture(evaluates, NULL, 1, 1), MX_VALUE, "[eval] Attempting");
}

static bool shape_of_rows(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_add(mx_matmul(in[0], in[1]), mx_float(1))) != NULL;
}

TEST(a_shapeless_program_takes_other_sizes_but_not_other_ranks)
{
    mx_array *in[2] = {mx_ones(SHAPE(2, 3), MX_FLOAT32), mx_ones(SHAPE(3, 4), MX_FLOAT32)}, *out;
    mx_program *p = program_of("compile", shape_of_rows, NULL, in, 2, 1, true);
    in[0] = mx_ones(SHAPE(1, 2), MX_FLOAT32), in[1] = mx_ones(SHAPE(2, 2), MX_FLOAT32);
    CHECK(mx_program_run(p, in, 2, &out, 1));
    CHECK_VALUES(out, 0, 3, 3);
    in[0] = mx_ones(SHAPE(1, 1, 2), MX_FLOAT32);
    CHECK_CODE(mx_program_run(p, in, 2, &out, 1), MX_VALUE, "[program] input 0 has shape (1,1,2)");
    mx_program_drop(p);
}

TEST(a_replay_wants_the_shapes_it_was_captured_with)
{
    mx_program *p = capture(cube, NULL, 1, 1);
    mx_array *x = mx_ones(SHAPE(4), MX_FLOAT32), *out;
    CHECK_CODE(mx_program_run(p, &x, 1, &out, 1), MX_VALUE, "[program] input 0 has shape (4)");
    CHECK_CODE(mx_program_run(p, &x, 0, &out, 1), MX_VALUE, "[program] 0 inputs");
    mx_program_drop(p);
}

static bool counted(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    ++*(int *)ctx;
    return repeated(NULL, in, nin, out, nout);
}

TEST(a_compiled_function_is_called_once_for_each_kind_of_inputs)
{
    int calls = 0;
    mx_array *x = vector(), *y = mx_astype(x, MX_FLOAT16), *out;
    mx_compiled *c = mx_compile(counted, &calls, 1, false);
    for (int i = 0; i < 3; i++) {
        CHECK(mx_compiled_call(c, (mx_array *[]){x, x}, 2, &out));
        CHECK_VALUES(out, 0, 10, 38, 84);
        CHECK(mx_compiled_call(c, (mx_array *[]){x, y}, 2, &out));
        CHECK(mx_compiled_call(c, (mx_array *[]){mx_reshape(x, SHAPE(1, 3)), x}, 2, &out));
    }
    CHECK(calls == 3);
    mx_compiled_clear(c);
    CHECK(mx_compiled_call(c, (mx_array *[]){x, x}, 2, &out));
    CHECK(calls == 4);
    mx_compile_mode before = mx_set_compile_mode(MX_COMPILE_DISABLED);
    CHECK(mx_compiled_call(c, (mx_array *[]){x, x}, 2, &out));
    CHECK(mx_set_compile_mode(before) == MX_COMPILE_DISABLED && calls == 5);
    mx_compiled_free(&c);
    CHECK(c == NULL);
}

static bool chain(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_exp(mx_add(mx_mul(in[0], in[0]), mx_float(1)))) != NULL;
}

/* How many groups and lone ops an evaluation of the chain ran. */
static int64_t runs_of_chain(mx_compile_mode mode, bool shapeless)
{
    mx_compile_mode before = mx_set_compile_mode(mode);
    mx_array *x = mx_ones(SHAPE(64, 64), MX_FLOAT32), *out;
    mx_program *p = mx_eval(x) ? program_of("compile", chain, NULL, &x, 1, 1, shapeless) : NULL;
    mx_set_compile_mode(before);
    int64_t runs = 0;
    bool ok = p && mx_program_run(p, &x, 1, &out, 1) && mx_profile_begin();
    ok = ok && mx_eval(out);
    mx_profile *profile = ok ? mx_profile_end() : NULL;
    for (int i = 0; i < mx_profile_count(profile); i++) runs += mx_profile_rows(profile)[i].count;
    mx_profile_free(&profile);
    mx_program_drop(p);
    return runs;
}

TEST(no_fuse_runs_what_is_captured_op_by_op)
{
    int64_t joined = runs_of_chain(MX_COMPILE_ENABLED, false);
    if (joined == 3) return; /* MICA_FUSE=0 */
    CHECK(joined == 1 && runs_of_chain(MX_COMPILE_NO_SIMPLIFY, false) == 1);
    CHECK(runs_of_chain(MX_COMPILE_NO_FUSE, false) == 3 && runs_of_chain(MX_COMPILE_NO_FUSE, true) == 3);
}

static bool counted_sine(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    ++*(int *)ctx;
    return (out[0] = mx_sin(in[0])) != NULL;
}

TEST(what_is_derived_of_a_program_is_made_once_for_each_key_and_shape)
{
    mx_program *p = capture(cube, NULL, 1, 1);
    int calls = 0;
    derivation d = {"test", counted_sine, &calls, "a", 1};
    mx_array *x = vector(), *longer = mx_ones(SHAPE(7), MX_FLOAT32);
    mx_program *first = program_derived(p, &d, &x, 1, 1), *same = program_derived(p, &d, &x, 1, 1);
    CHECK(first && first == same && calls == 1);
    mx_program *other = program_derived(p, &d, &longer, 1, 1);
    CHECK(other && other != first && calls == 2);
    for (int i = 0; i < 20; i++) { /* more than are kept */
        d.key = &"abcdefghijklmnopqrst"[i];
        mx_program_drop(program_derived(p, &d, &x, 1, 1));
    }
    CHECK(calls == 2 + 19);
    mx_program_drop(first), mx_program_drop(same), mx_program_drop(other);
    mx_program_drop(p);
}

static bool shifted(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return (out[0] = mx_mul(in[0], *(mx_array **)ctx)) != NULL;
}

/* d/dw of sum(x w) where w is not given to the compiled function */
static bool through_capture(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *w = in[0], *x = vector();
    (void)nin, (void)nout;
    mx_compiled *c = *(mx_compiled **)ctx;
    ((mx_array **)ctx)[1] = w;
    return mx_compiled_call(c, &x, 1, out) && (out[0] = mx_sum(out[0], MX_ALL_AXES, false));
}

TEST(a_program_that_holds_a_traced_array_is_not_kept)
{
    void *ctx[2];
    ctx[0] = mx_compile(shifted, &ctx[1], 1, false);
    for (int i = 1; i < 3; i++) {
        mx_array *w = mx_float(i), *y, *dw;
        CHECK(mx_value_and_grad(through_capture, ctx, &w, 1, &y, &dw));
        CHECK_VALUES(y, 0, 6 * i);
        CHECK_VALUES(dw, 0, 6);
    }
    mx_compiled_free((mx_compiled **)&ctx[0]);
}
