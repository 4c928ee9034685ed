/* SPDX-License-Identifier: MIT
 *
 * Making a program of row stages from a group.  Elementwise nodes of one shape that need nothing of each other but tiles
 * are one stage, a program of cpu/kernels/tile.h; a reduction, softmax or norm over the last axis is a stage of its own,
 * with the body of the op alone.  What a later stage reads waits in the arena, so that only what the group writes goes
 * to memory.  A group that does not fit is left to be run node by node. */
#include "cpu/kernels/row_program.h"
#include "core/layout.h"

/* ---- What nodes stand for */
static int node_of(const mx_group *g, int upto, const mx_array *x)
{
    for (int k = upto; k-- > 0;) {
        if (g->nodes[k] == x) return k;
    }
    return -1;
}

static const cpu_op *kernel_of(const mx_array *node)
{
    return cpu_level_now()->ops[node->op->id];
}

static bool is_view(const mx_array *node)
{
    return (node->op->flags & OP_VIEW) != 0;
}

/* Strides of all nodes, as if each had row-major memory of its own and views showed it. */
static bool lay_out(row_program *p)
{
    const mx_group *g = p->g;
    for (int k = 0; k < g->count; k++) {
        mx_array *node = g->nodes[k];
        p->values[k] = (row_value){.root = (int8_t)k, .stage = ROW_NOWHERE, .block = ROW_NOWHERE};
        node->offset = 0;
        if (!is_view(node)) {
            array_set_row_major(node);
            continue;
        }
        int in = node_of(g, k, node->in[0]);
        if (in < 0 || !node->op->view || !layout_view(node)) return false;
        p->values[k].root = p->values[in].root;
        p->values[k].shift = node->offset;
    }
    return true;
}

static bool find_product(row_program *p)
{
    p->product = ROW_NOWHERE;
    for (int k = 0; k < p->g->count; k++) {
        const mx_array *node = p->g->nodes[k];
        if (is_view(node) || !kernel_of(node)->product) continue;
        if (p->product != ROW_NOWHERE || k + 1 == p->g->count) return false;
        p->product = (int8_t)k;
    }
    return true;
}

/* Rows and their length, from the first row op; a reduction at the end may be of another kind. */
static bool find_rows(row_program *p)
{
    const mx_group *g = p->g;
    const mx_array *last = g->nodes[g->count - 1];
    p->n = 0;
    for (int k = 0; k < g->count && !p->n; k++) {
        const mx_array *node = g->nodes[k], *x = node->in[0];
        const cpu_op *kernel = is_view(node) ? NULL : kernel_of(node);
        if (!kernel || !kernel->rows || !x->size || !node->size) continue;
        bool flat = node_of(g, k, x) < 0 || array_is_contiguous(x);
        if (kernel->folds && !flat && k + 1 < g->count) return false;
        p->n = !kernel->folds ? x->shape[x->ndim - 1] : flat ? x->size / node->size : node->size;
        p->rows = x->size / p->n;
    }
    if (!p->n) {
        p->n = last->ndim ? last->shape[last->ndim - 1] : 1;
        p->rows = p->n ? last->size / p->n : 0;
    }
    if (p->n == 0 || p->rows == 0) return false;
    return true;
}

static bool measure(row_program *p)
{
    int count = p->g->count - (p->fold != NULL);
    for (int k = 0; k < count; k++) {
        int64_t size = p->g->nodes[p->values[k].root]->size;
        p->values[k].width = size == p->rows * p->n ? p->n : 1;
        if (size != p->rows * p->values[k].width) return false;
    }
    return !p->fold || p->values[p->folded].width == p->n;
}

/* Takes the last node out, if it is a reduction over rows or along very long ones. */
static bool find_end(row_program *p)
{
    const mx_group *g = p->g;
    int k = g->count - 1;
    mx_array *node = g->nodes[k], *x = node->in[0];
    const cpu_op *kernel = is_view(node) ? NULL : kernel_of(node);
    p->fold = NULL;
    if (!kernel || !kernel->folds) return true;
    int in = node_of(g, k, x);
    bool flat = in < 0 || array_is_contiguous(x);
    if (flat && p->n <= REDUCE_CHUNK) return true;
    if (in < 0 || !(p->fold = kernel->folds[x->dtype])) return false;
    p->folded = p->values[in].root;
    p->columns = !flat;
    bool whole = x->size == p->rows * p->n && p->values[in].shift == 0;
    return whole && (flat || (p->n > 1 && node->size == p->n && layout_columns(x, node->ndim, p->rows, p->n)));
}

/* ---- Stages */
static row_stage *new_stage(row_program *p, const mx_array *node, int64_t width)
{
    if (p->stage_count == ROW_STAGES) return NULL;
    row_stage *s = &p->stages[p->stage_count++];
    s->width = width;
    s->body = NULL;
    s->streams = false;
    s->node = node;
    return s;
}

/* The stage that runs an elementwise node: the first of its shape that its inputs allow. */
static row_stage *map_stage(row_program *p, int k, int from)
{
    const mx_array *node = p->g->nodes[k];
    for (int i = from; i < p->stage_count; i++) {
        row_stage *s = &p->stages[i];
        if (!s->body && shape_equal(array_shape(s->node), array_shape(node))) return s;
    }
    return new_stage(p, node, p->values[k].width);
}

/* A view may be read by an element's own place, or spread from one a row to all of it. */
static bool reads_own_row(const row_program *p, int reader, int in)
{
    const mx_array *x = p->g->nodes[in], *y = p->g->nodes[reader];
    if (x->size == y->size) return array_is_contiguous(x) || (p->values[in].width == 1 && layout_spread(x) == p->n);
    return x->ndim > 0 && x->shape[x->ndim - 1] == 1 && x->size == p->rows && array_is_contiguous(x);
}

static bool place_map(row_program *p, int k)
{
    const mx_array *node = p->g->nodes[k];
    int from = 0;
    for (int i = 0; i < node->nin; i++) {
        int in = node_of(p->g, k, node->in[i]);
        if (in < 0) continue;
        if (!reads_own_row(p, k, in)) return false;
        int made = p->values[p->values[in].root].stage;
        if (made == ROW_NOWHERE) continue; /* a product: complete before all stages */
        const row_stage *s = &p->stages[made];
        bool same = !s->body && shape_equal(array_shape(s->node), array_shape(node));
        if (from < made + !same) from = made + !same;
    }
    row_stage *s = map_stage(p, k, from);
    if (!s) return false;
    p->values[k].stage = (int8_t)(s - p->stages);
    return true;
}

static bool place_body(row_program *p, int k)
{
    const mx_array *node = p->g->nodes[k];
    const cpu_row_op *op = kernel_of(node)->rows;
    row_stage *s = new_stage(p, node, p->n);
    if (!s || node->nin > ROW_INPUTS || node->nout != 1) return false;
    if (!(s->body = op->body[node->in[0]->dtype])) return false;
    s->index = (int8_t)k;
    s->nin = (int8_t)node->nin;
    for (int i = 0; i < node->nin; i++) {
        const mx_array *x = node->in[i];
        int in = node_of(p->g, k, x);
        int64_t row_bytes = p->n * (int64_t)mx_dtype_size((mx_dtype)x->dtype);
        if (x->size != (i < op->own ? p->rows * p->n : p->n) || !array_is_contiguous(x)) return false;
        if (in >= 0 && p->values[in].shift) return false;
        if (in >= 0 && p->values[p->values[in].root].width != p->n) return false;
        s->in[i] = (row_input){.data = in < 0 ? array_data(x) : NULL,
                               .value = (int8_t)(in < 0 ? ROW_NOWHERE : p->values[in].root),
                               .row_bytes = i < op->own ? row_bytes : 0};
    }
    p->values[k].stage = (int8_t)(s - p->stages);
    return p->values[k].width == (op->keeps ? p->n : 1);
}

static bool place_nodes(row_program *p)
{
    int count = p->g->count - (p->fold != NULL);
    p->stage_count = 0;
    for (int k = 0; k < count; k++) {
        const mx_array *node = p->g->nodes[k];
        if (is_view(node) || k == p->product) continue;
        if (!(node->op->flags & OP_ELEMENTWISE ? place_map(p, k) : kernel_of(node)->rows && place_body(p, k)))
            return false;
    }
    return true;
}

static void find_stored(row_program *p)
{
    const mx_group *g = p->g;
    for (int k = 0; k < g->count; k++) {
        row_value *v = &p->values[k];
        if (k + 1 == g->count || (g->written >> k & 1)) p->values[v->root].stored = true;
        if (is_view(g->nodes[k])) continue;
        for (int i = 0; i < g->nodes[k]->nin; i++) {
            int in = node_of(g, k, g->nodes[k]->in[i]);
            row_value *read = in < 0 ? NULL : &p->values[p->values[in].root];
            if (read && (read->stage != v->stage || read->stage == ROW_NOWHERE || p->stages[read->stage].body))
                read->stored = true;
        }
    }
}

/* ---- Outputs */
static bool is_written(const row_program *p, int k)
{
    return k + 1 == p->g->count || (p->g->written >> k & 1);
}

/* How often nodes that are let go after the group read x, and whether that is over when k is written. */
static int32_t reads_until(const row_program *p, const mx_array *x, int k, bool *late)
{
    const mx_group *g = p->g;
    int32_t count = 0;
    for (int i = 0; i < g->count; i++) {
        for (int j = 0; j < g->nodes[i]->nin; j++) {
            if (g->nodes[i]->in[j] != x) continue;
            count += !(g->kept >> i & 1);
            bool whole = is_view(g->nodes[i]) || i == p->product || (p->fold && i + 1 == g->count);
            int stage = whole ? ROW_STAGES : p->values[i].stage;
            *late |= stage > p->values[k].stage || (stage == p->values[k].stage && i > k);
        }
    }
    return count;
}

/* An array whose rows are read before those of node k are written, and that nobody needs after the group. */
static mx_array *donor(const row_program *p, int k)
{
    const mx_array *out = p->g->nodes[k];
    for (int i = 0; i <= k; i++) {
        for (int j = 0; j < p->g->nodes[i]->nin; j++) {
            mx_array *x = p->g->nodes[i]->in[j];
            bool late = node_of(p->g, p->g->count, x) >= 0;
            if (late || x->size != out->size || x->ndim != out->ndim || p->values[k].width != p->n ||
                mx_dtype_size((mx_dtype)x->dtype) != mx_dtype_size((mx_dtype)out->dtype) || !array_is_contiguous(x) ||
                !buffer_is_reusable(x->buffer))
                continue;
            int32_t reads = reads_until(p, x, k, &late);
            if (!late && atomic_load_explicit(&x->refs, memory_order_acquire) == reads) return x;
        }
    }
    return NULL;
}

/* The results of a product that is not written wait where the group's last output will be. */
static bool place_product(const row_program *p)
{
    mx_array *node = p->g->nodes[p->product], *last = p->g->nodes[p->g->count - 1];
    if (node->buffer) return true;
    bool fits = !is_view(last) && mx_nbytes(node) == mx_nbytes(last);
    mx_buffer *b = fits ? buffer_keep(last->buffer) : buffer_new(mx_nbytes(node));
    if (b) array_set_buffer_take(node, b, 0);
    return b != NULL;
}

/* Not in a group of one row: what all rows share is as large.  A product that is not written needs the last output's
 * memory before the stage reads anything. */
static bool may_write_over(const row_program *p, int k)
{
    bool last = k + 1 == p->g->count;
    if (k == p->product || (last && p->product != ROW_NOWHERE && !is_written(p, p->product))) return false;
    return p->rows > 1 && !(p->fold && last);
}

static bool allocate(row_program *p, bool may_donate)
{
    for (int k = 0; k < p->g->count; k++) {
        mx_array *out = p->g->nodes[k];
        if (!is_written(p, k) || is_view(out)) continue;
        mx_array *from = may_donate && may_write_over(p, k) ? donor(p, k) : NULL;
        mx_buffer *b = from ? buffer_keep(from->buffer) : buffer_new(mx_nbytes(out));
        if (!b) return false;
        array_set_buffer_take(out, b, from ? from->offset : 0);
    }
    return p->product == ROW_NOWHERE || place_product(p);
}

/* ---- Programs of the elementwise stages */
static bool add_map(row_program *p, int k)
{
    const mx_array *node = p->g->nodes[k];
    row_stage *s = &p->stages[p->values[k].stage];
    mx_array *in[TILE_MAX_IN];
    for (int i = 0; i < node->nin; i++) {
        int from = node_of(p->g, k, node->in[i]), root = from < 0 ? -1 : p->values[from].root;
        bool here = root >= 0 && p->values[root].stage == p->values[k].stage;
        in[i] = here ? p->g->nodes[root] : node->in[i];
    }
    s->outs[s->program.step_count] = (int8_t)k;
    return KERNEL(tile_add)(&s->program, node, in, p->values[k].stored);
}

static bool unread_later(const row_program *p, int k)
{
    for (int i = k + 1; i < p->g->count; i++) {
        for (int j = 0; j < p->g->nodes[i]->nin; j++) {
            int in = node_of(p->g, i, p->g->nodes[i]->in[j]);
            if (in >= 0 && p->values[in].root == k && p->values[i].stage != p->values[k].stage) return false;
        }
    }
    return true;
}

/* Results that are larger than the caches and not read again go past them. */
static bool may_stream(const row_program *p, int k)
{
    mx_array *out = p->g->nodes[k];
    return is_written(p, k) && out->buffer && atomic_load(&out->buffer->refs) == 1 &&
           cpu_beyond_caches(mx_nbytes(out)) && unread_later(p, k);
}

static void finish_map(row_program *p, row_stage *s)
{
    tile_program *t = &s->program;
    t->stream = true;
    for (int i = 0; i < t->step_count; i++) {
        if (t->steps[i].written) t->stream &= may_stream(p, s->outs[i]);
    }
    for (int i = 0; i < t->operand_count; i++) {
        int from = node_of(p->g, p->g->count, t->operands[i].array);
        s->sources[i] = (int8_t)from;
        if (from >= 0) t->operands[i].constant = false; /* it has memory, but no value yet */
    }
    KERNEL(tile_finish)(t);
    t->ahead = t->stream && t->operand_count > 1;
}

static bool make_programs(row_program *p)
{
    for (int i = 0; i < p->stage_count; i++) {
        row_stage *s = &p->stages[i];
        if (!s->body) KERNEL(tile_begin)(&s->program, array_shape(s->node));
    }
    for (int k = 0; k < p->g->count - (p->fold != NULL); k++) {
        if (p->values[k].stage != ROW_NOWHERE && !p->stages[p->values[k].stage].body && !add_map(p, k)) return false;
    }
    for (int i = 0; i < p->stage_count; i++) {
        row_stage *s = &p->stages[i];
        if (!s->body) {
            finish_map(p, s);
        } else {
            s->streams = p->stages[i].body && kernel_of(s->node)->rows->keeps && may_stream(p, s->index);
        }
    }
    return true;
}

/* ---- The arena: tiles of the stages, then rows that wait */
static int64_t row_bytes_of(const row_program *p, int k)
{
    return p->values[k].width * (int64_t)mx_dtype_size((mx_dtype)p->g->nodes[k]->dtype);
}

static bool waits_in_arena(const row_program *p, int k)
{
    const mx_array *node = p->g->nodes[k];
    if (p->values[k].stage == ROW_NOWHERE || !p->values[k].stored) return false;
    return !node->buffer || p->stages[p->values[k].stage].streams;
}

/* Of the value that is folded, a whole chunk waits. */
static int64_t bytes_kept(const row_program *p, int k)
{
    if (!p->fold || k != p->folded) return p->block_rows * row_bytes_of(p, k);
    int64_t rows = reduce_column_rows(p->n);
    return p->columns ? (rows < p->rows ? rows : p->rows) * row_bytes_of(p, k)
                      : REDUCE_CHUNK * (int64_t)mx_dtype_size((mx_dtype)p->g->nodes[k]->dtype);
}

static void lay_out_arena(row_program *p)
{
    int64_t at = 0;
    for (int i = 0; i < p->stage_count; i++) {
        row_stage *s = &p->stages[i];
        s->memory = at;
        if (!s->body) at += (s->program.memory_bytes + 63) / 64 * 64;
    }
    int64_t wide = 0;
    for (int k = 0; k < p->g->count; k++) {
        if (waits_in_arena(p, k) && !(p->fold && k == p->folded)) wide += row_bytes_of(p, k);
    }
    p->block_rows = ROW_ELEMENTS / p->n > 1 ? ROW_ELEMENTS / p->n : 1;
    int64_t room = (ROW_ARENA - at) / 2; /* the rest is left to what they are made from */
    if (wide && p->block_rows * wide > room) p->block_rows = room / wide > 1 ? room / wide : 1;
    for (int k = 0; k < p->g->count; k++) {
        if (!waits_in_arena(p, k)) continue;
        p->values[k].block = at;
        at += (bytes_kept(p, k) + 63) / 64 * 64;
    }
    p->arena_bytes = at;
}

/* ---- Asking for the next block */
static void fetch(row_program *p, const mx_array *x)
{
    bool large = x->size == p->rows * p->n && array_is_contiguous(x) && cpu_beyond_caches(mx_nbytes(x));
    for (int i = 0; i < p->fetched_count; i++) large &= p->fetched[i] != (const char *)array_data(x);
    if (!large || p->fetched_count == ROW_FETCHED) return;
    p->fetched[p->fetched_count] = array_data(x);
    p->fetched_bytes[p->fetched_count++] = (int64_t)mx_nbytes(x) / p->rows;
}

/* The stage that does most and reads least: softmax or a norm, else the last reduction. */
static void choose_fetched(row_program *p)
{
    p->fetched_count = 0;
    p->fetching = ROW_NOWHERE;
    for (int i = 0; i < p->stage_count; i++) {
        bool heavy = p->fetching != ROW_NOWHERE && !kernel_of(p->stages[p->fetching].node)->folds;
        if (p->stages[i].body && !heavy) p->fetching = i;
    }
    for (int k = 0; k < p->g->count && p->fetching != ROW_NOWHERE && p->n >= 64; k++) {
        for (int i = 0; i < p->g->nodes[k]->nin; i++) {
            const mx_array *x = p->g->nodes[k]->in[i];
            if (node_of(p->g, k, x) < 0) fetch(p, x);
        }
    }
}

/* ---- Groups */
static bool run_rows(const mx_group *g, bool may_donate)
{
    row_program p; /* large: what is read of it is set */
    p.g = g;
    if (g->nodes[g->count - 1]->size == 0 || !lay_out(&p) || !find_product(&p) || !find_rows(&p) || !find_end(&p) ||
        !measure(&p) || !place_nodes(&p))
        return false;
    if (((p.fold && !p.columns) || p.product != ROW_NOWHERE) && p.stage_count != 1) return false;
    if (p.fold && p.product != ROW_NOWHERE) return false;
    find_stored(&p);
    if (p.fold) p.values[p.folded].stored = true;
    if (!allocate(&p, may_donate) || !make_programs(&p)) return false;
    lay_out_arena(&p);
    choose_fetched(&p);
    bool ok = p.product != ROW_NOWHERE ? KERNEL(row_run_product)(&p)
              : p.fold                 ? KERNEL(row_run_end)(&p)
                                       : KERNEL(row_run)(&p);
    for (int k = 0; k < g->count && ok; k++) {
        mx_array *node = g->nodes[k], *root = g->nodes[p.values[k].root];
        if (is_view(node) && is_written(&p, k))
            array_set_buffer_take(node, buffer_keep(root->buffer), root->offset + p.values[k].shift);
    }
    return ok;
}

bool KERNEL(run_group)(const mx_group *g, bool may_donate)
{
    bool maps = true;
    for (int k = 0; k < g->count && maps; k++) {
        maps = (g->nodes[k]->op->flags & OP_ELEMENTWISE) &&
               shape_equal(array_shape(g->nodes[k]), array_shape(g->nodes[g->count - 1]));
    }
    return maps ? KERNEL(run_tiles)(g, may_donate) : run_rows(g, may_donate);
}
