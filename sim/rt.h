/* SPDX-License-Identifier: MIT
 *
 * Running one launch: blocks in turn, the threads of a block as fibers. */
#ifndef SIM_RT_H
#define SIM_RT_H

#include "shim/abi.h"

#include <stdbool.h>
#include <stdint.h>

enum rt_order { ORDER_FORWARD, ORDER_REVERSE, ORDER_RANDOM, ORDER_PRIORITY };

struct rt_launch {
    const struct sim_module *module;
    const struct sim_kernel *kernel;
    unsigned grid[3], block[3], shared_bytes;
    void **params;
};

enum { RT_MAX_THREADS = 1024, RT_MAX_SHARED = 227 << 10 };

void rt_configure(enum rt_order order, uint64_t seed);
/* A CUresult; after an error rt_message() tells what happened. */
int rt_run(const struct rt_launch *launch, uint64_t device, uint64_t device_bytes);
const char *rt_message(void);
/* Ends the launch under way with an error; outside of one only keeps the message. */
void rt_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool rt_running(void);

/* Where the launch stands, for the checker: epochs count barriers of the block and operations of each warp. */
struct rt_place {
    unsigned block, thread, barrier_epoch, warp_epoch;
    bool grid_acquired;
    const char *kernel;
};
struct rt_place rt_place(void);
struct rt_stats {
    uint64_t launches, blocks, threads, switches, warp_operations;
};
struct rt_stats rt_stats(void);

#endif
