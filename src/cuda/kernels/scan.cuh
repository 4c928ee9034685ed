// SPDX-License-Identifier: MIT
//
// Scans along rows.  A program defines T and the scan_kind, as OPTION or KIND.  Each lane takes VECTOR elements beside each other, scans
// them, then lanes, warps and, in a loop, tiles hand on their totals.  Long rows are cut in chunks: their totals first, then those
// scanned, then the chunks.  What comes before a lane is never an identity but nothing, as on the CPU, so that -0 and NaN come through.
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/scan_args.cuh"

#ifndef KIND
#define KIND OPTION
#endif
typedef compute_t<T>::type A;
enum { VECTOR = 16 / sizeof(T), SUM = 0, PROD = 1, MAX = 2, MIN = 3, LOGADDEXP = 4 };

template <class S> DEVICE bool passes_on(S x)
{
    return is_nan(x);
}
DEVICE bool passes_on(c64)
{
    return false;
}

template <int kind, class S> DEVICE S join(S a, S b)
{
    if constexpr (kind == SUM) return plus(a, b);
    if constexpr (kind == PROD) return times(a, b);
    if constexpr (kind == MAX) return less(a, b) || passes_on(b) ? b : a;
    if constexpr (kind == MIN) return less(b, a) || passes_on(b) ? b : a;
    if constexpr (kind == LOGADDEXP) return logaddexp_of(a, b);
}
template <int kind, class S> DEVICE S identity()
{
    if constexpr (kind == SUM) return cast_t<S, i32>::of(0);
    if constexpr (kind == PROD) return cast_t<S, i32>::of(1);
    if constexpr (kind == MAX) return bounds<S>::low();
    if constexpr (kind == MIN) return bounds<S>::high();
    if constexpr (kind == LOGADDEXP) return cast_t<S, float>::of(-INF);
}
DEVICE A join(A a, A b)
{
    return join<KIND>(a, b);
}

// A value or nothing.
struct maybe {
    A value;
    bool is;
};
DEVICE maybe join(maybe a, maybe b)
{
    maybe r = {a.is && b.is ? join(a.value, b.value) : a.is ? a.value : b.value, a.is || b.is};
    return r;
}
DEVICE maybe shuffle_up(maybe x, int apart)
{
    u32 words[(sizeof(A) + 3) / 4] = {0};
    memcpy(words, &x.value, sizeof(A));
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) words[i] = __shfl_up_sync(WARP, words[i], apart);
    memcpy(&x.value, words, sizeof(A));
    x.is = __shfl_up_sync(WARP, (int)x.is, apart);
    return x;
}

struct block_totals {
    maybe warp[32];
};

// What all lanes before this one have, of `lanes` lanes; `total` becomes that of all of them.
DEVICE maybe before_lane(maybe x, int lanes, maybe &total, block_totals &shared)
{
    int lane = threadIdx.x & 31, group = lanes < 32 ? lanes : 32, within = lane & (group - 1);
    maybe sum = x;
#pragma unroll 1
    for (int apart = 1; apart < group; apart *= 2) {
        maybe other = shuffle_up(sum, apart);
        if (within >= apart) sum = join(other, sum);
    }
    maybe before = shuffle_up(sum, 1);
    if (within == 0) before.is = false;
    if (lanes <= 32) { // no tile follows
        total = sum;
        return before;
    }
    int warp = threadIdx.x >> 5, warps = lanes >> 5;
    if (lane == 31) shared.warp[warp] = sum;
    __syncthreads();
    maybe ahead = {x.value, false};
    total.is = false;
#pragma unroll 1
    for (int w = 0; w < warps; w++) {
        if (w == warp) ahead = total;
        total = join(total, shared.warp[w]);
    }
    __syncthreads();
    return join(ahead, before);
}

// Elements k .. k + VECTOR - 1 of a row in the order of the scan.
struct row_at {
    i64 n;
    bool reverse, vectors;
    __device__ __forceinline__ i64 at(i64 k) const { return reverse ? n - 1 - k : k; }
};
DEVICE void load_run(A *v, const T *x, const row_at &r, i64 k, i64 end)
{
    if (r.vectors) {
        vec<T, VECTOR> w;
        if (k < end) w = ld_vec<VECTOR>(x + (r.reverse ? r.n - k - VECTOR : k));
#pragma unroll
        for (int j = 0; j < VECTOR; j++) v[j] = load(r.reverse ? w.v[VECTOR - 1 - j] : w.v[j]);
    } else {
#pragma unroll
        for (int j = 0; j < VECTOR; j++)
            if (k + j < end) v[j] = load(x[r.at(k + j)]);
    }
}
DEVICE void store_run(T *y, const A *v, const row_at &r, i64 k, i64 end)
{
    if (r.vectors) {
        vec<T, VECTOR> w;
#pragma unroll
        for (int j = 0; j < VECTOR; j++) store(w.v[j], r.reverse ? v[VECTOR - 1 - j] : v[j]);
        if (k < end) st_vec<VECTOR>(y + (r.reverse ? r.n - k - VECTOR : k), w);
    } else {
#pragma unroll
        for (int j = 0; j < VECTOR; j++)
            if (k + j < end) store(y[r.at(k + j)], v[j]);
    }
}

// Elements `first` .. `end` - 1 of a row; `carry` comes before them and becomes their total too.  Nothing is written without `y`.
DEVICE void scan_run(const scan_args &a, const T *x, T *y, i64 first, i64 end, maybe &carry, block_totals &shared)
{
    row_at r = {a.n, a.reverse != 0, a.vectors != 0};
    int lane = threadIdx.x & (a.lanes - 1);
    i64 span = a.lanes > 32 ? end - first : a.chunk; // groups of a warp meet in shuffles, those without a row too
#pragma unroll 1
    for (i64 tile = 0; tile < span; tile += a.lanes * VECTOR) {
        i64 k = first + tile + lane * VECTOR;
        A v[VECTOR];
        for (int j = 0; j < VECTOR; j++) v[j] = identity<KIND, A>(); // of what is past the end: never used
        load_run(v, x, r, k, end);
        maybe sum = {v[0], k < end}, total;
#pragma unroll
        for (int j = 1; j < VECTOR; j++)
            if (k + j < end) sum.value = join(sum.value, v[j]);
        maybe before = join(carry, before_lane(sum, a.lanes, total, shared));
        carry = join(carry, total);
        if (!y) continue;
#pragma unroll
        for (int j = 0; j < VECTOR; j++) {
            maybe own = {v[j], true}, now = join(before, own);
            v[j] = a.inclusive ? now.value : before.is ? before.value : identity<KIND, A>();
            before = now;
        }
        store_run(y, v, r, k, end);
    }
}

// Chunks' totals become what comes before each; a block a row.
DEVICE void scan_totals(const scan_args &a, block_totals &shared)
{
    A *totals = reinterpret_cast<A *>(a.totals) + (i64)blockIdx.x * a.chunks;
    maybe carry = {totals[0], false};
#pragma unroll 1
    for (i64 tile = 0; tile < a.chunks; tile += SCAN_THREADS) {
        i64 k = tile + threadIdx.x;
        maybe own = {totals[k < a.chunks ? k : 0], k < a.chunks}, total;
        maybe before = join(carry, before_lane(own, SCAN_THREADS, total, shared));
        carry = join(carry, total);
        if (k < a.chunks && before.is) totals[k] = before.value;
    }
}

extern "C" __global__ void __launch_bounds__(SCAN_THREADS, 2) ENTRY(const __grid_constant__ scan_args a)
{
    __shared__ block_totals shared;
    if (a.pass == SCAN_BEFORE) {
        scan_totals(a, shared);
        return;
    }
    i64 each = SCAN_THREADS / a.lanes, units = a.rows * a.chunks;
#pragma unroll 1
    for (i64 block = blockIdx.x * each; block < units; block += gridDim.x * each) {
        i64 unit = block + threadIdx.x / a.lanes, row = unit / a.chunks, chunk = unit - row * a.chunks;
        i64 first = chunk * a.chunk, end = min(first + a.chunk, a.n);
        if (unit >= units) row = first = end = 0;
        A *totals = reinterpret_cast<A *>(a.totals) + unit;
        maybe carry = {identity<KIND, A>(), a.pass == SCAN_CHUNKS && chunk > 0};
        if (carry.is) carry.value = *totals;
        const T *x = reinterpret_cast<const T *>(a.x) + row * a.n;
        T *y = a.pass == SCAN_TOTALS ? nullptr : reinterpret_cast<T *>(a.out) + row * a.n;
        scan_run(a, x, y, first, end, carry, shared);
        if (a.pass == SCAN_TOTALS && threadIdx.x == 0) *totals = carry.value;
    }
}
