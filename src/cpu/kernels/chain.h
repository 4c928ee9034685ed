/* SPDX-License-Identifier: MIT
 *
 * Cheap float32 steps back to back without memory between them.  Eight registers hold a block of the running value; each
 * link of a chain applies one op to them, with another operand from its tile, and calls the next link with the registers
 * as arguments.  A body per step costs two loads and a store an element; a link costs one load. */
#ifndef CPU_KERNELS_CHAIN_H
#define CPU_KERNELS_CHAIN_H

#include "core/compiler.h"
#include "cpu/kernels/level.h"
#include <stdint.h>

typedef float chain_lanes VECTOR(REGISTER);
enum { CHAIN_BLOCK = 8 * REGISTER / 4 }; /* elements */

typedef struct chain_link chain_link;
#define CHAIN_VALUE                                                                                                    \
    chain_lanes a0, chain_lanes a1, chain_lanes a2, chain_lanes a3, chain_lanes a4, chain_lanes a5, chain_lanes a6,    \
        chain_lanes a7
/* Elements [i, i + CHAIN_BLOCK) of the tiles; a0 to a7: the running value. */
typedef void (*chain_fn)(const chain_link *link, int64_t i, CHAIN_VALUE);
struct chain_link {
    chain_fn run;
    float *tile;  /* read or written at i & mask; at 0 by ops with one value */
    int64_t mask; /* -1; 0: a block that holds what was last written there */
};

/* An op in a chain; x is the running value, y the other operand. */
typedef struct cpu_chain {
    chain_fn x_tile, tile_x; /* x op y, y op x; y from a tile */
    chain_fn x_one, one_x;   /* ... y one value */
    chain_fn x_x;            /* x op x, or a unary op of x */
    /* The last three, with the result put where the link behind says; x goes on. */
    chain_fn aside_x_one, aside_one_x, aside_x_x;
} cpu_chain;

#define CHAINS(CHAIN)                                                                                                  \
    CHAIN(add)                                                                                                         \
    CHAIN(sub)                                                                                                         \
    CHAIN(mul)                                                                                                         \
    CHAIN(div)                                                                                                         \
    CHAIN(maximum) CHAIN(minimum) CHAIN(neg) CHAIN(abs) CHAIN(square) CHAIN(sqrt) CHAIN(rsqrt) CHAIN(reciprocal)
#define CHAIN(name) extern const cpu_chain KERNEL(chain_##name);
CHAINS(CHAIN)
#undef CHAIN

/* How a chain begins, keeps its value, and ends. */
extern const chain_fn KERNEL(chain_load), KERNEL(chain_load_one), KERNEL(chain_store), KERNEL(chain_end);
/* Runs the links over elements [begin, end), a multiple of CHAIN_BLOCK. */
void KERNEL(chain_run)(const chain_link *links, int64_t begin, int64_t end);

#endif
