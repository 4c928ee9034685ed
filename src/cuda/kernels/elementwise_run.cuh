// SPDX-License-Identifier: MIT
//
// The elementwise kernel itself, over the program before it: vectors where the layout allows them, else and in the end elements.
enum { UNROLL = ELEMENTWISE_UNROLL(NIN, WIDTH) };

DEVICE void run_vectors(const elementwise_args &a, INDEX count, u32 block, u32 blocks)
{
    int last = (NDIM == ELEMENTWISE_FLAT ? 1 : NDIM < ELEMENTWISE_ANY ? NDIM : a.ndim) - 1;
    INDEX step = (INDEX)blocks * ELEMENTWISE_BLOCK * UNROLL;
    for (INDEX i = (INDEX)block * ELEMENTWISE_BLOCK * UNROLL + threadIdx.x; i < count; i += step) {
        operands<WIDTH> v[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            i64 at[NIN];
            if (i + u * ELEMENTWISE_BLOCK >= count) break;
            find(a, i + u * ELEMENTWISE_BLOCK, WIDTH, at);
            read(v[u], a, at, last);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            results<WIDTH> r;
            if (i + u * ELEMENTWISE_BLOCK >= count) break;
#pragma unroll
            for (int j = 0; j < WIDTH; j++) compute(v[u], j, r);
            write(r, a, (i64)(i + u * ELEMENTWISE_BLOCK) * WIDTH);
        }
    }
}

DEVICE void run_scalars(const elementwise_args &a, INDEX first, INDEX total, u32 block, u32 blocks)
{
    INDEX step = (INDEX)blocks * ELEMENTWISE_BLOCK;
    for (INDEX i = first + (INDEX)block * ELEMENTWISE_BLOCK + threadIdx.x; i < total; i += step) {
        i64 at[NIN];
        operands<1> v;
        results<1> r;
        find(a, i, 1, at);
        read(v, a, at, 0);
        compute(v, 0, r);
        write(r, a, i);
    }
}

// The share of one of `blocks` blocks.
DEVICE void run_block(const elementwise_args &a, u32 block, u32 blocks)
{
    INDEX total = (INDEX)a.total, vectors = a.vectors ? total / WIDTH : 0;
    run_vectors(a, vectors, block, blocks);
    run_scalars(a, vectors * WIDTH, total, block, blocks);
}

// Without the 1 ptxas keeps to 32 registers and spills where vectors have 16 elements.
#ifdef MANY
// Many programs in one launch: the blocks from `first` on are a program's.
struct elementwise_table {
    u32 count, blocks;
    struct {
        u32 first, total, vectors, adjacent; // adjacent: a bit for each operand, else it is one element
        u64 out[NOUT], in[NIN];
    } at[ELEMENTWISE_MANY(NIN, NOUT)];
};

extern "C" __global__ void __launch_bounds__(ELEMENTWISE_BLOCK, 1) ENTRY(const __grid_constant__ elementwise_table t)
{
    u32 i = 0, end = t.count;
    while (end - i > 1) {
        u32 middle = (i + end) / 2;
        if (t.at[middle].first <= blockIdx.x) {
            i = middle;
        } else {
            end = middle;
        }
    }
    elementwise_args a;
    a.total = t.at[i].total;
    a.ndim = 0;
    a.vectors = (int)t.at[i].vectors;
#pragma unroll
    for (int k = 0; k < NOUT; k++) a.out[k] = t.at[i].out[k];
#pragma unroll
    for (int k = 0; k < NIN; k++) {
        a.in[k] = t.at[i].in[k];
        a.stride[k][0] = t.at[i].adjacent >> k & 1;
    }
    run_block(a, blockIdx.x - t.at[i].first, (i + 1 < t.count ? t.at[i + 1].first : t.blocks) - t.at[i].first);
}
#else
extern "C" __global__ void __launch_bounds__(ELEMENTWISE_BLOCK, 1) ENTRY(const __grid_constant__ elementwise_args a)
{
    run_block(a, blockIdx.x, gridDim.x);
}
#endif
