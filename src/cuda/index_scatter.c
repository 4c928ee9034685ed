/* SPDX-License-Identifier: MIT
 *
 * Writing at places that arrays name, in an order that does not depend on the machine: the updates of a place are applied
 * one after the other by their numbers, as on the CPU.
 *
 * Many points are sorted by place, and one thread does what concerns an element; only runs that fill whole tiles of sorted
 * updates are folded by parts.  Blocks that may overlap are sorted by element.  Where each thread can go through all
 * points, nothing is sorted. */
#include "cuda/index.h"
#include "cuda/dispatch.h"
#include "core/params/index.h"

enum { SORT_TILE = 2048, SORT_THREADS = 512, FEW_POINTS = 8, FEW_ALONG = 64, MANY_COLUMNS = 16384, TILE_LEAST = 256 };

typedef struct scatter_job {
    struct index_places places;
    struct index_walk block;
    int64_t block_size, points; /* elements */
    bool overlap;               /* of blocks at different places */
    int mode;
    mx_array *updates;
    cu_ptr from, to;
    cu_ptr spare; /* of tiles */
} scatter_job;

static int bits_of(uint64_t n)
{
    int bits = 0;
    while (bits < 64 && n >> bits) bits++;
    return bits;
}

/* What is only moved is moved in units, what is folded in units of 16 bytes or alone.  The variant's type and option. */
static cuda_variant widen(scatter_job *job, variant_id id)
{
    bool set = job->mode == MX_SCATTER_SET;
    size_t bytes = mx_dtype_size((mx_dtype)job->updates->dtype), unit = bytes;
    struct index_walk block = job->block;
    if (!job->overlap)
        unit = index_walk_widen(&block, 1, bytes,
                                job->to | job->from | job->spare | index_places_step_bits(&job->places, bytes));
    if (set || unit == 16) {
        int64_t elements = (int64_t)(unit / bytes);
        job->block = block;
        job->block_size /= elements;
        index_places_in_units(&job->places, elements);
    }
    return (cuda_variant){.id = (uint16_t)id,
                          .t = set ? variant_unit(unit) : job->updates->dtype,
                          .option = set                          ? 0
                                    : unit == 16 && unit > bytes ? 2
                                                                 : 1};
}

/* ---- Sorting */
static bool sort_keys(cuda_call *c, cu_ptr *keys, cu_ptr spare, int64_t n)
{
    struct merge_args a = {.from = *keys, .total = n};
    if (!variant_run(c, (cuda_variant){.id = VARIANT_sort_tile}, (n + SORT_TILE - 1) / SORT_TILE, SORT_THREADS, &a,
                     sizeof a))
        return false;
    for (int64_t run = SORT_TILE; run < n; run *= 2) {
        a = (struct merge_args){.to = spare, .from = *keys, .total = n, .run = run};
        if (!variant_run_over(c, (cuda_variant){.id = VARIANT_sort_merge}, n, 1, &a, sizeof a)) return false;
        spare = *keys;
        *keys = a.to;
    }
    return true;
}

typedef struct sort_plan {
    cu_ptr keys, spare, partial;
    int64_t points, slice, tile; /* points: with a key each */
    uint64_t dropped;
} sort_plan;

/* Scratch for `points` keys, or for as many as there are bits for beside a place. */
static bool plan_sort(cuda_call *c, const scatter_job *job, sort_plan *p)
{
    p->points = job->overlap ? job->points * job->block_size : job->points;
    p->dropped = (uint64_t)c->out->size;
    int64_t most = (int64_t)1 << (64 - bits_of(p->dropped) < 62 ? 64 - bits_of(p->dropped) : 62);
    if (job->overlap) most -= most % job->block_size;
    p->slice = p->points < most ? p->points : most;
    for (p->tile = TILE_LEAST; p->tile * p->tile < p->slice;) p->tile *= 2;
    /* A product in parts would overflow where the whole one is 0. */
    if (p->slice < 2 * p->tile || job->mode == MX_SCATTER_SET || job->mode == MX_SCATTER_PROD) p->tile = 0;
    int64_t elements = job->overlap ? 1 : job->block_size;
    size_t bytes = mx_dtype_size((mx_dtype)job->updates->dtype);
    cuda_block *keys = cuda_scratch(c, (size_t)p->slice * 16), *partial = NULL;
    if (p->tile) partial = cuda_scratch(c, (size_t)(p->slice / p->tile * elements) * bytes);
    if (!keys || (p->tile && !partial)) return false;
    p->keys = keys->at;
    p->spare = keys->at + (cu_ptr)p->slice * 8;
    p->partial = partial ? partial->at : 0;
    return true;
}

static bool make_keys(cuda_call *c, const scatter_job *job, const sort_plan *p, struct scatter_args *s)
{
    struct keys_args k = {.keys = p->keys,
                          .total = s->points,
                          .first = s->first,
                          .dropped = p->dropped,
                          .point_bits = s->point_bits,
                          .block_size = index_divider_of(job->overlap ? job->block_size : 1),
                          .block = job->overlap ? job->block : index_walk_of(MX_SCALAR_SHAPE, NULL, NULL),
                          .places = job->places};
    bool wide = k.first + k.total >= INDEX_WIDE, one = job->places.axes == 1;
    cuda_variant v = {.id = VARIANT_scatter_keys, .option = (uint8_t)(wide | one << 1)};
    cu_ptr keys = p->keys;
    if (!variant_run_over(c, v, k.total, 1, &k, sizeof k) || !sort_keys(c, &keys, p->spare, k.total)) return false;
    s->keys = keys;
    return true;
}

static bool scatter_sorted(cuda_call *c, scatter_job *job, const sort_plan *p)
{
    job->spare = p->partial;
    cuda_variant apply = widen(job, VARIANT_scatter_sorted), tiles = apply;
    int64_t elements = job->overlap ? 1 : job->block_size;
    struct scatter_args s = {.to = job->to,
                             .updates = job->from,
                             .partial = p->partial,
                             .tile = p->tile,
                             .dropped = p->dropped,
                             .point_bits = 64 - bits_of(p->dropped),
                             .mode = job->mode,
                             .block_size = index_divider_of(elements),
                             .block = job->overlap ? index_walk_of(MX_SCALAR_SHAPE, NULL, NULL) : job->block};
    if (s.point_bits > 62) s.point_bits = 62;
    tiles.id = VARIANT_scatter_tiles;
    for (s.first = 0; s.first < p->points; s.first += p->slice) {
        s.points = p->points - s.first < p->slice ? p->points - s.first : p->slice;
        if (!make_keys(c, job, p, &s)) return false;
        s.total = p->tile ? s.points / p->tile * elements : 0;
        if (!variant_run_over(c, tiles, s.total, 1, &s, sizeof s)) return false;
        s.total = s.points * elements;
        if (!variant_run_over(c, apply, s.total, 1, &s, sizeof s)) return false;
    }
    return true;
}

static bool scatter_few(cuda_call *c, scatter_job *job)
{
    cuda_variant v = widen(job, VARIANT_scatter_points);
    struct points_args a = {.to = job->to,
                            .updates = job->from,
                            .total = job->block_size,
                            .points = job->points,
                            .mode = job->mode,
                            .block = job->block,
                            .places = job->places};
    return variant_run_over(c, v, a.total, 1, &a, sizeof a);
}

/* ---- scatter */
static bool scatter(cuda_call *c)
{
    const scatter_params *p = c->params;
    mx_array *x = c->in[0], *updates = c->in[1];
    int points_ndim = updates->ndim - x->ndim;
    mx_shape sizes = {x->ndim, updates->shape + points_ndim};
    int64_t strides[MX_MAX_NDIM];
    scatter_job job = {.block_size = 1, .points = 1, .mode = p->mode, .updates = updates};
    sort_plan plan;
    if (!x->size || !updates->size) return cuda_output_from(c, x, &job.to);
    shape_row_major(array_shape(x), strides);
    for (int i = 0; i < x->ndim; i++) job.block_size *= sizes.at[i];
    job.points = updates->size / job.block_size;
    for (int i = 0; i < p->axes.count; i++) job.overlap |= job.points > 1 && sizes.at[p->axes.at[i]] != 1;
    job.block = index_walk_of(sizes, strides, NULL);
    bool few = job.points <= FEW_POINTS && !job.overlap;
    if (!index_places_of(c, &job.places, x, strides, 2, &p->axes, sizes.at, p->clamp) ||
        !cuda_contiguous(c, updates, &job.from) || !(few || plan_sort(c, &job, &plan)) ||
        !cuda_output_from(c, x, &job.to))
        return false;
    return few ? scatter_few(c, &job) : scatter_sorted(c, &job, &plan);
}

const cuda_op cuda_scatter = {.run = scatter};

/* ---- Along an axis */
static bool write_columns(cuda_call *c, const scatter_job *job, int64_t count, int64_t columns)
{
    const struct index_places *p = &job->places;
    bool set = job->mode == MX_SCATTER_SET;
    struct along_args a = {.to = job->to,
                           .updates = job->from,
                           .index = p->index[0],
                           .total = columns,
                           .count = count,
                           .size = p->size[0],
                           .kind = p->kind[0],
                           .clamp = p->clamp,
                           .mode = job->mode,
                           .inner = index_divider_of(p->step[0])};
    cuda_variant v = {.id = VARIANT_scatter_along,
                      .t = set ? variant_unit(mx_dtype_size((mx_dtype)job->updates->dtype)) : job->updates->dtype,
                      .option = !set};
    return variant_run_over(c, v, columns, 1, &a, sizeof a);
}

static bool scatter_along_axis(cuda_call *c)
{
    const scatter_along_axis_params *p = c->params;
    mx_array *x = c->in[0], *updates = c->in[1], *index = c->in[2];
    scatter_job job = {.block = index_walk_of(MX_SCALAR_SHAPE, NULL, NULL),
                       .block_size = 1,
                       .points = index->size,
                       .mode = p->mode,
                       .updates = updates};
    sort_plan plan;
    if (!x->size || !index->size) return cuda_output_from(c, x, &job.to);
    int64_t count = index->shape[p->axis], columns = index->size / count;
    bool sorts = count > FEW_ALONG && columns < MANY_COLUMNS;
    if (!index_places_along(c, &job.places, x, 2, p->axis, p->clamp) || !cuda_contiguous(c, updates, &job.from) ||
        (sorts && !plan_sort(c, &job, &plan)) || !cuda_output_from(c, x, &job.to))
        return false;
    return sorts ? scatter_sorted(c, &job, &plan) : write_columns(c, &job, count, columns);
}

const cuda_op cuda_scatter_along_axis = {.run = scatter_along_axis};
