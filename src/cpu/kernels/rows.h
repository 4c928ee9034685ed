/* SPDX-License-Identifier: MIT
 *
 * An elementwise op is its row: an expression over x (and y, z), given inside a template for a type T.  A row names a
 * function of one element and wraps it in a tile body; the loops are in map_tmpl.h.  Include "cpu/kernels/map_tmpl.h"
 * in the template first. */
#ifndef CPU_KERNELS_ROWS_H
#define CPU_KERNELS_ROWS_H

#include "cpu/kernels/chain.h"
#include "cpu/kernels/kernel.h"

/* y = f(x); all of one type */
#define UNARY(name, expression)                                                                                        \
    ALWAYS_INLINE T NAME(name##_one)(T x)                                                                              \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    static void NAME(name##_tile)(void *out, const void *const *in, int64_t n)                                         \
    {                                                                                                                  \
        NAME(map1)(NAME(name##_one), out, in[0], n);                                                                   \
    }
/* bool of one value */
#define UNARY_TEST(name, expression)                                                                                   \
    ALWAYS_INLINE bool NAME(name##_one)(T x)                                                                           \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    static void NAME(name##_tile)(void *out, const void *const *in, int64_t n)                                         \
    {                                                                                                                  \
        NAME(test1)(NAME(name##_one), out, in[0], n);                                                                  \
    }
#define BINARY(name, expression)                                                                                       \
    ALWAYS_INLINE T NAME(name##_one)(T x, T y)                                                                         \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    static void NAME(name##_tile)(void *out, const void *const *in, int64_t n)                                         \
    {                                                                                                                  \
        NAME(map2)(NAME(name##_one), out, in[0], in[1], n);                                                            \
    }
#define COMPARE(name, expression)                                                                                      \
    ALWAYS_INLINE bool NAME(name##_one)(T x, T y)                                                                      \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    static void NAME(name##_tile)(void *out, const void *const *in, int64_t n)                                         \
    {                                                                                                                  \
        NAME(test2)(NAME(name##_one), out, in[0], in[1], n);                                                           \
    }

/* The kernel of an elementwise op: bodies by the dtype of its last input. */
#define ELEMENTWISE(name, ...) const cpu_op KERNEL(name) = {.tile = {__VA_ARGS__}};
/* ... of an op that is cheap enough for chains (cpu/kernels/chain.h). */
#define CHAINED(name, ...) const cpu_op KERNEL(name) = {.tile = {__VA_ARGS__}, .chain = &KERNEL(chain_##name)};
#define TILES_REAL(name) [MX_FLOAT32] = name##_tile_f32, [MX_FLOAT64] = name##_tile_f64
#define TILES_COMPLEX(name) [MX_COMPLEX64] = name##_tile_c64
#define TILES_BOOL(name) [MX_BOOL] = name##_tile_bool
#define TILES_INT(name)                                                                                                \
    [MX_UINT8] = name##_tile_u8, [MX_UINT16] = name##_tile_u16, [MX_UINT32] = name##_tile_u32,                         \
    [MX_UINT64] = name##_tile_u64, [MX_INT8] = name##_tile_i8, [MX_INT16] = name##_tile_i16,                           \
    [MX_INT32] = name##_tile_i32, [MX_INT64] = name##_tile_i64
/* A body that depends on the bytes of an element only. */
#define TILES_BY_SIZE(name)                                                                                            \
    [MX_BOOL] = name##_tile_1, [MX_UINT8] = name##_tile_1, [MX_INT8] = name##_tile_1, [MX_UINT16] = name##_tile_2,     \
    [MX_INT16] = name##_tile_2, [MX_UINT32] = name##_tile_4, [MX_INT32] = name##_tile_4, [MX_FLOAT32] = name##_tile_4, \
    [MX_UINT64] = name##_tile_8, [MX_INT64] = name##_tile_8, [MX_FLOAT64] = name##_tile_8,                             \
    [MX_COMPLEX64] = name##_tile_8

#endif
