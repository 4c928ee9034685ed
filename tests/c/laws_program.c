/* SPDX-License-Identifier: MIT
 *
 * The law of programs: a captured function replayed gives the bits of the function, and leaves no node behind. */
#include "laws.h"
#include "mica/transforms.h"

static bool apply_all(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const law_case *c = ctx;
    mx_array *all[SAMPLE_INPUTS] = {NULL};
    for (int i = 0; i < nin; i++) all[i] = in[i];
    out[0] = nout == 1 ? c->sample->apply(all) : NULL;
    return out[0] != NULL;
}

static mx_program *capture(law_case *c, mx_array *const *in)
{
    mx_array *traced[SAMPLE_INPUTS], *y;
    mx_trace *t = mx_trace_begin_captured(in, c->nin, false, traced);
    mx_program *p = t && apply_all(c, traced, c->nin, &y, 1) ? mx_trace_program(t, &y, 1) : NULL;
    mx_trace_end(&t);
    return p;
}

bool law_program(law_case *c)
{
    if (case_is_big(c)) return true;
    numbers want = {0};
    if (!case_run(c, c->in, &want)) return law_fail(c, "the function itself fails");
    char text[TEXT];
    mx_array *in[SAMPLE_INPUTS], *y;
    mx_scope s = mx_scope_open();
    case_arrays(c, c->in, ROW_MAJOR, in);
    mx_program *p = capture(c, in);
    bool ok = p || law_fail(c, "it cannot be captured");
    for (int i = 0; i < 2 && ok; i++) {
        numbers got = {0};
        ok = (mx_program_run(p, in, c->nin, &y, 1) && numbers_read(y, &got)) || law_fail(c, "the replay fails");
        if (ok && !numbers_same(&got, &want, text)) ok = law_fail(c, "replay %d: %s", i, text);
        numbers_free(&got);
    }
    mx_program_drop(p);
    mx_scope_close(s, NULL);
    numbers_free(&want);
    return ok;
}
