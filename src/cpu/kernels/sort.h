/* SPDX-License-Identifier: MIT
 *
 * Keys of elements: unsigned integers of the element's size in the order that a sort gives.  Kernels of sort.c and
 * partition.c work on bits; `order` says what they are the bits of. */
#ifndef CPU_KERNELS_SORT_H
#define CPU_KERNELS_SORT_H

#include "core/compiler.h"
#include "mica/types.h"

enum sort_kind { SORT_UNSIGNED, SORT_SIGNED, SORT_FLOAT, SORT_COMPLEX };
typedef struct sort_order {
    int kind;          /* enum sort_kind */
    uint64_t infinity; /* its bits, of floats: greater ones without the sign are NaN */
} sort_order;

static inline sort_order sort_order_of(mx_dtype dtype)
{
    switch (dtype) {
    case MX_INT8:
    case MX_INT16:
    case MX_INT32:
    case MX_INT64: return (sort_order){SORT_SIGNED, 0};
    case MX_FLOAT16: return (sort_order){SORT_FLOAT, 0x7c00};
    case MX_BFLOAT16: return (sort_order){SORT_FLOAT, 0x7f80};
    case MX_FLOAT32: return (sort_order){SORT_FLOAT, 0x7f800000};
    case MX_FLOAT64: return (sort_order){SORT_FLOAT, 0x7ff0000000000000};
    case MX_COMPLEX64: return (sort_order){SORT_COMPLEX, 0x7f800000};
    default: return (sort_order){SORT_UNSIGNED, 0};
    }
}

/* Real parts first; all whose real part is NaN are equal. */
static inline uint64_t sort_complex_key(uint64_t bits)
{
    uint32_t key[2];
    for (int i = 0; i < 2; i++) {
        uint32_t part = (uint32_t)(bits >> 32 * i), size = part & 0x7fffffffu;
        key[i] = size > 0x7f800000u ? ~0u : size == 0 ? 0x80000000u : part >> 31 ? ~part : part | 0x80000000u;
    }
    return ~key[0] ? (uint64_t)key[0] << 32 | key[1] : ~(uint64_t)0;
}

/* An element of 8 bytes on its way to its place. */
typedef struct sort_pair {
    uint64_t key, index;
} sort_pair;

/* Rows of more elements are cut in chunks, so that threads share a row. */
enum { SORT_LANES_MOST = 512 }; /* elements of rows that are sorted side by side */
enum { SORT_CHUNK = 1 << 15, SORT_CHUNKS = 16, SORT_RADIX = 256 };

#endif
