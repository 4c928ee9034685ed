// SPDX-License-Identifier: MIT
//
// Instructions for the ptx engine that no wrapper of the product has.
#include "cuda/kernels/dev.cuh"

// Copies of 4, 8 and 16 bytes, the last 16 with 8 of zeros: lane i has 8 words.
extern "C" __global__ void copies(const u32 *in, u32 *out)
{
    __shared__ __align__(16) u32 tile[32 * 8];
    u32 *to = tile + threadIdx.x * 8;
    const u32 *from = in + threadIdx.x * 8;
    for (int i = 0; i < 8; i++) to[i] = 7;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" : : "r"(shared_address(to)), "l"(from) : "memory");
    asm volatile("cp.async.ca.shared.global.L2::128B [%0], [%1], 8, 4;" : : "r"(shared_address(to + 2)), "l"(from + 2) : "memory");
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(shared_address(to + 4)), "l"(from + 4), "r"(8) : "memory");
    asm volatile("cp.async.wait_all;" : : : "memory");
    for (int i = 0; i < 8; i++) out[threadIdx.x * 8 + i] = to[i];
}

// One of each kind of bit operation; the test knows the answers.
extern "C" __global__ void bits(u32 *out)
{
    u32 x = 0x80f1c2a5u + threadIdx.x * 0, y = 0x01234567u + threadIdx.x * 0, r[16];
    u64 wide;
    asm volatile("prmt.b32 %0, %1, %2, 0xb610;" : "=r"(r[0]) : "r"(x), "r"(y));
    asm volatile("bfe.s32 %0, %1, 20, 12;" : "=r"(r[1]) : "r"(x));
    asm volatile("bfe.u32 %0, %1, 28, 9;" : "=r"(r[2]) : "r"(x));
    asm volatile("bfi.b32 %0, %1, %2, 8, 16;" : "=r"(r[3]) : "r"(x), "r"(y));
    asm volatile("lop3.b32 %0, %1, %2, 0x0f0f0f0f, 0x96;" : "=r"(r[4]) : "r"(x), "r"(y));
    asm volatile("shf.l.wrap.b32 %0, %1, %2, 36;" : "=r"(r[5]) : "r"(x), "r"(y));
    asm volatile("shf.r.clamp.b32 %0, %1, %2, 40;" : "=r"(r[6]) : "r"(x), "r"(y));
    asm volatile("brev.b32 %0, %1;" : "=r"(r[7]) : "r"(x));
    asm volatile("clz.b32 %0, %1;" : "=r"(r[8]) : "r"(y));
    asm volatile("popc.b32 %0, %1;" : "=r"(r[9]) : "r"(x));
    asm volatile("bfind.u32 %0, %1;" : "=r"(r[10]) : "r"(y));
    asm volatile("shl.b32 %0, %1, 33;" : "=r"(r[11]) : "r"(x));
    asm volatile("shr.s32 %0, %1, 99;" : "=r"(r[12]) : "r"(x));
    asm volatile("mul.hi.s32 %0, %1, %2;" : "=r"(r[13]) : "r"(x), "r"(y));
    asm volatile("mad.wide.u32 %0, %1, %2, %3;" : "=l"(wide) : "r"(x), "r"(y), "l"(0xfull));
    r[14] = (u32)(wide >> 32);
    asm volatile("{ .reg .pred p; setp.lt.s32 p, %1, 0; @p add.cc.u32 %0, %1, %1; @!p mov.u32 %0, 0; addc.u32 %0, 5, 0; }"
                 : "=r"(r[15])
                 : "r"(x));
    for (int i = 0; i < 16; i++) out[i] = r[i];
}

// Rounding: down, up, toward zero, to an integer of a limited range.
extern "C" __global__ void rounding(const float *in, u32 *out)
{
    float x = in[0], y = in[1], z = in[2], r;
    double d = (double)x * y;
    int n;
    asm volatile("fma.rm.f32 %0, %1, %2, %3;" : "=f"(r) : "f"(x), "f"(y), "f"(z));
    out[0] = __float_as_uint(r);
    asm volatile("fma.rp.f32 %0, %1, %2, %3;" : "=f"(r) : "f"(x), "f"(y), "f"(z));
    out[1] = __float_as_uint(r);
    asm volatile("add.rz.f32 %0, %1, %2;" : "=f"(r) : "f"(-x), "f"(0x1p-60f));
    out[2] = __float_as_uint(r);
    asm volatile("cvt.rm.f32.f64 %0, %1;" : "=f"(r) : "d"(d));
    out[3] = __float_as_uint(r);
    asm volatile("cvt.rp.f32.f64 %0, %1;" : "=f"(r) : "d"(d));
    out[4] = __float_as_uint(r);
    asm volatile("cvt.rzi.s32.f32 %0, %1;" : "=r"(n) : "f"(3e9f * x));
    out[5] = n;
    asm volatile("cvt.rni.s32.f32 %0, %1;" : "=r"(n) : "f"(2.5f * (x - x + 1)));
    out[6] = n;
    asm volatile("cvt.rzi.s32.f32 %0, %1;" : "=r"(n) : "f"((x - x) / (x - x)));
    out[7] = n;
    asm volatile("mul.ftz.f32 %0, %1, %2;" : "=f"(r) : "f"(0x1p-100f * x), "f"(-0x1p-40f));
    out[8] = __float_as_uint(r);
    asm volatile("min.f32 %0, %1, %2;" : "=f"(r) : "f"((x - x) / (x - x)), "f"(y));
    out[9] = __float_as_uint(r);
    asm volatile("cvt.rmi.s32.f32 %0, %1;" : "=r"(n) : "f"(-2.5f * (x - x + 1)));
    out[10] = n;
    asm volatile("cvt.rpi.s32.f32 %0, %1;" : "=r"(n) : "f"(-2.5f * (x - x + 1)));
    out[11] = n;
    asm volatile("cvt.rz.f32.f64 %0, %1;" : "=f"(r) : "d"(d));
    out[12] = __float_as_uint(r);
}

// What lanes and threads tell each other: rows of 32 answers.
extern "C" __global__ void lanes(const u32 *in, u32 *out)
{
    u32 lane = threadIdx.x, x = in[lane], row = lane;
    auto put = [&](u32 value) {
        out[row] = value;
        row += 32;
    };
    put(__ballot_sync(WARP, x & 1));
    put(__any_sync(WARP, x == in[5]));
    put(__all_sync(WARP, x == in[5]));
    put(__match_any_sync(WARP, x & 3));
    put(__match_any_sync(WARP, (u64)(x & 1) << 40));
    put(__reduce_add_sync(WARP, x));
    put((u32)__reduce_min_sync(WARP, (int)x));
    put((u32)__reduce_max_sync(WARP, (int)x));
    put(__reduce_min_sync(WARP, x));
    put(__reduce_max_sync(WARP, x));
    put(__reduce_and_sync(WARP, x | 0xff0));
    put(__reduce_or_sync(WARP, x & 0xff0));
    put(__reduce_xor_sync(WARP, x));
    put(__shfl_up_sync(WARP, x, 3, 8));
    put(__shfl_down_sync(WARP, x, 5, 16));
    put(__shfl_sync(WARP, x, 9, 8));
    put(__shfl_xor_sync(WARP, x, 6, 4));
    put((u32)(__shfl_xor_sync(WARP, (u64)x << 20, 1) >> 20));
    put(__syncthreads_count(x & 1));
    put(__syncthreads_or(x == in[5]));
    put(__syncthreads_and(x == in[5]));
}

// A function of its own with a table of jumps, and an array in memory of the thread.
static __device__ __noinline__ u32 choose(u32 which, u32 x, u32 *more)
{
    switch (which) {
    case 0: more[0] = x * 3; return x + 1;
    case 1: more[1] = x ^ 0x55; return x * 7;
    case 2: more[2] = x / 9; return x - 13;
    case 3: more[1] = x % 11; return ~x;
    case 4: more[2] = x << 5; return x >> 7;
    case 5: more[0] = x | 1; return x * x;
    default: return 0;
    }
}
extern "C" __global__ void calls(const u32 *in, u32 *out)
{
    u32 x = in[threadIdx.x], more[3] = { x, x, x };
    u32 y = choose(x % 8, x, more), jumped;
    asm volatile("{ list: .branchtargets first, second, third; brx.idx %1, list;\n"
                 "first: mov.u32 %0, 10; bra.uni done;\nsecond: mov.u32 %0, 20; bra.uni done;\nthird: mov.u32 %0, 30;\ndone: }"
                 : "=r"(jumped)
                 : "r"(x % 3));
    out[threadIdx.x] = (y ^ more[0] ^ more[x % 3] * 5) + jumped;
}

// The smaller shapes of mma are the larger ones with zeros behind; the difference of the results, and of matrices.
extern "C" __global__ void shapes(const u32 *in, u32 *out)
{
    __shared__ __align__(16) u32 tile[64];
    u32 lane = threadIdx.x, a[4] = { 0, 0, 0, 0 }, b[2] = { 0, 0 }, wrong = 0;
    float c[4] = { 1, 2, 3, 4 }, d[4], e[4];
    auto compare = [&]() {
        for (int i = 0; i < 4; i++) wrong += d[i] != e[i] || d[i] == c[i];
    };
#define SMALLER(types, larger, number)                                                                                 \
    for (int i = 0; i < 2; i++) a[i] = number(in[lane] >> i & 15, in[lane] >> (i + 4) & 15);                           \
    b[0] = number((in[lane] >> 9 & 15) + 1, (in[lane] >> 12 & 15) + 1);                                                \
    asm volatile("mma.sync.aligned." types " {%0,%1,%2,%3}, " SMALLER_A ", {%6}, {%7,%8,%9,%10};"                      \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                      \
                 : "r"(a[0]), "r"(a[1]), "r"(b[0]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));                       \
    larger(e, a, b, c);                                                                                                \
    compare()
#define SMALLER_A "{%4,%5}"
#define TWO_BF16(x, y) (f32_to_bf16_bits(x) | (u32)f32_to_bf16_bits(y) << 16)
#define TWO_F16(x, y) (f32_to_f16_bits(x) | (u32)f32_to_f16_bits(y) << 16)
#define ONE_TF32(x, y) f32_to_tf32_bits((float)(x) + 16 * (y))
    SMALLER("m16n8k8.row.col.f32.bf16.bf16.f32", mma_bf16_16816, TWO_BF16);
    SMALLER("m16n8k8.row.col.f32.f16.f16.f32", mma_f16_16816, TWO_F16);
    SMALLER("m16n8k4.row.col.f32.tf32.tf32.f32", mma_tf32_1688, ONE_TF32);
    for (int i = 0; i < 2; i++) tile[lane + 32 * i] = in[lane] + i;
    __syncwarp();
    u32 one, two[2];
    const u32 *row = tile + lane % 16 * 4;
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(one) : "r"(shared_address(row)) : "memory");
    ldmatrix_x2(two, row);
    wrong += one != two[0] || one != tile[lane];
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(one) : "r"(shared_address(row)) : "memory");
    ldmatrix_x2_trans(two, row);
    wrong += one != two[0];
    out[lane] = wrong;
}

// Instructions that are approximate on the device: rows of 32.
extern "C" __global__ void approximate(const float *in, float *out)
{
    u32 lane = threadIdx.x;
    float x = in[lane], r;
    double wide;
#define APPROXIMATE(number, text)                                                                                      \
    asm volatile(text " %0, %1;" : "=f"(r) : "f"(x));                                                                  \
    out[number * 32 + lane] = r
    APPROXIMATE(0, "ex2.approx.f32");
    APPROXIMATE(1, "ex2.approx.ftz.f32");
    APPROXIMATE(2, "lg2.approx.f32");
    APPROXIMATE(3, "lg2.approx.ftz.f32");
    APPROXIMATE(4, "rcp.approx.f32");
    APPROXIMATE(5, "rcp.approx.ftz.f32");
    APPROXIMATE(6, "sqrt.approx.f32");
    APPROXIMATE(7, "sqrt.approx.ftz.f32");
    APPROXIMATE(8, "rsqrt.approx.f32");
    APPROXIMATE(9, "rsqrt.approx.ftz.f32");
    APPROXIMATE(10, "sin.approx.f32");
    APPROXIMATE(11, "cos.approx.f32");
    APPROXIMATE(12, "tanh.approx.f32");
    asm volatile("rcp.approx.ftz.f64 %0, %1;" : "=d"(wide) : "d"((double)x));
    out[13 * 32 + lane] = (float)wide;
    asm volatile("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(wide) : "d"((double)x));
    out[14 * 32 + lane] = (float)wide;
    asm volatile("div.approx.f32 %0, %1, %2;" : "=f"(r) : "f"(x), "f"(3.0f));
    out[15 * 32 + lane] = r;
    asm volatile("div.full.f32 %0, %1, %2;" : "=f"(r) : "f"(x), "f"(3.0f));
    out[16 * 32 + lane] = r;
}

// Atomic accesses of a warp to shared and device memory; what they return is added up.
extern "C" __global__ void atomics(const u32 *in, u32 *out)
{
    __shared__ u32 s[8];
    __shared__ float f;
    __shared__ u64 wide;
    u32 lane = threadIdx.x, x = in[lane];
    if (lane < 8) s[lane] = lane == 1 || lane == 3 ? ~0u : 0;
    if (lane == 0) f = 0, wide = 0;
    __syncwarp();
    u32 old = atomicAdd(&s[0], 1u);
    atomicMin(&s[1], x);
    atomicMax(&s[2], x);
    atomicAnd(&s[3], x | 0xff00);
    atomicOr(&s[4], x);
    atomicXor(&s[5], x);
    atomicMax((int *)&s[6], (int)x);
    atomicAdd(&f, (float)lane);
    atomicAdd(&wide, (u64)x << 8);
    atomicAdd(&out[12], old); // the ranks, each once
    atomicMin(&out[13], x);
    u32 before = atomicExch(&out[14], lane);
    atomicAdd(&out[15], before); // all but the last
    if (atomicCAS(&out[16], 0, lane + 1) == 0) atomicAdd(&out[17], 1u);
    __syncwarp();
    if (lane < 8) out[lane] = s[lane];
    if (lane == 0) {
        out[8] = (u32)f;
        out[9] = (u32)(wide >> 8);
        out[15] += out[14];
    }
}
