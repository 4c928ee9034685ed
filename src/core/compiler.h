/* SPDX-License-Identifier: MIT
 *
 * The compiler extensions that Mica uses, each under one name.  Nothing outside this file spells an attribute, a pragma
 * or a builtin of a compiler. */
#ifndef CORE_COMPILER_H
#define CORE_COMPILER_H

#define PRAGMA(text) _Pragma(#text)
#define PREFETCH_TO_WRITE(p) __builtin_prefetch(p, 1)
#define SIMD PRAGMA(omp simd) /* the next loop has independent iterations */
#define SIMD_SUM(total)                                                                                                \
    PRAGMA(omp simd reduction(+ : total)) /* ... but for a sum whose order may change with the level */
#define SIMD_SUM2(a, b) PRAGMA(omp simd reduction(+ : a, b))
#define SIMD_MAX(peak) PRAGMA(omp simd reduction(max : peak))
#define SIMD_MIN(peak) PRAGMA(omp simd reduction(min : peak))

#define UNROLL PRAGMA(GCC unroll 32) /* the next loop has a small constant count: no loop remains */

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NO_INLINE __attribute__((noinline))
#define MAYBE_UNUSED __attribute__((unused))
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RESTRICT __restrict__
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#define ALIGNED(bytes) __attribute__((aligned(bytes)))
#define VECTOR(bytes) __attribute__((vector_size(bytes)))
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define PREFETCH(p) __builtin_prefetch(p)          /* will be read soon; p may be any address */
#define PREFETCH_L2(p) __builtin_prefetch(p, 0, 2) /* ... but not that soon */
#define FALLTHROUGH __attribute__((fallthrough))
#define TARGET(features) __attribute__((target(features))) /* one function may use more instructions than its file */
#define CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#define MUL_OVERFLOWS(a, b, product) __builtin_mul_overflow(a, b, product)
#define ADD_OVERFLOWS(a, b, sum) __builtin_add_overflow(a, b, sum)
#define LEADING_ZEROS(x) __builtin_clzll(x) /* of a 64-bit number that is not 0 */
#if defined __x86_64__
#define CPU_PAUSE() __builtin_ia32_pause() /* in a loop that waits: leaves the core to its other thread */
#else
#define CPU_PAUSE() ((void)0)
#endif
#define CONSTRUCTOR __attribute__((constructor)) /* runs before main */

/* A fused multiply-add that is meant: the builds never contract a * b + c by themselves. */
#define FMA(a, b, c) _Generic((a), float : __builtin_fmaf, default : __builtin_fma)((a), (b), (c))

#endif
