/* SPDX-License-Identifier: MIT
 *
 * The engine of all elementwise work.  A group is a short program of tile bodies.  For each stretch of the output,
 * operands that are not adjacent there (strided, broadcast) or not in the body's dtype (16-bit floats) are brought into
 * tiles that stay in the L1 cache; bodies then run one after the other on tiles, and what must be written out is.  A
 * lone contiguous op works on the arrays themselves.  So there is no strided, scalar or fused variant of any op, and
 * fused results equal unfused ones bit for bit: every step rounds to its dtype.  This file makes programs and their
 * outputs, tile_run.c runs them. */
#include "cpu/kernels/tile.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/walk.h"
#include <string.h>

enum {
    TILE = 1024,                  /* elements: the most */
    SMALL_TILE = 256,             /* ... the least */
    CACHE_BYTES = 20 << 10,       /* what the tiles of a program may take of the L1 cache before they become shorter */
    AHEAD_FROM = 1 << 17,         /* bytes that a program reads and writes: fewer are read in one go */
    CHUNK = 32 * TILE,            /* elements of a thread's share */
    GROUP_CHUNK = 8 * TILE,       /* ... of several steps, if there is work for several threads at all */
    CHAIN_FROM = 2 * CHAIN_BLOCK, /* elements: fewer are not worth a chain */
    PANEL_ROWS = 16,              /* of operands that lie across: a line of float32 */
    SPARE = 1,                    /* slots before the first tile: a 16-bit float on its way */
    MAX_SLOTS = SPARE + TILE_OPERANDS + TILE_STEPS,
};
_Static_assert(SPARE == 1, "it is taken from the start");
_Static_assert(MAX_SLOTS *SMALL_TILE * 8 <= TILE_MEMORY, "the tiles of the longest program fit");
_Static_assert((int)BLOCK_BYTES <= SMALL_TILE * 2, "... a block instead of a tile too");
_Static_assert(TILE_OPERANDS + TILE_STEPS <= INT8_MAX, "sources are numbered by int8_t");

static bool is_half(mx_dtype t)
{
    return t == MX_FLOAT16 || t == MX_BFLOAT16;
}
static mx_dtype compute_dtype(mx_dtype t)
{
    return is_half(t) ? MX_FLOAT32 : t;
}

/* ---- Building the program */
void KERNEL(tile_begin)(tile_program *p, mx_shape space)
{
    p->operand_count = p->step_count = 0;
    p->space = space;
    p->total = 1;
    for (int i = 0; i < space.ndim; i++) p->total *= space.at[i];
    p->stream = p->ahead = p->raw = false;
    p->panel = 0;
}

int KERNEL(tile_find)(const tile_program *p, const mx_array *x)
{
    for (int i = 0; i < p->operand_count; i++) {
        if (p->operands[i].array == x) return i;
    }
    return -1;
}

static int add_operand(tile_program *p, const mx_array *x)
{
    if (p->operand_count == TILE_OPERANDS) return -1;
    /* Field by field: strides are set later, and to clear them all would be felt by small ops. */
    tile_operand *o = &p->operands[p->operand_count];
    o->array = x;
    o->data = x->buffer ? array_data(x) : NULL;
    o->dtype = (mx_dtype)x->dtype;
    o->bytes = (int8_t)mx_dtype_size(o->dtype);
    o->constant = x->size == 1 && x->buffer;
    o->widened = is_half(o->dtype);
    o->panel = TILE_NO_SLOT;
    o->per_row = false;
    o->slot = TILE_NO_SLOT;
    return p->operand_count++;
}

/* Where step `k` finds x: an earlier step, or an operand. */
static int source_of(tile_program *p, int k, const mx_array *x)
{
    int known = x->buffer ? KERNEL(tile_find)(p, x) : -1; /* what has none yet is most likely the last step */
    if (known >= 0) return known;
    for (int i = k; i-- > 0;) {
        if (p->steps[i].node == x) return TILE_OPERANDS + i;
    }
    known = KERNEL(tile_find)(p, x);
    return known >= 0 ? known : add_operand(p, x);
}

/* Which body computes this node. */
static bool choose_body(const mx_array *node, tile_step *s)
{
    const cpu_op *kernel = cpu_level_now()->ops[node->op->id];
    mx_dtype key = compute_dtype((mx_dtype)node->in[node->nin - 1]->dtype), out = compute_dtype(s->dtype);
    s->body = kernel->cast ? kernel->cast[key][out] : kernel->tile[key];
    if (s->body || (kernel->cast && key == out)) return true;
    return mx_fail_false(MX_VALUE, "[%s] is not defined for %s.", node->op->name,
                         mx_dtype_name((mx_dtype)node->in[node->nin - 1]->dtype));
}

bool KERNEL(tile_add)(tile_program *p, const mx_array *node, mx_array *const *in, bool written)
{
    if (p->step_count == TILE_STEPS)
        return mx_fail_false(MX_RUNTIME, "[eval] a group of more than %d steps.", TILE_STEPS);
    int k = p->step_count++;
    tile_step *s = &p->steps[k];
    s->node = node;
    s->nin = (int8_t)node->nin;
    s->first = 0;
    s->dtype = (mx_dtype)node->dtype;
    s->bytes = (int8_t)mx_dtype_size(s->dtype);
    s->rounded = is_half(s->dtype);
    s->written = written;
    s->read = s->direct = s->stored = s->parked = false;
    s->chained = 0;
    s->link = NULL;
    s->aside = TILE_NO_SLOT;
    s->is_aside = false;
    s->slot = TILE_NO_SLOT;
    s->last = (int8_t)k;
    s->out = NULL;
    if (!choose_body(node, s)) return false;
    for (int i = 0; i < node->nin; i++) {
        int known = p->operand_count, source = source_of(p, k, in[i]);
        if (source < 0) return mx_fail_false(MX_RUNTIME, "[eval] a group reads more than %d arrays.", TILE_OPERANDS);
        s->in[i] = (int8_t)source;
        if (source >= TILE_OPERANDS) {
            p->steps[source - TILE_OPERANDS].read = true;
            p->steps[source - TILE_OPERANDS].last = (int8_t)k;
        } else {
            p->operands[source].last = (int8_t)k;
            if (p->operand_count > known) s->first |= (uint8_t)(1 << i);
        }
    }
    return true;
}

/* Ops that only move values have bodies for the halves; inside a longer program tiles are float32 anyway. */
static void take_raw_body(tile_program *p)
{
    tile_step *s = &p->steps[0];
    mx_dtype stored = (mx_dtype)s->node->in[s->nin - 1]->dtype;
    tile_fn body = p->step_count == 1 && is_half(stored) ? cpu_level_now()->ops[s->node->op->id]->tile[stored] : NULL;
    if (!body) return;
    s->body = body;
    s->rounded = false;
    for (int k = 0; k < p->operand_count; k++) p->operands[k].widened = false;
    p->raw = true;
}

static void strides_of(const tile_operand *o, mx_shape shape, int64_t *strides)
{
    const mx_array *x = o->array;
    int extra = shape.ndim - x->ndim;
    for (int i = 0; i < shape.ndim; i++) strides[i] = i < extra || x->shape[i - extra] == 1 ? 0 : x->strides[i - extra];
}

static bool is_flat(const tile_program *p, const tile_operand *o)
{
    return o->array->size == p->total && array_is_contiguous(o->array);
}

/* Merges dimensions that all operands lay out alike; as walk_merge, for any number of operands. */
static void merge_dimensions(tile_program *p)
{
    int64_t strides[TILE_OPERANDS][MX_MAX_NDIM];
    p->flat = true;
    for (int k = 0; k < p->operand_count; k++) {
        tile_operand *o = &p->operands[k];
        o->flat = o->panel != TILE_NO_SLOT || (!o->constant && is_flat(p, o));
        p->flat &= o->constant || o->flat;
    }
    p->ndim = 1;
    p->row = p->shape[0] = p->flat ? p->total : 1;
    for (int k = 0; k < p->operand_count; k++) {
        p->operands[k].stride[0] = p->flat && !p->operands[k].constant;
        if (!p->flat && p->operands[k].flat)
            shape_row_major(p->space, strides[k]);
        else if (!p->flat)
            strides_of(&p->operands[k], p->space, strides[k]);
    }
    bool first = true;
    for (int i = 0; i < p->space.ndim && !p->flat; i++) {
        int64_t size = p->space.at[i];
        if (size == 1) continue;
        int last = p->ndim - 1;
        bool merges = !first;
        for (int k = 0; k < p->operand_count && merges; k++)
            merges = p->operands[k].stride[last] == strides[k][i] * size;
        if (!first && !merges) last = p->ndim++;
        p->shape[last] = merges ? p->shape[last] * size : size;
        for (int k = 0; k < p->operand_count; k++) p->operands[k].stride[last] = strides[k][i];
        first = false;
    }
    p->row = p->shape[p->ndim - 1];
}

/* ---- Panels: to gather a tile from columns takes part of a line from each; panels are whole lines wide */
/* The rows and columns of an operand that lies across. */
static bool lies_across(const tile_program *p, const tile_operand *o, walk *w)
{
    int64_t strides[1][MX_MAX_NDIM];
    if (o->constant || !o->data || o->array->size != p->total || is_flat(p, o)) return false;
    strides_of(o, p->space, strides[0]);
    *w = walk_merge(p->space, 1, (const int64_t(*)[MX_MAX_NDIM])strides);
    return w->ndim == 2 && w->stride[0][0] == 1 && w->stride[0][1] > 1 && w->shape[0] >= PANEL_ROWS;
}

void KERNEL(tile_find_panels)(tile_program *p)
{
    for (int k = 0, count = 0; k < p->operand_count && count < TILE_PANELS; k++) {
        tile_operand *o = &p->operands[k];
        walk w;
        if (!lies_across(p, o, &w) || (p->panel && p->panel_row != w.shape[1])) continue;
        int64_t rows = GROUP_CHUNK / w.shape[1] / PANEL_ROWS * PANEL_ROWS;
        int64_t panel = (rows > PANEL_ROWS ? rows : PANEL_ROWS) * w.shape[1];
        if (panel * o->bytes > TILE_PANEL_BYTES) continue;
        p->panel = panel;
        p->panel_row = w.shape[1];
        o->across = w.stride[0][1];
        o->panel = (int8_t)count++;
    }
}

/* ---- Chains */
static bool may_chain(const tile_step *s)
{
    return s->body && s->dtype == MX_FLOAT32 && cpu_level_now()->ops[s->node->op->id]->chain &&
           s->node->in[0]->dtype == MX_FLOAT32;
}

static bool is_constant(const tile_program *p, int source)
{
    return source < TILE_OPERANDS && (p->operands[source].constant || p->operands[source].per_row);
}

/* How step k goes on from the running value, which is source x. */
static void set_link(const tile_program *p, tile_step *s, int x)
{
    const cpu_chain *op = cpu_level_now()->ops[s->node->op->id]->chain;
    bool first = s->in[0] == x;
    if (s->nin == 1 || s->in[0] == s->in[1]) {
        s->other = TILE_NO_SLOT;
        s->link = s->is_aside ? op->aside_x_x : op->x_x;
    } else {
        s->other = s->in[first];
        bool one = is_constant(p, s->other);
        s->link = first ? (one ? op->x_one : op->x_tile) : one ? op->one_x : op->tile_x;
        if (s->is_aside) s->link = first ? op->aside_x_one : op->aside_one_x;
    }
}

static bool reads_step(const tile_step *s, int k)
{
    return s->in[0] == TILE_OPERANDS + k || (s->nin == 2 && s->in[1] == TILE_OPERANDS + k);
}

/* Step j of the chain of the steps [first, end) reads what an earlier one made, while the running value is the operand of
 * step j + 1: it is run aside when its own is in the registers, so that neither has to be loaded again. */
static void put_aside(tile_program *p, int j, int first, int end)
{
    tile_step *s = &p->steps[j];
    bool one = s->nin == 1 || s->in[0] == s->in[1], turned = !one && is_constant(p, s->in[0]);
    if (j + 1 >= end || s->written || s[-1].is_aside || reads_step(s, j - 1) || !reads_step(s + 1, j - 1)) return;
    int from = s->in[turned] - TILE_OPERANDS;
    if (from < first || from >= j - 1 || (!one && !turned && !is_constant(p, s->in[1]))) return;
    tile_step *made = &p->steps[from];
    if (made->aside != TILE_NO_SLOT || made->is_aside || made[1].is_aside || !reads_step(made + 1, from)) return;
    made->aside = (int8_t)j;
    s->is_aside = true;
}

/* Do steps of the chain from j on read k, but for what is run aside? */
static bool is_read_from(const tile_program *p, int k, int j)
{
    for (; j <= p->steps[k].last; j++) {
        if (j != p->steps[k].aside && reads_step(&p->steps[j], k)) return true;
    }
    return false;
}

/* Step j of a chain of the steps [first, end); `before` made the running value. */
static void add_to_chain(const tile_program *p, tile_step *s, int j, int before, int end)
{
    bool goes_on = s->in[0] == before || (s->nin == 2 && s->in[1] == before);
    int x = goes_on ? before : s->in[s->nin == 2 && is_constant(p, s->in[0])];
    s->start = (int8_t)x;
    s->load = goes_on || s->is_aside ? NULL : is_constant(p, x) ? KERNEL(chain_load_one) : KERNEL(chain_load);
    set_link(p, s, x);
    int next = j + 1 < end && s[1].is_aside ? j + 2 : j + 1;
    bool goes_to_next = next < end && !s->is_aside && reads_step(&p->steps[next], j);
    s->stored = s->written || !goes_to_next || s->last >= end || is_read_from(p, j, next + 1);
    s->parked = !s->written && s->last < end;
}

/* How many steps from k on can run in registers; one alone gains nothing. */
static int chain_length(const tile_program *p, int k)
{
    int n = 0;
    while (k + n < p->step_count && may_chain(&p->steps[k + n])) n++;
    return p->total < CHAIN_FROM || n < 2 ? 0 : n;
}

/* Values for each row that only chains read need no tile. */
static void find_row_values(tile_program *p)
{
    bool others[TILE_OPERANDS] = {false};
    for (int k = 0, n; k < p->step_count; k += n ? n : 1) {
        n = chain_length(p, k);
        for (int i = 0; i < p->steps[k].nin && !n; i++) {
            if (p->steps[k].in[i] < TILE_OPERANDS) others[p->steps[k].in[i]] = true;
        }
    }
    for (int k = 0; k < p->operand_count; k++) {
        tile_operand *o = &p->operands[k];
        o->per_row = !others[k] && !o->constant && !o->flat && p->ndim > 1 && o->stride[p->ndim - 1] == 0 &&
                     p->row >= TILE_ROWS_FROM;
    }
}

/* Steps that can run in registers and have no others between them. */
static void make_chains(tile_program *p)
{
    find_row_values(p);
    for (int k = 0, n; k < p->step_count; k += n ? n : 1) {
        n = chain_length(p, k);
        p->steps[k].chained = (int8_t)n;
        for (int j = k + 2; j < k + n; j++) put_aside(p, j, k, k + n);
        for (int j = k, before = TILE_NO_SLOT; j < k + n; j++) {
            add_to_chain(p, &p->steps[j], j, before, k + n);
            if (!p->steps[j].is_aside) before = TILE_OPERANDS + j;
        }
    }
    p->in_place = p->flat && !p->stream && p->steps[0].chained == p->step_count;
}

/* ---- Tiles: a slot is taken when a value is first made and given back behind its last reader, as registers are */
typedef struct slot_set {
    bool taken[MAX_SLOTS];
    int count; /* the most that were in use */
} slot_set;

static int8_t take_slot(slot_set *s)
{
    int i = 0;
    while (s->taken[i]) i++;
    s->taken[i] = true;
    if (i >= s->count) s->count = i + 1;
    return (int8_t)i;
}

static void give_slot(slot_set *s, int8_t slot)
{
    if (slot != TILE_NO_SLOT) s->taken[slot] = false;
}

/* Of tiles, and of blocks: a tile is alive as long as its chain runs, for that takes its blocks one after the other. */
typedef struct slot_sets {
    slot_set tiles, blocks;
} slot_sets;

static void take_step(slot_sets *slots, tile_step *s)
{
    s->slot = take_slot(s->parked ? &slots->blocks : &slots->tiles);
}

/* Results that a chain streams leave their tiles when it has run. */
static void give_step(slot_sets *slots, const tile_step *s)
{
    if (s->link && s->written) return;
    give_slot(s->parked ? &slots->blocks : &slots->tiles, s->slot);
}

/* Constants stay; another operand needs no tile where all of it can be read in place. */
static bool needs_slot(const tile_program *p, const tile_operand *o)
{
    return o->constant || o->widened || !(o->per_row || o->flat || (p->ndim == 1 && o->stride[0] == 1));
}

/* A body may write over an input of elements as wide as its own. */
static void give_inputs(const tile_program *p, const tile_step *s, int k, bool before, slot_sets *slots)
{
    int width = (int)mx_dtype_size(compute_dtype(s->dtype));
    for (int i = 0; i < s->nin; i++) {
        bool step = s->in[i] >= TILE_OPERANDS;
        const tile_step *from = step ? &p->steps[s->in[i] - TILE_OPERANDS] : NULL;
        const tile_operand *o = step ? NULL : &p->operands[s->in[i]];
        if ((step ? from->last : o->last) != k || (!step && o->constant)) continue;
        bool alike = (int)mx_dtype_size(compute_dtype(step ? from->dtype : o->dtype)) == width;
        if (before != alike) continue;
        if (step)
            give_step(slots, from);
        else
            give_slot(&slots->tiles, o->slot);
    }
}

/* The operands that `count` steps from k on are the first to read: a chain has all of its operands at once. */
static void take_operands(tile_program *p, int k, int count, slot_set *slots)
{
    for (int j = k; j < k + count; j++) {
        const tile_step *s = &p->steps[j];
        for (int i = 0; i < s->nin; i++) {
            tile_operand *o = s->first >> i & 1 ? &p->operands[s->in[i]] : NULL;
            if (o && !o->constant && needs_slot(p, o)) o->slot = take_slot(slots);
        }
    }
}

/* Bytes of an element of the widest tile. */
static int widest(const tile_program *p)
{
    int width = 2;
    for (int k = 0; k < p->operand_count + p->step_count; k++) {
        mx_dtype t = k < p->operand_count ? p->operands[k].dtype : p->steps[k - p->operand_count].dtype;
        int bytes = (int)mx_dtype_size(compute_dtype(t));
        width = bytes > width ? bytes : width;
    }
    return width;
}

static void take_slots(tile_program *p)
{
    slot_sets slots = {.tiles = {.count = SPARE, .taken = {true}}};
    for (int k = 0; k < p->operand_count; k++) {
        if (p->operands[k].constant) p->operands[k].slot = take_slot(&slots.tiles);
    }
    for (int k = 0, taken = 0; k < p->step_count; k++) {
        tile_step *s = &p->steps[k];
        int count = s->chained ? s->chained : 1;
        if (k >= taken) take_operands(p, k, count, &slots.tiles);
        taken = k + count > taken ? k + count : taken;
        give_inputs(p, s, k, true, &slots);
        s->direct = s->written && s->body && !s->rounded && !p->stream;
        if (!s->direct && !s->is_aside) take_step(&slots, s);
        if (s->aside != TILE_NO_SLOT) take_step(&slots, &p->steps[s->aside]);
        give_inputs(p, s, k, false, &slots);
        if (!s->read) give_step(&slots, s);
    }
    int width = widest(p);
    p->tile = TILE;
    while (p->tile > SMALL_TILE && slots.tiles.count * p->tile * width > CACHE_BYTES) p->tile /= 2;
    p->slot_bytes = p->tile * width;
    p->blocks_at = slots.tiles.count * p->slot_bytes;
    p->memory_bytes = p->blocks_at + slots.blocks.count * BLOCK_BYTES;
}

void KERNEL(tile_finish)(tile_program *p)
{
    take_raw_body(p);
    merge_dimensions(p);
    make_chains(p);
    take_slots(p);
}

/* ---- Outputs */
/* How often nodes that are let go after the group read x. */
static int32_t reads_that_end(const mx_group *g, const mx_array *x)
{
    int32_t count = 0;
    for (int k = 0; k < g->count; k++) {
        for (int i = 0; i < g->nodes[k]->nin && !(g->kept >> k & 1); i++) count += g->nodes[k]->in[i] == x;
    }
    return count;
}

/* An operand whose elements are read where step k writes, not later, and that nobody needs after the group. */
static tile_operand *donor(tile_program *p, const mx_group *g, int k)
{
    const mx_array *out = p->steps[k].node;
    for (int i = 0; i < p->operand_count; i++) {
        tile_operand *o = &p->operands[i];
        const mx_array *x = o->array;
        if (!o->data || o->last > k || x->ndim != out->ndim || x->size != out->size || o->bytes != p->steps[k].bytes)
            continue;
        bool taken = false;
        for (int j = 0; j < k; j++) taken |= p->steps[j].out == o->data;
        if (taken || !array_is_contiguous(x) || !buffer_is_reusable(x->buffer)) continue;
        if (atomic_load_explicit(&((mx_array *)x)->refs, memory_order_acquire) == reads_that_end(g, x)) return o;
    }
    return NULL;
}

/* What a group reads and writes.  Of a lone op it is two or three times what it writes. */
static size_t group_bytes(const tile_program *p)
{
    size_t bytes = 0;
    for (int k = 0; k < p->operand_count; k++) bytes += mx_nbytes(p->operands[k].array);
    for (int k = 0; k < p->step_count; k++) bytes += p->steps[k].written ? mx_nbytes(p->steps[k].node) : 0;
    return bytes;
}

static bool allocate(tile_program *p, const mx_group *g, bool may_donate)
{
    for (int k = 0; k < g->count; k++) {
        mx_array *out = g->nodes[k];
        if (!p->steps[k].written) continue;
        tile_operand *from = may_donate ? donor(p, g, k) : NULL;
        mx_buffer *b = from ? buffer_keep(from->array->buffer) : buffer_new(mx_nbytes(out));
        if (!b) return false;
        array_set_row_major(out);
        array_set_buffer_take(out, b, from ? from->array->offset : 0);
        p->steps[k].out = array_data(out);
        if (!from && cpu_beyond_caches(g->count > 1 ? group_bytes(p) * 2 / 3 : mx_nbytes(out))) p->stream = true;
    }
    return true;
}

/* ---- Running a group */
/* Panel by panel: a transposition, then stretches that find it row-major. */
static void run_panels(const tile_program *p, tile_places *places, tile_memory *memory, int64_t begin, int64_t end)
{
    char panels[TILE_PANELS][TILE_PANEL_BYTES] ALIGNED(64);
    for (int64_t at = begin, n; at < end; at += n) {
        n = end - at < p->panel ? end - at : p->panel;
        for (int k = 0; k < p->operand_count; k++) {
            const tile_operand *o = &p->operands[k];
            if (o->panel == TILE_NO_SLOT) continue;
            mx_shape shape = {2, (int64_t[]){n / p->panel_row, p->panel_row}};
            KERNEL(copy_strided)
            (panels[o->panel], o->data + at / p->panel_row * o->bytes, shape, (int64_t[]){1, o->across},
             (size_t)o->bytes);
            places->operand[k] = (char *)((uintptr_t)panels[o->panel] - (uintptr_t)(at * o->bytes));
        }
        KERNEL(tile_stretch)(p, places, memory, at, at + n);
    }
}

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    const tile_program *p = ctx;
    tile_memory memory;
    tile_places places;
    KERNEL(tile_places_of)(p, &places);
    KERNEL(tile_prepare)(p, &places, &memory);
    if (p->panel)
        run_panels(p, &places, &memory, begin, end);
    else
        KERNEL(tile_stretch)(p, &places, &memory, begin, end);
    if (p->stream) KERNEL(stream_end)();
}

/* ---- Lone ops on contiguous arrays: no program, the body takes the arrays themselves in shares of a thread */
typedef struct plain_op {
    tile_fn body;
    const mx_array *node;
    int64_t out_bytes, in_bytes[TILE_MAX_IN];
} plain_op;

static void run_plain(void *ctx, int64_t begin, int64_t end)
{
    const plain_op *p = ctx;
    const void *in[TILE_MAX_IN];
    for (int i = 0; i < p->node->nin; i++) in[i] = (char *)array_data(p->node->in[i]) + begin * p->in_bytes[i];
    p->body((char *)array_data(p->node) + begin * p->out_bytes, in, end - begin);
}

static bool is_plain(plain_op *p, const mx_array *node)
{
    const cpu_op *kernel = cpu_level_now()->ops[node->op->id];
    mx_dtype stored = (mx_dtype)node->in[node->nin - 1]->dtype, out = (mx_dtype)node->dtype;
    bool plain = !kernel->cast || !(is_half(stored) || is_half(out));
    p->node = node;
    p->body = kernel->cast ? kernel->cast[compute_dtype(stored)][compute_dtype(out)] : kernel->tile[stored];
    p->out_bytes = (int64_t)mx_dtype_size(out);
    for (int i = 0; i < node->nin && plain; i++) {
        plain = node->in[i]->size == node->size && array_is_contiguous(node->in[i]);
        p->in_bytes[i] = (int64_t)mx_dtype_size((mx_dtype)node->in[i]->dtype);
    }
    return plain && p->body;
}

/* An input that is read once, where the result is written, and that nobody else needs. */
static mx_array *plain_donor(const mx_array *node, bool may_donate)
{
    cpu_call c = {.may_donate = may_donate};
    for (int i = 0; i < node->nin && may_donate; i++) {
        mx_array *x = node->in[i];
        if (x->ndim == node->ndim && cpu_can_donate(&c, x, node)) return x; /* one reference: it is read once */
    }
    return NULL;
}

/* `took`: it was such an op, and this is how it went; else nothing was done. */
static bool run_lone(mx_array *node, bool may_donate, bool *took)
{
    plain_op p;
    mx_array *from;
    *took =
        is_plain(&p, node) && ((from = plain_donor(node, may_donate)) != NULL || !cpu_beyond_caches(mx_nbytes(node)));
    if (!*took) return true;
    mx_buffer *b = from ? buffer_keep(from->buffer) : buffer_new(mx_nbytes(node));
    if (!b) return false;
    array_set_row_major(node);
    array_set_buffer_take(node, b, from ? from->offset : 0);
    cpu_split(node->size, CHUNK, run_plain, &p);
    return true;
}

/* Elements of a thread's share of a group, if there is work for several threads at all: sixteen shares at least, which
 * few threads can divide evenly. */
static int64_t group_share(int64_t total)
{
    int64_t share = (total / 16 + SMALL_TILE) / SMALL_TILE * SMALL_TILE;
    return share < GROUP_CHUNK ? share : GROUP_CHUNK;
}

bool KERNEL(run_tiles)(const mx_group *g, bool may_donate)
{
    bool took = false;
    if (g->count == 1) {
        bool ok = run_lone(g->nodes[0], may_donate, &took);
        if (took) return ok;
    }
    tile_program p;
    KERNEL(tile_begin)(&p, array_shape(g->nodes[g->count - 1]));
    for (int k = 0; k < g->count; k++) {
        if (!KERNEL(tile_add)(&p, g->nodes[k], g->nodes[k]->in, k + 1 == g->count || (g->written >> k & 1)))
            return false;
    }
    if (!allocate(&p, g, may_donate)) return false;
    if (p.total == 0) return true;
    KERNEL(tile_find_panels)(&p);
    KERNEL(tile_finish)(&p);
    p.ahead = p.stream || (p.operand_count > 1 && group_bytes(&p) > AHEAD_FROM);
    bool long_steps = g->count > 1 && p.total >= CHUNK;
    cpu_split(p.total, p.panel ? p.panel : long_steps ? group_share(p.total) : CHUNK, run_range, &p);
    return true;
}
