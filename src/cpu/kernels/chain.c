/* SPDX-License-Identifier: MIT
 *
 * Links of chains: each op over eight registers, against a tile, one value or itself.  The results are those of the tile
 * bodies, bit for bit: the same operations on each element.  The call of the next link is a jump, for all arguments are
 * in registers; where it is a call (a build without optimization), a chain is as deep as a group is long. */
#include "cpu/kernels/chain_simd.h"
#include "cpu/kernels/kernel.h"

typedef int32_t bits VECTOR(REGISTER);
typedef float loose_lanes VECTOR(REGISTER) ALIGNED(4); /* at any address */

#define NEXT link[1].run(link + 1, i, a0, a1, a2, a3, a4, a5, a6, a7)
#define OTHERS const loose_lanes *y = (const loose_lanes *)(link->tile + (i & link->mask))
#define OTHER                                                                                                          \
    const chain_lanes y = link->tile[0] - (chain_lanes)                                                                \
    {                                                                                                                  \
        0                                                                                                              \
    } /* - keeps the sign of -0 */

/* The function of a link from that of one register: f(x, y) for each. */
#define LINK(name, f, prepare, y0, y1, y2, y3, y4, y5, y6, y7)                                                         \
    static void name(const chain_link *link, int64_t i, CHAIN_VALUE)                                                   \
    {                                                                                                                  \
        prepare;                                                                                                       \
        a0 = f(a0, y0), a1 = f(a1, y1), a2 = f(a2, y2), a3 = f(a3, y3);                                                \
        a4 = f(a4, y4), a5 = f(a5, y5), a6 = f(a6, y6), a7 = f(a7, y7);                                                \
        NEXT;                                                                                                          \
    }
#define ITSELF(name, f) LINK(name, f, , a0, a1, a2, a3, a4, a5, a6, a7)
/* ... that leaves the registers as they are. */
#define ASIDE(name, f, prepare, y0, y1, y2, y3, y4, y5, y6, y7)                                                        \
    static void aside_##name(const chain_link *link, int64_t i, CHAIN_VALUE)                                           \
    {                                                                                                                  \
        loose_lanes *to = (loose_lanes *)(link[1].tile + (i & link[1].mask));                                          \
        prepare;                                                                                                       \
        to[0] = f(a0, y0), to[1] = f(a1, y1), to[2] = f(a2, y2), to[3] = f(a3, y3);                                    \
        to[4] = f(a4, y4), to[5] = f(a5, y5), to[6] = f(a6, y6), to[7] = f(a7, y7);                                    \
        link[2].run(link + 2, i, a0, a1, a2, a3, a4, a5, a6, a7);                                                      \
    }
#define BOTH(name, expression)                                                                                         \
    ALWAYS_INLINE chain_lanes name##_lanes(chain_lanes x, chain_lanes y)                                               \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    ALWAYS_INLINE chain_lanes name##_turned(chain_lanes y, chain_lanes x)                                              \
    {                                                                                                                  \
        return expression;                                                                                             \
    }                                                                                                                  \
    LINK(name##_x_tile, name##_lanes, OTHERS, y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7])                          \
    LINK(name##_tile_x, name##_turned, OTHERS, y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7])                         \
    LINK(name##_x_one, name##_lanes, OTHER, y, y, y, y, y, y, y, y)                                                    \
    LINK(name##_one_x, name##_turned, OTHER, y, y, y, y, y, y, y, y)                                                   \
    ITSELF(name##_x_x, name##_lanes)                                                                                   \
    ASIDE(name##_x_one, name##_lanes, OTHER, y, y, y, y, y, y, y, y)                                                   \
    ASIDE(name##_one_x, name##_turned, OTHER, y, y, y, y, y, y, y, y)                                                  \
    ASIDE(name##_x_x, name##_lanes, , a0, a1, a2, a3, a4, a5, a6, a7)                                                  \
    const cpu_chain KERNEL(chain_##name) = {name##_x_tile,        name##_tile_x,     name##_x_one,                     \
                                            name##_one_x,         name##_x_x,        aside_##name##_x_one,             \
                                            aside_##name##_one_x, aside_##name##_x_x};
#define ALONE(name, expression)                                                                                        \
    ALWAYS_INLINE chain_lanes name##_lanes(chain_lanes x, chain_lanes y)                                               \
    {                                                                                                                  \
        (void)y;                                                                                                       \
        return expression;                                                                                             \
    }                                                                                                                  \
    ITSELF(name##_x_x, name##_lanes)                                                                                   \
    ASIDE(name##_x_x, name##_lanes, , a0, a1, a2, a3, a4, a5, a6, a7)                                                  \
    const cpu_chain KERNEL(chain_##name) = {.x_x = name##_x_x, .aside_x_x = aside_##name##_x_x};

BOTH(add, x + y)
BOTH(sub, x - y)
BOTH(mul, x *y)
BOTH(div, x / y)
BOTH(maximum, lanes_max(x, y))
BOTH(minimum, lanes_min(x, y))
ALONE(neg, -x)
ALONE(abs, (chain_lanes)((bits)x &INT32_MAX))
ALONE(square, x *x)
ALONE(sqrt, lanes_sqrt(x))
ALONE(rsqrt, 1 / lanes_sqrt(x))
ALONE(reciprocal, 1 / x)

#define SECOND(x, y) ((void)(x), (y))
LINK(load, SECOND, OTHERS, y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7])
LINK(load_one, SECOND, OTHER, y, y, y, y, y, y, y, y)

static void store(const chain_link *link, int64_t i, CHAIN_VALUE)
{
    loose_lanes *y = (loose_lanes *)(link->tile + (i & link->mask));
    y[0] = a0, y[1] = a1, y[2] = a2, y[3] = a3;
    y[4] = a4, y[5] = a5, y[6] = a6, y[7] = a7;
    NEXT;
}

static void end(const chain_link *link, int64_t i, CHAIN_VALUE)
{
    (void)link, (void)i, (void)a0, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
}

const chain_fn KERNEL(chain_load) = load, KERNEL(chain_load_one) = load_one, KERNEL(chain_store) = store,
               KERNEL(chain_end) = end;

void KERNEL(chain_run)(const chain_link *links, int64_t begin, int64_t end)
{
    const chain_lanes none = {0};
    for (int64_t i = begin; i < end; i += CHAIN_BLOCK)
        links->run(links, i, none, none, none, none, none, none, none, none);
}
