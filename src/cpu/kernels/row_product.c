/* SPDX-License-Identifier: MIT
 *
 * A matrix product and what follows it element by element.  Large results that are not kept go through the stage area by
 * area, while they are in the cache.  Smaller ones are in the L2 cache still when all is multiplied, and what is written
 * anyway gains nothing: to go through the stage between two areas takes the cache away from the product's panels. */
#include "cpu/kernels/row_program.h"

enum { AREAS_FROM = 2 << 20 }; /* bytes of results */

typedef struct area_job {
    const row_program *p;
    int64_t m, n; /* of one product */
    tile_places places;
} area_job;

static void finish_area(void *ctx, const cpu_area *area)
{
    const area_job *j = ctx;
    const tile_program *t = &j->p->stages[0].program;
    tile_memory memory;
    int64_t at = (area->product * j->m + area->row) * j->n + area->col;
    KERNEL(tile_prepare)(t, &j->places, &memory);
    if (area->cols == j->n) {
        KERNEL(tile_stretch)(t, &j->places, &memory, at, at + area->rows * j->n);
    } else {
        for (int64_t row = 0; row < area->rows; row++, at += j->n)
            KERNEL(tile_stretch)(t, &j->places, &memory, at, at + area->cols);
    }
    if (t->stream) KERNEL(stream_end)();
}

static bool multiply(row_program *p, void (*epilogue)(void *ctx, const cpu_area *area), void *ctx)
{
    mx_array *node = p->g->nodes[p->product];
    cpu_call c = {.op = node->op,
                  .params = array_params(node),
                  .in = node->in,
                  .nin = node->nin,
                  .out = node,
                  .nout = node->nout};
    bool ok = cpu_level_now()->ops[node->op->id]->product(&c, epilogue, ctx);
    mx_drop_n(c.scratch, c.scratch_count);
    return ok;
}

static bool multiply_by_areas(row_program *p)
{
    const mx_array *node = p->g->nodes[p->product];
    const row_stage *s = &p->stages[0];
    area_job j = {.p = p, .m = node->shape[node->ndim - 2], .n = node->shape[node->ndim - 1]};
    KERNEL(tile_places_of)(&s->program, &j.places);
    for (int i = 0; i < s->program.operand_count; i++) {
        if (s->sources[i] != ROW_NOWHERE) j.places.operand[i] = row_place(p, s->sources[i], NULL, 0);
    }
    for (int i = 0; i < s->program.step_count; i++) {
        int k = s->outs[i];
        if (p->values[k].stored) j.places.out[i] = row_place(p, k, NULL, 0);
    }
    return multiply(p, finish_area, &j);
}

bool KERNEL(row_run_product)(row_program *p)
{
    mx_array *node = p->g->nodes[p->product];
    bool written = p->g->written >> p->product & 1;
    bool ok = !written && mx_nbytes(node) >= AREAS_FROM ? multiply_by_areas(p)
                                                        : multiply(p, NULL, NULL) && KERNEL(row_run)(p);
    if (!written) {
        buffer_drop(node->buffer);
        node->buffer = NULL;
    }
    return ok;
}
