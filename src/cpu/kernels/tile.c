/* SPDX-License-Identifier: MIT
 *
 * The engine of all elementwise work.  A group is a short program of tile bodies.  For each stretch of the output,
 * operands that are not adjacent there (strided, broadcast) or not in the body's dtype (16-bit floats) are brought into
 * tiles that stay in the L1 cache; bodies then run one after the other on tiles, and what must be written out is.  A
 * lone contiguous op works on the arrays themselves.  So there is no strided, scalar or fused variant of any op, and
 * fused results equal unfused ones bit for bit: every step rounds to its dtype. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/walk.h"
#include <string.h>

enum {
    TILE = 1024,           /* elements */
    STREAM_TILE = 512,     /* ... of a stretch that is streamed: short, so that reading goes on while it drains */
    AHEAD_BYTES = 2048,    /* how far ahead of it operands are asked for */
    TILE_BYTES = TILE * 8, /* of the widest dtype */
    ROW_TILES_FROM = 256,  /* innermost dimensions this long are walked row by row */
    CHUNK = 32 * TILE,     /* elements of a thread's share */
    MAX_IN = 3,
    MAX_OPERANDS = 16, /* arrays that a group reads */
    MAX_STEPS = 16,
};
_Static_assert(MAX_OPERANDS + 2 * MAX_STEPS <= 64, "tiles of a thread fit on its stack");

/* One array that is read.  `stride` as in walk: dimensions merged over all operands of the group. */
typedef struct operand {
    const char *data;
    int64_t stride[MX_MAX_NDIM + 1];
    mx_dtype dtype;
    int8_t bytes;
    bool constant; /* one value for all: its tile is filled once */
} operand;

typedef struct step {
    tile_fn body; /* NULL: only a conversion of a 16-bit float */
    int8_t nin;
    int8_t in[MAX_IN];        /* operand number, or MAX_OPERANDS + number of an earlier step */
    mx_dtype body_in[MAX_IN]; /* what the body reads: float32 for 16-bit floats */
    mx_dtype body_out, dtype;
    char *out; /* NULL: later steps read it from its tile */
} step;

typedef struct program {
    int ndim, operand_count, step_count;
    int64_t shape[MX_MAX_NDIM + 1];
    int64_t total, row; /* elements; of the innermost dimension */
    bool flat;          /* every operand is adjacent or constant throughout */
    bool stream;        /* the results bypass the caches */
    bool ahead;         /* ... and operands are asked for ahead: worth its price if there are several */
    bool raw;           /* the body takes 16-bit floats as they are */
    operand operands[MAX_OPERANDS];
    step steps[MAX_STEPS];
} program;

typedef char tile[TILE_BYTES] ALIGNED(64);

static bool is_half(mx_dtype t)
{
    return t == MX_FLOAT16 || t == MX_BFLOAT16;
}
static mx_dtype compute_dtype(mx_dtype t)
{
    return is_half(t) ? MX_FLOAT32 : t;
}

/* ---- Building the program */
static int find_or_add_operand(program *p, const mx_array *x, mx_array **arrays)
{
    for (int i = 0; i < p->operand_count; i++) {
        if (arrays[i] == x) return i;
    }
    if (p->operand_count == MAX_OPERANDS) return -1;
    arrays[p->operand_count] = (mx_array *)x;
    p->operands[p->operand_count] = (operand){.data = array_data(x),
                                              .dtype = (mx_dtype)x->dtype,
                                              .bytes = (int8_t)mx_dtype_size((mx_dtype)x->dtype),
                                              .constant = x->size == 1};
    return p->operand_count++;
}

static int source_of(program *p, const mx_group *g, int upto, const mx_array *x, mx_array **arrays)
{
    for (int i = 0; i < upto; i++) {
        if (g->nodes[i] == x) return MAX_OPERANDS + i;
    }
    return find_or_add_operand(p, x, arrays);
}

/* Which body computes this node, and in which dtypes. */
static bool choose_body(program *p, const mx_group *g, const mx_array *node, step *s)
{
    const cpu_op *kernel = cpu_level_now()->ops[node->op->id];
    mx_dtype stored = (mx_dtype)node->in[node->nin - 1]->dtype, key = compute_dtype(stored);
    s->dtype = (mx_dtype)node->dtype;
    /* Ops that only move values have bodies for the halves; inside a longer group tiles are float32 anyway. */
    if (g->count == 1 && is_half(stored) && (s->body = kernel->tile[stored])) return p->raw = true;
    s->body_out = compute_dtype(s->dtype);
    for (int i = 0; i < node->nin; i++) s->body_in[i] = compute_dtype((mx_dtype)node->in[i]->dtype);
    s->body = kernel->cast ? kernel->cast[key][s->body_out] : kernel->tile[key];
    if (s->body || (kernel->cast && key == s->body_out)) return true;
    return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", node->op->name,
                         mx_dtype_name((mx_dtype)node->in[node->nin - 1]->dtype));
}

static bool add_steps(program *p, const mx_group *g, mx_array **arrays)
{
    if (g->count > MAX_STEPS)
        return mx_fail_false(MX_RUNTIME, "[eval] a group of %d steps; %d is the most.", g->count, MAX_STEPS);
    for (int k = 0; k < g->count; k++) {
        const mx_array *node = g->nodes[k];
        step *s = &p->steps[p->step_count++];
        *s = (step){.nin = (int8_t)node->nin};
        if (!choose_body(p, g, node, s)) return false;
        for (int i = 0; i < node->nin; i++) {
            int source = source_of(p, g, k, node->in[i], arrays);
            if (source < 0) return mx_fail_false(MX_RUNTIME, "[eval] a group reads more than %d arrays.", MAX_OPERANDS);
            s->in[i] = (int8_t)source;
        }
    }
    return true;
}

/* Merges dimensions that all operands lay out alike; as walk_merge, for any number of operands. */
static void merge_dimensions(program *p, mx_shape shape, mx_array *const *arrays)
{
    int64_t strides[MAX_OPERANDS][MX_MAX_NDIM];
    p->flat = true;
    for (int k = 0; k < p->operand_count; k++) {
        walk_strides(arrays[k], shape, strides[k]);
        p->flat &= p->operands[k].constant || (arrays[k]->size == p->total && array_is_contiguous(arrays[k]));
    }
    p->ndim = 1;
    p->shape[0] = p->flat ? p->total : 1;
    if (p->flat) {
        for (int k = 0; k < p->operand_count; k++) p->operands[k].stride[0] = !p->operands[k].constant;
    }
    bool first = true;
    for (int i = 0; i < shape.ndim && !p->flat; i++) {
        if (shape.at[i] == 1) continue;
        int last = p->ndim - 1;
        bool merges = !first;
        for (int k = 0; k < p->operand_count && merges; k++) {
            merges = p->operands[k].stride[last] == strides[k][i] * shape.at[i];
        }
        if (!first && !merges) last = p->ndim++;
        p->shape[last] = merges ? p->shape[last] * shape.at[i] : shape.at[i];
        for (int k = 0; k < p->operand_count; k++) p->operands[k].stride[last] = strides[k][i];
        first = false;
    }
    p->row = p->shape[p->ndim - 1];
}

/* ---- Running a stretch */
static void to_float(float *to, const void *from, mx_dtype dtype, int64_t n)
{
    if (dtype == MX_FLOAT16) {
        f16_to_f32_tile(to, from, n);
    } else {
        bf16_to_f32_tile(to, from, n);
    }
}

static void from_float(void *to, const float *from, mx_dtype dtype, int64_t n)
{
    if (dtype == MX_FLOAT16) {
        f32_to_f16_tile(to, from, n);
    } else {
        f32_to_bf16_tile(to, from, n);
    }
}

static void gather_1(void *to, const void *from, int64_t stride, int64_t n)
{
    uint8_t *y = to;
    const uint8_t *x = from;
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
}
static void gather_2(void *to, const void *from, int64_t stride, int64_t n)
{
    uint16_t *y = to;
    const uint16_t *x = from;
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
}
static void gather_4(void *to, const void *from, int64_t stride, int64_t n)
{
    uint32_t *y = to;
    const uint32_t *x = from;
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
}
static void gather_8(void *to, const void *from, int64_t stride, int64_t n)
{
    uint64_t *y = to;
    const uint64_t *x = from;
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
}

static void gather_row(void *to, const char *from, int64_t stride, int64_t n, int bytes)
{
    static void (*const by_size[])(void *, const void *, int64_t,
                                   int64_t) = {[1] = gather_1, [2] = gather_2, [4] = gather_4, [8] = gather_8};
    if (stride == 1) {
        memcpy(to, from, (size_t)(n * bytes));
    } else {
        by_size[bytes](to, from, stride, n);
    }
}

/* Elements [at, at + n) of the walk, across rows where they end. */
static void gather(const program *p, const operand *o, char *to, int64_t at, int64_t n)
{
    int64_t stride = o->stride[p->ndim - 1];
    while (n > 0) {
        int64_t row = at / p->row, column = at % p->row, m = p->row - column < n ? p->row - column : n;
        int64_t offset = column * stride;
        for (int i = p->ndim - 2; i >= 0; i--) {
            offset += row % p->shape[i] * o->stride[i];
            row /= p->shape[i];
        }
        gather_row(to, o->data + offset * o->bytes, stride, m, o->bytes);
        to += m * o->bytes;
        at += m;
        n -= m;
    }
}

/* Where the operand's elements [at, at + n) lie next to each other already; NULL: nowhere. */
static const char *adjacent(const program *p, const operand *o, int64_t at, int64_t n)
{
    if (o->stride[p->ndim - 1] != 1) return NULL;
    if (p->ndim == 1) return o->data + at * o->bytes;
    int64_t row = at / p->row, column = at % p->row, offset = column;
    if (column + n > p->row) return NULL;
    for (int i = p->ndim - 2; i >= 0; i--) {
        offset += row % p->shape[i] * o->stride[i];
        row /= p->shape[i];
    }
    return o->data + offset * o->bytes;
}

/* Asks for what is read soon: the next stretches, while this one is computed and stored. */
static void fetch_ahead(const operand *o, const void *from, int64_t n)
{
    for (int64_t i = 0; i < n * o->bytes; i += 64) PREFETCH_L2((const char *)from + AHEAD_BYTES + i);
}

/* The operand's elements in the dtype that bodies read; `spare` is a tile for the gathered 16-bit floats. */
static const void *load(const program *p, const operand *o, tile *to, tile *spare, int64_t at, int64_t n)
{
    const char *from = adjacent(p, o, at, n);
    bool half = is_half(o->dtype) && !p->raw;
    if (!from) {
        gather(p, o, half ? *spare : *to, at, n);
        from = half ? *spare : *to;
    } else if (p->ahead) {
        fetch_ahead(o, from, n);
    }
    if (!half) return from;
    to_float((float *)*to, from, o->dtype, n);
    return *to;
}

typedef struct tiles {
    tile operand[MAX_OPERANDS];
    tile step[MAX_STEPS];
    tile spare;
} tiles;

static const void *constant(const program *p, const operand *o, tiles *t, int k)
{
    int64_t n = p->total < TILE ? p->total : TILE;
    if (!is_half(o->dtype) || p->raw) {
        gather_row(t->operand[k], o->data, 0, n, o->bytes);
    } else {
        gather_row(t->spare, o->data, 0, n, o->bytes);
        to_float((float *)t->operand[k], (const char *)t->spare, o->dtype, n);
    }
    return t->operand[k];
}

/* One step over n elements at `at`; returns where its result can be read in the dtype that bodies read. */
static const void *run_step(const program *p, const step *s, int k, const void *const *values, tiles *t, int64_t at,
                            int64_t n)
{
    const void *in[MAX_IN];
    for (int i = 0; i < s->nin; i++) in[i] = values[s->in[i]];
    int64_t bytes = (int64_t)mx_dtype_size(s->dtype);
    char *out = s->out ? s->out + at * bytes : NULL;
    bool half = is_half(s->dtype) && !p->raw;
    bool direct = out && !half && !p->stream && s->body;
    const void *result = s->body ? (direct ? (void *)out : (void *)t->step[k]) : in[0];
    if (s->body) s->body((void *)result, in, n);
    if (half) {
        /* Round, and give later steps what was rounded. */
        void *rounded = out && !p->stream ? (void *)out : (void *)t->spare;
        from_float(rounded, result, s->dtype, n);
        if (out && p->stream) KERNEL(stream_copy)(out, rounded, (size_t)(n * bytes));
        if (k + 1 < p->step_count) to_float((float *)t->step[k], rounded, s->dtype, n);
        return t->step[k];
    }
    if (out && !direct) {
        if (p->stream) {
            KERNEL(stream_copy)(out, result, (size_t)(n * bytes));
        } else {
            memcpy(out, result, (size_t)(n * bytes));
        }
    }
    return result;
}

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const program *p = ctx;
    tiles t;
    const void *values[MAX_OPERANDS + MAX_STEPS];
    for (int k = 0; k < p->operand_count; k++) {
        if (p->operands[k].constant) values[k] = constant(p, &p->operands[k], &t, k);
    }
    int64_t longest = p->ahead ? STREAM_TILE : TILE;
    for (int64_t at = begin, n; at < end; at += n) {
        n = end - at < longest ? end - at : longest;
        if (p->row >= ROW_TILES_FROM && p->ndim > 1) {
            int64_t rest = p->row - at % p->row;
            n = n < rest ? n : rest;
        }
        for (int k = 0; k < p->operand_count; k++) {
            if (!p->operands[k].constant) values[k] = load(p, &p->operands[k], &t.operand[k], &t.spare, at, n);
        }
        for (int k = 0; k < p->step_count; k++)
            values[MAX_OPERANDS + k] = run_step(p, &p->steps[k], k, values, &t, at, n);
    }
    if (p->stream) KERNEL(stream_end)();
}

/* One step, all in place: bodies take the arrays themselves, in shares of a thread. */
static void run_plain(void *ctx, int64_t begin, int64_t end)
{
    const program *p = ctx;
    const step *s = &p->steps[0];
    const void *in[MAX_IN];
    for (int i = 0; i < s->nin; i++) {
        const operand *o = &p->operands[s->in[i]];
        in[i] = o->data + begin * o->bytes;
    }
    s->body(s->out + begin * (int64_t)mx_dtype_size(s->dtype), in, end - begin);
}

static bool is_plain(const program *p)
{
    bool plain =
        p->flat && p->step_count == 1 && !p->stream && p->steps[0].body && (!is_half(p->steps[0].dtype) || p->raw);
    for (int k = 0; k < p->operand_count; k++) {
        plain &= (!p->operands[k].constant || p->total == 1) && (!is_half(p->operands[k].dtype) || p->raw);
    }
    return plain;
}

/* ---- Outputs */
/* An operand whose elements are read exactly where the result is written, and that nobody else needs. */
static mx_array *donor(const mx_group *g, const mx_array *out, bool may_donate)
{
    cpu_call c = {.may_donate = may_donate};
    if (g->count > 1) return NULL;
    for (int i = 0; i < out->nin; i++) {
        mx_array *x = out->in[i];
        int32_t uses = 0;
        for (int j = 0; j < out->nin; j++) uses += out->in[j] == x;
        if (uses == 1 && x->ndim == out->ndim && cpu_can_donate(&c, x, out)) return x;
    }
    return NULL;
}

static bool allocate(program *p, const mx_group *g, bool may_donate)
{
    for (int k = 0; k < g->count; k++) {
        mx_array *out = g->nodes[k];
        if (k + 1 < g->count && !(g->written >> k & 1)) continue;
        mx_array *from = donor(g, out, may_donate);
        mx_buffer *b = from ? buffer_keep(from->buffer) : buffer_new(mx_nbytes(out));
        if (!b) return false;
        array_set_row_major(out);
        array_set_buffer_take(out, b, from ? from->offset : 0);
        p->steps[k].out = array_data(out);
        if (!from && cpu_beyond_caches(mx_nbytes(out))) p->stream = true;
    }
    return true;
}

bool KERNEL(run_tiles)(const mx_group *g, bool may_donate)
{
    program p;
    mx_array *arrays[MAX_OPERANDS];
    mx_array *last = g->nodes[g->count - 1];
    p.operand_count = p.step_count = 0;
    p.total = last->size;
    p.stream = p.raw = false;
    if (!add_steps(&p, g, arrays) || !allocate(&p, g, may_donate)) return false;
    if (p.total == 0) return true;
    p.ahead = p.stream && p.operand_count > 1;
    merge_dimensions(&p, array_shape(last), arrays);
    cpu_split(p.total, CHUNK, is_plain(&p) ? run_plain : run_range, &p);
    return true;
}
