/* SPDX-License-Identifier: MIT
 *
 * Includes TEMPLATE once per element size.  No guard: each user includes it for a template of its own. */
#define T uint8_t
#define NAME(name) name##_1
#include TEMPLATE
#undef T
#undef NAME
#define T uint16_t
#define NAME(name) name##_2
#include TEMPLATE
#undef T
#undef NAME
#define T uint32_t
#define NAME(name) name##_4
#include TEMPLATE
#undef T
#undef NAME
#define T uint64_t
#define NAME(name) name##_8
#include TEMPLATE
#undef T
#undef NAME
#undef TEMPLATE
