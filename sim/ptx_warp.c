/* SPDX-License-Identifier: MIT
 *
 * Operations of a warp, as the PTX manual has them.  In a fragment of mma, group g = lane / 4 holds rows g and g + 8 of A and of
 * the result and column g of B, member t = lane % 4 the columns (of B: rows) of number t; a register of two halves holds
 * those of 2 t and 2 t + 1. */
#include "ptx_warp.h"
#include "rt.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH_LANE(i, mask)                                                                                             \
    for (unsigned i = 0; i < 32; i++)                                                                                  \
        if (mask >> i & 1)

static struct sim_ptx_lane *lane_of(void **lanes, unsigned i)
{
    return lanes[i];
}

static void run_sync(void **lanes, unsigned mask)
{
    (void)lanes, (void)mask;
}

/* ---- shfl: in[0] the value, in[1] the lane or distance, in[2] the last lane and the mask of segments */
typedef enum { IDX, UP, DOWN, BFLY } shuffle_mode;

static void shuffle(void **lanes, unsigned mask, shuffle_mode mode)
{
    EACH_LANE(i, mask)
    {
        struct sim_ptx_lane *x = lane_of(lanes, i);
        unsigned b = x->in[1] & 31, last = x->in[2] & 31, segments = x->in[2] >> 8 & 31;
        unsigned most = (i & segments) | (last & ~segments), least = i & segments;
        int j = mode == IDX  ? (int)(least | (b & ~segments))
                : mode == UP ? (int)i - (int)b
                             : (int)(mode == DOWN ? i + b : i ^ b);
        bool there = mode == UP ? j >= (int)most : j <= (int)most;
        if (!there) j = (int)i;
        bool posted = j >= 0 && j < 32 && (mask >> j & 1);
        x->out[0] = posted ? lane_of(lanes, (unsigned)j)->in[0] : ~0u; /* of a lane that is not there: undefined */
        x->out[1] = there;
    }
}
static void run_shfl_idx(void **lanes, unsigned mask)
{
    shuffle(lanes, mask, IDX);
}
static void run_shfl_up(void **lanes, unsigned mask)
{
    shuffle(lanes, mask, UP);
}
static void run_shfl_down(void **lanes, unsigned mask)
{
    shuffle(lanes, mask, DOWN);
}
static void run_shfl_bfly(void **lanes, unsigned mask)
{
    shuffle(lanes, mask, BFLY);
}

/* ---- vote, match */
static unsigned ballot(void **lanes, unsigned mask)
{
    unsigned all = 0;
    EACH_LANE(i, mask)
    all |= (unsigned)(lane_of(lanes, i)->in[0] != 0) << i;
    return all;
}
static void answer(void **lanes, unsigned mask, unsigned value)
{
    EACH_LANE(i, mask)
    lane_of(lanes, i)->out[0] = value;
}
static void run_vote_ballot(void **lanes, unsigned mask)
{
    answer(lanes, mask, ballot(lanes, mask));
}
static void run_vote_any(void **lanes, unsigned mask)
{
    answer(lanes, mask, ballot(lanes, mask) != 0);
}
static void run_vote_all(void **lanes, unsigned mask)
{
    answer(lanes, mask, ballot(lanes, mask) == mask);
}
static void match(void **lanes, unsigned mask, size_t words)
{
    EACH_LANE(i, mask)
    {
        struct sim_ptx_lane *x = lane_of(lanes, i);
        unsigned same = 0;
        EACH_LANE(j, mask)
        same |= (unsigned)!memcmp(x->in, lane_of(lanes, j)->in, 4 * words) << j;
        x->out[0] = same;
    }
}
static void run_match_b32(void **lanes, unsigned mask)
{
    match(lanes, mask, 1);
}
static void run_match_b64(void **lanes, unsigned mask)
{
    match(lanes, mask, 2);
}

/* ---- redux */
#define REDUX(name, T, result)                                                                                         \
    static void run_redux_##name(void **lanes, unsigned mask)                                                          \
    {                                                                                                                  \
        bool first = true;                                                                                             \
        T a = 0;                                                                                                       \
        EACH_LANE(i, mask)                                                                                             \
        {                                                                                                              \
            T b = (T)lane_of(lanes, i)->in[0];                                                                         \
            a = first ? b : (result);                                                                                  \
            first = false;                                                                                             \
        }                                                                                                              \
        answer(lanes, mask, (unsigned)a);                                                                              \
    }
REDUX(add, unsigned, a + b)
REDUX(min_u32, unsigned, a < b ? a : b)
REDUX(max_u32, unsigned, a > b ? a : b)
REDUX(min_s32, int, a < b ? a : b)
REDUX(max_s32, int, a > b ? a : b)
REDUX(and, unsigned, a &b)
REDUX(or, unsigned, a | b)
REDUX(xor, unsigned, a ^ b)

static void need_all(unsigned mask, const char *what)
{
    if (mask != ~0u) rt_fail(719, "%s in a warp of which only the lanes %08x are there", what, mask);
}

/* ---- ldmatrix: lane 8 i + j gives the address of row j of matrix i */
static void load_matrices(void **lanes, unsigned count, bool transposed)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned lane = 0; lane < 32; lane++) {
            uint16_t pair[2];
            for (unsigned h = 0; h < 2; h++) {
                unsigned row = lane / 4, column = lane % 4 * 2 + h;
                unsigned r = transposed ? column : row, c = transposed ? row : column;
                memcpy(&pair[h], lane_of(lanes, i * 8 + r)->row + 2 * c, 2);
            }
            lane_of(lanes, lane)->out[i] = pair[0] | (unsigned)pair[1] << 16;
        }
}
#define LDMATRIX(name, count, transposed)                                                                              \
    static void run_ldmatrix_##name(void **lanes, unsigned mask)                                                       \
    {                                                                                                                  \
        need_all(mask, "ldmatrix");                                                                                    \
        load_matrices(lanes, count, transposed);                                                                       \
    }
LDMATRIX(x1, 1, false)
LDMATRIX(x2, 2, false)
LDMATRIX(x4, 4, false)
LDMATRIX(x1_trans, 1, true)
LDMATRIX(x2_trans, 2, true)
LDMATRIX(x4_trans, 4, true)

/* ---- mma, 16 x 8 results: in[] holds A, then B, then C */
enum { ROWS = 16, COLUMNS = 8, MOST_K = 16 };
typedef enum { BF16, F16, TF32 } factor;

static float float_of(unsigned bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float of_f16(unsigned x)
{
    unsigned sign = (x & 0x8000) << 16, exponent = x >> 10 & 31, fraction = x & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
    float size = exponent ? float_of((exponent + 112) << 23 | fraction << 13) : (float)fraction * 0x1p-24f;
    return sign ? -size : size;
}

/* Number h of a register. */
static float part_of(unsigned word, unsigned h, factor type)
{
    if (type == TF32) return float_of(word & 0xffffe000u);
    unsigned half = word >> 16 * h & 0xffff;
    return type == BF16 ? float_of(half << 16) : of_f16(half);
}

static void multiply(void **lanes, unsigned k_count, factor type)
{
    float a[ROWS][MOST_K], b[MOST_K][COLUMNS], d[ROWS][COLUMNS];
    unsigned halves = type == TF32 ? 1 : 2,
             step = 4 * halves; /* step: columns of A that one register of all lanes covers */
    unsigned a_words = k_count / step * 2, b_words = k_count / step;
    for (unsigned lane = 0; lane < 32; lane++) {
        const unsigned *in = lane_of(lanes, lane)->in;
        unsigned g = lane / 4, t = lane % 4 * halves;
        for (unsigned h = 0; h < halves; h++) {
            for (unsigned q = 0; q < a_words; q++) a[g + q % 2 * 8][q / 2 * step + t + h] = part_of(in[q], h, type);
            for (unsigned q = 0; q < b_words; q++) b[q * step + t + h][g] = part_of(in[a_words + q], h, type);
        }
        for (unsigned q = 0; q < 4; q++) d[g + q / 2 * 8][lane % 4 * 2 + q % 2] = float_of(in[a_words + b_words + q]);
    }
    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < k_count; k++)
            for (unsigned j = 0; j < COLUMNS; j++) d[i][j] += a[i][k] * b[k][j];
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned q = 0; q < 4; q++)
            memcpy(&lane_of(lanes, lane)->out[q], &d[lane / 4 + q / 2 * 8][lane % 4 * 2 + q % 2], 4);
}
#define MMA(name, k_count, type)                                                                                       \
    static void run_mma_##name(void **lanes, unsigned mask)                                                            \
    {                                                                                                                  \
        need_all(mask, "mma");                                                                                         \
        multiply(lanes, k_count, type);                                                                                \
    }
MMA(16816_bf16, 16, BF16)
MMA(16816_f16, 16, F16)
MMA(1688_bf16, 8, BF16)
MMA(1688_f16, 8, F16)
MMA(1688_tf32, 8, TF32)
MMA(1684_tf32, 4, TF32)

const struct ptx_warp_operation ptx_warp_operations[SIM_PTX_OPERATION_COUNT] = {
    [SIM_PTX_SYNC] = {run_sync, "bar.warp.sync"},
    [SIM_PTX_SHFL_IDX] = {run_shfl_idx, "shfl.sync.idx"},
    [SIM_PTX_SHFL_UP] = {run_shfl_up, "shfl.sync.up"},
    [SIM_PTX_SHFL_DOWN] = {run_shfl_down, "shfl.sync.down"},
    [SIM_PTX_SHFL_BFLY] = {run_shfl_bfly, "shfl.sync.bfly"},
    [SIM_PTX_VOTE_BALLOT] = {run_vote_ballot, "vote.sync.ballot"},
    [SIM_PTX_VOTE_ANY] = {run_vote_any, "vote.sync.any"},
    [SIM_PTX_VOTE_ALL] = {run_vote_all, "vote.sync.all"},
    [SIM_PTX_MATCH_B32] = {run_match_b32, "match.any.sync.b32"},
    [SIM_PTX_MATCH_B64] = {run_match_b64, "match.any.sync.b64"},
    [SIM_PTX_REDUX_ADD] = {run_redux_add, "redux.sync.add"},
    [SIM_PTX_REDUX_MIN_U32] = {run_redux_min_u32, "redux.sync.min.u32"},
    [SIM_PTX_REDUX_MAX_U32] = {run_redux_max_u32, "redux.sync.max.u32"},
    [SIM_PTX_REDUX_MIN_S32] = {run_redux_min_s32, "redux.sync.min.s32"},
    [SIM_PTX_REDUX_MAX_S32] = {run_redux_max_s32, "redux.sync.max.s32"},
    [SIM_PTX_REDUX_AND] = {run_redux_and, "redux.sync.and"},
    [SIM_PTX_REDUX_OR] = {run_redux_or, "redux.sync.or"},
    [SIM_PTX_REDUX_XOR] = {run_redux_xor, "redux.sync.xor"},
    [SIM_PTX_LDMATRIX_X1] = {run_ldmatrix_x1, "ldmatrix.x1"},
    [SIM_PTX_LDMATRIX_X2] = {run_ldmatrix_x2, "ldmatrix.x2"},
    [SIM_PTX_LDMATRIX_X4] = {run_ldmatrix_x4, "ldmatrix.x4"},
    [SIM_PTX_LDMATRIX_X1_TRANS] = {run_ldmatrix_x1_trans, "ldmatrix.x1.trans"},
    [SIM_PTX_LDMATRIX_X2_TRANS] = {run_ldmatrix_x2_trans, "ldmatrix.x2.trans"},
    [SIM_PTX_LDMATRIX_X4_TRANS] = {run_ldmatrix_x4_trans, "ldmatrix.x4.trans"},
    [SIM_PTX_MMA_16816_BF16] = {run_mma_16816_bf16, "mma.m16n8k16.bf16"},
    [SIM_PTX_MMA_16816_F16] = {run_mma_16816_f16, "mma.m16n8k16.f16"},
    [SIM_PTX_MMA_1688_BF16] = {run_mma_1688_bf16, "mma.m16n8k8.bf16"},
    [SIM_PTX_MMA_1688_F16] = {run_mma_1688_f16, "mma.m16n8k8.f16"},
    [SIM_PTX_MMA_1688_TF32] = {run_mma_1688_tf32, "mma.m16n8k8.tf32"},
    [SIM_PTX_MMA_1684_TF32] = {run_mma_1684_tf32, "mma.m16n8k4.tf32"},
};
