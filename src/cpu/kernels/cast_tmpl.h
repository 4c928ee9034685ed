/* SPDX-License-Identifier: MIT
 *
 * All casts from one type, FROM.  Forgets FROM and how to convert it. */
#define TO bool
#define TO_NAME bool
#define CONVERT(x) TO_BOOL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO uint8_t
#define TO_NAME u8
#define CONVERT(x) (uint8_t) TO_SMALL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO uint16_t
#define TO_NAME u16
#define CONVERT(x) (uint16_t) TO_SMALL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO uint32_t
#define TO_NAME u32
#define CONVERT(x) TO_UINT32(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO uint64_t
#define TO_NAME u64
#define CONVERT(x) TO_UINT64(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO int8_t
#define TO_NAME i8
#define CONVERT(x) (int8_t) TO_SMALL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO int16_t
#define TO_NAME i16
#define CONVERT(x) (int16_t) TO_SMALL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO int32_t
#define TO_NAME i32
#define CONVERT(x) (int32_t) TO_SMALL(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO int64_t
#define TO_NAME i64
#define CONVERT(x) TO_INT64(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO float
#define TO_NAME f32
#define CONVERT(x) TO_FLOAT(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO double
#define TO_NAME f64
#define CONVERT(x) TO_DOUBLE(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#define TO c64_t
#define TO_NAME c64
#define CONVERT(x) TO_COMPLEX(x)
#include "cpu/kernels/cast_loop_tmpl.h"
#undef FROM
#undef FROM_NAME
#undef TO_BOOL
#undef TO_SMALL
#undef TO_UINT32
#undef TO_UINT64
#undef TO_INT64
#undef TO_FLOAT
#undef TO_DOUBLE
#undef TO_COMPLEX
