// SPDX-License-Identifier: MIT
//
// The kernel of a group over rows: `run_row` of the program before it for each row.
extern "C" __global__ void __launch_bounds__(ROW_LONGEST, 1) ENTRY(const __grid_constant__ row_group_args g)
{
    __shared__ __align__(16) char shared[32 * 16];
    i64 each = blockDim.x / g.lanes;
#pragma unroll 1
    for (i64 first = blockIdx.x * each; first < g.rows; first += gridDim.x * each) {
        i64 row = first + threadIdx.x / g.lanes;
        row_place p = {g, row, row * g.n, (int)(threadIdx.x & (g.lanes - 1)), row < g.rows};
        run_row(p, shared);
    }
}
