/* SPDX-License-Identifier: MIT
 *
 * The one pool of CPU threads.  Chunks are fixed by the caller, a function of sizes only, so results do not depend on
 * how many threads there are.  A nested call, or one made while the pool is busy, runs its chunks in order on the
 * caller. */
#ifndef CPU_POOL_H
#define CPU_POOL_H

#include "cpu/gemm.h"

/* Runs fn(ctx, 0 .. chunks - 1) and waits.  Where the evaluation is interrupted (thread_interrupted), what may be left
 * half done is: chunks are left out, and whoever started the kernel looks at `stopped`. */
void cpu_parallel(int64_t chunks, cpu_chunk_fn fn, void *ctx);
/* To be asked in a chunk that may be long, on any thread, some thousand times a second: is it to be left as it is?  A
 * kernel goes on with what it has left half done, so an index may be any number, and is within bounds all the same. */
bool cpu_stopped(void);
int cpu_thread_count(void);

#endif
