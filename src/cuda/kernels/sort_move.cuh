// SPDX-License-Identifier: MIT
//
// Moves the elements of a tile, or of a partition, to the places of their digits, in order.  A lane's rank among those of its warp
// that have its digit comes from ballots (Merrill and Grimshaw 2011); the tile is put in order in shared memory, so that neighbours
// are written together.  OPTION: SORT_POSITIONS goes with positions, SORT_PARTS.
#include "cuda/kernels/sort_digit.cuh"
#include "cuda/kernels/sort_scan.cuh"

struct move_shared {
    u32 counts[WARPS][SORT_RADIX]; // of a warp; then of those before it
    u32 start[SORT_RADIX];         // where a digit begins in the tile
    i64 to[SORT_RADIX];            // and in the row
    i64 sums[32];
    u32 words[32];
    T element[TILE];
    u32 position[OPTION & SORT_POSITIONS ? TILE : 1];
};

// How many in the warp have this digit, of earlier items and of lanes below.
DEVICE u32 rank_in_warp(u32 *counts, int digit, int lane)
{
    u32 peers = WARP;
#pragma unroll
    for (int bit = 0; bit < 8; bit++) {
        u32 have = __ballot_sync(WARP, digit >> bit & 1);
        peers &= digit >> bit & 1 ? have : ~have;
    }
    u32 below = __popc(peers & ((1u << lane) - 1)), before = counts[digit];
    __syncwarp();
    if (below == 0) counts[digit] = before + __popc(peers);
    __syncwarp();
    return before + below;
}

DEVICE void place_digits(const sort_args &a, i64 row, i64 tile, move_shared &shared)
{
    int d = threadIdx.x;
    u32 sum = 0, all;
    for (int w = 0; w < WARPS; w++) {
        u32 own = shared.counts[w][d];
        shared.counts[w][d] = sum;
        sum += own;
    }
    shared.start[d] = before_thread(sum, all, shared.words);
    i64 digits = row * SORT_RADIX + d, rest, total, ahead = 0;
    const i64 *counts = reinterpret_cast<const i64 *>(a.counts) + digits * a.tiles;
    if (a.tiles <= SORT_TILES_FEW) {
        total = 0;
#pragma unroll 1
        for (int t = 0; t < (int)a.tiles; t++) {
            if (t == tile) ahead = total;
            total += counts[t];
        }
    } else {
        total = reinterpret_cast<const i64 *>(a.totals)[digits];
        ahead = counts[tile];
    }
    shared.to[d] = before_thread(total, rest, shared.sums) + ahead;
}

DEVICE void move_tile(const sort_args &a, i64 row, i64 tile, move_shared &shared)
{
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 start = row * a.n, first = tile * TILE, mine = first + warp * (ITEMS * 32) + lane;
    int n = a.n - first < TILE ? (int)(a.n - first) : TILE;
    const T *x = reinterpret_cast<const T *>(a.from) + start;
    const u32 *positions = reinterpret_cast<const u32 *>(a.from_positions);
    digit_of digit(a, row);
    T own[ITEMS];
    u32 rank[ITEMS];
    for (int w = 0; w < WARPS; w++) shared.counts[w][threadIdx.x] = 0;
    __syncthreads();
#pragma unroll
    for (int j = 0; j < ITEMS; j++)
        if (mine + j * 32 < a.n) own[j] = x[mine + j * 32];
#pragma unroll
    for (int j = 0; j < ITEMS; j++) { // what is past the end comes last
        int d = mine + j * 32 < a.n ? digit(own[j]) : SORT_RADIX - 1;
        rank[j] = rank_in_warp(shared.counts[warp], d, lane);
    }
    __syncthreads();
    place_digits(a, row, tile, shared);
    __syncthreads();
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        i64 i = mine + j * 32;
        if (i >= a.n) continue;
        int d = digit(own[j]);
        u32 at = shared.start[d] + shared.counts[warp][d] + rank[j];
        shared.element[at] = own[j];
        if (OPTION & SORT_POSITIONS) shared.position[at] = positions ? positions[start + i] : (u32)i;
    }
    __syncthreads();
#pragma unroll 1
    for (int k = threadIdx.x; k < n; k += SORT_THREADS) {
        T e = shared.element[k];
        int d = digit(e);
        i64 to = start + shared.to[d] + (k - (int)shared.start[d]);
        if (a.to) reinterpret_cast<T *>(a.to)[to] = e;
        if (OPTION & SORT_POSITIONS) reinterpret_cast<u32 *>(a.to_positions)[to] = shared.position[k];
    }
    __syncthreads();
}

extern "C" __global__ void __launch_bounds__(SORT_THREADS) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ move_shared shared;
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit < a.rows * a.tiles; unit += gridDim.x) {
        i64 row = unit / a.tiles;
        move_tile(a, row, unit - row * a.tiles, shared);
    }
}
