// SPDX-License-Identifier: MIT
//
// same_abi: two types of functions that are called the same way: as many parameters, each of the same size and kind.
#ifndef SIM_TESTS_SAME_ABI_H
#define SIM_TESTS_SAME_ABI_H

#include <cuda.h>
#include <type_traits>

// CUDA 13 gives it a second name, which its header puts in the place of the first; both are exported, with the same type.
#ifdef cuEventElapsedTime
#undef cuEventElapsedTime
extern "C" decltype(cuEventElapsedTime_v2) cuEventElapsedTime;
#endif

template <typename A, typename B>
constexpr bool alike = sizeof(A) == sizeof(B) && std::is_pointer<A>::value
                                                     == std::is_pointer<B>::value &&std::is_floating_point<A>::value
                                                     == std::is_floating_point<B>::value;
template <> constexpr bool alike<void, void> = true;

template <typename A, typename B> struct same_abi : std::false_type {
};
template <typename R, typename... P, typename S, typename... Q> struct same_abi<R (*)(P...), S (*)(Q...)> {
    template <typename... T> struct list {
    };
    template <typename X, typename Y> struct all : std::false_type {
    };
    template <typename Z> struct all<list<>, Z> : std::is_same<Z, list<>> {
    };
    template <typename X, typename... Xs, typename Y, typename... Ys> struct all<list<X, Xs...>, list<Y, Ys...>> {
        static constexpr bool value = alike<X, Y> && all<list<Xs...>, list<Ys...>>::value;
    };
    static constexpr bool value = alike<R, S> && all<list<P...>, list<Q...>>::value;
};

#endif
