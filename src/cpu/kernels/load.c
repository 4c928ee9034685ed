/* SPDX-License-Identifier: MIT
 *
 * load: the source reads straight into the output. */
#include "core/params/load.h"
#include "cpu/kernels/kernel.h"

static bool run(cpu_call *c)
{
    const load_params *p = c->params;
    load_source *source = (load_source *)p->source;
    return cpu_output(c, 0) && source->read(source, p, array_data(c->out), mx_nbytes(c->out));
}

const cpu_op KERNEL(load) = {.run = run};
