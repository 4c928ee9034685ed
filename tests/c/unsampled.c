/* SPDX-License-Identifier: MIT
 *
 * Ops that no law sees yet: no samples, no reference.  The list may only shrink; tests/README.md says how. */
#include "check.h"

#define UNSAMPLED(name)                                                                                                \
    const op_sample samples_##name[] = {{.flags = NO_SAMPLES}};                                                        \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        (void)c;                                                                                                       \
    }
