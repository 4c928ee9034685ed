/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE for all four real dtypes: T is stored, ACC computed in, LOAD and STORE convert.  No guard: each
 * user includes it for a template of its own. */
#define T float
#define ACC float
#define NAME(name) name##_f32
#define LOAD(x) (x)
#define STORE(x) (x)
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T double
#define ACC double
#define NAME(name) name##_f64
#define LOAD(x) (x)
#define STORE(x) (x)
#define MATH(name) name##_f64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint16_t
#define ACC float
#define NAME(name) name##_f16
#define LOAD(x) half_widen(x)
#define STORE(x) ((uint16_t)half_of_float(x))
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint16_t
#define ACC float
#define NAME(name) name##_bf16
#define LOAD(x) bf16_to_f32(x)
#define STORE(x) f32_to_bf16(x)
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#undef TEMPLATE
