// SPDX-License-Identifier: MIT
//
// Rotary positions: angles depend on the position only, so a thread makes its own once for many heads.  Sines and cosines are rounded
// to the stored type first, as on the CPU.  OPTION 1: rows can be read in vectors.
#include "cuda/kernels/rope_args.cuh"

const int FEATURES = OPTION ? (sizeof(T) == 8 ? 2 : 4) : 1;
typedef compute_t<T>::type A;
struct __align__(sizeof(T) * FEATURES) pack {
    T v[FEATURES];
};

// Both to float's last bit: x - q pi / 2 in two steps, then Taylor's series in double on [-pi / 4, pi / 4].
DEVICE void turn_of(float angle, float &cosine, float &sine)
{
    double x = angle, q = rint(x * 0.63661977236758134);
    double r = fma(-q, 6.123233995736766e-17, fma(-q, 1.5707963267948966, x)), z = r * r;
    int quarter = fabs(q) < 0x1p52 ? (int)((i64)q & 3) : 0;
    double s = fma(z, fma(z, -1.0 / 39916800, 1.0 / 362880), -1.0 / 5040);
    s = fma(r * z, fma(z, fma(z, s, 1.0 / 120), -1.0 / 6), r);
    double c = fma(z, fma(z, 1.0 / 479001600, -1.0 / 3628800), 1.0 / 40320);
    c = fma(z, fma(z, fma(z, fma(z, c, -1.0 / 720), 1.0 / 24), -0.5), 1.0);
    double other = quarter & 1 ? -s : c;
    s = quarter & 1 ? c : s;
    cosine = (float)(quarter & 2 ? -other : other);
    sine = (float)(quarter & 2 ? -s : s);
}

DEVICE void turns(const rope_args &a, i64 offset, i64 position, i64 feature, A cosine[FEATURES], A sine[FEATURES])
{
    float at = ((float)((const i32 *)a.offsets)[offset * a.offset_stride] + (float)position) * a.scale;
#pragma unroll
    for (int k = 0; k < FEATURES; k++) {
        i64 i = feature + k;
        float inverse = a.freqs ? 1.0f / ((const float *)a.freqs)[i * a.freqs_stride]
                                : (float)exp2((double)(-(float)i / (float)a.half) * a.log2_base);
        float c, s;
        T rounded;
        turn_of(at * inverse, c, s);
        store(rounded, (A)c);
        cosine[k] = load(rounded);
        store(rounded, (A)(a.backward ? -s : s));
        sine[k] = load(rounded);
    }
}

template <bool PAIRS>
DEVICE void rotate(const rope_args &a, T *to, const T *from, i64 feature, const A cosine[FEATURES],
                   const A sine[FEATURES])
{
    i64 first = PAIRS ? 2 * feature : feature, second = PAIRS ? first + FEATURES : first + a.half;
    pack x[2] = {*(const pack *)(from + first), *(const pack *)(from + second)};
#pragma unroll
    for (int k = 0; k < FEATURES; k++) {
        const int i = PAIRS ? 2 * k : k, j = PAIRS ? 2 * k + 1 : k + FEATURES;
        T &p = x[i / FEATURES].v[i % FEATURES], &q = x[j / FEATURES].v[j % FEATURES];
        A u = load(p), v = load(q);
        store(p, u * cosine[k] - v * sine[k]);
        store(q, u * sine[k] + v * cosine[k]);
    }
    *(pack *)(to + first) = x[0];
    *(pack *)(to + second) = x[1];
}

extern "C" __global__ void ENTRY(const rope_args a)
{
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        u64 slot, position, share, offset = divide(divide(divide(i, a.slots, slot), a.positions, position), a.shares, share);
        i64 feature = (i64)slot * FEATURES, tail = 2 * feature, head = (i64)share * a.share;
        i64 end = head + a.share < a.heads ? head + a.share : a.heads;
        bool turned = feature < a.half;
        A cosine[FEATURES] = {}, sine[FEATURES] = {};
        if (turned) turns(a, (i64)offset, (i64)position, feature, cosine, sine);
        for (; head < end; head++) {
            u64 row = offset * a.heads + head;
            const T *from = (const T *)a.from + walk_offset(a.rows, row) + (i64)position * a.position_stride;
            T *to = (T *)a.to + (row * a.positions.n + position) * a.n;
            if (turned && a.pairs) {
                rotate<true>(a, to, from, feature, cosine, sine);
            } else if (turned) {
                rotate<false>(a, to, from, feature, cosine, sine);
            } else { // what is not turned is copied
                for (i64 k = tail; k < tail + 2 * FEATURES && k < a.n; k++) to[k] = from[k];
            }
        }
    }
}
