/* SPDX-License-Identifier: MIT
 *
 * Packing: any strides and any of the three types become float32 panels.  Adjacent lanes are copied, adjacent k are
 * transposed in registers, all else is gathered element by element. */
#include "cpu/kernels/gemm_parts.h"

/* How far ahead of the reading the operand is asked for: it is read in short pieces of many rows, which the CPU does not
 * foresee.  What is asked for beyond the operand's end is not read. */
enum { ROWS_AHEAD = 24, BYTES_AHEAD = 256 };

/* Reading VEC lanes where fewer count is faster than a masked load, and safe for all but the last step when the steps
 * lie at least VEC apart: what is read then belongs to the same operand. */
ALWAYS_INLINE void copy_lanes(float *out, int64_t out_row, const void *x, int64_t k_stride, int lanes, int64_t depth,
                              const int type)
{
    int64_t k = 0, safe = lanes == VEC ? depth : k_stride >= VEC ? depth - 1 : 0;
    for (; k < safe; k++) {
        PREFETCH(element(x, (k + ROWS_AHEAD) * k_stride, type));
        vec_store(out + k * out_row, load_some(x, k * k_stride, VEC, type));
    }
    for (; k < depth; k++) vec_store(out + k * out_row, load_some(x, k * k_stride, lanes, type));
}

ALWAYS_INLINE void transpose_lanes(float *out, int64_t out_row, const void *x, int64_t lane_stride, int lanes,
                                   int64_t depth, const int type)
{
    vec r[VEC];
    for (int64_t k = 0; k < depth; k += VEC) {
        int steps = (int)min_i64(VEC, depth - k);
        if (steps == VEC) {
            for (int i = 0; i < lanes; i++) PREFETCH((const char *)element(x, i * lane_stride + k, type) + BYTES_AHEAD);
            UNROLL
            for (int i = 0; i < VEC; i++) r[i] = i < lanes ? load_some(x, i * lane_stride + k, VEC, type) : vec_set(0);
        } else {
            UNROLL
            for (int i = 0; i < VEC; i++)
                r[i] = i < lanes ? load_some(x, i * lane_stride + k, steps, type) : vec_set(0);
        }
        vec_transpose(r);
        if (steps == VEC) {
            UNROLL
            for (int i = 0; i < VEC; i++) vec_store(out + (k + i) * out_row, r[i]);
        } else {
            for (int i = 0; i < steps; i++) vec_store(out + (k + i) * out_row, r[i]);
        }
    }
}

ALWAYS_INLINE void pack(float *out, int64_t out_row, const void *x, int64_t lane_stride, int64_t k_stride, int lanes,
                        int64_t depth, const int type)
{
    if (lane_stride == 1) {
        copy_lanes(out, out_row, x, k_stride, lanes, depth, type);
    } else if (k_stride == 1) {
        transpose_lanes(out, out_row, x, lane_stride, lanes, depth, type);
    } else {
        for (int64_t k = 0; k < depth; k++) {
            float row[VEC] = {0};
            for (int i = 0; i < lanes; i++) row[i] = load_one(x, i * lane_stride + k * k_stride, type);
            vec_store(out + k * out_row, vec_load(row));
        }
    }
}

void KERNEL(gemm_pack)(float *out, int64_t out_row, const void *x, int64_t lane_stride, int64_t k_stride, int lanes,
                       int64_t depth, int type)
{
    if (type == GEMM_F32)
        pack(out, out_row, x, lane_stride, k_stride, lanes, depth, GEMM_F32);
    else if (type == GEMM_F16)
        pack(out, out_row, x, lane_stride, k_stride, lanes, depth, GEMM_F16);
    else
        pack(out, out_row, x, lane_stride, k_stride, lanes, depth, GEMM_BF16);
}

#if defined LEVEL_AVX512

/* The 16 bits of a lane's k and those of the next, side by side. */
ALWAYS_INLINE vec join_pairs(__m256i even, __m256i odd)
{
    return _mm512_castsi512_ps(
        _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16)));
}

static void copy_pairs(float *out, int64_t out_row, const uint16_t *x, int64_t k_stride, int lanes, int64_t depth)
{
    __mmask16 mask = first_lanes(lanes);
    int64_t k = 0;
    for (; k + 2 <= depth; k += 2, out += out_row, x += 2 * k_stride) {
        PREFETCH(x + ROWS_AHEAD * k_stride);
        PREFETCH(x + (ROWS_AHEAD + 1) * k_stride);
        vec_store(out, join_pairs(_mm256_maskz_loadu_epi16(mask, x), _mm256_maskz_loadu_epi16(mask, x + k_stride)));
    }
    if (k < depth) vec_store(out, join_pairs(_mm256_maskz_loadu_epi16(mask, x), _mm256_setzero_si256()));
}

/* A pair lies together already: floats are transposed. */
static void transpose_pairs(float *out, int64_t out_row, const uint16_t *x, int64_t lane_stride, int lanes,
                            int64_t depth)
{
    vec r[VEC];
    for (int64_t k = 0; k < depth; k += 2 * VEC) {
        int64_t here = min_i64(2 * VEC, depth - k);
        __mmask32 mask = (__mmask32)((UINT64_C(1) << here) - 1);
        for (int i = 0; i < lanes; i++) PREFETCH((const char *)(x + i * lane_stride + k) + BYTES_AHEAD);
        UNROLL
        for (int i = 0; i < VEC; i++)
            r[i] =
                i < lanes ? _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(mask, x + i * lane_stride + k)) : vec_set(0);
        vec_transpose(r);
        float *to = out + k / 2 * out_row;
        if (here == 2 * VEC) {
            UNROLL
            for (int i = 0; i < VEC; i++) vec_store(to + i * out_row, r[i]);
        } else {
            for (int i = 0; 2 * i < here; i++) vec_store(to + i * out_row, r[i]);
        }
    }
}

void KERNEL(gemm_pack_pairs)(float *out, int64_t out_row, const void *data, int64_t lane_stride, int64_t k_stride,
                             int lanes, int64_t depth, int type)
{
    (void)type;
    const uint16_t *x = data;
    if (lane_stride == 1) {
        copy_pairs(out, out_row, x, k_stride, lanes, depth);
    } else if (k_stride == 1) {
        transpose_pairs(out, out_row, x, lane_stride, lanes, depth);
    } else {
        for (int64_t k = 0; k < depth; k += 2, out += out_row) {
            uint16_t row[2 * VEC] = {0};
            for (int i = 0; i < lanes; i++) {
                row[2 * i] = x[i * lane_stride + k * k_stride];
                if (k + 1 < depth) row[2 * i + 1] = x[i * lane_stride + (k + 1) * k_stride];
            }
            memcpy(out, row, sizeof row);
        }
    }
}

#endif
