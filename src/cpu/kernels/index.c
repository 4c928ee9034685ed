/* SPDX-License-Identifier: MIT
 *
 * Gathers and scatters.  Indices become places first.  Reads are split by points; writes are split so that every element
 * of the result belongs to one share, which applies all points in order: the result does not depend on the threads. */
#include "cpu/kernels/index.h"
#include "core/params/index.h"
#include "core/shape.h"
#include "cpu/kernels/walk.h"
#include <string.h>

enum { SHARE_BYTES = 128 << 10, PIECE = 512, STRETCH = 1 << 16 }; /* STRETCH: between two looks at Ctrl-C */

/* The elements behind an axis; strides do not tell where its size is 1. */
static int64_t elements_behind(const mx_array *x, int axis)
{
    int64_t n = 1;
    for (int i = axis + 1; i < x->ndim; i++) n *= x->shape[i];
    return n;
}

/* ---- Places of all points */
static void add_strided(int64_t *places, const mx_array *index, int64_t size, int64_t room, int64_t stride, bool clamp)
{
    int64_t strides[1][MX_MAX_NDIM];
    for (int i = 0; i < index->ndim; i++) strides[0][i] = index->strides[i];
    walk w = walk_merge(array_shape(index), 1, (const int64_t(*)[MX_MAX_NDIM])strides);
    int64_t n = w.shape[w.ndim - 1], bytes = (int64_t)mx_dtype_size((mx_dtype)index->dtype);
    add_index_fn add = KERNEL(add_index)((mx_dtype)index->dtype);
    for (int64_t row = 0; index->size && row < index->size / n; row++) {
        const char *from = (const char *)array_data(index) + walk_row_offset(&w, 0, row) * bytes;
        int64_t step = w.stride[0][w.ndim - 1];
        for (int64_t at = 0; at < n && !(at && cpu_stopped()); at += STRETCH) {
            int64_t count = n - at < STRETCH ? n - at : STRETCH;
            add(places + row * n + at, from + at * step * bytes, step, count, size, room, stride, clamp);
        }
    }
}

static void clear_places(void *places, int64_t begin, int64_t end)
{
    memset((int64_t *)places + begin, 0, (size_t)(end - begin) * sizeof(int64_t));
}

/* A place for each point: the sum over the indexed axes of index * strides[axis], for blocks of `sizes` in x. */
static int64_t *places_of(cpu_call *c, const mx_array *x, const int64_t *strides, int first, const param_axes *axes,
                          const int64_t *sizes, bool clamp)
{
    int64_t points = axes->count ? c->in[first]->size : 1;
    mx_array *scratch = cpu_scratch(c, MX_SHAPE(points), MX_INT64);
    if (!scratch) return NULL;
    int64_t *places = array_data(scratch);
    cpu_split(points, STRETCH, clear_places, places); /* fresh pages take longer than all else */
    for (int i = 0; i < axes->count; i++) {
        int a = axes->at[i];
        add_strided(places, c->in[first + i], x->shape[a], x->shape[a] - sizes[a], strides[a], clamp);
    }
    return places;
}

/* A block of two layouts, as rows of `run` elements that are adjacent in both (1 if they are not). */
typedef struct block {
    walk w;
    int64_t rows, run;
} block;

static block block_of(mx_shape shape, const int64_t *a, const int64_t *b)
{
    int64_t strides[2][MX_MAX_NDIM];
    block k = {.rows = 1};
    for (int i = 0; i < shape.ndim; i++) {
        strides[0][i] = a[i];
        strides[1][i] = b[i];
    }
    k.w = walk_merge(shape, 2, (const int64_t(*)[MX_MAX_NDIM])strides);
    int last = k.w.ndim - 1;
    if (k.w.shape[last] > 1 && (k.w.stride[0][last] != 1 || k.w.stride[1][last] != 1)) {
        k.w.shape[last + 1] = 1;
        k.w.stride[0][last + 1] = k.w.stride[1][last + 1] = 1;
        k.w.ndim++;
    }
    for (int i = 0; i < k.w.ndim - 1; i++) k.rows *= k.w.shape[i];
    k.run = k.w.shape[k.w.ndim - 1];
    return k;
}

/* ---- gather */
typedef struct read_job {
    char *to;
    const char *from;
    const int64_t *places;
    int64_t points, run, bytes;
    block k;          /* gather */
    int64_t x_stride; /* take: of the axes before the taken one */
    read_places_fn read;
} read_job;

static void copy_or_zero(char *to, const char *from, int64_t place, int64_t offset, int64_t n, int64_t bytes)
{
    if (place == OUTSIDE) {
        memset(to, 0, (size_t)(n * bytes));
    } else {
        memcpy(to, from + (place + offset) * bytes, (size_t)(n * bytes));
    }
}

static void gather_range(void *ctx, int64_t begin, int64_t end)
{
    const read_job *job = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i % job->k.rows, offset = row ? walk_row_offset(&job->k.w, 1, row) : 0;
        copy_or_zero(job->to + i * job->run * job->bytes, job->from, job->places[i / job->k.rows], offset, job->run,
                     job->bytes);
    }
}

static bool gather(cpu_call *c)
{
    const gather_params *p = c->params;
    const mx_array *x = c->in[0];
    int64_t row_major[MX_MAX_NDIM];
    mx_shape sizes = {p->sizes.ndim, p->sizes.at};
    if (!cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    int64_t *places = places_of(c, x, x->strides, 1, &p->axes, p->sizes.at, !p->drop);
    if (!places) return false;
    shape_row_major(sizes, row_major);
    read_job job = {.to = array_data(c->out),
                    .from = array_data(x),
                    .places = places,
                    .bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype),
                    .k = block_of(sizes, row_major, x->strides)};
    job.run = job.k.run;
    cpu_split(c->out->size / job.run, 1 + SHARE_BYTES / (job.run * job.bytes), gather_range, &job);
    return true;
}

const cpu_op KERNEL(gather) = {.run = gather};

/* ---- take */
/* Rows (before, point): a run of the axes behind the taken one. */
static void take_runs(void *ctx, int64_t begin, int64_t end)
{
    const read_job *job = ctx;
    int64_t before = begin / job->points, point = begin % job->points;
    for (int64_t i = begin; i < end; i++) {
        copy_or_zero(job->to + i * job->run * job->bytes, job->from, job->places[point], before * job->x_stride,
                     job->run, job->bytes);
        if (++point == job->points) {
            point = 0;
            before++;
        }
    }
}

/* Runs of one element: rows of points. */
static void take_elements(void *ctx, int64_t begin, int64_t end)
{
    const read_job *job = ctx;
    for (int64_t i = begin, n; i < end; i += n) {
        int64_t before = i / job->points, point = i % job->points;
        n = job->points - point < end - i ? job->points - point : end - i;
        job->read(job->to + i * job->bytes, job->from + before * job->x_stride * job->bytes, job->places + point, n);
    }
}

static bool take(cpu_call *c)
{
    const take_params *p = c->params;
    mx_array *x = cpu_contiguous(c, 0);
    int64_t sizes[MX_MAX_NDIM], strides[MX_MAX_NDIM];
    param_axes axis = {1, {p->axis}};
    if (!x || !cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    for (int i = 0; i < x->ndim; i++) sizes[i] = i == p->axis ? 1 : x->shape[i];
    shape_row_major(array_shape(x), strides);
    int64_t *places = places_of(c, x, strides, 1, &axis, sizes, true);
    if (!places) return false;
    read_job job = {.to = array_data(c->out),
                    .from = array_data(x),
                    .places = places,
                    .points = c->in[1]->size,
                    .run = strides[p->axis],
                    .x_stride = strides[p->axis] * x->shape[p->axis],
                    .bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype),
                    .read = KERNEL(read_places)((mx_dtype)x->dtype)};
    int64_t rows = c->out->size / job.run;
    cpu_split(rows, 1 + SHARE_BYTES / (job.run * job.bytes), job.run == 1 ? take_elements : take_runs, &job);
    return true;
}

const cpu_op KERNEL(take) = {.run = take};

/* ---- scatter */
/* The result starts as x: in its memory where nobody else needs that. */
static bool output_from(cpu_call *c)
{
    mx_array *x = c->in[0];
    if (!cpu_output_like(c, x)) return false;
    if (c->out->buffer != x->buffer) KERNEL(copy_strided)
    (array_data(c->out), array_data(x), array_shape(x), x->strides, mx_dtype_size((mx_dtype)x->dtype));
    return true;
}

typedef struct write_job {
    char *to;
    const char *from;
    const int64_t *places;
    int64_t points, point_stride, bytes, columns; /* columns of a share */
    block k;
    write_places_fn write;
    mx_scatter_mode mode;
} write_job;

/* Shares (row of the block, columns of the run), each with all points. */
static void write_shares(void *ctx, int64_t begin, int64_t end)
{
    const write_job *job = ctx;
    int64_t shares = (job->k.run + job->columns - 1) / job->columns;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / shares, column = i % shares * job->columns, rest = job->k.run - column;
        int64_t to = walk_row_offset(&job->k.w, 0, row) + column, from = walk_row_offset(&job->k.w, 1, row) + column;
        const char *updates = job->from + from * job->bytes;
        for (int64_t at = 0; at < job->points && !(at && cpu_stopped()); at += STRETCH) {
            int64_t count = job->points - at < STRETCH ? job->points - at : STRETCH;
            job->write(job->to + to * job->bytes, updates + at * job->point_stride * job->bytes, job->places + at,
                       count, job->point_stride, rest < job->columns ? rest : job->columns, job->mode);
        }
    }
}

/* Blocks that may overlap are written one after the other. */
static void write_in_order(const write_job *job)
{
    for (int64_t i = 0; i < job->points && !(i % PIECE == 0 && cpu_stopped()); i++) {
        for (int64_t row = 0; row < job->k.rows; row++) {
            int64_t to = walk_row_offset(&job->k.w, 0, row), from = walk_row_offset(&job->k.w, 1, row);
            job->write(job->to + to * job->bytes, job->from + (i * job->point_stride + from) * job->bytes,
                       job->places + i, 1, 0, job->k.run, job->mode);
        }
    }
}

/* The step between the updates of two points, if there is one for all of them. */
static bool point_stride(const mx_array *updates, int point_ndim, int64_t *stride)
{
    int64_t strides[1][MX_MAX_NDIM];
    for (int i = 0; i < point_ndim; i++) strides[0][i] = updates->strides[i];
    walk w = walk_merge((mx_shape){point_ndim, updates->shape}, 1, (const int64_t(*)[MX_MAX_NDIM])strides);
    *stride = w.stride[0][0];
    return w.ndim == 1;
}

/* Do blocks of one index along each indexed axis never meet but at equal places? */
static bool blocks_are_apart(const param_axes *axes, mx_shape sizes)
{
    for (int i = 0; i < axes->count; i++) {
        if (sizes.at[axes->at[i]] != 1) return false;
    }
    return true;
}

static bool scatter(cpu_call *c)
{
    const scatter_params *p = c->params;
    mx_array *updates = c->in[1];
    int points_ndim = updates->ndim - c->in[0]->ndim;
    mx_shape sizes = {c->in[0]->ndim, updates->shape + points_ndim};
    write_job job = {.bytes = (int64_t)mx_dtype_size((mx_dtype)updates->dtype), .mode = (mx_scatter_mode)p->mode};
    if (!output_from(c)) return false;
    if (updates->size == 0) return true;
    job.k = block_of(sizes, c->out->strides, updates->strides + points_ndim);
    /* Updates that have no even step, or runs that are adjacent in the result only, are copied. */
    if (!point_stride(updates, points_ndim, &job.point_stride) || job.k.run == 1) {
        if (!(updates = cpu_contiguous(c, 1))) return false;
        point_stride(updates, points_ndim, &job.point_stride);
        job.k = block_of(sizes, c->out->strides, updates->strides + points_ndim);
    }
    job.places = places_of(c, c->in[0], c->out->strides, 2, &p->axes, sizes.at, p->clamp);
    if (!job.places) return false;
    job.to = array_data(c->out);
    job.from = array_data(updates);
    job.points = updates->size / (job.k.rows * job.k.run);
    job.write = KERNEL(write_places)((mx_dtype)c->out->dtype, job.mode);
    if (!blocks_are_apart(&p->axes, sizes)) return write_in_order(&job), true;
    job.columns = 256 / job.bytes;
    int64_t shares = (job.k.run + job.columns - 1) / job.columns;
    int64_t share_bytes = job.points * (job.k.run < job.columns ? job.k.run : job.columns) * job.bytes;
    cpu_split(job.k.rows * shares, 1 + SHARE_BYTES / share_bytes, write_shares, &job);
    return true;
}

const cpu_op KERNEL(scatter) = {.run = scatter};

/* ---- Along an axis: arrays are (outer, axis, inner) */
typedef struct along_job {
    char *to;
    const char *from;
    const char *index;
    int64_t size, count, inner; /* of the axis in the array that is indexed, and in the indices */
    int64_t bytes, index_bytes, columns;
    bool clamp;
    add_index_fn add;
    read_places_fn read;
    write_places_fn write;
    mx_scatter_mode mode;
} along_job;

static along_job along_of(cpu_call *c, const mx_array *x, const mx_array *index, int axis)
{
    return (along_job){.size = x->shape[axis],
                       .count = index->shape[axis],
                       .inner = elements_behind(index, axis),
                       .bytes = (int64_t)mx_dtype_size((mx_dtype)c->out->dtype),
                       .index = array_data(index),
                       .index_bytes = (int64_t)mx_dtype_size((mx_dtype)index->dtype),
                       .add = KERNEL(add_index)((mx_dtype)index->dtype)};
}

/* Places of the indices [at, at + n), all of one row (outer, j): column k adds k. */
static void along_places(const along_job *job, int64_t *places, int64_t at, int64_t column, int64_t n)
{
    for (int64_t i = 0; i < n; i++) places[i] = job->inner == 1 ? 0 : column + i;
    job->add(places, job->index + at * job->index_bytes, 1, n, job->size, job->size - 1, job->inner, job->clamp);
}

/* Indices [begin, end) of the flat order, in pieces of one row. */
static void take_along_range(void *ctx, int64_t begin, int64_t end)
{
    const along_job *job = ctx;
    int64_t places[PIECE], row = job->inner == 1 ? job->count : job->inner;
    for (int64_t at = begin, n; at < end; at += n) {
        int64_t column = at % row, outer = at / (job->count * job->inner);
        n = row - column < end - at ? row - column : end - at;
        n = n < PIECE ? n : PIECE;
        along_places(job, places, at, column, n);
        job->read(job->to + at * job->bytes, job->from + outer * job->size * job->inner * job->bytes, places, n);
    }
}

static bool take_along_axis(cpu_call *c)
{
    const take_along_axis_params *p = c->params;
    mx_array *x = cpu_contiguous(c, 0), *index = cpu_contiguous(c, 1);
    if (!x || !index || !cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    along_job job = along_of(c, x, index, p->axis);
    job.to = array_data(c->out);
    job.from = array_data(x);
    job.clamp = !p->drop;
    job.read = KERNEL(read_places)((mx_dtype)x->dtype);
    cpu_split(c->out->size, 1 + SHARE_BYTES / 4 / job.bytes, take_along_range, &job);
    return true;
}

const cpu_op KERNEL(take_along_axis) = {.run = take_along_axis};

/* Shares (outer, columns of the inner axes), each with all indices in order. */
static void scatter_along_range(void *ctx, int64_t begin, int64_t end)
{
    const along_job *job = ctx;
    int64_t places[PIECE], shares = (job->inner + job->columns - 1) / job->columns;
    for (int64_t i = begin; i < end; i++) {
        int64_t outer = i / shares, first = i % shares * job->columns, rest = job->inner - first;
        int64_t width = rest < job->columns ? rest : job->columns;
        /* With one inner element, a row of indices is one run. */
        int64_t runs = job->inner == 1 ? 1 : job->count, length = job->inner == 1 ? job->count : width;
        char *to = job->to + outer * job->size * job->inner * job->bytes;
        for (int64_t j = 0; j < runs; j++) {
            for (int64_t k = 0, n; k < length && !(k % STRETCH == STRETCH - PIECE && cpu_stopped()); k += n) {
                int64_t at = (outer * job->count + j) * job->inner + first + k;
                n = length - k < PIECE ? length - k : PIECE;
                along_places(job, places, at, first + k, n);
                job->write(to, job->from + at * job->bytes, places, n, 1, 1, job->mode);
            }
        }
    }
}

static bool scatter_along_axis(cpu_call *c)
{
    const scatter_along_axis_params *p = c->params;
    mx_array *values = cpu_contiguous(c, 1), *index = cpu_contiguous(c, 2);
    if (!values || !index || !output_from(c)) return false;
    if (index->size == 0 || c->out->size == 0) return true;
    along_job job = along_of(c, c->out, index, p->axis);
    job.to = array_data(c->out);
    job.from = array_data(values);
    job.clamp = p->clamp;
    job.mode = (mx_scatter_mode)p->mode;
    job.write = KERNEL(write_places)((mx_dtype)c->out->dtype, job.mode);
    job.columns = 1024;
    int64_t shares = (job.inner + job.columns - 1) / job.columns;
    int64_t outer = index->size / (job.count * job.inner);
    int64_t share_bytes = index->size / (outer * shares) * job.bytes;
    cpu_split(outer * shares, 1 + SHARE_BYTES / 4 / (1 + share_bytes), scatter_along_range, &job);
    return true;
}

const cpu_op KERNEL(scatter_along_axis) = {.run = scatter_along_axis};
