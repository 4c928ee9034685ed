/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE for the two real dtypes that elementwise bodies compute in; the engine converts the 16-bit floats.
 * No guard: each user includes it for a template of its own. */
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
#undef TEMPLATE
