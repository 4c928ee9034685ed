/* SPDX-License-Identifier: MIT
 *
 * Random bits, equal to the CPU's, and MLX's formulas that turn them into distributions: erf, erfinv and exp are float32
 * whatever the dtype. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/random_args.cuh"
#include "core/params/random.h"

static bool random_bits(cuda_call *c)
{
    const random_bits_params *p = c->params;
    int64_t count = c->in[0]->size / 2;
    cu_ptr keys, to;
    if (!c->out->size) return cuda_output(c, 0, NULL, &to);
    if (!cuda_contiguous(c, c->in[0], &keys) || !cuda_output(c, 0, NULL, &to)) return false;
    struct random_bits_args a = {.to = to, .keys = keys, .bytes = c->out->size / count * p->width};
    int64_t words = (a.bytes + 3) / 4;
    a.half = words / 2;
    a.odd = words % 2;
    a.pairs = index_divider_of(a.half + a.odd);
    a.total = count * (a.half + a.odd);
    return variant_run_over(c, (cuda_variant){.id = VARIANT_random_bits}, a.total, 1, &a, sizeof a);
}

const cuda_op cuda_random_bits = {.run = random_bits};
const cuda_op cuda_random_erfinv = {.real = "erfinv_mlx((float)x)"};
const cuda_op cuda_random_erf = {.real = "erf_mlx((float)x)"};
const cuda_op cuda_random_exp = {.real = "exp_mlx((float)x)"};
const cuda_op cuda_random_log = {.real = "log_of(x)"};
const cuda_op cuda_random_log1p = {.real = "log1p_of(x)"};
