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
}
