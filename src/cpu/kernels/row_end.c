/* SPDX-License-Identifier: MIT
 *
 * A reduction at the end of a group that goes over rows (the gradient of a bias), or along rows that are longer than a
 * chunk (the sum of everything): the chunks are those of the op alone (cpu/kernels/reduce.c), and what is folded is made
 * chunk by chunk. */
#include "cpu/kernels/row_program.h"

typedef struct end_job {
    row_program *p;
    int64_t chunk, chunks;
    char *partials;
    char *out;
    int64_t bytes; /* of a folded element */
} end_job;

/* Rows of a chunk into one row of partial results. */
static void fold_columns(void *ctx, int64_t i)
{
    const end_job *j = ctx;
    row_program *p = j->p;
    char stack[ROW_ARENA] ALIGNED(64), *arena = KERNEL(row_arena_take)(p, stack);
    double local[2 * COLUMN_BLOCK];
    int64_t row = i * j->chunk, end = row + j->chunk < p->rows ? row + j->chunk : p->rows;
    KERNEL(row_blocks)(p, arena, row, end);
    const char *from = row_place(p, p->folded, arena, row) + row * p->n * j->bytes;
    for (int64_t first = 0; first < p->n; first += COLUMN_BLOCK) {
        int64_t columns = p->n - first < COLUMN_BLOCK ? p->n - first : COLUMN_BLOCK;
        char *partial = j->chunks == 1 ? (char *)local : j->partials + (i * p->n + first) * p->fold->partial_bytes;
        p->fold->fold_rows(partial, from + first * j->bytes, end - row, p->n, columns);
        if (j->chunks == 1) p->fold->finish(j->out + first * j->bytes, partial, 1, 0, columns);
    }
    KERNEL(row_arena_give)(p, arena);
}

/* Part of a row into one partial result; the only stage is elementwise. */
static void fold_along(void *ctx, int64_t i)
{
    const end_job *j = ctx;
    row_program *p = j->p;
    const row_stage *s = &p->stages[0];
    char stack[ROW_ARENA] ALIGNED(64), *arena = KERNEL(row_arena_take)(p, stack);
    int64_t row = i / j->chunks, in_row = i % j->chunks * j->chunk;
    int64_t at = row * p->n + in_row, count = p->n - in_row < j->chunk ? p->n - in_row : j->chunk;
    tile_memory *memory = (tile_memory *)(void *)(arena + s->memory);
    tile_places places;
    KERNEL(tile_places_of)(&s->program, &places);
    KERNEL(tile_prepare)(&s->program, &places, memory);
    const row_value *v = &p->values[p->folded];
    char *from =
        v->block == ROW_NOWHERE ? (char *)array_data(p->g->nodes[p->folded]) + at * j->bytes : arena + v->block;
    for (int k = 0; k < s->program.step_count; k++) {
        int node = s->outs[k];
        if (node == p->folded)
            places.out[k] = (char *)((uintptr_t)from - (uintptr_t)(at * j->bytes));
        else if (p->values[node].stored)
            places.out[k] = array_data(p->g->nodes[node]);
    }
    KERNEL(tile_stretch)(&s->program, &places, memory, at, at + count);
    p->fold->fold_chunk(j->partials + i * p->fold->partial_bytes, from, count);
    KERNEL(row_arena_give)(p, arena);
}

bool KERNEL(row_run_end)(row_program *p)
{
    const mx_array *out = p->g->nodes[p->g->count - 1];
    int64_t chunk = p->columns ? reduce_column_rows(p->n) : REDUCE_CHUNK, length = p->columns ? p->rows : p->n;
    end_job j = {.p = p,
                 .chunk = chunk,
                 .chunks = (length + chunk - 1) / chunk,
                 .out = array_data(out),
                 .bytes = (int64_t)mx_dtype_size((mx_dtype)p->g->nodes[p->folded]->dtype)};
    int64_t results = p->columns ? p->n : p->rows;
    size_t capacity;
    if (!KERNEL(row_arenas_begin)(p)) return false;
    j.partials = block_alloc((size_t)(results * j.chunks * p->fold->partial_bytes), &capacity);
    if (j.partials) {
        cpu_parallel(p->columns ? j.chunks : p->rows * j.chunks, p->columns ? fold_columns : fold_along, &j);
        if (p->columns && j.chunks > 1) p->fold->finish(j.out, j.partials, j.chunks, p->n, p->n);
        for (int64_t row = 0; row < p->rows && !p->columns; row++)
            p->fold->finish(j.out + row * (int64_t)mx_dtype_size((mx_dtype)out->dtype),
                            j.partials + row * j.chunks * p->fold->partial_bytes, j.chunks, 1, 1);
        block_free(j.partials, capacity);
    }
    KERNEL(row_arenas_end)(p);
    return j.partials != NULL;
}
