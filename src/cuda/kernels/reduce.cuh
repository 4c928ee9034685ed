// SPDX-License-Identifier: MIT
//
// All reductions.  A program defines T, the stored type, and OPTION: a reduce_pass and, unless KIND says it, the reduce_kind.
// Rows: a group of lanes goes along what is folded, and folds its accumulators by shuffles.  Columns: lanes go along results,
// other threads of the block take other elements of them, and they meet in shared memory.  Either way a block reads adjacent
// memory where there is such, 64 bytes a thread in flight.  Long folds are cut in chunks: FIRST writes a partial result for
// each, side by side for a result, LAST is a reduction of those.  Chunks are a function of sizes, so results repeat.
//
// With COMPUTED elements are not read but computed, and written where they are wanted, by the program before it (cuda/reduce_group.c):
// a place is the number of an element then.
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/reduce_args.cuh"

#ifndef KIND
#define KIND (OPTION / REDUCE_PASSES)
#endif
template <class S, int kind> struct fold_of {
    typedef logsumexp_fold<S> type;
};
template <class S> struct fold_of<S, REDUCE_SUM> {
    typedef sum_fold<S> type;
};
template <class S> struct fold_of<S, REDUCE_PROD> {
    typedef prod_fold<S> type;
};
template <class S> struct fold_of<S, REDUCE_MIN> {
    typedef min_fold<S> type;
};
template <class S> struct fold_of<S, REDUCE_MAX> {
    typedef max_fold<S> type;
};
template <class S> struct fold_of<S, REDUCE_ARGMIN> {
    typedef arg_fold<S, false> type;
};
template <class S> struct fold_of<S, REDUCE_ARGMAX> {
    typedef arg_fold<S, true> type;
};
template <bool first, class A, class B> struct pick {
    typedef A type;
};
template <class A, class B> struct pick<false, A, B> {
    typedef B type;
};

enum { PASS = OPTION % REDUCE_PASSES };
typedef fold_of<T, KIND>::type FOLD;
typedef FOLD::acc ACC;
typedef pick<PASS == REDUCE_LAST, ACC, T>::type ELEMENT;
typedef pick<PASS == REDUCE_FIRST, ACC, FOLD::out>::type RESULT;
enum {
    VECTOR = 16 / sizeof(ELEMENT),
    COLUMNS = REDUCE_COLUMNS(sizeof(ELEMENT), sizeof(ACC)),
    UNROLL = sizeof(ELEMENT) < 4 ? 2 : 4,
};

#ifdef COMPUTED
struct run_args {
    elementwise_args e; // vectors: operands are read in vectors of WIDTH elements
    reduce_args a;
};
struct values {
    const elementwise_args *e;
    i64 at;
    __device__ __forceinline__ values operator+(i64 by) const { return {e, at + by}; }
    template <int W> __device__ __forceinline__ void compute_run(ELEMENT *to, i64 i, const i64 *from) const
    {
        operands<W> v;
        results<W> r;
        read(v, *e, from, NDIM == ELEMENTWISE_FLAT ? 0 : NDIM < ELEMENTWISE_ANY ? NDIM - 1 : e->ndim - 1);
#pragma unroll
        for (int j = 0; j < W; j++) store(to[j], compute(v, j, r));
        write(r, *e, i);
    }
    __device__ __forceinline__ void take_one(ELEMENT *to, i64 i) const
    {
        i64 from[NIN];
        int last = NDIM == ELEMENTWISE_FLAT ? 0 : NDIM < ELEMENTWISE_ANY ? NDIM - 1 : e->ndim - 1;
        find(*e, (INDEX)(e->vectors ? i / WIDTH : i), e->vectors ? WIDTH : 1, from);
        if (e->vectors)
            for (int k = 0; k < NIN; k++) from[k] += e->stride[k][last] ? i % WIDTH : 0;
        compute_run<1>(to, i, from);
    }
    template <int W> __device__ __forceinline__ vec<ELEMENT, W> take() const
    {
        vec<ELEMENT, W> v;
        if (W == WIDTH && e->vectors) {
            i64 from[NIN];
            find(*e, (INDEX)(at / W), W, from);
            compute_run<W>(v.v, at, from);
        } else {
#pragma unroll
            for (int j = 0; j < W; j++) take_one(v.v + j, at + j);
        }
        return v;
    }
    // elements before the next 16 bytes
    __device__ __forceinline__ int head() const { return (int)((VECTOR - at % VECTOR) % VECTOR); }
};
#else
typedef reduce_args run_args;
struct values {
    const ELEMENT *at;
    __device__ __forceinline__ values operator+(i64 by) const { return {at + by}; }
    template <int W> __device__ __forceinline__ vec<ELEMENT, W> take() const { return ld_vec<W>(at); }
    __device__ __forceinline__ int head() const
    {
        return (int)((16 - (reinterpret_cast<u64>(at) & 15)) & 15) / (int)sizeof(ELEMENT);
    }
};
#endif

template <int KIND_OF_PASS, class E> DEVICE ACC lift_in(const E &x, i64 i)
{
    if constexpr (KIND_OF_PASS == REDUCE_LAST)
        return x;
    else
        return FOLD::lift(load(x), i);
}
DEVICE ACC lift(const ELEMENT &x, i64 i)
{
    return lift_in<PASS>(x, i);
}
template <int KIND_OF_PASS, class R> DEVICE void write_in(R &out, ACC x)
{
    if constexpr (KIND_OF_PASS == REDUCE_FIRST)
        out = x;
    else
        store(out, FOLD::finish(x));
}
DEVICE void write(const reduce_args &a, i64 at, ACC x)
{
    write_in<PASS>(reinterpret_cast<RESULT *>(a.out)[at], x);
}

// Where element i of some dimensions is.
DEVICE i64 place(i64 i, int ndim, const long long *shape, const long long *stride)
{
    i64 at = 0;
#pragma unroll 1
    for (int d = ndim - 1; d > 0; d--) {
        i64 n = shape[d], next = (i | n) >> 32 ? i / n : (i64)((u32)i / (u32)n);
        at += (i - next * n) * stride[d];
        i = next;
    }
    return at + i * stride[0];
}

// What a thread folds of a chunk: segments first, first + step, ... and of each the elements or vectors `lane`, lane + lanes, ...
struct share {
    i64 outer, outer_end, inner;
    int outer_step, count, lane, lanes;
};
DEVICE share share_of(const reduce_args &a, i64 chunk, int thread, int threads)
{
    share s;
    i64 outer_chunk = a.inner_chunks == 1 ? chunk : chunk / a.inner_chunks;
    s.inner = (chunk - outer_chunk * a.inner_chunks) * a.inner_chunk;
    s.count = (int)min(a.inner - s.inner, a.inner_chunk);
    s.lanes = a.inner_lanes;
    s.lane = thread & (s.lanes - 1);
    s.outer_step = threads / s.lanes;
    s.outer = outer_chunk * a.outer_chunk;
    s.outer_end = min(a.outer, s.outer + a.outer_chunk);
    s.outer += thread / s.lanes;
    return s;
}

// Folds loads k = lane, lane + lanes, ... below `count`, LOAD elements at x + k * stride each, into as many accumulators.  `first`
// is the number of the element k = 0; ALONG: a load has LOAD elements of one result, else one of LOAD results.
template <int LOAD, bool ALONG>
DEVICE void fold_loads(values x, i64 stride, int count, int lane, int lanes, i64 first, ACC *part)
{
#pragma unroll 1
    for (int k = lane; k < count; k += UNROLL * lanes) {
        vec<ELEMENT, LOAD> v[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
            if (k + u * lanes < count) v[u] = (x + (k + u * lanes) * stride).template take<LOAD>();
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            i64 i = first + (i64)(k + u * lanes) * (ALONG ? LOAD : 1);
            if (k + u * lanes < count)
#pragma unroll
                for (int j = 0; j < LOAD; j++) part[j] = FOLD::of(part[j], lift(v[u].v[j], i + (ALONG ? j : 0)));
        }
    }
}

// ---- Rows
// A segment in vectors; what lies before the first and after the last aligned one goes element by element.
DEVICE void fold_vectors(values x, const share &s, ACC *part)
{
    int head = x.head();
    if (head > s.count) head = s.count;
    int vectors = (s.count - head) / VECTOR, end = head + vectors * VECTOR;
    fold_loads<VECTOR, true>(x + head, VECTOR, vectors, s.lane, s.lanes, s.inner + head, part);
#pragma unroll 1
    for (int k = s.lane; k < s.count - vectors * VECTOR; k += s.lanes) {
        int i = k < head ? k : end + k - head;
        part[0] = FOLD::of(part[0], lift((x + i).template take<1>().v[0], s.inner + i));
    }
}

DEVICE ACC fold_row(const reduce_args &a, values x, const share &s)
{
    ACC part[VECTOR];
#pragma unroll
    for (int j = 0; j < VECTOR; j++) part[j] = FOLD::none();
    x = x + s.inner * a.stride;
#pragma unroll 1
    for (i64 i = s.outer; i < s.outer_end; i += s.outer_step) {
        values segment = a.outer_ndim ? x + place(i, a.outer_ndim, a.outer_shape, a.outer_in) : x;
        if (a.vectors)
            fold_vectors(segment, s, part);
        else
            fold_loads<1, true>(segment, a.stride, s.count, s.lane, s.lanes, s.inner, part);
    }
#pragma unroll
    for (int j = 1; j < VECTOR; j++) part[0] = FOLD::of(part[0], part[j]);
    return part[0];
}

DEVICE void fold_rows(const reduce_args &a, values first, ACC *shared)
{
    int lane = threadIdx.x & (a.lanes - 1), rows = REDUCE_THREADS / a.lanes;
    i64 chunks = a.outer_chunks * a.inner_chunks, units = a.results * chunks;
#pragma unroll 1
    for (i64 block = (i64)blockIdx.x * rows; block < units; block += (i64)gridDim.x * rows) {
        i64 unit = block + threadIdx.x / a.lanes, row = chunks == 1 ? unit : unit / chunks;
        ACC total = FOLD::none();
        if (unit < units) {
            values x = first + place(row, a.kept_ndim, a.kept_shape, a.kept_in);
            total = fold_row(a, x, share_of(a, unit - row * chunks, lane, a.lanes));
        }
        total = group_fold<FOLD>(total, a.lanes, shared);
        if (lane == 0 && unit < units)
            write(a, PASS == REDUCE_FIRST ? unit : place(row, a.kept_ndim, a.kept_shape, a.kept_out), total);
    }
}

// ---- Columns
template <int LOAD> DEVICE void fold_column(const reduce_args &a, values x, const share &s, ACC *part)
{
    x = x + s.inner * a.stride;
#pragma unroll 1
    for (i64 i = s.outer; i < s.outer_end; i += s.outer_step) {
        values segment = a.outer_ndim ? x + place(i, a.outer_ndim, a.outer_shape, a.outer_in) : x;
        fold_loads<LOAD, false>(segment, a.stride, s.count, s.lane, s.lanes, s.inner, part);
    }
}

// One tile: `lanes` threads with LOAD columns each, as many threads one below the other as a block has.
template <int LOAD> DEVICE void fold_tile(const reduce_args &a, values first, i64 unit, ACC *shared)
{
    int lane = threadIdx.x & (a.lanes - 1), row = threadIdx.x / a.lanes, down = REDUCE_THREADS / a.lanes;
    i64 chunks = a.outer_chunks * a.inner_chunks, tile = unit / chunks, chunk = unit - tile * chunks;
    i64 width = a.kept_shape[a.kept_ndim - 1], outer = tile / a.tiles;
    i64 column = ((tile - outer * a.tiles) * a.lanes + lane) * LOAD, result = outer * width + column;
    ACC part[LOAD];
#pragma unroll
    for (int j = 0; j < LOAD; j++) part[j] = FOLD::none();
    if (column < width) {
        values x = first + place(result, a.kept_ndim, a.kept_shape, a.kept_in);
        fold_column<LOAD>(a, x, share_of(a, chunk, row, down), part);
    }
#pragma unroll 1
    for (int apart = down / 2; apart; apart >>= 1) {
        ACC *other = shared + (row & (apart - 1)) * a.lanes * LOAD + lane;
        if (row >= apart && row < 2 * apart)
            for (int j = 0; j < LOAD; j++) other[j * a.lanes] = part[j];
        __syncthreads();
        if (row < apart)
            for (int j = 0; j < LOAD; j++) part[j] = FOLD::of(part[j], other[j * a.lanes]);
        __syncthreads();
    }
    if (row || column >= width) return;
    i64 at = place(result, a.kept_ndim, a.kept_shape, a.kept_out), step = a.kept_out[a.kept_ndim - 1];
#pragma unroll
    for (int j = 0; j < LOAD; j++)
        write(a, PASS == REDUCE_FIRST ? (result + j) * chunks + chunk : at + j * step, part[j]);
}

// Three blocks an SM keep enough loads under way; wider or more accumulators leave room for two.
#ifdef COMPUTED
enum { BLOCKS = 1 };
#else
enum { BLOCKS = sizeof(ACC) == 4 && sizeof(ELEMENT) > 1 && KIND <= REDUCE_MAX ? 3 : 2 };
#endif

extern "C" __global__ void __launch_bounds__(REDUCE_THREADS, BLOCKS) ENTRY(const __grid_constant__ run_args args)
{
    __shared__ ACC shared[REDUCE_THREADS / 2 * COLUMNS];
#ifdef COMPUTED
    const reduce_args &a = args.a;
    values first = {&args.e, 0};
#else
    const reduce_args &a = args;
    values first = {reinterpret_cast<const ELEMENT *>(a.in)};
#endif
    if (!a.columns) {
        fold_rows(a, first, shared);
        return;
    }
    i64 units = a.results / a.kept_shape[a.kept_ndim - 1] * a.tiles * a.outer_chunks * a.inner_chunks;
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit < units; unit += gridDim.x) {
        if (a.vectors)
            fold_tile<COLUMNS>(a, first, unit, shared);
        else
            fold_tile<1>(a, first, unit, shared);
    }
}
