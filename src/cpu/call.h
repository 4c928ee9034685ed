/* SPDX-License-Identifier: MIT
 *
 * What a CPU kernel is given, and how it gets its output and its scratch memory.  The same for all SIMD levels. */
#ifndef CPU_CALL_H
#define CPU_CALL_H

#include "core/device.h"
#include "core/memory.h"
#include "cpu/pool.h"

enum {
    CPU_MAX_SCRATCH = 8,
    CPU_LONGEST_ROW = 1 << 16, /* of a group: some of them should stay in the L2 cache */
};

typedef struct cpu_call {
    const mx_op *op;
    const void *params;
    mx_array *const *in; /* DONE */
    int nin;
    mx_array *out; /* out[0 .. nout - 1], side by side */
    int nout;
    bool may_donate;                    /* no trace needs the inputs after this */
    mx_array *scratch[CPU_MAX_SCRATCH]; /* copies made for this call, dropped after it */
    int scratch_count;
} cpu_call;

/* Body of one elementwise op over n adjacent elements; out may be one of the inputs. */
typedef void (*tile_fn)(void *out, const void *const *in, int64_t n);

/* Body of one op over the last axis: `rows` rows of n adjacent elements, one after the other.  An input may be the same
 * row for all of them, and an output may have one element a row instead of n: see cpu_row_op. */
typedef void (*row_fn)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n);
typedef struct cpu_row_op {
    row_fn body[MX_DTYPE_COUNT]; /* by the dtype of the first input; NULL: not defined for it */
    bool keeps;                  /* the output has n elements a row */
    int8_t own;                  /* inputs from this one on are one row that all share */
} cpu_row_op;

/* The kernel of an op: either tile bodies by the dtype of the last input, or a function.  A body that a 16-bit float
 * lacks is the float32 one, between two conversions. */
typedef struct cpu_op {
    bool (*run)(cpu_call *c); /* false: an error is recorded */
    tile_fn tile[MX_DTYPE_COUNT];
    const tile_fn (*cast)[MX_DTYPE_COUNT]; /* astype: bodies by dtype from and dtype to */
    const struct cpu_chain *chain;         /* how a cheap op runs in registers, float32 only; NULL: it does not */
    /* A matrix product: `run` with an epilogue (cpu/gemm.h), into the output's memory if it has some. */
    bool (*product)(cpu_call *c, void (*epilogue)(void *ctx, const cpu_area *area), void *ctx);
    const cpu_row_op *rows;               /* what `run` does to contiguous rows: the same bits in groups */
    const struct reduction *const *folds; /* reductions, by dtype: what chunks of columns need (cpu/kernels/reduce.h) */
} cpu_op;

/* ---- Outputs: row-major, allocated by the kernel before it computes anything */
bool cpu_output(cpu_call *c, int i);
/* Output 0 in the memory of x if nobody else needs that, else in new memory. x is an input of the same number and size
 * of elements or a scratch copy, row-major. */
bool cpu_output_like(cpu_call *c, mx_array *x);
/* Could output `out` use x's memory?  Asks only. */
bool cpu_can_donate(const cpu_call *c, const mx_array *x, const mx_array *out);

/* Are so many bytes more than the caches keep until they are read?  Then an output in memory of its own is written past
 * them.  The one place that says so. */
static inline bool cpu_beyond_caches(size_t bytes)
{
    return bytes >= (size_t)16 << 20;
}

/* ---- Inputs */
/* Input i row-major: itself, or a copy that lives as long as the call.  NULL: an error is recorded. */
mx_array *cpu_contiguous(cpu_call *c, int i);
/* A row-major scratch array. */
mx_array *cpu_scratch(cpu_call *c, mx_shape shape, mx_dtype dtype);

/* ---- Loops */
/* Splits 0..n-1 into ranges of `step` and runs fn(ctx, begin, end) on the pool. */
typedef void (*cpu_range_fn)(void *ctx, int64_t begin, int64_t end);
void cpu_split(int64_t n, int64_t step, cpu_range_fn fn, void *ctx);
/* A step for rows of `row_bytes` (all that a row reads and writes): about 128 KB of work, at least one row. */
int64_t cpu_rows_step(int64_t row_bytes);

#endif
