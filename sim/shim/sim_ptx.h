/* SPDX-License-Identifier: MIT
 *
 * What comes before the C that the ptx engine made of a kernel: types under their PTX names and the functions that the rows of
 * ptx.def call.  No system headers. */
#include "abi.h"

#pragma GCC visibility push(hidden)
struct sim_regs sim_regs;
const struct sim_table *sim_table;
#include "sim_threads.h"

typedef _Bool pred;
typedef unsigned char u8, b8;
typedef unsigned short u16, b16, f16, bf16;
typedef unsigned u32, b32, f16x2, bf16x2, tf32;
typedef unsigned long long u64, b64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef float f32;
typedef double f64;

#define INLINE static inline __attribute__((always_inline))
#define SIM_ALIGNED(n) __attribute__((aligned(n)))
#define SIM_FRAME                                                                                                      \
    u32 sim_carry = 0;                                                                                                 \
    (void)sim_carry;
#define SIM_ENTRY(kernel)                                                                                              \
    static void entry_##kernel(void **params)                                                                          \
    {                                                                                                                  \
        while (sim_next_thread()) {                                                                                    \
            kernel(params);                                                                                            \
            sim_end_thread();                                                                                          \
        }                                                                                                              \
    }
#ifdef SIM_CHECKED
#define IS_CHECKED 1
#else
#define IS_CHECKED 0
#endif
#define SIM_MODULE(kernels)                                                                                            \
    extern struct sim_module sim_module_desc __attribute__((visibility("default")));                                   \
    struct sim_module sim_module_desc = {SIM_MODULE_MAGIC, IS_CHECKED, &sim_regs, &sim_table,                          \
                                         kernels,          0,          0,         SIM_WINDOW};

/* ---- Bits */
INLINE f32 float_of(u32 bits)
{
    f32 f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
}
INLINE f64 double_of(u64 bits)
{
    f64 f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
}
INLINE u32 bits_of_float(f32 f)
{
    u32 bits;
    __builtin_memcpy(&bits, &f, sizeof f);
    return bits;
}
INLINE u64 bits_of_double(f64 f)
{
    u64 bits;
    __builtin_memcpy(&bits, &f, sizeof f);
    return bits;
}
#define FLOAT_OF(bits) float_of(bits)
#define DOUBLE_OF(bits) double_of(bits)
#define BITS_OF_FLOAT(f) bits_of_float(f)
#define BITS_OF_DOUBLE(f) bits_of_double(f)

/* ---- Integers: a shift by more than the width gives what is beyond it; a division by zero gives ones, as the device's does */
#define SHIFTS(T, U, bits)                                                                                             \
    INLINE T left_##T(T x, u32 n)                                                                                      \
    {                                                                                                                  \
        return n < bits ? (T)((U)x << n) : 0;                                                                          \
    }                                                                                                                  \
    INLINE T right_##T(T x, u32 n)                                                                                     \
    {                                                                                                                  \
        return n < bits ? (T)(x >> n) : (T)(x < 0 ? -1 : 0);                                                           \
    }
SHIFTS(b16, u16, 16)
SHIFTS(b32, u32, 32)
SHIFTS(b64, u64, 64)
SHIFTS(u16, u16, 16)
SHIFTS(u32, u32, 32)
SHIFTS(u64, u64, 64)
SHIFTS(s16, u16, 16)
SHIFTS(s32, u32, 32)
SHIFTS(s64, u64, 64)
#define DIVISIONS_UNSIGNED(T)                                                                                          \
    INLINE T divide_##T(T x, T y)                                                                                      \
    {                                                                                                                  \
        return y ? x / y : (T) ~(T)0;                                                                                  \
    }                                                                                                                  \
    INLINE T remainder_##T(T x, T y)                                                                                   \
    {                                                                                                                  \
        return y ? x % y : x;                                                                                          \
    }
#define DIVISIONS_SIGNED(T)                                                                                            \
    INLINE T divide_##T(T x, T y)                                                                                      \
    {                                                                                                                  \
        return y == 0 ? -1 : y == -1 ? (T)(0 - x) : (T)(x / y);                                                        \
    }                                                                                                                  \
    INLINE T remainder_##T(T x, T y)                                                                                   \
    {                                                                                                                  \
        return y == 0 ? x : y == -1 ? 0 : (T)(x % y);                                                                  \
    }
DIVISIONS_UNSIGNED(u16)
DIVISIONS_UNSIGNED(u32)
DIVISIONS_UNSIGNED(u64)
DIVISIONS_SIGNED(s16)
DIVISIONS_SIGNED(s32)
DIVISIONS_SIGNED(s64)
#define HIGH(T, W, bits)                                                                                               \
    INLINE T high_##T(T x, T y)                                                                                        \
    {                                                                                                                  \
        return (T)((W)x * (W)y >> bits);                                                                               \
    }
HIGH(u16, u32, 16)
HIGH(s16, s32, 16)
HIGH(u32, u64, 32)
HIGH(s32, s64, 32)
HIGH(u64, unsigned __int128, 64)
HIGH(s64, __int128, 64)
#define CARRIES(T, U)                                                                                                  \
    INLINE T carry_add_##T(T x, T y, u32 in, u32 *out)                                                                 \
    {                                                                                                                  \
        U sum = (U)x + (U)y, all = sum + in;                                                                           \
        *out = sum < (U)x || all < sum;                                                                                \
        return (T)all;                                                                                                 \
    }                                                                                                                  \
    INLINE T carry_sub_##T(T x, T y, u32 in, u32 *out)                                                                 \
    {                                                                                                                  \
        U difference = (U)x - (U)y, all = difference - in;                                                             \
        *out = (U)x < (U)y || difference < in;                                                                         \
        return (T)all;                                                                                                 \
    }
CARRIES(u32, u32)
CARRIES(s32, u32)
CARRIES(b32, u32)
CARRIES(u64, u64)
CARRIES(s64, u64)
INLINE u32 funnel_left(u32 low, u32 high, u32 n)
{
    return (u32)(((u64)high << 32 | low) << n >> 32);
}
INLINE u32 funnel_right(u32 low, u32 high, u32 n)
{
    return (u32)(((u64)high << 32 | low) >> n);
}
#define FIELDS(T, U, bits)                                                                                             \
    INLINE T extract_##T(T x, u32 at, u32 count)                                                                       \
    {                                                                                                                  \
        at &= 255, count &= 255;                                                                                       \
        if (count == 0) return 0;                                                                                      \
        U beyond = x < 0 ? ~(U)0 : 0, low = at < bits ? (U)x >> at | (at ? beyond << (bits - at) : 0) : beyond;        \
        if (count >= bits) return (T)low;                                                                              \
        u32 last = at + count - 1 < bits ? at + count - 1 : bits - 1;                                                  \
        U sign = (T)-1 < 0 && ((U)x >> last & 1) ? ~(U)0 << count : 0;                                                 \
        return (T)((low & (((U)1 << count) - 1)) | sign);                                                              \
    }
FIELDS(u32, u32, 32)
FIELDS(s32, u32, 32)
FIELDS(u64, u64, 64)
FIELDS(s64, u64, 64)
#define INSERT(T, bits)                                                                                                \
    INLINE T insert_##T(T x, T into, u32 at, u32 count)                                                                \
    {                                                                                                                  \
        at &= 255, count &= 255;                                                                                       \
        if (at >= bits || count == 0) return into;                                                                     \
        T mask = (count >= bits ? ~(T)0 : ((T)1 << count) - 1) << at;                                                  \
        return (into & ~mask) | (x << at & mask);                                                                      \
    }
INSERT(b32, 32)
INSERT(b64, 64)
INLINE u32 permute(u32 low, u32 high, u32 selector)
{
    u64 bytes = (u64)high << 32 | low;
    u32 out = 0;
    for (int i = 0; i < 4; i++) {
        u32 s = selector >> 4 * i, byte = (u32)(bytes >> 8 * (s & 7)) & 255;
        if (s & 8) byte = byte & 128 ? 255 : 0;
        out |= byte << 8 * i;
    }
    return out;
}
INLINE u32 logic3(u32 a, u32 b, u32 c, u32 table)
{
    u32 out = 0;
    if (table & 0x80) out |= a & b & c;
    if (table & 0x40) out |= a & b & ~c;
    if (table & 0x20) out |= a & ~b & c;
    if (table & 0x10) out |= a & ~b & ~c;
    if (table & 0x08) out |= ~a & b & c;
    if (table & 0x04) out |= ~a & b & ~c;
    if (table & 0x02) out |= ~a & ~b & c;
    if (table & 0x01) out |= ~a & ~b & ~c;
    return out;
}
INLINE b32 reverse_b32(b32 x)
{
    x = (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
    x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
    x = (x & 0x0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0fu);
    return __builtin_bswap32(x);
}
INLINE b64 reverse_b64(b64 x)
{
    return (b64)reverse_b32((b32)x) << 32 | reverse_b32((b32)(x >> 32));
}
/* ---- Floats */
#define FLOATS(T, f)                                                                                                   \
    INLINE T fused_##T(T x, T y, T z)                                                                                  \
    {                                                                                                                  \
        return __builtin_fma##f(x, y, z);                                                                              \
    }                                                                                                                  \
    INLINE T root_##T(T x)                                                                                             \
    {                                                                                                                  \
        return __builtin_sqrt##f(x);                                                                                   \
    }                                                                                                                  \
    INLINE T absolute_##T(T x)                                                                                         \
    {                                                                                                                  \
        return __builtin_fabs##f(x);                                                                                   \
    }                                                                                                                  \
    INLINE T copied_sign_##T(T x, T y)                                                                                 \
    {                                                                                                                  \
        return __builtin_copysign##f(x, y);                                                                            \
    }                                                                                                                  \
    /* A number is less than a NaN, -0 less than 0. */                                                                 \
    INLINE T least_##T(T x, T y)                                                                                       \
    {                                                                                                                  \
        return x < y ? x : y < x ? y : x != x ? y : y != y ? x : __builtin_signbit(x) ? x : y;                         \
    }                                                                                                                  \
    INLINE T most_##T(T x, T y)                                                                                        \
    {                                                                                                                  \
        return x > y ? x : y > x ? y : x != x ? y : y != y ? x : __builtin_signbit(x) ? y : x;                         \
    }                                                                                                                  \
    INLINE T toward_zero_##T(T x)                                                                                      \
    {                                                                                                                  \
        return __builtin_trunc##f(x);                                                                                  \
    }                                                                                                                  \
    INLINE T to_even_##T(T x)                                                                                          \
    {                                                                                                                  \
        return __builtin_rint##f(x);                                                                                   \
    }                                                                                                                  \
    INLINE T down_##T(T x)                                                                                             \
    {                                                                                                                  \
        return __builtin_floor##f(x);                                                                                  \
    }                                                                                                                  \
    INLINE T up_##T(T x)                                                                                               \
    {                                                                                                                  \
        return __builtin_ceil##f(x);                                                                                   \
    }
FLOATS(f32, f)
FLOATS(f64, )
INLINE f32 flushed(f32 x)
{
    return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x;
}
/* What .approx.ftz.f64 reads and writes: the upper 32 bits. */
INLINE f64 short_double(f64 x)
{
    u64 bits = bits_of_double(x) & 0xffffffff00000000ull;
    return double_of(bits << 1 >> 53 ? bits : bits & 1ull << 63);
}
INLINE f32 saturated(f32 x)
{
    return x > 0 ? x < 1 ? x : 1 : 0;
}
/* Another direction of rounding than to the nearest is the host's, while one operation runs. */
#if defined(__x86_64__)
enum direction { DIRECTION_DOWN = 0x2000, DIRECTION_UP = 0x4000, DIRECTION_ZERO = 0x6000 };
#define IN_REGISTER "x"
INLINE u64 round_to(enum direction direction)
{
    u32 old = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr((old & ~0x6000u) | direction);
    return old;
}
INLINE void round_as(u64 old)
{
    __builtin_ia32_ldmxcsr((u32)old);
}
#elif defined(__aarch64__)
enum direction { DIRECTION_UP = 1 << 22, DIRECTION_DOWN = 2 << 22, DIRECTION_ZERO = 3 << 22 };
#define IN_REGISTER "w"
INLINE void round_as(u64 old)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
}
INLINE u64 round_to(enum direction direction)
{
    u64 old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    round_as((old & ~(3ull << 22)) | direction);
    return old;
}
#else
enum direction { DIRECTION_UP, DIRECTION_DOWN, DIRECTION_ZERO };
#define IN_REGISTER "m"
INLINE void round_as(u64 old)
{
    (void)old;
}
INLINE u64 round_to(enum direction direction)
{
    sim_table->trap(719, "this machine cannot round in a direction", __FILE__, (int)direction);
    return 0;
}
#endif
#define DIRECTED(T, f)                                                                                                 \
    INLINE T fused_directed_##T(T x, T y, T z, enum direction direction)                                               \
    {                                                                                                                  \
        u64 old = round_to(direction);                                                                                 \
        __asm__ volatile("" : "+" IN_REGISTER(x), "+" IN_REGISTER(y), "+" IN_REGISTER(z));                             \
        T result = __builtin_fma##f(x, y, z);                                                                          \
        __asm__ volatile("" : "+" IN_REGISTER(result));                                                                \
        round_as(old);                                                                                                 \
        return result;                                                                                                 \
    }
DIRECTED(f32, f)
DIRECTED(f64, )
INLINE f32 f32_directed(f64 x, enum direction direction)
{
    u64 old = round_to(direction);
    __asm__ volatile("" : "+" IN_REGISTER(x));
    f32 result = (f32)x;
    __asm__ volatile("" : "+" IN_REGISTER(result));
    round_as(old);
    return result;
}

/* ---- Conversions */
INLINE f32 f32_of_bf16(u16 x)
{
    return float_of((u32)x << 16);
}
INLINE u16 bf16_of(f32 f)
{
    u32 u = bits_of_float(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (u16)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}
INLINE f32 f32_of_f16(u16 x)
{
    u32 sign = (u32)(x & 0x8000) << 16, exponent = x >> 10 & 31, fraction = x & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) return float_of(sign | bits_of_float((f32)fraction * 0x1p-24f));
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}
INLINE u16 f16_of(f32 f)
{
    u32 u = bits_of_float(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return 0x7fff;
    if (a >= 0x477ff000u) return (u16)(sign | 0x7c00);
    /* A sum with 1/2 has the spacing of half's subnormals: the addition rounds. */
    if (a < 0x38800000u) return (u16)(sign | (bits_of_float(float_of(a) + 0.5f) - 0x3f000000u));
    return (u16)(sign | (a - 0x38000000u + 0xfff + (a >> 13 & 1)) >> 13);
}
INLINE u32 tf32_of(f32 f)
{
    u32 u = bits_of_float(f);
    if ((u & 0x7f800000u) == 0x7f800000u) return u;
    return (u + 0x1000u) & 0xffffe000u;
}
/* To integers: the nearest end of the range; a NaN is 0, but the highest bit when one side has 64. */
#define TO_INTEGER(T, S, least, past, of_nan)                                                                          \
    INLINE T T##_of_##S(S x)                                                                                           \
    {                                                                                                                  \
        return x != x ? (of_nan) : x < (least) ? (T)(least) : x >= (past) ? (T) ~(T)(least) : (T)x;                    \
    }
#define TO_INTEGERS(S, of_nan)                                                                                         \
    TO_INTEGER(u8, S, 0, 0x1p8f, 0)                                                                                    \
    TO_INTEGER(u16, S, 0, 0x1p16f, 0)                                                                                  \
    TO_INTEGER(u32, S, 0, 0x1p32f, of_nan(31))                                                                         \
    TO_INTEGER(u64, S, 0, 0x1p64f, (u64)1 << 63)                                                                       \
    TO_INTEGER(s8, S, -0x1p7f, 0x1p7f, 0)                                                                              \
    TO_INTEGER(s16, S, -0x1p15f, 0x1p15f, 0)                                                                           \
    TO_INTEGER(s32, S, -0x1p31f, 0x1p31f, (s32)of_nan(31))                                                             \
    TO_INTEGER(s64, S, -0x1p63f, 0x1p63f, (s64)((u64)1 << 63))
#define NAN_IS_ZERO(bit) 0u
#define NAN_IS_BIT(bit) 1u << bit
TO_INTEGERS(f32, NAN_IS_ZERO)
TO_INTEGERS(f64, NAN_IS_BIT)

/* ---- Memory.  In check mode each access is announced by its address in the code, which gives its line. */
#ifdef SIM_CHECKED
static __attribute__((noinline)) char *touched(char *p, unsigned bytes, int kind)
{
    u64 at = (u64)p;
    if (at % bytes) sim_table->trap(716, "a misaligned access", "kernel", (int)bytes);
    if (at - sim_regs.device < sim_regs.device_bytes || at - sim_regs.shared < sim_regs.shared_bytes ||
        at - (u64)sim_regs.dynamic < 512u << 10)
        sim_table->access(p, bytes, kind, __builtin_return_address(0));
    return p;
}
#else
INLINE char *touched(char *p, unsigned bytes, int kind)
{
    (void)bytes, (void)kind;
    return p;
}
#endif
#define PLACE(T, p, kind) (*(T *)touched(p, sizeof(T), kind))
#define ATOMIC(T, p, next)                                                                                             \
    ({                                                                                                                 \
        T *at = (T *)touched(p, sizeof(T), SIM_WRITE | SIM_ATOMIC), old = *at;                                         \
        *at = (T)(next);                                                                                               \
        old;                                                                                                           \
    })
#define FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)
INLINE char *aligned(char *p, unsigned bytes, int line)
{
    if (__builtin_expect((u64)p % bytes != 0, 0)) sim_table->trap(716, "a misaligned vector access", "kernel", line);
    return p;
}
#define VECTOR_AT(p, bytes, kind, line) touched(aligned(p, bytes, line), bytes, kind)
/* Lane 8 i + j gives the row j of matrix i; the addresses of other lanes are not read. */
#define ROW_AT(operation, p, line)                                                                                     \
    ((sim_regs.current & 31) < (8u << ((operation)-SIM_PTX_LDMATRIX_X1) % 3)                                           \
         ? (void)touched((char *)aligned((char *)(p), 16, line), 16, SIM_READ)                                         \
         : (void)0)
#define VECTORS(T)                                                                                                     \
    struct v2_##T {                                                                                                    \
        T v[2];                                                                                                        \
    } SIM_ALIGNED(2 * sizeof(T));                                                                                      \
    struct v4_##T {                                                                                                    \
        T v[4];                                                                                                        \
    } SIM_ALIGNED(4 * sizeof(T));                                                                                      \
    struct v8_##T {                                                                                                    \
        T v[8];                                                                                                        \
    } SIM_ALIGNED(8 * sizeof(T));
VECTORS(b8)
VECTORS(b16)
VECTORS(b32)
VECTORS(b64)
VECTORS(u8)
VECTORS(u16)
VECTORS(u32)
VECTORS(u64)
VECTORS(s8)
VECTORS(s16)
VECTORS(s32)
VECTORS(s64)
VECTORS(f32)
VECTORS(f64)
