// SPDX-License-Identifier: MIT
//
// The only file with inline PTX: one wrapper an instruction, no logic, sm_80 and later.  sim/shim/dev_arch.cuh is the same list, emulated
// on the host; the two have the same names and arguments.
#pragma once

static __device__ __forceinline__ float bf16_bits_to_f32(u16 x)
{
    return __uint_as_float((u32)x << 16);
}
static __device__ __forceinline__ u16 f32_to_bf16_bits(float x)
{
    u16 r;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r) : "f"(x));
    return r;
}
static __device__ __forceinline__ float f16_bits_to_f32(u16 x)
{
    float r;
    asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(x));
    return r;
}
static __device__ __forceinline__ u16 f32_to_f16_bits(float x)
{
    u16 r;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(x));
    return r;
}
static __device__ __forceinline__ u32 f32x2_to_bf16x2_bits(float low, float high)
{
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
static __device__ __forceinline__ u32 f32x2_to_f16x2_bits(float low, float high)
{
    u32 r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}
static __device__ __forceinline__ u32 f32_to_tf32_bits(float x)
{
    u32 r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
}

// 2 to the x to two units in the last place; subnormals are zero.
static __device__ __forceinline__ float exp2_approx(float x)
{
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
    return r;
}

// blockIdx.x read anew: a kernel short of registers need not keep what it computed from it.
static __device__ __forceinline__ u32 block_again()
{
    u32 r;
    asm volatile("mov.u32 %0, %%ctaid.x;" : "=r"(r));
    return r;
}

static __device__ __forceinline__ u32 shared_address(const void *p)
{
    return (u32)__cvta_generic_to_shared(p);
}

// Lane 8 i + j gives the address of row j, 16 bytes, of the 8x8 matrix i.
static __device__ __forceinline__ void ldmatrix_x4(u32 out[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(shared_address(row))
                 : "memory");
}
static __device__ __forceinline__ void ldmatrix_x4_trans(u32 out[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(shared_address(row))
                 : "memory");
}
static __device__ __forceinline__ void ldmatrix_x2(u32 out[2], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(out[0]), "=r"(out[1])
                 : "r"(shared_address(row))
                 : "memory");
}
static __device__ __forceinline__ void ldmatrix_x2_trans(u32 out[2], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(out[0]), "=r"(out[1])
                 : "r"(shared_address(row))
                 : "memory");
}

#define MMA(shape_and_types)                                                                                           \
    asm volatile("mma.sync.aligned." shape_and_types " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"      \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),  \
                   "f"(c[3]))
static __device__ __forceinline__ void mma_bf16_16816(float d[4], const u32 a[4], const u32 b[2], const float c[4])
{
    MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
}
static __device__ __forceinline__ void mma_f16_16816(float d[4], const u32 a[4], const u32 b[2], const float c[4])
{
    MMA("m16n8k16.row.col.f32.f16.f16.f32");
}
static __device__ __forceinline__ void mma_tf32_1688(float d[4], const u32 a[4], const u32 b[2], const float c[4])
{
    MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
}

// 16 bytes to shared memory, of which the first `bytes` are read and the rest are zeros; `from` is a valid address in any case.
static __device__ __forceinline__ void cp_async16(void *to, const void *from, u32 bytes)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(shared_address(to)), "l"(from), "r"(bytes)
                 : "memory");
}
static __device__ __forceinline__ void cp_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
// Until at most the N newest groups of the thread are in flight.
template <int N> static __device__ __forceinline__ void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;" : : "n"(N) : "memory");
}

static __device__ __forceinline__ u32 ld_relaxed(const u32 *p)
{
    u32 r;
    asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(r) : "l"(p) : "memory");
    return r;
}
static __device__ __forceinline__ u64 ld_relaxed(const u64 *p)
{
    u64 r;
    asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(r) : "l"(p) : "memory");
    return r;
}
static __device__ __forceinline__ void st_relaxed(u32 *p, u32 v)
{
    asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" : : "l"(p), "r"(v) : "memory");
}

// True in all threads of the block that arrives last: it may read what the others wrote before.  The counter begins at 0 and is 0 again after.
static __device__ __forceinline__ bool last_block_arrive(u32 *counter)
{
    bool first = threadIdx.x == 0 && threadIdx.y == 0 && threadIdx.z == 0;
    __threadfence();
    __syncthreads();
    bool last = first && atomicAdd(counter, 1u) == gridDim.x * gridDim.y * gridDim.z - 1;
    if (last) st_relaxed(counter, 0);
    last = __syncthreads_or(last);
    __threadfence();
    return last;
}

#define DYN_SMEM(T, name)                                                                                              \
    extern __shared__ __align__(128) unsigned char dynamic_shared[];                                                   \
    T *name = reinterpret_cast<T *>(dynamic_shared)
