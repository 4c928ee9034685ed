/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE for the three inexact dtypes that elementwise bodies compute in: float32, float64 and complex64.
 * MATH names the function of a type.  No guard: each user includes it for a template of its own. */
#define T float
#define NAME(name) name##_f32
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T double
#define NAME(name) name##_f64
#define MATH(name) name##_f64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T c64_t
#define NAME(name) name##_c64
#define MATH(name) name##_c64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#undef TEMPLATE
