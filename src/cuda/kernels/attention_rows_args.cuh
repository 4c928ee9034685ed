// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of attention; read by both compilers.
#pragma once

// Rows are counted (batch, head, query), queries fastest; `from`: the first of each in the whole arrays.
struct attention_rows_args {
    u64 scores, dprobs;  // float32, `pitch` from row to row
    u64 probs, dscores;  // of T, `pitch` from row to row; they may be the same places
    u64 lse;             // float32 of all (batch, head, query)
    u64 out, dout;       // of T
    u32 rows, queries, heads;
    i64 from_batch, from_head, from_query, all_heads, all_queries;
    i64 keys, pitch, width;
    i64 seen; // query i sees this many keys and i more, at most all
    i64 out_stride[3], dout_stride[3]; // of batch, head, query
};

// From float32 (batch, head, key, width) without gaps to T.
struct attention_round_args {
    u64 from, to;
    u32 rows, keys, heads;
    i64 width, stride[3]; // of batch, head, key
};
