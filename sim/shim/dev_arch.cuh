/* SPDX-License-Identifier: MIT
 *
 * The instructions of src/cuda/kernels/dev_arch.cuh, emulated.  The layouts of fragments are those of the PTX manual:
 * group g = lane / 4 holds rows g and g + 8 of A and D and column g of B, member t = lane % 4 the pairs beside 2 t. */
#pragma once

enum { SIM_ILLEGAL = 716 };

static __device__ __forceinline__ float bf16_bits_to_f32(u16 x) { return __uint_as_float((u32)x << 16); }
static __device__ __forceinline__ u16 f32_to_bf16_bits(float f)
{
    u32 u = __float_as_uint(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (u16)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}
static __device__ __forceinline__ float f16_bits_to_f32(u16 x)
{
    u32 sign = (u32)(x & 0x8000) << 16, e = x >> 10 & 31, fraction = x & 1023;
    if (e == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
    if (e == 0) return __uint_as_float(sign | __float_as_uint((float)fraction * 0x1p-24f));
    return __uint_as_float(sign | (e + 112) << 23 | fraction << 13);
}
static __device__ __forceinline__ u16 f32_to_f16_bits(float f)
{
    u32 u = __float_as_uint(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return 0x7fff;
    if (a >= 0x477ff000u) return (u16)(sign | 0x7c00);
    /* A sum with 1/2 has the spacing of half's subnormals: the addition rounds. */
    if (a < 0x38800000u) return (u16)(sign | (__float_as_uint(__uint_as_float(a) + 0.5f) - 0x3f000000u));
    return (u16)(sign | (a - 0x38000000u + 0xfff + (a >> 13 & 1)) >> 13);
}
static __device__ __forceinline__ u32 f32x2_to_bf16x2_bits(float low, float high)
{
    return f32_to_bf16_bits(low) | (u32)f32_to_bf16_bits(high) << 16;
}
static __device__ __forceinline__ u32 f32x2_to_f16x2_bits(float low, float high)
{
    return f32_to_f16_bits(low) | (u32)f32_to_f16_bits(high) << 16;
}
static __device__ __forceinline__ u32 f32_to_tf32_bits(float f)
{
    u32 u = __float_as_uint(f);
    if ((u & 0x7f800000u) == 0x7f800000u) return u;
    return (u + 0x1000u) & 0xffffe000u; /* halves away from zero, as cvt.rna */
}

static __device__ __forceinline__ float exp2_approx(float x)
{
    float r = x < -126.0f ? 0.0f : __builtin_exp2f(x);
    return r;
}

static __device__ __forceinline__ u32 block_again() { return sim_regs.block.x; }

struct sim_ldmatrix {
    const u16 *row;
    u32 *out;
};
/* Lane 8 i + j gives the address of row j of matrix i. */
template <int N, bool Transposed> static void sim_run_ldmatrix(void **lanes, unsigned)
{
    for (int i = 0; i < N; i++)
        for (int lane = 0; lane < 32; lane++) {
            u32 packed = 0;
            for (int h = 0; h < 2; h++) {
                int row = lane / 4, column = lane % 4 * 2 + h;
                int r = Transposed ? column : row, c = Transposed ? row : column;
                packed |= (u32)((sim_ldmatrix *)lanes[i * 8 + r])->row[c] << 16 * h;
            }
            ((sim_ldmatrix *)lanes[lane])->out[i] = packed;
        }
}
template <int N, bool Transposed> static inline void sim_do_ldmatrix(u32 *out, const void *row)
{
    bool used = (sim_regs.current & 31) < 8 * N;
    if (used && (size_t)row % 16) sim_table->trap(SIM_ILLEGAL, "ldmatrix: the row is not on 16 bytes", __FILE__, __LINE__);
    if (used) sim_count(row, 16);
    sim_ldmatrix x{ (const u16 *)row, out };
    sim_table->warp(sim_run_ldmatrix<N, Transposed>, 0xffffffffu, &x, __LINE__, "ldmatrix");
}
static __device__ __forceinline__ void ldmatrix_x4(u32 out[4], const void *row) { sim_do_ldmatrix<4, false>(out, row); }
static __device__ __forceinline__ void ldmatrix_x4_trans(u32 out[4], const void *row) { sim_do_ldmatrix<4, true>(out, row); }
static __device__ __forceinline__ void ldmatrix_x2(u32 out[2], const void *row) { sim_do_ldmatrix<2, false>(out, row); }
static __device__ __forceinline__ void ldmatrix_x2_trans(u32 out[2], const void *row) { sim_do_ldmatrix<2, true>(out, row); }

struct sim_mma {
    float *d;
    const u32 *a, *b;
    const float *c;
};
struct sim_half_bf16 {
    static float of(u32 pair, int h) { return bf16_bits_to_f32((u16)(pair >> 16 * h)); }
};
struct sim_half_f16 {
    static float of(u32 pair, int h) { return f16_bits_to_f32((u16)(pair >> 16 * h)); }
};
template <int K> static inline void sim_multiply(float D[16][8], float A[16][K], float B[K][8])
{
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < K; k++)
            for (int j = 0; j < 8; j++) D[i][j] += A[i][k] * B[k][j];
}
static inline void sim_load_c(void **lanes, float D[16][8])
{
    for (int lane = 0; lane < 32; lane++)
        for (int q = 0; q < 4; q++) D[lane / 4 + q / 2 * 8][lane % 4 * 2 + q % 2] = ((sim_mma *)lanes[lane])->c[q];
}
static inline void sim_store_d(void **lanes, float D[16][8])
{
    for (int lane = 0; lane < 32; lane++)
        for (int q = 0; q < 4; q++) ((sim_mma *)lanes[lane])->d[q] = D[lane / 4 + q / 2 * 8][lane % 4 * 2 + q % 2];
}
template <class Half> static void sim_run_mma_16816(void **lanes, unsigned)
{
    float A[16][16], B[16][8], D[16][8];
    for (int lane = 0; lane < 32; lane++) {
        auto *x = (sim_mma *)lanes[lane];
        int g = lane / 4, t = lane % 4 * 2;
        for (int q = 0; q < 4; q++)
            for (int h = 0; h < 2; h++) A[g + q % 2 * 8][t + h + q / 2 * 8] = Half::of(x->a[q], h);
        for (int q = 0; q < 2; q++)
            for (int h = 0; h < 2; h++) B[t + h + q * 8][g] = Half::of(x->b[q], h);
    }
    sim_load_c(lanes, D);
    sim_multiply<16>(D, A, B);
    sim_store_d(lanes, D);
}
static inline void sim_run_mma_tf32(void **lanes, unsigned)
{
    float A[16][8], B[8][8], D[16][8];
    for (int lane = 0; lane < 32; lane++) {
        auto *x = (sim_mma *)lanes[lane];
        int g = lane / 4, t = lane % 4;
        for (int q = 0; q < 4; q++) A[g + q % 2 * 8][t + q / 2 * 4] = __uint_as_float(x->a[q] & 0xffffe000u);
        for (int q = 0; q < 2; q++) B[t + q * 4][g] = __uint_as_float(x->b[q] & 0xffffe000u);
    }
    sim_load_c(lanes, D);
    sim_multiply<8>(D, A, B);
    sim_store_d(lanes, D);
}
#define SIM_MMA(name, run)                                                                                             \
    static __device__ inline void name(float d[4], const u32 a[4], const u32 b[2], const float c[4])                   \
    {                                                                                                                  \
        sim_mma x{ d, a, b, c };                                                                                       \
        sim_table->warp(run, 0xffffffffu, &x, __LINE__, #name);                                                        \
    }
SIM_MMA(mma_bf16_16816, sim_run_mma_16816<sim_half_bf16>)
SIM_MMA(mma_f16_16816, sim_run_mma_16816<sim_half_f16>)
SIM_MMA(mma_tf32_1688, sim_run_mma_tf32)

static __device__ __forceinline__ void cp_async16(void *to, const void *from, u32 bytes)
{
    sim_count(to, 16);
    if (bytes == 16) sim_count(from, 16);
    sim_table->copy_async(to, from, 16, (int)bytes);
}
static __device__ __forceinline__ void cp_async_commit() { sim_table->copy_commit(); }
template <int N> static __device__ __forceinline__ void cp_async_wait() { sim_table->copy_wait(N); }

static __device__ __forceinline__ u32 ld_relaxed(const u32 *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static __device__ __forceinline__ u64 ld_relaxed(const u64 *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static __device__ __forceinline__ void st_relaxed(u32 *p, u32 v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
static __device__ inline bool last_block_arrive(u32 *counter)
{
    bool first = sim_regs.thread.x == 0 && sim_regs.thread.y == 0 && sim_regs.thread.z == 0;
    u32 blocks = sim_regs.grid_dim.x * sim_regs.grid_dim.y * sim_regs.grid_dim.z;
    __syncthreads();
    bool last = first && atomicAdd(counter, 1u) == blocks - 1;
    if (last) st_relaxed(counter, 0);
    if (!__syncthreads_or(last)) return false;
    sim_table->acquire_grid();
    return true;
}
#define DYN_SMEM(T, name) T *name = (T *)sim_regs.dynamic
