/* SPDX-License-Identifier: MIT
 *
 * Running stretches of a program of tile bodies: operands are brought into tiles when a step first reads them, so a tile
 * serves several values one after the other. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/tile.h"
#include <string.h>

enum {
    STREAM_TILE = 512, /* elements of a stretch that is streamed: short, so that reading goes on while it drains */
    STREAM_AHEAD = 3,  /* stretches between the one that is computed then and what is asked for */
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

/* Asks for what is read soon, while this stretch of n elements is computed and stored. */
static void fetch_ahead(const tile_program *p, const tile_operand *o, const char *from, int64_t n)
{
    const char *soon = from + (p->stream ? STREAM_AHEAD : 1) * n * o->bytes;
    for (int64_t i = 0; i < n * o->bytes; i += 64) PREFETCH_L2(soon + i);
}

static char *slot_at(const tile_program *p, tile_memory *memory, int slot)
{
    return slot == TILE_NO_SLOT ? NULL : memory->at + slot * p->slot_bytes;
}

/* Where the result of step k is made: `at` elements from the start of its array, or in a tile or block. */
static void *made_at(const tile_program *p, int k, const tile_places *places, tile_memory *memory, int64_t at)
{
    const tile_step *s = &p->steps[k];
    if (s->direct) return places->out[k] + at * s->bytes;
    return s->parked ? memory->at + p->blocks_at + s->slot * BLOCK_BYTES : slot_at(p, memory, s->slot);
}

/* The operand's elements in the dtype that bodies read. */
static const void *load(const tile_program *p, int k, const char *data, tile_memory *memory, int64_t at, int64_t n)
{
    const tile_operand *o = &p->operands[k];
    if (o->per_row) return data + row_offset(p, o, at / p->row) * o->bytes;
    const char *from = adjacent(p, o, data, at, n);
    char *to = slot_at(p, memory, o->slot);
    if (!from) {
        char *raw = o->widened ? memory->at : to;
        gather(p, o, data, raw, at, n);
        from = raw;
    } else if (p->ahead) {
        fetch_ahead(p, o, from, n);
    }
    if (!o->widened) return from;
    to_float((float *)to, from, o->dtype, n);
    return to;
}

void KERNEL(tile_prepare)(const tile_program *p, const tile_places *places, tile_memory *memory)
{
    int64_t longest = p->in_place ? CHAIN_BLOCK : p->tile, n = p->total < longest ? p->total : longest;
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

/* ---- Chains */
/* Where element i of a value lies: at i & mask. */
static int64_t mask_of(const tile_program *p, int source)
{
    if (source >= TILE_OPERANDS) return p->steps[source - TILE_OPERANDS].parked ? 0 : -1;
    return p->operands[source].constant || p->operands[source].per_row ? 0 : -1;
}

/* The rest of a stretch that is no whole block: the bodies of a chain's steps. */
static void run_rest(const tile_program *p, int k, const void *const *values, int64_t begin, int64_t end)
{
    for (int j = k; j < k + p->steps[k].chained; j++) {
        const tile_step *s = &p->steps[j];
        const void *in[TILE_MAX_IN];
        float spread[CHAIN_BLOCK];
        for (int i = 0; i < s->nin; i++) {
            int source = s->in[i];
            in[i] = (const float *)values[source] + (begin & mask_of(p, source));
            if (source >= TILE_OPERANDS || !p->operands[source].per_row) continue;
            fill_4(spread, in[i], end - begin);
            in[i] = spread;
        }
        int to = TILE_OPERANDS + j;
        s->body((float *)values[to] + (begin & mask_of(p, to)), in, end - begin);
    }
}

static chain_link link_to(const tile_program *p, chain_fn run, const void *const *values, int source)
{
    return (chain_link){run, source < 0 ? NULL : (float *)values[source], source < 0 ? 0 : mask_of(p, source)};
}

/* Elements [begin, end) of the chain that begins with step k. */
static void run_links(const tile_program *p, int k, const void *const *values, int64_t begin, int64_t end)
{
    chain_link links[3 * TILE_STEPS + 1];
    int count = 0;
    for (int j = k; j < k + p->steps[k].chained; j++) {
        const tile_step *s = &p->steps[j];
        if (s->is_aside) continue;
        if (s->load) links[count++] = link_to(p, s->load, values, s->start);
        links[count++] = link_to(p, s->link, values, s->other);
        if (s->stored) links[count++] = link_to(p, KERNEL(chain_store), values, TILE_OPERANDS + j);
        if (s->aside == TILE_NO_SLOT) continue;
        links[count++] = link_to(p, p->steps[s->aside].link, values, p->steps[s->aside].other);
        links[count++] = link_to(p, NULL, values, TILE_OPERANDS + s->aside);
    }
    links[count] = (chain_link){.run = KERNEL(chain_end)};
    int64_t whole = end - (end - begin) % CHAIN_BLOCK;
    if (begin < whole) KERNEL(chain_run)(links, begin, whole);
    if (whole < end) run_rest(p, k, values, whole, end);
}

/* The same for n elements at `at`, with operands and results in tiles where they need them. */
static void run_chain(const tile_program *p, int k, const void **values, const tile_places *places, tile_memory *memory,
                      int64_t at, int64_t n)
{
    int end = k + p->steps[k].chained;
    for (int j = k; j < end; j++) {
        load_operands(p, j, values, places, memory, at, n);
        values[TILE_OPERANDS + j] = made_at(p, j, places, memory, at);
    }
    run_links(p, k, values, 0, n);
    for (int j = k; j < end && p->stream; j++) {
        const tile_step *s = &p->steps[j];
        if (!s->written) continue;
        KERNEL(stream_copy)(places->out[j] + at * s->bytes, values[TILE_OPERANDS + j], (size_t)(n * s->bytes));
    }
}

/* All of a program that reads and writes arrays alone. */
static void run_in_place(const tile_program *p, const tile_places *places, tile_memory *memory, int64_t begin,
                         int64_t end)
{
    const void *values[TILE_OPERANDS + TILE_STEPS];
    for (int k = 0; k < p->operand_count; k++) {
        const tile_operand *o = &p->operands[k];
        values[k] = o->constant ? slot_at(p, memory, o->slot) : places->operand[k];
    }
    for (int k = 0; k < p->step_count; k++) values[TILE_OPERANDS + k] = made_at(p, k, places, memory, 0);
    run_links(p, 0, values, begin, end);
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
    if (p->row >= TILE_ROWS_FROM || rest < p->row) return n < rest ? n : rest;
    return n < p->row ? n : n - n % p->row;
}

void KERNEL(tile_stretch)(const tile_program *p, const tile_places *places, tile_memory *memory, int64_t begin,
                          int64_t end)
{
    if (p->in_place) {
        run_in_place(p, places, memory, begin, end);
        return;
    }
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
