/* SPDX-License-Identifier: MIT
 *
 * What the runtime runs for the warp operations of the ptx engine. */
#ifndef SIM_PTX_WARP_H
#define SIM_PTX_WARP_H

#include "shim/abi.h"

struct ptx_warp_operation {
    sim_warp_function run; /* lanes are struct sim_ptx_lane */
    const char *name;
};
extern const struct ptx_warp_operation ptx_warp_operations[SIM_PTX_OPERATION_COUNT];

#endif
