// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of copies, gathers and scatters.  Plain C, read by both sides, so that they cannot disagree.
// Addresses are numbers; sizes and strides count elements, or units of a few bytes that are moved as one.
#ifndef CUDA_KERNELS_INDEX_ARGS
#define CUDA_KERNELS_INDEX_ARGS

typedef unsigned u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

enum { INDEX_DIMS = 16, INDEX_AXES = 16, POINT_DIMS = 3 };

// Division by n without dividing: (mulhi(x, magic) + x) >> shift for x < 2^31 (Granlund, Montgomery 1994).
struct index_divider {
    i64 n;
    u32 magic, shift;
};

// Dimensions, outermost first, at least one, and up to two layouts of them.
struct index_walk {
    i32 ndim;
    struct index_divider shape[INDEX_DIMS];
    i64 stride[2][INDEX_DIMS];
};

// A place for each point (c0, c1, c2): sum of base[d] * c[d], and over the axes of step * index.
struct index_places {
    i32 axes;
    i32 clamp; // of what is outside: else it drops its element
    struct index_divider shape[POINT_DIMS];
    i64 base[POINT_DIMS];
    u64 index[INDEX_AXES];
    i32 kind[INDEX_AXES];               // log2 of the bytes of the index dtype, + 4 if it is signed
    i64 stride[INDEX_AXES][POINT_DIMS]; // of the index array
    i64 size[INDEX_AXES], room[INDEX_AXES], step[INDEX_AXES];
};

struct copy_args {
    u64 to, from;
    i64 total;
    struct index_walk walk; // strides of `to`, of `from`
};

// Tiles of (rows, columns): `from` has its rows' elements side by side along rows, `to` along columns.
struct transpose_args {
    u64 to, from;
    i64 rows, columns, to_row, from_column, blocks;
    struct index_divider row_tiles, column_tiles;
    struct index_walk batch;
};

// The result is (before, points, block).
struct gather_args {
    u64 to, from;
    i64 total;
    struct index_divider points, block_size;
    struct index_walk before, block; // strides of x
    struct index_places places;
};

// A key is place << point_bits | point; the place `dropped` is nowhere.  If `expand`, every element of a block is a point.
struct keys_args {
    u64 keys;
    i64 total, first; // points, from `first` on
    u64 dropped;
    i32 point_bits;
    struct index_divider block_size;
    struct index_walk block; // strides of the result
    struct index_places places;
};

struct merge_args {
    u64 to, from;
    i64 total, run;
};

struct scatter_args {
    u64 to, updates, keys, partial;
    i64 total, points, first, tile; // total: threads; tile: sorted points folded ahead, 0: none
    u64 dropped;
    i32 point_bits, mode;
    struct index_divider block_size;
    struct index_walk block; // strides of the result
};

// Few points: a thread for each element of the block applies all of them.
struct points_args {
    u64 to, updates;
    i64 total, points;
    i32 mode;
    struct index_walk block; // strides of the result
    struct index_places places;
};

// (outer, axis, inner): a thread for each (outer, inner) applies the indices along the axis.
struct along_args {
    u64 to, updates, index;
    i64 total, count, size;
    i32 kind, clamp, mode;
    struct index_divider inner;
};

struct arange_args {
    u64 to;
    i64 total;
    double start, step;
    u64 first, pace; // of integers
};

struct masked_args {
    u64 to, mask, values, counts;
    i64 n, values_row;
    struct index_divider chunks; // of a row
};

#endif
