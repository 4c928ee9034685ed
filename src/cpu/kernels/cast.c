/* SPDX-License-Identifier: MIT
 *
 * Casts (astype) between the twelve dtypes that bodies compute in.  A float outside an integer's range wraps as a
 * conversion through int32 or int64 does, which is the same at every SIMD level; NaN becomes the least integer's low
 * bits. */
#include "core/complex.h"
#include "cpu/kernels/kernel.h"

#define CAST_PASTE(from, to) cast_##from##_to_##to
#define CAST_NAME(from, to) CAST_PASTE(from, to)

/* 2^63 and more do not fit into int64: the top bit is put back. */
ALWAYS_INLINE uint64_t uint64_of_double(double x)
{
    return x >= 0x1p63 ? (uint64_t)(int64_t)(x - 0x1p63) ^ (uint64_t)1 << 63 : (uint64_t)(int64_t)x;
}

#define FROM bool
#define FROM_NAME bool
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM uint8_t
#define FROM_NAME u8
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM uint16_t
#define FROM_NAME u16
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM uint32_t
#define FROM_NAME u32
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM uint64_t
#define FROM_NAME u64
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM int8_t
#define FROM_NAME i8
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM int16_t
#define FROM_NAME i16
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM int32_t
#define FROM_NAME i32
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM int64_t
#define FROM_NAME i64
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (x)
#define TO_UINT32(x) (uint32_t)(x)
#define TO_UINT64(x) (uint64_t)(x)
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM float
#define FROM_NAME f32
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (int32_t)(x)
#define TO_UINT32(x) (uint32_t)(int64_t)(x)
#define TO_UINT64(x) uint64_of_double((double)(x))
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM double
#define FROM_NAME f64
#define TO_BOOL(x) ((x) != 0)
#define TO_SMALL(x) (int32_t)(x)
#define TO_UINT32(x) (uint32_t)(int64_t)(x)
#define TO_UINT64(x) uint64_of_double((double)(x))
#define TO_INT64(x) (int64_t)(x)
#define TO_FLOAT(x) (float)(x)
#define TO_DOUBLE(x) (double)(x)
#define TO_COMPLEX(x)                                                                                                  \
    (c64_t)                                                                                                            \
    {                                                                                                                  \
        (float)(x), 0                                                                                                  \
    }
#include "cpu/kernels/cast_tmpl.h"

#define FROM c64_t
#define FROM_NAME c64
#define TO_BOOL(x) ((x).re != 0 || (x).im != 0)
#define TO_SMALL(x) (int32_t)(x).re
#define TO_UINT32(x) (uint32_t)(int64_t)(x).re
#define TO_UINT64(x) uint64_of_double((double)(x).re)
#define TO_INT64(x) (int64_t)(x).re
#define TO_FLOAT(x) (x).re
#define TO_DOUBLE(x) (double)(x).re
#define TO_COMPLEX(x) (x)
#include "cpu/kernels/cast_tmpl.h"

#define CASTS_FROM(from)                                                                                               \
    {                                                                                                                  \
        [MX_BOOL] = CAST_NAME(from, bool), [MX_UINT8] = CAST_NAME(from, u8), [MX_UINT16] = CAST_NAME(from, u16),       \
        [MX_UINT32] = CAST_NAME(from, u32), [MX_UINT64] = CAST_NAME(from, u64), [MX_INT8] = CAST_NAME(from, i8),       \
        [MX_INT16] = CAST_NAME(from, i16), [MX_INT32] = CAST_NAME(from, i32), [MX_INT64] = CAST_NAME(from, i64),       \
        [MX_FLOAT32] = CAST_NAME(from, f32), [MX_FLOAT64] = CAST_NAME(from, f64),                                      \
        [MX_COMPLEX64] = CAST_NAME(from, c64)                                                                          \
    }
static const tile_fn casts[MX_DTYPE_COUNT][MX_DTYPE_COUNT] = {
    [MX_BOOL] = CASTS_FROM(bool),   [MX_UINT8] = CASTS_FROM(u8),    [MX_UINT16] = CASTS_FROM(u16),
    [MX_UINT32] = CASTS_FROM(u32),  [MX_UINT64] = CASTS_FROM(u64),  [MX_INT8] = CASTS_FROM(i8),
    [MX_INT16] = CASTS_FROM(i16),   [MX_INT32] = CASTS_FROM(i32),   [MX_INT64] = CASTS_FROM(i64),
    [MX_FLOAT32] = CASTS_FROM(f32), [MX_FLOAT64] = CASTS_FROM(f64), [MX_COMPLEX64] = CASTS_FROM(c64),
};

const cpu_op KERNEL(astype) = {.cast = casts};
