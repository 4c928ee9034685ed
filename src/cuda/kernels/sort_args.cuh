// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of sorts and partitions.  Plain C, read by both sides.
#ifndef CUDA_KERNELS_SORT_ARGS
#define CUDA_KERNELS_SORT_ARGS

// A row of up to SORT_SHORT elements is sorted in shared memory, with others that fit into it; a longer one in tiles.
enum { SORT_SHORT = 2048, SORT_SHORT_THREADS = 512, SORT_THREADS = 256, SORT_RADIX = 256 };
enum { SORT_TILES_FEW = 32 }; // a block of the move adds up what the tiles before have; of more a launch does
enum { SORT_TILE = 4096, SORT_TILE_WIDE = 2048 }; // elements; wide ones have 8 bytes
enum { SORT_POSITIONS = 1, SORT_PARTS = 2 };      // OPTION: of a partition the digits are less, equal, greater

typedef struct sort_args {
    unsigned long long from, to;                     // elements
    unsigned long long from_positions, to_positions; // uint32; none: elements are where they were, or not written
    unsigned long long counts, totals;               // int64 [row][digit][tile], [row][digit]
    unsigned long long picked;                       // select_state [row]
    long long rows, n, tiles, kth;
    int shift, padded; // the digit's lowest bit; of short rows their length, up to a power of two
} sort_args;

// The kth key of a row: the bits that are known, and which one it is of the keys that have them.
typedef struct select_state {
    unsigned long long key;
    long long kth;
} select_state;

#endif
