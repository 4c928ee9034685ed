// SPDX-License-Identifier: MIT
//
// Reads a block at each point, in units of T.  OPTION, bit 0: numbers of elements need 64 bits; bit 1: one array of indices.
#if OPTION & 1
typedef u64 INDEX;
#else
typedef u32 INDEX;
#endif

DEVICE T read(const gather_args &a, INDEX i)
{
    INDEX element, point, r = divide(i, a.block_size, element);
    INDEX before = divide(r, a.points, point);
    i64 place = place_of<(OPTION & 2) != 0>(a.places, point);
    i64 offset = walk_offset(a.before, before) + walk_offset(a.block, element);
    T zero{};
    return place == OUTSIDE ? zero : ((const T *)a.from)[place + offset];
}

extern "C" __global__ void ENTRY(const gather_args a)
{
    const int COUNT = index_elements<T>::count;
    T *to = (T *)a.to, x[COUNT];
    INDEX total = (INDEX)a.total, step = (INDEX)gridDim.x * blockDim.x * COUNT;
    for (INDEX first = (INDEX)blockIdx.x * blockDim.x * COUNT + threadIdx.x; first < total; first += step) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            INDEX i = first + k * blockDim.x;
            if (i < total) x[k] = read(a, i);
        }
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            INDEX i = first + k * blockDim.x;
            if (i < total) to[i] = x[k];
        }
    }
}
