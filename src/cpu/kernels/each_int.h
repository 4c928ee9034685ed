/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE for the eight integer dtypes.  No guard: each user includes it for a template of its own. */
#define T uint8_t
#define NAME(name) name##_u8
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T int8_t
#define NAME(name) name##_i8
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint16_t
#define NAME(name) name##_u16
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T int16_t
#define NAME(name) name##_i16
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint32_t
#define NAME(name) name##_u32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T int32_t
#define NAME(name) name##_i32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint64_t
#define NAME(name) name##_u64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T int64_t
#define NAME(name) name##_i64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#undef TEMPLATE
