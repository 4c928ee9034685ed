/* SPDX-License-Identifier: MIT
 *
 * Groups over rows on the GPU, made by hand: one kernel gives the bits that the ops give one by one. */
#include "check.h"
#include "core/buffer.h"
#include "core/device.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "cuda/gpu.h"

enum { OUTS = 2, INPUTS = 5 };

/* x and y (rows, n), w and b (n), r (rows). */
typedef void (*composition)(mx_array *const *in, mx_array **out);

static void masked_softmax(mx_array *const *in, mx_array **out)
{
    mx_array *low = mx_like(in[0], -1e4), *half = mx_like(in[0], 0.5);
    out[0] = mx_mul(mx_softmax(mx_where(mx_less(in[1], in[0]), mx_mul(in[0], half), low), AXES(-1), true), in[3]);
}

static void layer_norm_by_hand(mx_array *const *in, mx_array **out)
{
    mx_array *apart = mx_sub(in[0], mx_mean(in[0], AXES(-1), KEEP));
    mx_array *variance = mx_mean(mx_square(apart), AXES(-1), KEEP);
    mx_array *unit = mx_mul(apart, mx_rsqrt(mx_add(variance, mx_like(in[0], 1e-3))));
    out[0] = mx_add(mx_mul(unit, in[2]), in[3]);
    out[1] = variance;
}

static void cross_entropy(mx_array *const *in, mx_array **out)
{
    mx_array *x = mx_add(in[0], in[3]);
    out[0] = mx_sub(mx_logsumexp(x, AXES(-1), false), mx_mul(in[4], mx_like(x, 2)));
}

static void added_rms_norm(mx_array *const *in, mx_array **out)
{
    out[1] = mx_add(in[0], in[1]);
    out[0] = mx_sigmoid(mx_rms_norm(out[1], in[2], 1e-5f));
}

static void added_layer_norm(mx_array *const *in, mx_array **out)
{
    out[0] = mx_square(mx_layer_norm(mx_sub(in[0], in[1]), in[2], in[3], 1e-5f));
}

static void softmax_gradient(mx_array *const *in, mx_array **out)
{
    mx_array *y = mx_softmax(mx_add(in[0], in[1]), AXES(-1), true);
    out[0] = mx_mul(op_apply(&mx_op_softmax_vjp, NULL, y, mx_mul(in[1], in[2])), in[3]);
}

static void by_the_largest(mx_array *const *in, mx_array **out)
{
    mx_array *most = mx_max(mx_abs(in[0]), AXES(-1), KEEP), *least = mx_min(mx_mul(in[0], in[1]), AXES(-1), KEEP);
    out[0] = mx_add(mx_div(in[0], most), least);
    out[1] = mx_prod(mx_mul(in[0], in[1]), AXES(-1), false);
}

/* ---- Two ways to run it */
static int add_below(mx_array **nodes, int count, mx_array *x)
{
    for (int i = 0; i < count; i++) {
        if (nodes[i] == x) return count;
    }
    if (array_state(x) != STATE_LAZY) return count;
    for (int i = 0; i < x->nin; i++) count = add_below(nodes, count, x->in[i]);
    nodes[count] = x;
    return count + 1;
}

static bool run_as_group(mx_array *const *out, mx_array **results)
{
    mx_array *nodes[GROUP_MAX];
    int count = 0;
    for (int i = OUTS; i-- > 0;) count = out[i] ? add_below(nodes, count, out[i]) : count;
    mx_group g = {.nodes = nodes, .count = count, .keeps_inputs = true};
    for (int k = 0; k < count; k++) {
        for (int i = 0; i < OUTS; i++) g.written |= (uint64_t)(nodes[k] == out[i]) << k;
    }
    mx_stream *stream = out[0]->stream;
    bool ok = stream->backend->run(stream, &g);
    for (int i = 0; i < OUTS; i++) {
        if (!out[i] || !ok) continue;
        results[i] = array_of_buffer_take(out[i]->buffer, array_shape(out[i]), (mx_dtype)out[i]->dtype);
        out[i]->buffer = NULL;
    }
    return ok;
}

static void compare(const char *what, composition f, mx_dtype t, int64_t rows, int64_t n)
{
    mx_scope s = mx_scope_open();
    mx_array *in[INPUTS] = {check_random(SHAPE(rows, n), t, -3, 3, 1), check_random(SHAPE(rows, n), t, -3, 3, 2),
                            check_random(SHAPE(n), t, -1, 1, 3), check_random(SHAPE(n), t, -1, 1, 4),
                            check_random(SHAPE(rows), t, -1, 1, 5)};
    mx_array *group[OUTS] = {NULL}, *alone[OUTS] = {NULL}, *results[OUTS] = {NULL};
    bool fuse = runtime.fuse;
    CHECK(mx_eval_n(in, INPUTS));
    f(in, group);
    f(in, alone);
    runtime.fuse = false;
    check_that(run_as_group(group, results), __FILE__, __LINE__, "%s %s (%d, %d): not a group", what, mx_dtype_name(t),
               (int)rows, (int)n);
    for (int i = 0; i < OUTS; i++) {
        if (!alone[i] || !results[i]) continue;
        check_that(mx_eval(alone[i]) && same_bits(alone[i], results[i]), __FILE__, __LINE__,
                   "%s %s (%d, %d): result %d differs", what, mx_dtype_name(t), (int)rows, (int)n, i);
        mx_drop(results[i]);
    }
    runtime.fuse = fuse;
    mx_scope_close(s, NULL);
}

TEST(groups_over_rows_have_the_bits_of_their_ops)
{
    static const struct {
        const char *what;
        composition f;
    } all[] = {{"softmax", masked_softmax},
               {"layer norm", layer_norm_by_hand},
               {"cross entropy", cross_entropy},
               {"rms_norm", added_rms_norm},
               {"layer_norm", added_layer_norm},
               {"largest", by_the_largest},
               {"softmax's gradient", softmax_gradient}};
    static const int64_t sizes[][2] = {{5, 7}, {37, 129}, {300, 16}, {3, 256}, {1, 64}, {20, 100}};
    static const mx_dtype dtypes[] = {MX_FLOAT32, MX_BFLOAT16, MX_FLOAT16, MX_FLOAT64};
    if (mx_default_device().type != MX_GPU) return;
    cuda_gpu *gpu = cuda_gpu_now();
    bool at_once = gpu->fuse_at_once;
    gpu->fuse_at_once = true;
    for (size_t f = 0; f < sizeof all / sizeof *all; f++) {
        for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++) {
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
                compare(all[f].what, all[f].f, dtypes[t], sizes[k][0], sizes[k][1]);
        }
    }
    compare("long softmax", masked_softmax, MX_FLOAT32, 2, 9000);
    compare("long gradient", softmax_gradient, MX_FLOAT16, 2, 9000);
    compare("long rms_norm", added_rms_norm, MX_BFLOAT16, 2, 9000);
    compare("long rows", layer_norm_by_hand, MX_FLOAT32, 5000, 1100);
    gpu->fuse_at_once = at_once;
}

/* ---- Reductions over any axes at the end */
typedef mx_array *(*end_fn)(mx_array *x);

static mx_array *by_columns(mx_array *x)
{
    return mx_sum(x, AXES(0, 1), false);
}
static mx_array *by_middle(mx_array *x)
{
    return mx_max(x, AXES(1), false);
}
static mx_array *by_outer(mx_array *x)
{
    return mx_prod(mx_mul(x, mx_like(x, 0.7)), AXES(0), KEEP);
}
static mx_array *of_all(mx_array *x)
{
    return mx_sum(x, ALL_AXES, false);
}
static mx_array *of_rest(mx_array *x)
{
    return mx_logsumexp(x, AXES(0, 2), false);
}
static mx_array *of_turned(mx_array *x)
{
    return mx_min(mx_transpose(x, AXES(2, 0, 1)), AXES(0, 2), false);
}

static void compare_ends(const char *what, end_fn f, mx_dtype t, mx_shape shape, bool keeps)
{
    mx_scope s = mx_scope_open();
    const int64_t *n = shape.at;
    mx_array *in[] = {check_random(shape, t, -3, 3, 1), check_random(SHAPE(n[1], n[2]), t, -3, 3, 2),
                      check_random(SHAPE(n[0], n[1], 1), t, -1, 1, 3)};
    bool fuse = runtime.fuse, ok = mx_eval_n(in, 3);
    mx_array *x[2], *y[2];
    for (int k = 0; k < 2; k++) {
        x[k] = mx_add(mx_mul(in[0], in[1]), mx_mul(mx_square(in[0]), in[2]));
        mx_array *out[] = {y[k] = f(x[k]), x[k]};
        runtime.fuse = k;
        ok = ok && mx_eval_n(out, 1 + keeps);
    }
    runtime.fuse = fuse;
    check_that(ok && same_bits(y[0], y[1]) && (!keeps || same_bits(x[0], x[1])), __FILE__, __LINE__,
               "%s %s (%d, %d, %d): differs%s", what, mx_dtype_name(t), (int)n[0], (int)n[1], (int)n[2],
               keeps ? ", elements asked for" : "");
    mx_scope_close(s, NULL);
}

TEST(reductions_that_end_groups_have_the_bits_of_their_ops)
{
    static const struct {
        const char *what;
        end_fn f;
    } all[] = {{"columns", by_columns}, {"middle", by_middle}, {"outer", by_outer},
               {"all", of_all},         {"rest", of_rest},     {"turned", of_turned}};
    static const int64_t sizes[][3] = {{3, 5, 7}, {6, 16, 32}, {1, 700, 129}, {2, 300, 64}};
    static const mx_dtype dtypes[] = {MX_FLOAT32, MX_BFLOAT16, MX_INT8};
    if (mx_default_device().type != MX_GPU) return;
    cuda_gpu *gpu = cuda_gpu_now();
    bool at_once = gpu->fuse_at_once;
    gpu->fuse_at_once = true;
    for (size_t f = 0; f < sizeof all / sizeof *all; f++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            mx_dtype t = all[f].f == of_rest ? dtypes[k % 2] : dtypes[(f + k) % 3];
            compare_ends(all[f].what, all[f].f, t, (mx_shape){3, sizes[k]}, (f + k) % 4 == 0);
        }
    }
    gpu->fuse_at_once = at_once;
}

/* ---- Ops that share rows out differently */
static mx_array *softmax_and_sum(mx_array *x, mx_array *y)
{
    mx_array *p = mx_softmax(mx_mul(x, y), AXES(-1), true);
    return mx_sub(mx_sum(mx_mul(p, mx_square(y)), AXES(-1), false), mx_like(x, 1));
}

TEST(other_teams_are_other_groups)
{
    if (mx_default_device().type != MX_GPU) return;
    cuda_gpu *gpu = cuda_gpu_now();
    bool at_once = gpu->fuse_at_once, fuse = runtime.fuse;
    mx_array *x = check_random(SHAPE(20, 1024), MX_FLOAT32, -3, 3, 1), *out[2];
    mx_array *y = check_random(SHAPE(20, 1024), MX_FLOAT32, -3, 3, 2);
    gpu->fuse_at_once = true;
    CHECK(mx_eval(x) && mx_eval(y));
    for (int k = 0; k < 2; k++) {
        runtime.fuse = k;
        out[k] = softmax_and_sum(x, y);
        CHECK(mx_eval(out[k]));
    }
    runtime.fuse = fuse;
    gpu->fuse_at_once = at_once;
    CHECK(same_bits(out[0], out[1]));
    mx_array *p = mx_softmax(x, AXES(-1), true), *sum = mx_sum(x, AXES(-1), false);
    CHECK(cuda_backend.team(p) != cuda_backend.team(sum));
}
