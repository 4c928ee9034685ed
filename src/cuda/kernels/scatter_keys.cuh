// SPDX-License-Identifier: MIT
//
// A key for each update: where it goes, then its number.  OPTION as in gather.cuh.
#if OPTION & 1
typedef u64 INDEX;
#else
typedef u32 INDEX;
#endif

extern "C" __global__ void ENTRY(const keys_args a)
{
    u64 *keys = (u64 *)a.keys;
    INDEX total = (INDEX)a.total, step = (INDEX)gridDim.x * blockDim.x;
    for (INDEX i = (INDEX)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        INDEX element, point = divide((INDEX)(a.first + i), a.block_size, element);
        i64 place = place_of<(OPTION & 2) != 0>(a.places, point);
        u64 to = place == OUTSIDE ? a.dropped : (u64)(place + walk_offset(a.block, element));
        keys[i] = to << a.point_bits | i;
    }
}
