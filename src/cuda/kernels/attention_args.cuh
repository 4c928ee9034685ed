// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of attention; read by both compilers.
#pragma once

// Head sizes that there are kernels for; others take the next larger one, filled up with zeros.
#define ATTENTION_SIZES 6
#define ATTENTION_SIZE(i) ((i) == 0 ? 32 : (i) == 1 ? 64 : (i) == 2 ? 96 : (i) == 3 ? 128 : (i) == 4 ? 192 : 256)
// Forward, queries of a block and keys of a tile: what registers and 96 KB of shared memory hold.
#define ATTENTION_ROWS(width, bytes) ((width) * (bytes) <= 256 ? 128 : 64)
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
    u32 causal; // query i sees keys j <= i + keys - queries
};
