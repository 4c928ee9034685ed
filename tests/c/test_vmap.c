/* SPDX-License-Identifier: MIT
 *
 * Every op can be batched, and some sample proves it; those that cannot are listed here. */
#include "check.h"
#include "core/op.h"
#include <string.h>

#define OP(name) samples_##name,
static const op_sample *const samples[] = {
#include "core/ops.def"
};
#undef OP

static bool is_in(const char *const *list, const char *name)
{
    for (; *list; list++) {
        if (!strcmp(*list, name)) return true;
    }
    return false;
}

/* Without inputs there is nothing to map. */
static const char *const without_inputs[] = {"arange", "placeholder", "load", NULL};
/* Draws many numbers for each of a batch, as MLX does: a loop over the batch would repeat them. */
static const char *const not_a_loop[] = {"random_exp", NULL};
#define OP(name) #name,
static const char *const ids[] = {
#include "core/ops.def"
};
#undef OP

TEST(every_op_can_be_mapped)
{
    for (int i = 0; i < OP_COUNT; i++) {
        const mx_op *op = mx_ops[i];
        check_that(op->vmap || is_in(without_inputs, op->name), __FILE__, __LINE__, "%s has no vmap rule", op->name);
        bool proven = is_in(without_inputs, op->name) || is_in(not_a_loop, ids[i]);
        proven |= op->flags & OP_SYMBOLIC; /* test_sizes.c maps them */
        for (const op_sample *s = samples[i]; s->what; s++) proven |= s->in[0].kind && !(s->flags & NO_VMAP);
        check_that(proven, __FILE__, __LINE__, "no sample maps %s", op->name);
    }
}
