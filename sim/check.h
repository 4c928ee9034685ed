/* SPDX-License-Identifier: MIT
 *
 * Check mode: bounds, lifetime, initialisation and order (happens-before) of every access to device and shared memory. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One access of the running thread; kind is made of SIM_READ, SIM_WRITE, SIM_ATOMIC. */
void check_access(void *p, unsigned bytes, int kind, void *code);
/* A whole range by the command under way: a copy, a fill, a free. */
void check_range(uint64_t p, size_t bytes, bool write);

#endif
