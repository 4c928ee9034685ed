// SPDX-License-Identifier: MIT
//
// Kernels without a mistake, of every kind that the product has.
#include "cuda/kernels/dev.cuh"

extern "C" __global__ void add_f32(const float *a, const float *b, float *out, int n)
{
    int i = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 4 <= n) {
        vec<float, 4> x = ld_vec<4>(a + i), y = ld_vec<4>(b + i);
        for (int j = 0; j < 4; j++) x.v[j] += y.v[j];
        st_vec<4>(out + i, x);
    } else {
        for (; i < n; i++) out[i] = a[i] + b[i];
    }
}

extern "C" __global__ void add_bf16(const bf16 *a, const bf16 *b, bf16 *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = bf16(float(a[i]) + float(b[i]));
}

extern "C" __global__ void softmax_rows(const float *in, float *out, int n)
{
    __shared__ float shared[32];
    const float *x = in + (i64)blockIdx.x * n;
    float *y = out + (i64)blockIdx.x * n;
    float peak = -INF, total = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) peak = Max::of(peak, x[i]);
    peak = block_fold<Max>(peak, -INF, shared);
    for (int i = threadIdx.x; i < n; i += blockDim.x) total += expf(x[i] - peak);
    float scale = 1 / block_fold<Sum>(total, 0.0f, shared);
    for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = expf(x[i] - peak) * scale;
}

enum { TILE = 16 };
extern "C" __global__ void matmul_f32(const float *a, const float *b, float *out, int n)
{
    __shared__ float as[TILE][TILE + 1], bs[TILE][TILE + 1];
    int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * TILE + ty, column = blockIdx.x * TILE + tx;
    float sum = 0;
    for (int k0 = 0; k0 < n; k0 += TILE) {
        as[ty][tx] = a[row * n + k0 + tx];
        bs[ty][tx] = b[(k0 + ty) * n + column];
        __syncthreads();
        for (int k = 0; k < TILE; k++) sum += as[ty][k] * bs[k][tx];
        __syncthreads();
    }
    out[row * n + column] = sum;
}

// One warp, 16x8 tiles of C; K in steps of 16, two buffers: A is 16x16, B 16x8 (padded to 16 bytes a row).
extern "C" __global__ void __launch_bounds__(32) mma_bf16(const bf16 *a, const bf16 *b, float *c, int n)
{
    DYN_SMEM(bf16, shared);
    int lane = threadIdx.x, row0 = blockIdx.y * 16, column0 = blockIdx.x * 8;
    float sum[4] = { 0, 0, 0, 0 };
    auto load = [&](int buffer, int k0) {
        bf16 *as = shared + buffer * (16 * 24 + 16 * 8), *bs = as + 16 * 24;
        cp_async16(as + lane / 2 * 24 + lane % 2 * 8, a + (row0 + lane / 2) * n + k0 + lane % 2 * 8, 16);
        if (lane < 16) cp_async16(bs + lane * 8, b + (k0 + lane) * n + column0, 16);
        cp_async_commit();
    };
    load(0, 0);
    for (int k0 = 0; k0 < n; k0 += 16) {
        if (k0 + 16 < n) {
            load((k0 / 16 + 1) & 1, k0 + 16);
            cp_async_wait<1>();
        } else {
            cp_async_wait<0>();
        }
        __syncthreads();
        const bf16 *as = shared + (k0 / 16 & 1) * (16 * 24 + 16 * 8), *bs = as + 16 * 24;
        u32 fa[4], fb[2];
        ldmatrix_x4(fa, as + lane % 16 * 24 + lane / 16 * 8);
        ldmatrix_x2_trans(fb, bs + lane % 16 * 8);
        mma_bf16_16816(sum, fa, fb, sum);
        __syncthreads();
    }
    for (int q = 0; q < 4; q++) c[(row0 + lane / 4 + q / 2 * 8) * n + column0 + lane % 4 * 2 + q % 2] = sum[q];
}

extern "C" __global__ void histogram(const u32 *x, u32 *count, int n)
{
    __shared__ u32 local[64];
    for (int i = threadIdx.x; i < 64; i += blockDim.x) local[i] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[x[i] & 63], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&count[i], local[i]);
}

extern "C" __global__ void sort_block(u32 *x, int n)
{
    DYN_SMEM(u32, s);
    for (int i = threadIdx.x; i < n; i += blockDim.x) s[i] = x[i];
    for (int k = 2; k <= n; k <<= 1)
        for (int j = k >> 1; j; j >>= 1) {
            __syncthreads();
            for (int i = threadIdx.x; i < n / 2; i += blockDim.x) {
                int a = 2 * i - (i & (j - 1)), b = a + j;
                u32 p = s[a], q = s[b];
                if ((p > q) == !(a & k)) {
                    s[a] = q;
                    s[b] = p;
                }
            }
        }
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) x[i] = s[i];
}

extern "C" __global__ void sum_grid(const float *x, float *partial, float *out, u32 *counter, int n)
{
    __shared__ float shared[32];
    float sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
    sum = block_fold<Sum>(sum, 0.0f, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
    if (!last_block_arrive(counter)) return;
    if (threadIdx.x == 0) {
        sum = 0;
        for (int i = 0; i < (int)gridDim.x; i++) sum += partial[i];
        *out = sum;
    }
}

extern "C" __global__ void barriers(int n)
{
    for (int i = 0; i < n; i++) __syncthreads();
}
extern "C" __global__ void shuffles(float *out, int n)
{
    float x = threadIdx.x;
    for (int i = 0; i < n; i++) x = __shfl_xor_sync(WARP, x, 1);
    out[threadIdx.x] = x;
}
