// SPDX-License-Identifier: MIT
//
// Each wrapper of dev_arch.cuh on fixed inputs, one kernel a wrapper, one warp a block: what a real GPU answers is the golden vector
// that the simulated one is held to.  Names that end in _rounded depend on how the hardware adds; the rest is exact.
#include "cuda/kernels/dev.cuh"

// ---- Inputs
DEVICE u32 mix(u32 x) // "lowbias32" (Wellons 2018)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}
DEVICE u32 fold(u32 hash, u32 word)
{
    return (hash ^ word) * 16777619u;
}
// Bits of a float: zeros, infinities, NaNs, subnormals, ties of each narrower type, then anything.
DEVICE u32 float_bits(u32 i)
{
    const u32 special[] = {0x00000000u, 0x80000000u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00001u, 0x7f800001u,
                           0xffffffffu, 0x00000001u, 0x007fffffu, 0x00800000u, 0x7f7fffffu, 0x3f808000u, 0x3f818000u,
                           0x3f807fffu, 0x3f808001u, 0x7f7f8000u, 0x3f801000u, 0x3f803000u, 0x3f800fffu, 0x477fefffu,
                           0x477ff000u, 0x47800000u, 0x33000000u, 0x33000001u, 0x33800000u, 0x38800000u, 0x387fe000u,
                           0x387fffffu, 0x38001000u, 0xb3c00000u, 0xc77ff000u};
    return i < 32 ? special[i] : mix(i);
}
// Multiples of 1/4 in [-4, 4]: products and sums of 16 are exact in every type.
DEVICE float small(u32 i)
{
    return (float)(int)(mix(i) % 33u) * 0.25f - 4.0f;
}
DEVICE float ordinary(u32 i)
{
    return (float)(int)(mix(i) >> 8) * 0x1p-23f - 1.0f;
}

// ---- Conversions: 512 values, then a hash of 2048 more in each lane
#define CONVERSION(name, input, result)                                                                                \
    extern "C" __global__ void name##_vector(u32 *out)                                                                 \
    {                                                                                                                  \
        u32 hash = 2166136261u;                                                                                        \
        for (u32 i = threadIdx.x; i < 512 + 65536; i += 32) {                                                          \
            u32 x = (input), y = (u32)(result);                                                                        \
            if (i < 512) {                                                                                             \
                out[i] = y;                                                                                            \
            } else {                                                                                                   \
                hash = fold(hash, y);                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
        out[512 + threadIdx.x] = hash;                                                                                 \
    }
CONVERSION(bf16_bits_to_f32, i, __float_as_uint(bf16_bits_to_f32((u16)x)))
CONVERSION(f16_bits_to_f32, i < 512 ? i * 128 + i % 128 : i, __float_as_uint(f16_bits_to_f32((u16)x)))
CONVERSION(f32_to_bf16_bits, float_bits(i), f32_to_bf16_bits(__uint_as_float(x)))
CONVERSION(f32_to_f16_bits, float_bits(i), f32_to_f16_bits(__uint_as_float(x)))
CONVERSION(f32x2_to_bf16x2_bits, float_bits(i), f32x2_to_bf16x2_bits(__uint_as_float(x), __uint_as_float(float_bits(i + 1))))
CONVERSION(f32x2_to_f16x2_bits, float_bits(i), f32x2_to_f16x2_bits(__uint_as_float(x), __uint_as_float(float_bits(i + 1))))
CONVERSION(f32_to_tf32_bits, float_bits(i), f32_to_tf32_bits(__uint_as_float(x)))

// ---- The exponential: 504 arguments around 0, and the ends of the range
extern "C" __global__ void exp2_approx_rounded(u32 *out)
{
    const u32 ends[] = {0x7f800000u, 0xff800000u, 0x00000000u, 0x80000000u, 0x42fe0000u, 0x43000000u, 0xc2fc0000u, 0xc3160000u};
    for (u32 i = threadIdx.x; i < 504; i += 32) out[i] = __float_as_uint(exp2_approx((float)i * 0.015625f - 7.5f));
    if (threadIdx.x < 8) out[504 + threadIdx.x] = __float_as_uint(exp2_approx(__uint_as_float(ends[threadIdx.x])));
}

// ---- ldmatrix: 32 rows of 8 halves, each half its own number
#define LDMATRIX(name, count, rows)                                                                                    \
    extern "C" __global__ void name##_vector(u32 *out)                                                                 \
    {                                                                                                                  \
        __shared__ __align__(16) u16 tile[32 * 8];                                                                     \
        u32 got[count];                                                                                                \
        for (u32 i = threadIdx.x; i < 256; i += 32) tile[i] = (u16)(0x100u + i);                                       \
        __syncwarp();                                                                                                  \
        name(got, &tile[threadIdx.x % (rows) * 8]);                                                                    \
        for (int i = 0; i < count; i++) out[i * 32 + threadIdx.x] = got[i];                                            \
    }
LDMATRIX(ldmatrix_x4, 4, 32)
LDMATRIX(ldmatrix_x4_trans, 4, 32)
LDMATRIX(ldmatrix_x2, 2, 16)
LDMATRIX(ldmatrix_x2_trans, 2, 16)

// ---- mma: fragments as the lanes hold them
DEVICE u32 pair_bf16(float x, float y)
{
    return f32_to_bf16_bits(x) | (u32)f32_to_bf16_bits(y) << 16;
}
DEVICE u32 pair_f16(float x, float y)
{
    return f32_to_f16_bits(x) | (u32)f32_to_f16_bits(y) << 16;
}
DEVICE u32 one_tf32(float x, float)
{
    return f32_to_tf32_bits(x);
}
#define MULTIPLICATION(suffix, name, pack, number)                                                                     \
    extern "C" __global__ void name##suffix(u32 *out)                                                                  \
    {                                                                                                                  \
        u32 a[4], b[2], at = threadIdx.x * 64;                                                                         \
        float c[4], d[4];                                                                                              \
        for (int i = 0; i < 4; i++) a[i] = pack(number(at + 2 * i), number(at + 2 * i + 1));                           \
        for (int i = 0; i < 2; i++) b[i] = pack(number(at + 16 + 2 * i), number(at + 17 + 2 * i));                     \
        for (int i = 0; i < 4; i++) c[i] = number(at + 32 + i);                                                        \
        name(d, a, b, c);                                                                                              \
        for (int i = 0; i < 4; i++) out[i * 32 + threadIdx.x] = __float_as_uint(d[i]);                                 \
    }
MULTIPLICATION(_vector, mma_bf16_16816, pair_bf16, small)
MULTIPLICATION(_vector, mma_f16_16816, pair_f16, small)
MULTIPLICATION(_vector, mma_tf32_1688, one_tf32, small)
MULTIPLICATION(_rounded, mma_bf16_16816, pair_bf16, ordinary)
MULTIPLICATION(_rounded, mma_f16_16816, pair_f16, ordinary)
MULTIPLICATION(_rounded, mma_tf32_1688, one_tf32, ordinary)

// ---- Copies that do not wait: lanes ask for 0 to 16 bytes; the first group is awaited while the second may fly
extern "C" __global__ void cp_async16_vector(u32 *out)
{
    __shared__ __align__(16) u32 tile[2][128];
    u32 lane = threadIdx.x, *from = out + 256;
    for (u32 i = lane; i < 256; i += 32) {
        from[i] = mix(i);
        tile[i / 128][i % 128] = 1;
    }
    __syncthreads();
    for (int group = 0; group < 2; group++) {
        cp_async16(&tile[group][lane * 4], from + group * 128 + lane * 4, lane * 4 % 20);
        cp_async_commit();
    }
    cp_async_wait<1>();
    for (u32 i = 0; i < 4; i++) out[lane * 4 + i] = tile[0][lane * 4 + i];
    cp_async_wait<0>();
    for (u32 i = 0; i < 4; i++) out[128 + lane * 4 + i] = tile[1][lane * 4 + i];
}

// ---- Memory seen by other blocks: the last one reads what all have written
extern "C" __global__ void last_block_arrive_vector(u32 *out)
{
    u32 *counter = out + 1024;
    u64 *wide = (u64 *)(out + 512);
    st_relaxed(out + 256 + blockIdx.x * 32 + threadIdx.x, mix(blockIdx.x * 32 + threadIdx.x));
    wide[blockIdx.x * 32 + threadIdx.x] = (u64)mix(threadIdx.x) << 32 | blockIdx.x;
    if (!last_block_arrive(counter)) return;
    u32 hash = 2166136261u;
    for (u32 i = threadIdx.x; i < gridDim.x * 32; i += 32) {
        u64 x = ld_relaxed(wide + i);
        hash = fold(fold(fold(hash, ld_relaxed(out + 256 + i)), (u32)x), (u32)(x >> 32));
    }
    out[threadIdx.x] = hash;
    if (threadIdx.x == 0) out[32] = ld_relaxed(counter);
}

// ---- The block's number, asked again
extern "C" __global__ void block_again_vector(u32 *out)
{
    out[blockIdx.x * 32 + threadIdx.x] = block_again() * 32 + threadIdx.x;
}

// ---- Shared memory of a size that the launch says
extern "C" __global__ void dynamic_shared_vector(u32 *out)
{
    DYN_SMEM(u32, tile);
    for (u32 i = threadIdx.x; i < 1024; i += 32) tile[i] = mix(i);
    __syncthreads();
    for (u32 i = threadIdx.x; i < 1024; i += 32) out[i] = tile[1023 - i];
}
