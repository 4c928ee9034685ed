/* SPDX-License-Identifier: MIT
 *
 * Reads the input as an exported function and calls each of its programs with small inputs. */
#include "fuzz.h"
#include "io/mlxfn.h"

enum { MOST_INPUTS = 16, MOST_OUTPUTS = 64, MOST_ELEMENTS = 4096 };

static void call(const mx_imported *f, const mlxfn_function *program, int index)
{
    mx_array *in[MOST_INPUTS], *out[MOST_OUTPUTS];
    if (program->nin > MOST_INPUTS || program->nout > MOST_OUTPUTS) return;
    for (size_t i = 0; i < program->value_count; i++) {
        const param_shape *s = &program->values[i].shape;
        int64_t size = 1;
        for (int k = 0; k < s->ndim; k++) size *= s->at[k] < MOST_ELEMENTS ? s->at[k] : MOST_ELEMENTS;
        if (size > MOST_ELEMENTS) return; /* right, but slow */
    }
    for (int i = 0; i < program->nin; i++) {
        const mlxfn_value *v = &program->values[program->inputs[i]];
        in[i] = mx_ones((mx_shape){v->shape.ndim, v->shape.at}, v->dtype);
    }
    bool ok = mx_imported_run(f, index, in, program->nin, out);
    if (ok && !program->shapeless) mx_eval_n(out, program->nout); /* else any step may be large */
    mx_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mx_scope scope = mx_scope_open();
    mx_imported *f = mlxfn_read("fuzz", data, size);
    for (int i = 0; f && i < mlxfn_count(f); i++) call(f, mlxfn_at(f, i), i);
    mx_imported_free(&f);
    return fuzz_end(scope);
}
