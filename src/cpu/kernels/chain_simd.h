/* SPDX-License-Identifier: MIT
 *
 * What compilers make more of than one or two instructions of, though the machine has them: maximum, minimum and square
 * root of a register of floats. */
#ifndef CPU_KERNELS_CHAIN_SIMD_H
#define CPU_KERNELS_CHAIN_SIMD_H

#include "cpu/kernels/chain.h"
#include <math.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

/* Maximum and minimum: x if it is a NaN; else as the instructions, which give y for equal values and if that is a NaN. */
#if defined LEVEL_AVX512
#define KEEP_NAN(x, y) _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x)
#define MAX(x, y) KEEP_NAN(x, _mm512_max_ps(x, y))
#define MIN(x, y) KEEP_NAN(x, _mm512_min_ps(x, y))
#define SQRT(x) _mm512_sqrt_ps(x)
#elif defined LEVEL_AVX2
#define KEEP_NAN(x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q))
#define MAX(x, y) KEEP_NAN(x, _mm256_max_ps(x, y))
#define MIN(x, y) KEEP_NAN(x, _mm256_min_ps(x, y))
#define SQRT(x) _mm256_sqrt_ps(x)
#else
typedef int32_t chain_bits VECTOR(REGISTER);
ALWAYS_INLINE chain_lanes pick(chain_bits mask, chain_lanes x, chain_lanes y)
{
    return (chain_lanes)(((chain_bits)x & mask) | ((chain_bits)y & ~mask));
}
#define MAX(x, y) pick(((x) > (y)) | ((x) != (x)), x, y)
#define MIN(x, y) pick(((x) < (y)) | ((x) != (x)), x, y)
#if defined __x86_64__
#define SQRT(x) _mm_sqrt_ps(x)
#else
#define SQRT(x) ((chain_lanes){sqrtf((x)[0]), sqrtf((x)[1]), sqrtf((x)[2]), sqrtf((x)[3])})
#endif
#endif

ALWAYS_INLINE chain_lanes lanes_max(chain_lanes x, chain_lanes y)
{
    return MAX(x, y);
}
ALWAYS_INLINE chain_lanes lanes_min(chain_lanes x, chain_lanes y)
{
    return MIN(x, y);
}
ALWAYS_INLINE chain_lanes lanes_sqrt(chain_lanes x)
{
    return SQRT(x);
}

#endif
