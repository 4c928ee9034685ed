/* SPDX-License-Identifier: MIT
 *
 * MICA_CHECK_NAN: the op that made the first NaN is named, alone, inside groups, and where inputs could have been
 * overwritten. */
#include "check.h"
#include "core/array.h"
#include "core/runtime.h"

static bool fails_in(mx_array *x, const char *start)
{
    runtime.check_nan = true;
    bool ok = CHECK_CODE(mx_eval(x), MX_RUNTIME, start);
    runtime.check_nan = false;
    return ok;
}

static mx_array *negatives(mx_dtype dtype)
{
    mx_array *x = check_random(SHAPE(50), dtype, -3, -1, 1);
    CHECK(mx_eval(x));
    return x;
}

/* Nothing else holds the sum, so its buffer is where the square root goes: the input must be looked at before. */
TEST(a_nan_that_could_be_written_over_its_input_is_named)
{
    mx_array *x = negatives(MX_FLOAT32);
    mx_scope s = mx_scope_open();
    mx_array *y = mx_scope_close(s, mx_sqrt(mx_add(x, x)));
    bool before = runtime.fuse;
    runtime.fuse = false;
    CHECK(fails_in(y, "[sqrt] made a NaN at element 0"));
    runtime.fuse = before;
    mx_drop(y);
}

TEST(the_first_of_several_groups_and_dtypes_that_makes_a_nan_is_named)
{
    static const mx_dtype dtypes[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
    for (int i = 0; i < 5; i++) {
        bool cpu_only = dtypes[i] == MX_FLOAT64 && mx_default_device().type == MX_GPU;
        if (cpu_only) continue;
        mx_array *x = negatives(dtypes[i]), *zero = mx_sub(x, x);
        mx_array *fine = mx_sum(mx_exp(mx_add(x, x)), ALL_AXES, false);              /* one group */
        mx_array *bad = mx_mul(mx_exp(mx_div(zero, zero)), mx_add(mx_exp(x), fine)); /* 0 / 0 in the next */
        mx_array *later = mx_sum(mx_exp(mx_log(mx_add(bad, bad))), ALL_AXES, false); /* and what reads it */
        CHECK(fails_in(later, "[divide] made a NaN"));
        CHECK(mx_eval(fine)); /* what does not depend on it is well */
    }
}

/* A NaN that comes in is nobody's fault here. */
TEST(a_nan_of_the_input_passes_through_groups)
{
    mx_array *x = mx_sqrt(negatives(MX_FLOAT32));
    CHECK(mx_eval(x));
    runtime.check_nan = true;
    mx_array *y = mx_exp(mx_add(mx_abs(x), x));
    CHECK(mx_eval(y));
    runtime.check_nan = false;
}

static bool loss(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = mx_sum(mx_exp(mx_sqrt(mx_add(in[0], in[0]))), ALL_AXES, false);
    return fails_in(out[0], "[sqrt] made a NaN");
}

TEST(a_nan_in_a_traced_graph_is_named)
{
    mx_array *x = negatives(MX_FLOAT32), *value, *grad;
    /* What has failed cannot be differentiated: its gradient would be that of a constant. */
    CHECK_CODE(mx_value_and_grad(loss, NULL, &x, 1, &value, &grad), MX_RUNTIME, "[sqrt] made a NaN");
}
