// SPDX-License-Identifier: MIT
//
// Transposing copies of T, through tiles in shared memory: both sides see whole lines.
extern "C" __global__ void ENTRY(const transpose_args a)
{
    const int SIDE = sizeof(T) > 2 ? 32 : 64, DOWN = SIDE / 8, ALONG = SIDE / 32; // of a thread
    __shared__ T tile[SIDE][SIDE + 1];
    int x = threadIdx.x & 31, y = threadIdx.x >> 5;
    for (u64 i = blockIdx.x; i < (u64)a.blocks; i += gridDim.x) {
        u64 rest = i, row_tile, column_tile;
        rest = divide(rest, a.column_tiles, column_tile);
        rest = divide(rest, a.row_tiles, row_tile);
        i64 row = (i64)row_tile * SIDE, column = (i64)column_tile * SIDE;
        T *to = (T *)a.to + walk_offset(a.batch, rest, 0) + row * a.to_row + column;
        const T *from = (const T *)a.from + walk_offset(a.batch, rest, 1) + row + column * a.from_column;
        int rows = a.rows - row < SIDE ? (int)(a.rows - row) : SIDE;
        int columns = a.columns - column < SIDE ? (int)(a.columns - column) : SIDE;
        T moved[DOWN * ALONG]; // all loads are under way before the first is waited for
#pragma unroll
        for (int k = 0; k < DOWN * ALONG; k++) {
            int c = y + k / ALONG * 8, r = x + k % ALONG * 32;
            if (c < columns && r < rows) moved[k] = from[c * a.from_column + r];
        }
#pragma unroll
        for (int k = 0; k < DOWN * ALONG; k++) {
            int c = y + k / ALONG * 8, r = x + k % ALONG * 32;
            if (c < columns && r < rows) tile[r][c] = moved[k];
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < DOWN * ALONG; k++) {
            int r = y + k / ALONG * 8, c = x + k % ALONG * 32;
            if (r < rows && c < columns) to[r * a.to_row + c] = tile[r][c];
        }
        __syncthreads();
    }
}
