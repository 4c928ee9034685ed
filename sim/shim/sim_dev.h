/* SPDX-License-Identifier: MIT
 *
 * CUDA C for a C++17 compiler of the host: included before a kernel's source.  No system headers, as under NVRTC.
 * What needs other threads goes to the runtime through sim_table. */
#include "abi.h"

#pragma GCC visibility push(hidden)
extern "C" struct sim_regs sim_regs;
extern "C" const struct sim_table *sim_table;
/* With the one that follows the kernels: what lies around shared variables is shared memory that nobody writes. */
__attribute__((used, section("simshared"))) static char sim_guard_before[64];

#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __global__ __sim_global__
#define __shared__ static __attribute__((section("simshared")))
#define __constant__ __attribute__((visibility("default")))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...) __sim_bounds__(__VA_ARGS__)
#define __grid_constant__
#define __restrict__ __restrict
#define memcpy __builtin_memcpy
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1

#define threadIdx (sim_regs.thread)
#define blockIdx (sim_regs.block)
#define blockDim (sim_regs.block_dim)
#define gridDim (sim_regs.grid_dim)
#define warpSize 32

typedef __SIZE_TYPE__ size_t;
typedef struct sim_uint3 uint3;
#define SIM_VECTORS(name, type, a2, a4)                                                                                \
    struct __align__(a2) name##2                                                                                       \
    {                                                                                                                  \
        type x, y;                                                                                                     \
    };                                                                                                                 \
    struct __align__(a4) name##4                                                                                       \
    {                                                                                                                  \
        type x, y, z, w;                                                                                               \
    };                                                                                                                 \
    static inline name##2 make_##name##2(type x, type y)                                                               \
    {                                                                                                                  \
        return {x, y};                                                                                                 \
    }                                                                                                                  \
    static inline name##4 make_##name##4(type x, type y, type z, type w)                                               \
    {                                                                                                                  \
        return {x, y, z, w};                                                                                           \
    }
SIM_VECTORS(char, signed char, 2, 4)
SIM_VECTORS(uchar, unsigned char, 2, 4)
SIM_VECTORS(short, short, 4, 8)
SIM_VECTORS(ushort, unsigned short, 4, 8)
SIM_VECTORS(int, int, 8, 16)
SIM_VECTORS(uint, unsigned, 8, 16)
SIM_VECTORS(float, float, 8, 16)
SIM_VECTORS(longlong, long long, 16, 16)
SIM_VECTORS(ulonglong, unsigned long long, 16, 16)
SIM_VECTORS(double, double, 16, 16)
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

#include "sim_checked.h"
#include "sim_math.h"

/* ---- Barriers and fences: fibers are sequentially consistent, so a fence only stops the compiler. */
#define __syncthreads() sim_table->barrier(__LINE__)
#define __syncthreads_or(v) sim_table->barrier_vote(SIM_VOTE_ANY, (v) != 0, __LINE__)
#define __syncthreads_and(v) sim_table->barrier_vote(SIM_VOTE_ALL, (v) != 0, __LINE__)
#define __syncthreads_count(v) sim_table->barrier_vote(SIM_VOTE_COUNT, (v) != 0, __LINE__)
static inline void __threadfence()
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static inline void __threadfence_block()
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static inline void __threadfence_system()
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
#define __trap() sim_table->trap(719, "__trap()", __FILE__, __LINE__)
#define __builtin_trap() __trap()
#define assert(c) ((c) ? (void)0 : sim_table->trap(710, "assert(" #c ")", __FILE__, __LINE__))
static inline long long clock64()
{
    return (long long)++sim_regs.clock;
}
static inline void __nanosleep(unsigned) {}

/* ---- Warp operations */
enum sim_shuffle_kind { SIM_FROM_LANE, SIM_FROM_BELOW, SIM_FROM_ABOVE, SIM_FROM_XOR };
template <class T> struct sim_shuffle {
    T value, result;
    int argument, width, kind;
};
static inline int sim_source_lane(int lane, int argument, int width, int kind)
{
    int first = lane & ~(width - 1), within = lane & (width - 1);
    if (kind == SIM_FROM_LANE) return first + (argument & (width - 1));
    if (kind == SIM_FROM_BELOW) return within >= argument ? lane - argument : lane;
    if (kind == SIM_FROM_ABOVE) return within + argument < width ? lane + argument : lane;
    int other = lane ^ argument; /* groups above one's own are not read */
    return (other & ~(width - 1)) > first ? lane : other;
}
template <class T> static void sim_run_shuffle(void **lanes, unsigned mask)
{
    for (int i = 0; i < 32; i++) {
        if (!(mask >> i & 1)) continue;
        auto *x = (sim_shuffle<T> *)lanes[i];
        int j = sim_source_lane(i, x->argument, x->width, x->kind);
        if (j < 32 && (mask >> j & 1))
            x->result = ((sim_shuffle<T> *)lanes[j])->value;
        else
            __builtin_memset(&x->result, 0xff, sizeof(T)); /* a lane that is not there: undefined */
    }
}
template <class T>
static inline T sim_shuffled(int kind, int line, unsigned mask, T value, int argument, int width = 32)
{
    sim_shuffle<T> x{value, value, argument, width, kind};
    sim_table->warp(sim_run_shuffle<T>, mask, &x, line, "shfl");
    return x.result;
}
#define __shfl_sync(...) sim_shuffled(SIM_FROM_LANE, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) sim_shuffled(SIM_FROM_BELOW, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) sim_shuffled(SIM_FROM_ABOVE, __LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) sim_shuffled(SIM_FROM_XOR, __LINE__, __VA_ARGS__)

struct sim_vote {
    int value;
    unsigned mask, ballot;
};
static inline void sim_run_vote(void **lanes, unsigned mask)
{
    unsigned ballot = 0;
    for (int i = 0; i < 32; i++)
        if (mask >> i & 1) ballot |= (unsigned)((sim_vote *)lanes[i])->value << i;
    for (int i = 0; i < 32; i++) {
        if (!(mask >> i & 1)) continue;
        ((sim_vote *)lanes[i])->ballot = ballot;
        ((sim_vote *)lanes[i])->mask = mask;
    }
}
static inline sim_vote sim_voted(unsigned mask, bool value, int line)
{
    sim_vote v{value, 0, 0};
    sim_table->warp(sim_run_vote, mask, &v, line, "vote");
    return v;
}
static inline bool sim_voted_all(unsigned mask, bool value, int line)
{
    sim_vote v = sim_voted(mask, value, line);
    return v.ballot == v.mask;
}
#define __ballot_sync(mask, v) (sim_voted(mask, (v) != 0, __LINE__).ballot)
#define __any_sync(mask, v) (sim_voted(mask, (v) != 0, __LINE__).ballot != 0)
#define __all_sync(mask, v) sim_voted_all(mask, (v) != 0, __LINE__)
#define __activemask() __sim_no_activemask_use_a_known_mask()

static inline void sim_run_nothing(void **, unsigned) {}
static inline unsigned sim_mask(unsigned mask = 0xffffffffu)
{
    return mask;
}
static inline void sim_sync_warp(int line, unsigned mask)
{
    sim_table->warp(sim_run_nothing, mask, nullptr, line, "__syncwarp");
}
#define __syncwarp(...) sim_sync_warp(__LINE__, sim_mask(__VA_ARGS__))

template <class T> struct sim_match {
    T value;
    unsigned mask;
};
template <class T> static void sim_run_match(void **lanes, unsigned mask)
{
    for (int i = 0; i < 32; i++) {
        if (!(mask >> i & 1)) continue;
        auto *x = (sim_match<T> *)lanes[i];
        for (int j = 0; j < 32; j++)
            if ((mask >> j & 1) && ((sim_match<T> *)lanes[j])->value == x->value) x->mask |= 1u << j;
    }
}
template <class T> static inline unsigned sim_matched(unsigned mask, T value, int line)
{
    sim_match<T> x{value, 0};
    sim_table->warp(sim_run_match<T>, mask, &x, line, "match");
    return x.mask;
}
#define __match_any_sync(mask, v) sim_matched(mask, v, __LINE__)

struct sim_reduction {
    unsigned value, result;
    int kind;
};
static inline unsigned sim_fold(int kind, unsigned a, unsigned b)
{
    switch (kind) {
    case 0: return a + b;
    case 1: return a < b ? a : b;
    case 2: return a > b ? a : b;
    case 3: return a & b;
    case 4: return a | b;
    default: return a ^ b;
    }
}
static inline void sim_run_reduction(void **lanes, unsigned mask)
{
    int first = __builtin_ctz(mask), kind = ((sim_reduction *)lanes[first])->kind;
    unsigned result = ((sim_reduction *)lanes[first])->value;
    for (int i = first + 1; i < 32; i++)
        if (mask >> i & 1) result = sim_fold(kind, result, ((sim_reduction *)lanes[i])->value);
    for (int i = 0; i < 32; i++)
        if (mask >> i & 1) ((sim_reduction *)lanes[i])->result = result;
}
static inline unsigned sim_reduced(int kind, unsigned mask, unsigned value, int line)
{
    sim_reduction x{value, 0, kind};
    sim_table->warp(sim_run_reduction, mask, &x, line, "reduce");
    return x.result;
}
#define __reduce_add_sync(mask, v) sim_reduced(0, mask, v, __LINE__)
#define __reduce_and_sync(mask, v) sim_reduced(3, mask, v, __LINE__)
#define __reduce_or_sync(mask, v) sim_reduced(4, mask, v, __LINE__)
#define __reduce_xor_sync(mask, v) sim_reduced(5, mask, v, __LINE__)

/* ---- Atomics */
#define SIM_ATOMIC_INTEGER(T)                                                                                          \
    static inline T atomicAdd(T *p, T v)                                                                               \
    {                                                                                                                  \
        return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);                                                             \
    }                                                                                                                  \
    static inline T atomicAnd(T *p, T v)                                                                               \
    {                                                                                                                  \
        return __atomic_fetch_and(p, v, __ATOMIC_RELAXED);                                                             \
    }                                                                                                                  \
    static inline T atomicOr(T *p, T v)                                                                                \
    {                                                                                                                  \
        return __atomic_fetch_or(p, v, __ATOMIC_RELAXED);                                                              \
    }                                                                                                                  \
    static inline T atomicXor(T *p, T v)                                                                               \
    {                                                                                                                  \
        return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED);                                                             \
    }                                                                                                                  \
    static inline T atomicExch(T *p, T v)                                                                              \
    {                                                                                                                  \
        return __atomic_exchange_n(p, v, __ATOMIC_RELAXED);                                                            \
    }                                                                                                                  \
    static inline T atomicCAS(T *p, T expected, T v)                                                                   \
    {                                                                                                                  \
        __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                       \
        return expected;                                                                                               \
    }                                                                                                                  \
    static inline T atomicMin(T *p, T v)                                                                               \
    {                                                                                                                  \
        T old = __atomic_load_n(p, __ATOMIC_RELAXED);                                                                  \
        while (v < old && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}      \
        return old;                                                                                                    \
    }                                                                                                                  \
    static inline T atomicMax(T *p, T v)                                                                               \
    {                                                                                                                  \
        T old = __atomic_load_n(p, __ATOMIC_RELAXED);                                                                  \
        while (v > old && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}      \
        return old;                                                                                                    \
    }
SIM_ATOMIC_INTEGER(int)
SIM_ATOMIC_INTEGER(unsigned)
SIM_ATOMIC_INTEGER(unsigned long long)
#define SIM_ATOMIC_FLOAT(T, U)                                                                                         \
    static inline T atomicAdd(T *p, T v)                                                                               \
    {                                                                                                                  \
        U old = __atomic_load_n((U *)p, __ATOMIC_RELAXED);                                                             \
        for (;;) {                                                                                                     \
            U sum = sim_bits<U>(sim_bits<T>(old) + v);                                                                 \
            if (__atomic_compare_exchange_n((U *)p, &old, sum, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))             \
                return sim_bits<T>(old);                                                                               \
        }                                                                                                              \
    }
SIM_ATOMIC_FLOAT(float, unsigned)
SIM_ATOMIC_FLOAT(double, unsigned long long)
static inline float atomicExch(float *p, float v)
{
    return sim_bits<float>(atomicExch((unsigned *)p, sim_bits<unsigned>(v)));
}

/* ---- Running a kernel */
#include "sim_threads.h"
template <int... I> struct sim_indices {
};
template <int N, int... I> struct sim_count_up : sim_count_up<N - 1, N - 1, I...> {
};
template <int... I> struct sim_count_up<0, I...> {
    typedef sim_indices<I...> type;
};
template <class T> struct sim_plain {
    typedef T type;
};
template <class T> struct sim_plain<const T> {
    typedef T type;
};
template <auto K> struct sim_entry;
template <class... A, void (*K)(A...)> struct sim_entry<K> {
    static constexpr int count = sizeof...(A);
    static constexpr unsigned short bytes[count + 1] = {(unsigned short)sizeof(A)..., 0};
    template <int... I> static void run(void **params, sim_indices<I...>)
    {
        while (sim_next_thread()) {
            K(*(typename sim_plain<A>::type *)params[I]...);
            sim_end_thread();
        }
        (void)params;
    }
    static void entry(void **params) { run(params, typename sim_count_up<count>::type()); }
};
