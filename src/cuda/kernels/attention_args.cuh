// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of attention; read by both compilers.
#pragma once

// Head sizes that there are kernels for; others take the next larger one, filled up with zeros.
#define ATTENTION_SIZES 6
#define ATTENTION_SIZE(i) ((i) == 0 ? 32 : (i) == 1 ? 64 : (i) == 2 ? 96 : (i) == 3 ? 128 : (i) == 4 ? 192 : 256)
// Which scores count.
struct attention_rules {
    u64 mask; // of bool or T; 0: none
    i64 stride[4]; // of batch, query head, query, key
    i32 queries, keys;
    u32 boolean, causal; // causal: query i sees keys j <= i + keys - queries
};

// One score a row, float32, that has no value.
struct attention_sinks {
    u64 at; // 0: none
    i64 stride[3]; // of batch, query head, query
};

// Forward, queries of a block and keys of a tile: what registers and 96 KB of shared memory hold.
#define ATTENTION_ROWS(width, bytes, general) ((width) * (bytes) <= ((general) ? 128 : 256) ? 128 : 64)
#define ATTENTION_KEYS(width, bytes) ((bytes) == 2 ? ((width) <= 64 || (width) == 192 ? 64 : 32) : (width) <= 64 ? 32 : (width) <= 192 ? 16 : 8)

// An operand (B, heads, L, D) whose last axis is adjacent: its rows begin on 16 bytes.
struct attention_side {
    u64 at;
    i64 stride[3]; // of batch, head, row
};

struct attention_args {
    struct attention_side q, k, v, out;
    u64 lse; // float32 (batch, head, query)
    i32 queries, keys, heads, share; // heads: of queries, share: of these that have one key head
    i32 blocks;                      // of queries
    i32 width, value_width;
    float scale;
    u32 causal;
    struct attention_rules rules;
    struct attention_sinks sinks;
};

// ---- Few queries, as in decoding: those of all heads that share a key head are the rows of one tile, and blocks share out the keys.
#define ATTENTION_FEW 16
#define ATTENTION_SPLIT_KEYS(bytes) ((bytes) == 2 ? 64 : 32) // of a tile, a quarter for each warp

struct attention_split_args {
    struct attention_side q, k, v;
    u64 sums;  // float32 (batch, key head, split, ATTENTION_FEW, WIDTH): of values by weights
    u64 stats; // float32 (batch, key head, split, ATTENTION_FEW, 2): the peak of the scaled scores, the sum of weights
    i32 queries, keys, heads, share; // heads: of keys; share: query heads of each
    i32 splits, keys_each;
    i32 width, value_width;
    float scale;
    u32 causal;
    struct attention_rules rules;
};

struct attention_merge_args {
    struct attention_side out;
    u64 lse, sums, stats;
    i32 queries, heads, share; // heads: of queries
    i32 splits, width, value_width; // width: WIDTH
    i64 rows;                       // (batch, head, query)
    struct attention_sinks sinks;
};

// ---- Backward.  A kernel has some rows of a head and goes along the columns of their scores: queries and keys for the gradient of the
// queries (part 0), keys and queries for that of the keys and values (part 1), of which large heads have one at a time (1, 2).
#define ATTENTION_SMALL 4 // sizes whose gradients of keys and values fit one kernel
#define ATTENTION_PARTS (2 * ATTENTION_SMALL + 3 * (ATTENTION_SIZES - ATTENTION_SMALL))
#define ATTENTION_PART(size, part)                                                                                     \
    ((size) < ATTENTION_SMALL ? 2 * (size) + (part) : 2 * ATTENTION_SMALL + 3 * ((size) - ATTENTION_SMALL) + (part))
#define ATTENTION_VJP_ROWS(width, bytes) ((width) * (bytes) <= 512 ? 64 : 32)
#define ATTENTION_VJP_COLUMNS(width, bytes)                                                                            \
    ((bytes) == 2 ? ((width) <= 64 ? 64 : (width) <= 192 ? 32 : 16) : (width) <= 96 ? 32 : (width) <= 192 ? 16 : 8)
#define ATTENTION_STATS 64 // rows of stats come in whole ones of these

struct attention_vjp_args {
    struct attention_side rows[2];    // q and dout; k and v
    struct attention_side columns[2]; // k and v; q and dout
    struct attention_side out[2];     // dq; dk and dv
    u64 stats;                        // float32 (batch, query head, 2, padded): logsumexp, sum(out dout)
    i32 row_count, column_count, padded;
    i32 ahead; // keys - queries
    i32 heads; // of rows
    i32 share; // query heads of a key head
    i32 blocks;
    i32 width, value_width;
    float scale;
    u32 causal;
    struct attention_rules rules;
};

// The logsumexp in the units of the kernels' exponential (infinite where there is no row), and sum(out dout); gradients of sinks.
struct attention_stats_args {
    struct attention_side out, dout;
    u64 lse, stats;
    i32 heads, queries, padded, value_width;
    i64 rows; // (batch, head, padded)
    struct attention_sinks sinks;
    u64 dsinks; // float32 (batch, head, query)
};
