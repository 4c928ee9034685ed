// SPDX-License-Identifier: MIT
//
// How a group over rows folds them: in the order of the kernels of the ops alone (reduce.cuh, softmax.cuh, moments.cuh), so that
// the bits are theirs.  A team of lanes has a row; what it needs of an element is computed from the operands each time it goes
// along the row, which the caches hold.  A program defines VECTOR, the elements of 16 bytes of what is folded, LONG: rows are
// longer than softmax and norms keep in registers, and EPS; the file includes what runs it (cuda/row_source.c).
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/row_args.cuh"

struct row_group_args {
    elementwise_args a; // vectors: whole rows are read in vectors
    long long rows, n;
    int lanes, fold_vectors; // of a row; a reduction alone would read vectors
    long long row_vectors;   // so would softmax and norms
};

struct row_place {
    const row_group_args &g;
    i64 row, first; // its first element
    int lane;
    bool there;
    // W elements from number i of the row on
    template <int W> __device__ __forceinline__ void load(operands<W> &v, i64 i) const
    {
        i64 at[NIN];
        find(g.a, (INDEX)((first + i) / W), W, at);
        read(v, g.a, at, NDIM == ELEMENTWISE_FLAT ? 0 : NDIM < ELEMENTWISE_ANY ? NDIM - 1 : g.a.ndim - 1);
    }
};

// Does f(v, j, i, part) for `count` vectors of elements i, i + 1, ... from `from` on, part = 0, 1, ...
template <class F> DEVICE void each_vector(const row_place &p, i64 from, i64 count, const F &f)
{
    int lanes = p.g.lanes;
#pragma unroll 1
    for (i64 k = p.lane; k < count; k += lanes) {
        i64 i = from + k * VECTOR;
        if (p.g.a.vectors) {
            operands<VECTOR> v;
            p.load(v, i);
#pragma unroll
            for (int j = 0; j < VECTOR; j++) f(v, j, i + j, j);
        } else {
#pragma unroll
            for (int j = 0; j < VECTOR; j++) {
                operands<1> v;
                p.load(v, i + j);
                f(v, 0, i + j, j);
            }
        }
    }
}
// The same for single elements; of those from `hole` on `width` are left out.
template <class F> DEVICE void each_element(const row_place &p, i64 count, i64 hole, i64 width, const F &f)
{
#pragma unroll 1
    for (i64 k = p.lane; k < count; k += p.g.lanes) {
        operands<1> v;
        i64 i = k < hole ? k : k + width;
        p.load(v, i);
        f(v, 0, i, 0);
    }
}

// What is done with an element, a struct for each: lambdas would need a flag of the compiler.
#define DO __device__ __forceinline__ void operator()
template <class FOLD, class V> struct add_to {
    const V &value;
    typename FOLD::acc (&part)[VECTOR];
    template <class O> DO(const O &v, int j, i64 i, int to) const
    {
        part[to] = FOLD::of(part[to], FOLD::lift(value(v, j), i));
    }
};
template <class FOLD, class V, class A> struct fold_into {
    const V &value;
    A &all;
    template <class O> DO(const O &v, int j, i64, int) const { all = FOLD::of(all, FOLD::lift(value(v, j), 0)); }
};
template <class V, class A> struct add_exp {
    const V &value;
    A &total, peak;
    template <class O> DO(const O &v, int j, i64, int) const { total += exp_of(value(v, j) - peak); }
};
template <class V, class A> struct add_square {
    const V &value;
    A &total, mean;
    template <class O> DO(const O &v, int j, i64, int) const
    {
        A apart = value(v, j) - mean;
        total += apart * apart;
    }
};

// As fold_rows in reduce.cuh.
template <class FOLD, class V> DEVICE typename FOLD::acc fold_values(const row_place &p, const V &value, void *shared)
{
    typedef typename FOLD::acc acc;
    acc part[VECTOR];
#pragma unroll
    for (int j = 0; j < VECTOR; j++) part[j] = FOLD::none();
    add_to<FOLD, V> add = {value, part};
    if (p.there && p.g.fold_vectors) {
        i64 odd = p.first % VECTOR, head = odd ? VECTOR - odd : 0;
        if (head > p.g.n) head = p.g.n;
        i64 vectors = (p.g.n - head) / VECTOR;
        each_vector(p, head, vectors, add);
        if (!p.g.a.vectors) each_element(p, p.g.n - vectors * VECTOR, head, vectors * VECTOR, add);
    } else if (p.there) {
        each_element(p, p.g.n, p.g.n, 0, add);
    }
#pragma unroll
    for (int j = 1; j < VECTOR; j++) part[0] = FOLD::of(part[0], part[j]);
    return group_fold<FOLD>(part[0], p.g.lanes, reinterpret_cast<acc *>(shared));
}

// Does f(v, j, ...) for the elements of a lane's strips, as rows.cuh has them.
template <class F> DEVICE void each_strip(const row_place &p, const F &f)
{
    if (!p.there) return;
    if (p.g.row_vectors) {
        each_vector(p, 0, p.g.n / VECTOR, f);
    } else {
        each_element(p, p.g.n, p.g.n, 0, f);
    }
}

// As softmax.cuh.
template <class A> struct peak_and_scale {
    A peak, scale;
};
template <class A> struct peak_fold {
    DEVICE A none() { return -(A)INF; }
    DEVICE A lift(A x, i64) { return x; }
    DEVICE A of(A a, A b) { return a > b ? a : b; }
};
template <class A, class V> DEVICE peak_and_scale<A> softmax_values(const row_place &p, const V &value, void *shared)
{
    peak_and_scale<A> r;
#if LONG
    typedef logsumexp_fold<A> fold;
    typename fold::acc pair = fold::none();
    each_strip(p, fold_into<fold, V, typename fold::acc>{value, pair});
    pair = group_fold<fold>(pair, p.g.lanes, reinterpret_cast<typename fold::acc *>(shared));
    r.peak = pair.peak;
    r.scale = 1 / pair.total + (pair.peak - pair.peak);
#else
    A total = 0;
    r.peak = peak_fold<A>::none();
    each_strip(p, fold_into<peak_fold<A>, V, A>{value, r.peak});
    r.peak = group_fold<peak_fold<A>>(r.peak, p.g.lanes, reinterpret_cast<A *>(shared));
    each_strip(p, add_exp<V, A>{value, total, r.peak});
    total = group_fold<sum_fold<A>>(total, p.g.lanes, reinterpret_cast<A *>(shared));
    r.scale = 1 / total;
#endif
    return r;
}

// As softmax_vjp.cuh.
template <class A, class V> DEVICE A sum_values(const row_place &p, const V &value, void *shared)
{
    A total = 0;
    each_strip(p, fold_into<sum_fold<A>, V, A>{value, total});
    return group_fold<sum_fold<A>>(total, p.g.lanes, reinterpret_cast<A *>(shared));
}

// As moments.cuh.
template <class A> struct mean_and_inverse {
    A mean, inverse;
};
template <class A, bool CENTRED, class V>
DEVICE mean_and_inverse<A> norm_values(const row_place &p, const V &value, float eps, void *shared)
{
    mean_and_inverse<A> m = {0, 0};
    A total = 0;
    if (CENTRED) {
        each_strip(p, fold_into<sum_fold<A>, V, A>{value, total});
        m.mean = group_fold<sum_fold<A>>(total, p.g.lanes, reinterpret_cast<A *>(shared)) / (A)p.g.n;
        total = 0;
    }
    each_strip(p, add_square<V, A>{value, total, m.mean});
    total = group_fold<sum_fold<A>>(total, p.g.lanes, reinterpret_cast<A *>(shared));
    m.inverse = 1 / sqrt_of(total / (A)p.g.n + (A)eps);
    return m;
}

// All elements of a row once, in vectors where that can be.
template <class F> DEVICE void each_of_row(const row_place &p, const F &f)
{
    if (!p.there) return;
#pragma unroll 1
    for (i64 k = p.lane; p.g.a.vectors && k < p.g.n / VECTOR; k += p.g.lanes) {
        operands<VECTOR> v;
        p.load(v, k * VECTOR);
        f(v, p.first + k * VECTOR);
    }
#pragma unroll 1
    for (i64 k = p.lane; !p.g.a.vectors && k < p.g.n; k += p.g.lanes) {
        operands<1> v;
        p.load(v, k);
        f(v, p.first + k);
    }
}
