/* SPDX-License-Identifier: MIT
 *
 * Accesses of whole warps: sectors of device memory, bank conflicts of shared memory. */
#ifndef SIM_LINT_H
#define SIM_LINT_H

#include <stdbool.h>
#include <stdint.h>

void lint_access(uint64_t p, unsigned bytes, bool is_shared, const void *code);

#endif
