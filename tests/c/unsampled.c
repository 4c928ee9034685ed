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
UNSAMPLED(slice)
UNSAMPLED(diagonal)
UNSAMPLED(as_strided)
UNSAMPLED(slice_update)
UNSAMPLED(concatenate)
UNSAMPLED(arange)
UNSAMPLED(gather)
UNSAMPLED(scatter)
UNSAMPLED(take)
UNSAMPLED(take_along_axis)
UNSAMPLED(scatter_along_axis)
