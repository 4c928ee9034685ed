/* SPDX-License-Identifier: MIT
 *
 * Running the stages of a group over blocks of rows.  A block is small enough for what one stage makes to be in the cache
 * when the next one reads it; threads take fixed numbers of rows, so no bit depends on them. */
#include "cpu/kernels/row_program.h"

enum { CHUNK_ELEMENTS = 32 << 10 }; /* of a thread's share */

/* ---- Arenas */
bool KERNEL(row_arenas_begin)(row_program *p)
{
    p->arenas = NULL;
    p->arena_count = 0;
    if (p->arena_bytes <= ROW_ARENA) return true;
    p->arena_count = cpu_thread_count() < ROW_ARENAS ? cpu_thread_count() : ROW_ARENAS;
    p->arena_bytes = (p->arena_bytes + 63) / 64 * 64;
    for (int i = 0; i < p->arena_count; i++) atomic_init(&p->taken[i], false);
    p->arenas = block_alloc((size_t)(p->arena_count * p->arena_bytes), &p->arenas_capacity);
    return p->arenas != NULL;
}

void KERNEL(row_arenas_end)(row_program *p)
{
    if (p->arenas) block_free(p->arenas, p->arenas_capacity);
}

char *KERNEL(row_arena_take)(row_program *p, char *stack)
{
    if (!p->arenas) return stack;
    for (int i = 0;; i = (i + 1) % p->arena_count) {
        if (!atomic_exchange(&p->taken[i], true)) return p->arenas + i * p->arena_bytes;
        CPU_PAUSE();
    }
}

void KERNEL(row_arena_give)(row_program *p, const char *arena)
{
    if (p->arenas) atomic_store(&p->taken[(arena - p->arenas) / p->arena_bytes], false);
}

/* ---- Stages */
static void place_map(const row_program *p, const row_stage *s, char *arena, tile_places *places, int64_t row,
                      int64_t first)
{
    for (int i = 0; i < s->program.operand_count; i++) {
        int k = s->sources[i];
        bool chunk = k >= 0 && p->fold && p->values[k].root == p->folded;
        if (k >= 0) places->operand[i] = row_place(p, k, arena, chunk ? first : row);
    }
    for (int i = 0; i < s->program.step_count; i++) {
        int k = s->outs[i];
        if (p->values[k].stored) places->out[i] = row_place(p, k, arena, p->fold && k == p->folded ? first : row);
    }
}

/* Rows [row, row + rows) of the block that begins with row `base`. */
static void run_body(const row_program *p, const row_stage *s, char *arena, int64_t base, int64_t row, int64_t rows,
                     int64_t first)
{
    const void *in[ROW_INPUTS];
    int k = s->index;
    int64_t out_bytes = p->values[k].width * (int64_t)mx_dtype_size((mx_dtype)s->node->dtype);
    for (int i = 0; i < s->nin; i++) {
        const row_input *x = &s->in[i];
        bool chunk = x->value >= 0 && p->fold && x->value == p->folded;
        const char *data = x->value >= 0 ? row_place(p, x->value, arena, chunk ? first : base) : x->data;
        in[i] = data + row * x->row_bytes;
    }
    char *out = row_place(p, k, arena, p->fold && k == p->folded ? first : base) + row * out_bytes;
    s->body(array_params(s->node), out, in, rows, p->n);
    if (s->streams) KERNEL(stream_copy)((char *)array_data(s->node) + row * out_bytes, out, (size_t)(rows * out_bytes));
}

/* Row by row, so that what the next block reads comes from memory meanwhile. */
static void run_fetching(const row_program *p, const row_stage *s, char *arena, int64_t row, int64_t rows,
                         int64_t first)
{
    for (int64_t r = row; r < row + rows; r++) {
        run_body(p, s, arena, row, r, 1, first);
        for (int i = 0; i < p->fetched_count; i++) {
            const char *next = p->fetched[i] + (r + rows) * p->fetched_bytes[i];
            for (int64_t at = 0; at < p->fetched_bytes[i]; at += 64) PREFETCH_L2(next + at);
        }
    }
}

void KERNEL(row_blocks)(const row_program *p, char *arena, int64_t begin, int64_t end)
{
    tile_places places[ROW_STAGES];
    bool streams = false;
    for (int i = 0; i < p->stage_count; i++) {
        const row_stage *s = &p->stages[i];
        streams |= s->body ? s->streams : s->program.stream;
        if (s->body) continue;
        KERNEL(tile_places_of)(&s->program, &places[i]);
        KERNEL(tile_prepare)(&s->program, &places[i], (tile_memory *)(void *)(arena + s->memory));
    }
    for (int64_t row = begin; row < end; row += p->block_rows) {
        int64_t rows = end - row < p->block_rows ? end - row : p->block_rows;
        for (int i = 0; i < p->stage_count; i++) {
            const row_stage *s = &p->stages[i];
            if (s->body) {
                if (i == p->fetching && p->fetched_count)
                    run_fetching(p, s, arena, row, rows, begin);
                else
                    run_body(p, s, arena, row, row, rows, begin);
                continue;
            }
            place_map(p, s, arena, &places[i], row, begin);
            KERNEL(tile_stretch)
            (&s->program, &places[i], (tile_memory *)(void *)(arena + s->memory), row * s->width,
             (row + rows) * s->width);
        }
    }
    if (streams) KERNEL(stream_end)();
}

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    row_program *p = ctx;
    char stack[ROW_ARENA] ALIGNED(64), *arena = KERNEL(row_arena_take)(p, stack);
    KERNEL(row_blocks)(p, arena, begin, end);
    KERNEL(row_arena_give)(p, arena);
}

bool KERNEL(row_run)(row_program *p)
{
    if (!KERNEL(row_arenas_begin)(p)) return false;
    int64_t blocks = CHUNK_ELEMENTS / (p->block_rows * p->n);
    int64_t most = p->rows / (16 * p->block_rows); /* sixteen shares, which few threads can divide evenly */
    blocks = blocks < most ? blocks : most;
    cpu_split(p->rows, p->block_rows * (blocks > 1 ? blocks : 1), run_range, p);
    KERNEL(row_arenas_end)(p);
    return true;
}
