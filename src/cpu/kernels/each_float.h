/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE for all four real dtypes: T is stored, ACC computed in, LOAD and STORE convert one value.  Tiles
 * convert faster: WIDEN gives where n elements of x can be read as ACC (x itself, or the tile), NARROW stores a tile.
 * No guard: each user includes it for a template of its own. */
#define T float
#define ACC float
#define NAME(name) name##_f32
#define LOAD(x) (x)
#define STORE(x) (x)
#define WIDEN(tile, x, n) ((void)(tile), (x))
#define NARROW(y, tile, n) (void)memcpy(y, tile, (size_t)(n) * sizeof(T))
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T double
#define ACC double
#define NAME(name) name##_f64
#define LOAD(x) (x)
#define STORE(x) (x)
#define WIDEN(tile, x, n) ((void)(tile), (x))
#define NARROW(y, tile, n) (void)memcpy(y, tile, (size_t)(n) * sizeof(T))
#define MATH(name) name##_f64
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint16_t
#define ACC float
#define BY_TILE /* its conversions are slow one by one */
#define NAME(name) name##_f16
#define LOAD(x) half_widen(x)
#define STORE(x) ((uint16_t)half_of_float(x))
#define WIDEN(tile, x, n) (f16_to_f32_tile(tile, x, n), (const float *)(tile))
#define NARROW(y, tile, n) f32_to_f16_tile(y, tile, n)
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#define T uint16_t
#define ACC float
#define NAME(name) name##_bf16
#define LOAD(x) bf16_to_f32(x)
#define STORE(x) f32_to_bf16(x)
#define WIDEN(tile, x, n) (bf16_to_f32_tile(tile, x, n), (const float *)(tile))
#define NARROW(y, tile, n) f32_to_bf16_tile(y, tile, n)
#define MATH(name) name##_f32
#include TEMPLATE
#include "cpu/kernels/each_end.h"
#undef TEMPLATE
