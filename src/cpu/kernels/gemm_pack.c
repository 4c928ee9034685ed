/* SPDX-License-Identifier: MIT
 *
 * Packing: any strides and any of the three types become float32 panels.  Adjacent lanes are copied, adjacent k are
 * transposed in registers, all else is gathered element by element. */
#include "cpu/kernels/gemm_parts.h"

/* Reading VEC lanes where fewer count is faster than a masked load, and safe for all but the last step when the steps
 * lie at least VEC apart: what is read then belongs to the same operand. */
ALWAYS_INLINE void copy_lanes(float *out, int64_t out_row, const void *x, int64_t k_stride, int lanes, int64_t depth,
                              const int type)
{
    int64_t k = 0, safe = lanes == VEC ? depth : k_stride >= VEC ? depth - 1 : 0;
    for (; k < safe; k++) vec_store(out + k * out_row, load_some(x, k * k_stride, VEC, type));
    for (; k < depth; k++) vec_store(out + k * out_row, load_some(x, k * k_stride, lanes, type));
}

ALWAYS_INLINE void transpose_lanes(float *out, int64_t out_row, const void *x, int64_t lane_stride, int lanes,
                                   int64_t depth, const int type)
{
    vec r[VEC];
    for (int64_t k = 0; k < depth; k += VEC) {
        int steps = (int)min_i64(VEC, depth - k);
        if (steps == VEC) {
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
