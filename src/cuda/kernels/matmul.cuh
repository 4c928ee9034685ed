// SPDX-License-Identifier: MIT
//
// Matrix products for what cuBLASLt has no answer to: any strides, any sizes, nothing to sum.  d = alpha a b + beta c + bias in tiles of
// 64 by 64, 16 of K at a time; a thread has 4 by 4 sums.  T is the type of a and b, OUT that of c and d: the same, with OPTION 1
// float for the 16-bit floats.  cuda/product.c launches it.

typedef compute_t<T>::type ACC;
template <int OTHER> struct out_t {
    typedef T type;
};
template <> struct out_t<1> {
    typedef ACC type;
};
typedef out_t<OPTION>::type OUT;
enum { SIDE = 64, STEP = 16, EACH = 4 };

// As in cuda/product.c: strides of a, b, c, d in elements.
struct matmul_args {
    i64 m, n, k, tiles_m, tiles_n, tiles;
    const T *a, *b;
    const OUT *c;
    OUT *d;
    const OUT *bias;
    i64 row[4], col[4];
    double alpha, beta;
    i64 ndim, shape[16], batch[4][16];
};

DEVICE void add_product(float &sum, float x, float y)
{
    sum = fmaf(x, y, sum);
}
DEVICE void add_product(double &sum, double x, double y)
{
    sum = fma(x, y, sum);
}
DEVICE void add_product(c64 &sum, c64 x, c64 y)
{
    sum.re = fmaf(x.re, y.re, fmaf(-x.im, y.im, sum.re));
    sum.im = fmaf(x.re, y.im, fmaf(x.im, y.re, sum.im));
}
template <class A> DEVICE A scaled(A x, double by)
{
    return x * (A)by;
}
DEVICE c64 scaled(c64 x, double by)
{
    x.re *= (float)by;
    x.im *= (float)by;
    return x;
}
DEVICE float plus(float x, float y)
{
    return x + y;
}
DEVICE double plus(double x, double y)
{
    return x + y;
}
DEVICE c64 plus(c64 x, c64 y)
{
    x.re += y.re;
    x.im += y.im;
    return x;
}

// Elements (row, column) of the tile's strip, zeros outside: along K is the second index.  Adjacent threads read along the
// smaller stride.
DEVICE void load_strip(ACC (*strip)[SIDE + 1], const T *from, i64 first, i64 rows, i64 k0, i64 k, i64 row, i64 col)
{
    bool along_k = col == 1;
    for (int i = threadIdx.x; i < SIDE * STEP; i += blockDim.x) {
        int r = along_k ? i / STEP : i % SIDE, p = along_k ? i % STEP : i / SIDE;
        ACC x = ACC();
        if (first + r < rows && k0 + p < k) x = load(from[(first + r) * row + (k0 + p) * col]);
        strip[p][r] = x;
    }
}

extern "C" __global__ void __launch_bounds__(256) ENTRY(const matmul_args g)
{
    __shared__ ACC as[STEP][SIDE + 1], bs[STEP][SIDE + 1];
    int tx = threadIdx.x % (SIDE / EACH), ty = threadIdx.x / (SIDE / EACH);
    for (i64 tile = blockIdx.x; tile < g.tiles; tile += gridDim.x) {
        i64 i0 = tile / g.tiles_n % g.tiles_m * SIDE, j0 = tile % g.tiles_n * SIDE, rest = tile / (g.tiles_m * g.tiles_n);
        i64 at[4] = {0, 0, 0, 0};
        for (int i = (int)g.ndim - 1; i >= 0; i--) {
            for (int x = 0; x < 4; x++) at[x] += rest % g.shape[i] * g.batch[x][i];
            rest /= g.shape[i];
        }
        ACC sum[EACH][EACH];
        for (int i = 0; i < EACH * EACH; i++) sum[i / EACH][i % EACH] = ACC();
        for (i64 k0 = 0; k0 < g.k; k0 += STEP) {
            load_strip(as, g.a + at[0], i0, g.m, k0, g.k, g.row[0], g.col[0]);
            load_strip(bs, g.b + at[1], j0, g.n, k0, g.k, g.col[1], g.row[1]);
            __syncthreads();
            for (int p = 0; p < STEP; p++) {
#pragma unroll
                for (int i = 0; i < EACH * EACH; i++)
                    add_product(sum[i / EACH][i % EACH], as[p][ty + i / EACH * (SIDE / EACH)],
                                bs[p][tx + i % EACH * (SIDE / EACH)]);
            }
            __syncthreads();
        }
#pragma unroll
        for (int e = 0; e < EACH * EACH; e++) {
            i64 i = i0 + ty + e / EACH * (SIDE / EACH), j = j0 + tx + e % EACH * (SIDE / EACH);
            if (i >= g.m || j >= g.n) continue;
            ACC x = scaled(sum[e / EACH][e % EACH], g.alpha);
            if (g.beta != 0) x = plus(x, scaled((ACC)load(g.c[at[2] + i * g.row[2] + j * g.col[2]]), g.beta));
            if (g.bias) x = plus(x, (ACC)load(g.bias[j]));
            store(g.d[at[3] + i * g.row[3] + j * g.col[3]], x);
        }
    }
}
