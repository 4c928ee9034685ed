// SPDX-License-Identifier: MIT
//
// The one elementwise kernel.  A program includes math.cuh, then defines: ENTRY, the kernel's name; NIN, the number of operands
// x, y, z; the types X, Y, Z and OUT, as stored, T, in which the last operand is computed, and INDEX, which counts elements; EXPR,
// the result; NDIM, the number of merged dimensions, 0 where every operand is adjacent or constant throughout, and then X_STEP,
// Y_STEP, Z_STEP, 1 or (constant) 0; then it includes this.  cuda/elementwise.c writes it.

// As in cuda/elementwise.c.  Strides in elements, outermost dimension first.
struct elementwise_args {
    i64 total;
    OUT *out;
    const X *x;
    const Y *y;
    const Z *z;
    i64 shape[17];
    i64 stride[3][17];
};

static __device__ __forceinline__ compute_t<OUT>::type compute(compute_t<X>::type x, compute_t<Y>::type y,
                                                               compute_t<Z>::type z)
{
    return (compute_t<OUT>::type)(EXPR);
}

extern "C" __global__ void ENTRY(const elementwise_args a)
{
    INDEX total = (INDEX)a.total, step = (INDEX)gridDim.x * blockDim.x;
    for (INDEX i = (INDEX)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        i64 at_x = NDIM ? 0 : (i64)i * X_STEP, at_y = NDIM ? 0 : (i64)i * Y_STEP, at_z = NDIM ? 0 : (i64)i * Z_STEP;
        INDEX rest = i;
        for (int d = NDIM - 1; d >= 0; d--) {
            INDEX n = (INDEX)a.shape[d], column = d ? rest % n : rest;
            rest = d ? rest / n : 0;
            at_x += (i64)column * a.stride[0][d];
            if (NIN > 1) at_y += (i64)column * a.stride[1][d];
            if (NIN > 2) at_z += (i64)column * a.stride[2][d];
        }
        store(a.out[i], compute(load(a.x[at_x]), load(a.y[NIN > 1 ? at_y : at_x]), load(a.z[NIN > 2 ? at_z : at_x])));
    }
}
