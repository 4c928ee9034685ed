// SPDX-License-Identifier: MIT
//
// Sorts or partitions rows that fit into shared memory, several in a block: keys and positions go through Batcher's bitonic network
// (1968), whose order among equals is that of positions, then elements are fetched.  A partition sorts a second time, by what is less,
// equal and greater.  OPTION: SORT_POSITIONS, SORT_PARTS.
#include "cuda/kernels/sort_key.cuh"

typedef sort_key<T>::type K;

// A key and a position.
template <class K> struct entry;
template <> struct entry<u32> {
    u64 word;
    DEVICE entry make(u32 key, u32 at)
    {
        entry e = {(u64)key << 32 | at};
        return e;
    }
    __device__ __forceinline__ u32 key() const { return (u32)(word >> 32); }
    __device__ __forceinline__ u32 at() const { return (u32)word; }
    DEVICE bool after(entry a, entry b) { return a.word > b.word; }
};
template <> struct entry<u64> {
    u64 word;
    u32 place;
    DEVICE entry make(u64 key, u32 at)
    {
        entry e = {key, at};
        return e;
    }
    __device__ __forceinline__ u64 key() const { return word; }
    __device__ __forceinline__ u32 at() const { return place; }
    DEVICE bool after(entry a, entry b) { return a.word > b.word || (a.word == b.word && a.place > b.place); }
};
typedef entry<K> E;

// Each `padded` entries.
DEVICE void sort_tile(E *tile, int padded)
{
#pragma unroll 1
    for (int size = 2; size <= padded; size *= 2) {
#pragma unroll 1
        for (int apart = size / 2; apart; apart /= 2) {
            for (int p = threadIdx.x; p < SORT_SHORT / 2; p += SORT_SHORT_THREADS) {
                int i = 2 * p - (p & (apart - 1)), j = i + apart;
                E x = tile[i], y = tile[j];
                if (E::after(x, y) == ((i & (padded - 1) & size) == 0)) {
                    tile[i] = y;
                    tile[j] = x;
                }
            }
            __syncthreads();
        }
    }
}

extern "C" __global__ void __launch_bounds__(SORT_SHORT_THREADS) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ E tile[SORT_SHORT];
    int n = (int)a.n, each = SORT_SHORT / a.padded;
#pragma unroll 1
    for (i64 first = (i64)blockIdx.x * each; first < a.rows; first += (i64)gridDim.x * each) {
        const T *x = reinterpret_cast<const T *>(a.from) + first * n;
        for (int k = threadIdx.x; k < SORT_SHORT; k += SORT_SHORT_THREADS) {
            int row = k / a.padded, i = k - row * a.padded;
            bool is = i < n && first + row < a.rows;
            tile[k] = E::make(is ? (K)key_of(x[row * n + i]) : (K)~(K)0, is ? i : 0xffffffffu);
        }
        __syncthreads();
        sort_tile(tile, a.padded);
        if (OPTION & SORT_PARTS) {
            E own[SORT_SHORT / SORT_SHORT_THREADS];
#pragma unroll
            for (int j = 0; j < SORT_SHORT / SORT_SHORT_THREADS; j++) {
                int k = j * SORT_SHORT_THREADS + threadIdx.x, row = k / a.padded;
                K key = tile[k].key(), chosen = tile[row * a.padded + (int)a.kth].key();
                bool is = tile[k].at() != 0xffffffffu;
                own[j] = E::make(is ? (K)((key >= chosen) + (key > chosen)) : (K)~(K)0, tile[k].at());
            }
            __syncthreads();
#pragma unroll
            for (int j = 0; j < SORT_SHORT / SORT_SHORT_THREADS; j++) tile[j * SORT_SHORT_THREADS + threadIdx.x] = own[j];
            __syncthreads();
            sort_tile(tile, a.padded);
        }
        for (int k = threadIdx.x; k < SORT_SHORT; k += SORT_SHORT_THREADS) {
            int row = k / a.padded, i = k - row * a.padded;
            if (i >= n || first + row >= a.rows) continue;
            i64 to = (first + row) * n + i;
            if (OPTION & SORT_POSITIONS)
                reinterpret_cast<u32 *>(a.to)[to] = tile[k].at();
            else
                reinterpret_cast<T *>(a.to)[to] = x[row * n + (int)tile[k].at()];
        }
        __syncthreads();
    }
}
