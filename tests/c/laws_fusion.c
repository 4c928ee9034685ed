/* SPDX-License-Identifier: MIT
 *
 * The law of fusion: with elementwise work before and behind it, an op gives the bits that it gives node by node,
 * whatever group it gets into and however its inputs lie. */
#include "laws.h"
#include "core/runtime.h"
#include "cuda/gpu.h"

enum { GPU_SHARE = 4 };

/* x, by nodes that may join any group. */
static mx_array *itself(mx_array *x)
{
    return mx_where(mx_equal(x, x), x, x);
}

static bool run_in_groups(const law_case *c, layout how, bool before, bool fuse, numbers *out)
{
    bool fused = runtime.fuse;
    mx_array *in[SAMPLE_INPUTS];
    mx_scope s = mx_scope_open();
    case_arrays(c, c->in, how, in);
    for (int i = 0; i < c->nin && before; i++) in[i] = itself(in[i]);
    mx_array *y = c->sample->apply(in);
    y = itself(y ? itself(y) : NULL);
    runtime.fuse = fuse;
    bool ok = y && numbers_read(y, out);
    runtime.fuse = fused;
    mx_scope_close(s, NULL);
    return ok;
}

/* A GPU compiles a kernel for each group.  But for the full run, one case of GPU_SHARE is checked there, in one way. */
static bool way_is_run(const law_case *c, int k)
{
    if (mx_default_device().type == MX_CPU || check_is_full()) return true;
    uint64_t state = (uint64_t)c->dtype;
    for (const char *s = c->sample->what; *s; s++) state = state * 31 + (unsigned char)*s;
    for (const char *s = c->name; *s; s++) state = state * 31 + (unsigned char)*s;
    return random_bits(&state) % (2 * LAYOUT_COUNT * GPU_SHARE) == (uint64_t)k;
}

/* Groups wait for their kernels; what it was. */
static bool set_at_once(bool at_once)
{
    cuda_gpu *gpu = mx_default_device().type == MX_GPU ? cuda_gpu_now() : NULL;
    bool before = gpu && gpu->fuse_at_once;
    if (gpu) gpu->fuse_at_once = at_once;
    return before;
}

bool law_fusion(law_case *c)
{
    char text[TEXT];
    bool ok = true, at_once = set_at_once(true);
    for (int k = 0; k < 2 * LAYOUT_COUNT && ok; k++) {
        numbers want = {0}, got = {0};
        layout how = (layout)(k / 2);
        if (!way_is_run(c, k)) continue;
        if (!run_in_groups(c, how, k % 2, false, &want)) {
            ok = law_fail(c, "it fails node by node");
        } else if (!run_in_groups(c, how, k % 2, true, &got)) {
            ok = law_fail(c, "it fails in a group");
        } else if (!numbers_same(&got, &want, text)) {
            ok = law_fail(c, "%s inputs, %s: %s", layout_names[how], k % 2 ? "made in the group" : "given", text);
        }
        numbers_free(&want);
        numbers_free(&got);
    }
    set_at_once(at_once);
    return ok;
}
