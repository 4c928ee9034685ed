/* SPDX-License-Identifier: MIT
 *
 * Running stretches of a program of tile bodies: operands are brought into tiles when a step first reads them, so a tile
 * serves several values one after the other. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/tile.h"
#include <string.h>

enum {
    STREAM_TILE = 512,    /* elements of a stretch that is streamed: short, so that reading goes on while it drains */
    ROW_TILES_FROM = 256, /* innermost dimensions this long are walked row by row */
};

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

/* ---- Operands */
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

static void fill_1(void *to, const void *from, int64_t n)
{
    memset(to, *(const uint8_t *)from, (size_t)n);
}
static void fill_2(void *to, const void *from, int64_t n)
{
    uint16_t *y = to, x = *(const uint16_t *)from;
    for (int64_t i = 0; i < n; i++) y[i] = x;
}
static void fill_4(void *to, const void *from, int64_t n)
{
    uint32_t *y = to, x = *(const uint32_t *)from;
    for (int64_t i = 0; i < n; i++) y[i] = x;
}
static void fill_8(void *to, const void *from, int64_t n)
{
    uint64_t *y = to, x = *(const uint64_t *)from;
    for (int64_t i = 0; i < n; i++) y[i] = x;
}

static void gather_row(void *to, const char *from, int64_t stride, int64_t n, int bytes)
{
    static void (*const by_size[])(void *, const void *, int64_t,
                                   int64_t) = {[1] = gather_1, [2] = gather_2, [4] = gather_4, [8] = gather_8};
    static void (*const fill_by_size[])(void *, const void *,
                                        int64_t) = {[1] = fill_1, [2] = fill_2, [4] = fill_4, [8] = fill_8};
    if (stride == 1) {
        memcpy(to, from, (size_t)(n * bytes));
    } else if (stride == 0) {
        fill_by_size[bytes](to, from, n);
    } else {
        by_size[bytes](to, from, stride, n);
    }
}

static int64_t row_offset(const tile_program *p, const tile_operand *o, int64_t row)
{
    int64_t offset = 0;
    for (int i = p->ndim - 2; i >= 0; i--) {
        offset += row % p->shape[i] * o->stride[i];
        row /= p->shape[i];
    }
    return offset;
}

/* Elements [at, at + n) of the walk, across rows where they end. */
static void gather(const tile_program *p, const tile_operand *o, const char *data, char *to, int64_t at, int64_t n)
{
    int64_t stride = o->stride[p->ndim - 1];
    if (p->ndim == 2 && stride > 1 && n > p->row && at % p->row == 0 && n % p->row == 0) {
        /* Whole rows, whose elements lie in columns: a transposition. */
        mx_shape rows = {2, (int64_t[]){n / p->row, p->row}};
        KERNEL(copy_strided)(to, data + at / p->row * o->stride[0] * o->bytes, rows, o->stride, (size_t)o->bytes);
        return;
    }
    while (n > 0) {
        int64_t column = at % p->row, m = p->row - column < n ? p->row - column : n;
        int64_t offset = column * stride + row_offset(p, o, at / p->row);
        gather_row(to, data + offset * o->bytes, stride, m, o->bytes);
        to += m * o->bytes;
        at += m;
        n -= m;
    }
}

/* Where the operand's elements [at, at + n) lie next to each other already; NULL: nowhere. */
static const char *adjacent(const tile_program *p, const tile_operand *o, const char *data, int64_t at, int64_t n)
{
    if (o->flat) return data + at * o->bytes;
    if (o->stride[p->ndim - 1] != 1) return NULL;
    if (p->ndim == 1) return data + at * o->bytes;
    int64_t column = at % p->row;
    if (column + n > p->row) return NULL;
    return data + (column + row_offset(p, o, at / p->row)) * o->bytes;
}

/* Asks for what is read soon: the next stretch, while this one is computed and stored. */
static void fetch_ahead(const tile_operand *o, const void *from, int64_t n)
{
    for (int64_t i = 0; i < n * o->bytes; i += 64) PREFETCH_L2((const char *)from + n * o->bytes + i);
}

static char *slot_at(const tile_program *p, tile_memory *memory, int slot)
{
    return slot == TILE_NO_SLOT ? NULL : memory->at + slot * p->slot_bytes;
}

/* The operand's elements in the dtype that bodies read. */
static const void *load(const tile_program *p, int k, const char *data, tile_memory *memory, int64_t at, int64_t n)
{
    const tile_operand *o = &p->operands[k];
    const char *from = adjacent(p, o, data, at, n);
    char *to = slot_at(p, memory, o->slot);
    if (!from) {
        char *raw = o->widened ? memory->at : to;
        gather(p, o, data, raw, at, n);
        from = raw;
    } else if (p->ahead) {
        fetch_ahead(o, from, n);
    }
    if (!o->widened) return from;
    to_float((float *)to, from, o->dtype, n);
    return to;
}

void KERNEL(tile_prepare)(const tile_program *p, const tile_places *places, tile_memory *memory)
{
    int64_t n = p->total < p->tile ? p->total : p->tile;
    for (int k = 0; k < p->operand_count; k++) {
        const tile_operand *o = &p->operands[k];
        if (!o->constant) continue;
        char *to = slot_at(p, memory, o->slot);
        gather_row(o->widened ? memory->at : to, places->operand[k], 0, n, o->bytes);
        if (o->widened) to_float((float *)to, memory->at, o->dtype, n);
    }
}

/* ---- Steps */
/* One step over n elements at `at`; returns where its result can be read in the dtype that bodies read. */
static const void *run_step(const tile_program *p, const tile_step *s, char *out, const void *const *in,
                            tile_memory *memory, int64_t n)
{
    size_t bytes = (size_t)(n * s->bytes);
    char *tile = slot_at(p, memory, s->slot);
    const void *result = s->body ? (s->direct ? out : tile) : in[0];
    if (s->body) s->body((void *)result, in, n);
    if (s->rounded) {
        /* Round, and give later steps what was rounded. */
        void *rounded = out && !p->stream ? (void *)out : (void *)memory->at;
        from_float(rounded, result, s->dtype, n);
        if (out && p->stream) KERNEL(stream_copy)(out, rounded, bytes);
        if (s->read) to_float((float *)tile, rounded, s->dtype, n);
        return tile;
    }
    if (out && p->stream) {
        KERNEL(stream_copy)(out, result, bytes);
    } else if (out && !s->direct) {
        memcpy(out, result, bytes);
    }
    if (s->body || !s->read || result == tile) return result;
    memcpy(tile, result, bytes); /* the place it was read from may be taken by a later step */
    return tile;
}

/* Brings what step k is the first to read to where it reads it. */
static void load_operands(const tile_program *p, int k, const void **values, const tile_places *places,
                          tile_memory *memory, int64_t at, int64_t n)
{
    const tile_step *s = &p->steps[k];
    for (int i = 0; i < s->nin && s->first; i++) {
        int source = s->in[i];
        if (!(s->first >> i & 1)) continue;
        values[source] = p->operands[source].constant ? slot_at(p, memory, p->operands[source].slot)
                                                      : load(p, source, places->operand[source], memory, at, n);
    }
}

/* The rest of a stretch that is no whole block: the bodies of a chain's steps, from element `done` on. */
static void run_rest(const tile_program *p, int k, const void *const *values, int64_t done, int64_t n)
{
    for (int j = k; j < k + p->steps[k].chained; j++) {
        const tile_step *s = &p->steps[j];
        const void *in[TILE_MAX_IN];
        for (int i = 0; i < s->nin; i++) in[i] = (const float *)values[s->in[i]] + done;
        s->body((float *)values[TILE_OPERANDS + j] + done, in, n - done);
    }
}

/* The chain that begins with step k. */
static void run_chain(const tile_program *p, int k, const void **values, const tile_places *places, tile_memory *memory,
                      int64_t at, int64_t n)
{
    chain_link links[2 * TILE_STEPS + 2];
    int count = 0, end = k + p->steps[k].chained;
    for (int j = k; j < end; j++) {
        const tile_step *s = &p->steps[j];
        load_operands(p, j, values, places, memory, at, n);
        void *to = s->direct ? places->out[j] + at * s->bytes : slot_at(p, memory, s->slot);
        values[TILE_OPERANDS + j] = to;
        if (j == k) links[count++] = (chain_link){s->load, (float *)values[s->start]};
        links[count++] = (chain_link){s->link, s->other < 0 ? NULL : (float *)values[s->other]};
        if (s->stored) links[count++] = (chain_link){KERNEL(chain_store), to};
    }
    links[count] = (chain_link){KERNEL(chain_end), NULL};
    int64_t whole = n - n % CHAIN_BLOCK;
    if (whole) KERNEL(chain_run)(links, whole);
    if (whole < n) run_rest(p, k, values, whole, n);
    for (int j = k; j < end && p->stream; j++) {
        const tile_step *s = &p->steps[j];
        if (!s->written) continue;
        KERNEL(stream_copy)(places->out[j] + at * s->bytes, values[TILE_OPERANDS + j], (size_t)(n * s->bytes));
    }
}

static void run_tile(const tile_program *p, const tile_places *places, tile_memory *memory, int64_t at, int64_t n)
{
    const void *values[TILE_OPERANDS + TILE_STEPS], *in[TILE_MAX_IN];
    for (int k = 0; k < p->step_count; k++) {
        const tile_step *s = &p->steps[k];
        if (s->chained) {
            run_chain(p, k, values, places, memory, at, n);
            k += s->chained - 1;
            continue;
        }
        load_operands(p, k, values, places, memory, at, n);
        for (int i = 0; i < s->nin; i++) in[i] = values[s->in[i]];
        char *out = s->written ? places->out[k] + at * s->bytes : NULL;
        values[TILE_OPERANDS + k] = run_step(p, s, out, in, memory, n);
    }
}

/* How many of the n elements at `at` to take where operands lie in rows: up to the end of a row, or rows. */
static int64_t whole_rows(const tile_program *p, int64_t at, int64_t n)
{
    int64_t rest = p->row - at % p->row;
    if (p->row >= ROW_TILES_FROM || rest < p->row) return n < rest ? n : rest;
    return n < p->row ? n : n - n % p->row;
}

void KERNEL(tile_stretch)(const tile_program *p, const tile_places *places, tile_memory *memory, int64_t begin,
                          int64_t end)
{
    int64_t longest = p->stream && p->ahead && p->tile > STREAM_TILE ? STREAM_TILE : p->tile;
    for (int64_t at = begin, n; at < end; at += n) {
        n = end - at < longest ? end - at : longest;
        if (p->ndim > 1) n = whole_rows(p, at, n);
        run_tile(p, places, memory, at, n);
    }
}

void KERNEL(tile_places_of)(const tile_program *p, tile_places *places)
{
    for (int k = 0; k < p->operand_count; k++) places->operand[k] = p->operands[k].data;
    for (int k = 0; k < p->step_count; k++) places->out[k] = p->steps[k].out;
}
