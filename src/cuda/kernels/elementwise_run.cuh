// SPDX-License-Identifier: MIT
//
// The elementwise kernel itself, over the program before it: vectors where the layout allows them, else and in the end elements.
enum { UNROLL = ELEMENTWISE_UNROLL(NIN, WIDTH) };

DEVICE void run_vectors(const elementwise_args &a, INDEX count)
{
    int last = (NDIM == ELEMENTWISE_FLAT ? 1 : NDIM < ELEMENTWISE_ANY ? NDIM : a.ndim) - 1;
    INDEX step = (INDEX)gridDim.x * ELEMENTWISE_BLOCK * UNROLL;
    for (INDEX i = (INDEX)blockIdx.x * ELEMENTWISE_BLOCK * UNROLL + threadIdx.x; i < count; i += step) {
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

DEVICE void run_scalars(const elementwise_args &a, INDEX first, INDEX total)
{
    INDEX step = (INDEX)gridDim.x * ELEMENTWISE_BLOCK;
    for (INDEX i = first + (INDEX)blockIdx.x * ELEMENTWISE_BLOCK + threadIdx.x; i < total; i += step) {
        i64 at[NIN];
        operands<1> v;
        results<1> r;
        find(a, i, 1, at);
        read(v, a, at, 0);
        compute(v, 0, r);
        write(r, a, i);
    }
}

// Without the 1 ptxas keeps to 32 registers and spills where vectors have 16 elements.
extern "C" __global__ void __launch_bounds__(ELEMENTWISE_BLOCK, 1) ENTRY(const __grid_constant__ elementwise_args a)
{
    INDEX total = (INDEX)a.total, vectors = a.vectors ? total / WIDTH : 0;
    run_vectors(a, vectors);
    run_scalars(a, vectors * WIDTH, total);
}
