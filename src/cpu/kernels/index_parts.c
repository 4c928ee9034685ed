/* SPDX-License-Identifier: MIT
 *
 * Bodies of gathers and scatters, for every type. */
#include "core/complex.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/index.h"
#include <string.h>

/* Negative indices count from the end, once; a uint64 beyond int64 is outside like any large index. */
ALWAYS_INLINE int64_t wrap_index(int64_t at, int64_t size, bool is_signed)
{
    if (at >= 0) return at;
    return is_signed ? at + size : INT64_MAX;
}

#define TEMPLATE "cpu/kernels/index_int_tmpl.h"
#include "cpu/kernels/each_int.h"
#define TEMPLATE "cpu/kernels/index_size_tmpl.h"
#include "cpu/kernels/each_size.h"

/* ---- Real numbers: NaN wins */
#define SUM(a, b) ((a) + (b))
#define PRODUCT(a, b) ((a) * (b))
#define LARGER(a, b) ((a) > (b) || (a) != (a))
#define SMALLER(a, b) ((a) < (b) || (a) != (a))
#define WIDE ACC
#define READ(x) LOAD(x)
#define WRITE(x) STORE(x)
#define TEMPLATE "cpu/kernels/index_fold_tmpl.h"
#include "cpu/kernels/each_float.h"
#undef SUM
#undef PRODUCT
#undef LARGER
#undef SMALLER
#undef WIDE
#undef READ
#undef WRITE

/* ---- Integers wrap: the arithmetic is unsigned */
#define SUM(a, b) ((uint64_t)(a) + (uint64_t)(b))
#define PRODUCT(a, b) ((uint64_t)(a) * (uint64_t)(b))
#define LARGER(a, b) ((a) > (b))
#define SMALLER(a, b) ((a) < (b))
#define WIDE T
#define READ(x) (x)
#define WRITE(x) ((T)(x))
#define TEMPLATE "cpu/kernels/index_fold_tmpl.h"
#include "cpu/kernels/each_int.h"
#undef SUM
#undef PRODUCT

/* ---- bool: a sum is "or", a product "and" */
#define SUM(a, b) ((a) | (b))
#define PRODUCT(a, b) ((a) & (b))
#define T bool
#define NAME(name) name##_bool
#include "cpu/kernels/index_fold_tmpl.h"
#undef T
#undef NAME
#undef SUM
#undef PRODUCT
#undef LARGER
#undef SMALLER

/* ---- complex64: ordered by the real, then the imaginary part */
ALWAYS_INLINE c64_t sum_c64(c64_t a, c64_t b)
{
    return (c64_t){a.re + b.re, a.im + b.im};
}
ALWAYS_INLINE c64_t product_c64(c64_t a, c64_t b)
{
    return (c64_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
ALWAYS_INLINE bool larger_c64(c64_t a, c64_t b)
{
    if (a.re != a.re || a.im != a.im) return true;
    if (b.re != b.re || b.im != b.im) return false;
    return a.re > b.re || (a.re == b.re && a.im > b.im);
}
ALWAYS_INLINE bool smaller_c64(c64_t a, c64_t b)
{
    if (a.re != a.re || a.im != a.im) return true;
    if (b.re != b.re || b.im != b.im) return false;
    return larger_c64(b, a);
}
#undef WRITE
#define WRITE(x) (x)
#define SUM(a, b) sum_c64(a, b)
#define PRODUCT(a, b) product_c64(a, b)
#define LARGER(a, b) larger_c64(a, b)
#define SMALLER(a, b) smaller_c64(a, b)
#define T c64_t
#define NAME(name) name##_c64
#include "cpu/kernels/index_fold_tmpl.h"

/* ---- Tables */
add_index_fn KERNEL(add_index)(mx_dtype dtype)
{
    static const add_index_fn by_dtype[MX_DTYPE_COUNT] = {
        [MX_UINT8] = add_index_u8,   [MX_UINT16] = add_index_u16, [MX_UINT32] = add_index_u32,
        [MX_UINT64] = add_index_u64, [MX_INT8] = add_index_i8,    [MX_INT16] = add_index_i16,
        [MX_INT32] = add_index_i32,  [MX_INT64] = add_index_i64};
    return by_dtype[dtype];
}

read_places_fn KERNEL(read_places)(mx_dtype dtype)
{
    static const read_places_fn by_size[] = {
        [1] = read_places_1, [2] = read_places_2, [4] = read_places_4, [8] = read_places_8};
    return by_size[mx_dtype_size(dtype)];
}

write_places_fn KERNEL(write_places)(mx_dtype dtype, mx_scatter_mode mode)
{
    static const write_places_fn by_size[] = {
        [1] = write_places_1, [2] = write_places_2, [4] = write_places_4, [8] = write_places_8};
    static const write_places_fn fold[MX_DTYPE_COUNT] = {
        [MX_BOOL] = fold_places_bool,     [MX_UINT8] = fold_places_u8,     [MX_UINT16] = fold_places_u16,
        [MX_UINT32] = fold_places_u32,    [MX_UINT64] = fold_places_u64,   [MX_INT8] = fold_places_i8,
        [MX_INT16] = fold_places_i16,     [MX_INT32] = fold_places_i32,    [MX_INT64] = fold_places_i64,
        [MX_FLOAT16] = fold_places_f16,   [MX_FLOAT32] = fold_places_f32,  [MX_FLOAT64] = fold_places_f64,
        [MX_BFLOAT16] = fold_places_bf16, [MX_COMPLEX64] = fold_places_c64};
    return mode == MX_SCATTER_SET ? by_size[mx_dtype_size(dtype)] : fold[dtype];
}
