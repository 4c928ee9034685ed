/* SPDX-License-Identifier: MIT
 *
 * The head of all elementwise work: a program's kernel is written from its steps, the dtypes and the layout
 * (source.c, kernels/elementwise.cuh), compiled once and found again by a binary key.  Dimensions that all operands lay
 * out alike are merged, so most kernels have none or two.  Where addresses, strides and the innermost dimension allow
 * it, 16 bytes are moved at once: the kernel has both ways, for a launch costs less than a variant. */
#include "cuda/elementwise.h"
#include "cuda/copy.h"
#include "cuda/jit.h"
#include "core/memory.h"
#include "cuda/kernels/row_args.cuh"
#include <string.h>

enum { BLOCKS_PER_SM = 16, MANY_BLOCKS = 1 << 30 };

/* ---- Programs */
void elementwise_start(elementwise_program *p, mx_shape shape)
{
    memset(&p->key, 0, offsetof(elementwise_key, steps));
    p->key.kind = ELEMENTWISE_KIND;
    p->shape = shape;
    p->total = 1;
    for (int i = 0; i < shape.ndim; i++) p->total *= shape.at[i];
}

int elementwise_operand(elementwise_program *p, mx_array *x, bool once)
{
    for (int k = 0; once && k < p->key.nin; k++) {
        if (p->in[k] == x) return p->uses[k]++, k;
    }
    if (p->key.nin == ELEMENTWISE_OPERANDS) return -1;
    int k = p->key.nin++;
    p->in[k] = x;
    p->uses[k] = 1;
    p->lift[k] = 0;
    p->key.in[k] = x->dtype;
    return k;
}

bool elementwise_add(elementwise_program *p, const mx_array *node, const uint8_t *from, uint8_t flags)
{
    elementwise_key *key = &p->key;
    if (key->count == ELEMENTWISE_STEPS || ((flags & STEP_WRITTEN) && key->nout == ELEMENTWISE_RESULTS)) return false;
    elementwise_step *s = &key->steps[key->count++];
    *s = (elementwise_step){
        .op = (uint16_t)node->op->id, .dtype = node->dtype, .nin = (uint8_t)node->nin, .flags = flags};
    for (int i = 0; i < node->nin; i++) s->from[i] = from[i];
    if (flags & STEP_WRITTEN) p->out[key->nout++] = (mx_array *)node;
    return true;
}

size_t elementwise_key_bytes(const elementwise_key *key)
{
    return offsetof(elementwise_key, steps) + key->count * sizeof *key->steps;
}

/* ---- Layout */
static void broadcast_strides(const mx_array *x, int lift, mx_shape shape, int64_t *strides)
{
    int64_t step = 1;
    for (int i = shape.ndim; lift == LIFT_FLAT && i-- > 0; step *= shape.at[i]) strides[i] = x->size == 1 ? 0 : step;
    if (lift == LIFT_FLAT) return;
    int end = shape.ndim - lift, extra = end - x->ndim;
    for (int i = 0; i < shape.ndim; i++) {
        bool apart = i < extra || i >= end || x->shape[i - extra] == 1;
        strides[i] = apart ? 0 : x->strides[i - extra];
    }
}

static bool is_flat(const elementwise_program *p, elementwise_layout *l)
{
    bool flat = true;
    for (int k = 0; k < p->key.nin; k++) {
        bool one = p->in[k]->size == 1;
        flat &= one || (p->in[k]->size == p->total && array_is_contiguous(p->in[k]));
        l->stride[k][0] = !one;
    }
    return flat;
}

static void merge(const elementwise_program *p, elementwise_layout *l)
{
    int64_t strides[ELEMENTWISE_OPERANDS][MX_MAX_NDIM];
    int last = -1, nin = p->key.nin;
    for (int k = 0; k < nin; k++) broadcast_strides(p->in[k], p->lift[k], p->shape, strides[k]);
    for (int i = 0; i < p->shape.ndim; i++) {
        if (p->shape.at[i] == 1) continue;
        bool merges = last >= 0;
        for (int k = 0; k < nin && merges; k++) merges = l->stride[k][last] == strides[k][i] * p->shape.at[i];
        if (!merges) l->size[++last] = 1;
        l->size[last] *= p->shape.at[i];
        for (int k = 0; k < nin; k++) l->stride[k][last] = strides[k][i];
    }
    l->ndim = last + 1;
}

void elementwise_place(elementwise_program *p, elementwise_layout *l)
{
    l->ndim = 0;
    l->vectors = false;
    p->key.ndim = ELEMENTWISE_FLAT;
    p->key.wide = p->total >= INDEX_WIDE;
    if (!p->total || is_flat(p, l)) return;
    merge(p, l);
    p->key.ndim = (uint8_t)(l->ndim < ELEMENTWISE_ANY ? l->ndim : ELEMENTWISE_ANY);
}

static int64_t bytes_of(uint8_t dtype)
{
    return (int64_t)mx_dtype_size((mx_dtype)dtype);
}

int elementwise_width(const elementwise_key *key)
{
    int64_t most = 1;
    if (key->kind != ELEMENTWISE_KIND && key->kind != MANY_KIND) return key->vector;
    for (int k = 0; k < key->nin; k++) most = bytes_of(key->in[k]) > most ? bytes_of(key->in[k]) : most;
    for (int i = 0; i < key->count; i++) {
        int64_t bytes = key->steps[i].flags & STEP_WRITTEN ? bytes_of(key->steps[i].dtype) : 1;
        most = bytes > most ? bytes : most;
    }
    return (int)(16 / most);
}

/* Can all be moved in vectors of `width`, each beside each other or one element in all places?  Then the innermost
 * dimension counts vectors. */
static bool widen(elementwise_layout *l, const elementwise_program *p, int64_t width, const cu_ptr *in,
                  const cu_ptr *out)
{
    bool flat = p->key.ndim == ELEMENTWISE_FLAT, fits = true;
    int last = flat ? 0 : l->ndim - 1;
    for (int k = 0; k < p->key.nout; k++) fits &= out[k] % (uint64_t)(width * bytes_of(p->out[k]->dtype)) == 0;
    fits &= flat || l->size[last] % width == 0;
    for (int k = 0; k < p->key.nin && fits; k++) {
        bool one = l->stride[k][last] == 0;
        fits = one || (l->stride[k][last] == 1 && in[k] % (uint64_t)(width * bytes_of(p->key.in[k])) == 0);
        for (int i = 0; i < last; i++) fits &= one || l->stride[k][i] % width == 0;
    }
    if (!fits || flat) return fits;
    l->size[last] /= width;
    for (int k = 0; k < p->key.nin; k++) l->stride[k][last] *= width;
    return true;
}

/* ---- Launching */
/* kernels/elementwise.cuh: elementwise_args.  Returns the bytes. */
static size_t write_args(const elementwise_program *p, const elementwise_layout *l, const cu_ptr *in, const cu_ptr *out,
                         uint64_t *args)
{
    int ndim = p->key.ndim, places = ELEMENTWISE_PLACES(ndim);
    uint64_t *at = args;
    *at++ = (uint64_t)p->total;
    *at++ = (uint64_t)l->ndim | (uint64_t)l->vectors << 32;
    for (int k = 0; k < p->key.nout; k++) *at++ = out[k];
    for (int k = 0; k < p->key.nin; k++) *at++ = in[k];
    for (int i = 0; i < places; i++, at += 2) {
        struct index_divider d = i < l->ndim ? index_divider_of(l->size[i]) : (struct index_divider){0};
        memcpy(at, &d, sizeof d);
    }
    for (int k = 0; k < p->key.nin; k++) {
        for (int i = 0; i < places; i++)
            *at++ = i < l->ndim || ndim == ELEMENTWISE_FLAT ? (uint64_t)l->stride[k][i] : 0;
    }
    return (size_t)(at - args) * sizeof *args;
}

/* Operands, then results, in the memory of operands of their shape that nobody else needs. */
static bool take_memory(cuda_call *c, const elementwise_program *p, cu_ptr *in, cu_ptr *out)
{
    bool taken[ELEMENTWISE_OPERANDS] = {false};
    for (int k = 0; k < p->key.nin; k++) {
        if (p->total && !cuda_operand(c, p->in[k], &in[k])) return false;
    }
    for (int i = 0; i < p->key.nout; i++) {
        int donor = -1;
        for (int k = 0; k < p->key.nin && donor < 0; k++) {
            const mx_array *x = p->in[k];
            bool fits = !taken[k] && p->uses[k] && x->ndim == p->shape.ndim && x->size == p->total &&
                        atomic_load_explicit(&x->refs, memory_order_relaxed) == p->uses[k];
            if (fits && bytes_of(x->dtype) == bytes_of(p->out[i]->dtype)) donor = k;
        }
        c->out = p->out[i];
        c->reads = donor < 0 ? 1 : p->uses[donor];
        if (donor >= 0) taken[donor] = true;
        if (!cuda_output(c, 0, donor < 0 ? NULL : p->in[donor], &out[i])) return false;
    }
    return true;
}

/* kernels/row_group.cuh: what row_group_args has more; returns the bytes. */
static size_t write_rows(const elementwise_rows *r, uint64_t *args)
{
    args[0] = (uint64_t)r->rows;
    args[1] = (uint64_t)r->n;
    args[2] = (uint64_t)r->lanes | (uint64_t)r->fold_vectors << 32;
    args[3] = r->row_vectors;
    return 4 * sizeof *args;
}

size_t elementwise_bind(cuda_call *c, const elementwise_program *p, elementwise_layout *l, bool may_widen, cu_ptr *out,
                        uint64_t args[ELEMENTWISE_ARGS])
{
    cu_ptr in[ELEMENTWISE_OPERANDS];
    if (!take_memory(c, p, in, out)) return 0;
    c->outs = p->out;
    c->out_count = p->key.nout;
    l->vectors = p->total && may_widen && widen(l, p, elementwise_width(&p->key), in, out);
    return write_args(p, l, in, out, args);
}

bool elementwise_launch(cuda_call *c, const elementwise_program *p, elementwise_layout *l, cuda_kernel *kernel,
                        const char *name, const elementwise_rows *rows)
{
    cu_ptr out[ELEMENTWISE_RESULTS];
    uint64_t args[ELEMENTWISE_ARGS];
    int64_t width = elementwise_width(&p->key), unroll = ELEMENTWISE_UNROLL(p->key.nin, width);
    size_t bytes = elementwise_bind(c, p, l, !rows || rows->n % width == 0, out, args);
    if (!bytes || !p->total) return bytes != 0;
    int64_t each = ELEMENTWISE_BLOCK * (l->vectors ? unroll * width : 1);
    int64_t blocks = (p->total + each - 1) / each, most = (int64_t)c->queue->device->sm_count * BLOCKS_PER_SM;
    unsigned threads = ELEMENTWISE_BLOCK;
    if (rows) {
        bytes += write_rows(rows, args + bytes / sizeof *args);
        threads = rows->lanes <= 32 ? ROW_BLOCK : (unsigned)rows->lanes;
        blocks = (rows->rows + threads / rows->lanes - 1) / (threads / rows->lanes);
        most = MANY_BLOCKS;
    }
    cuda_launch launch = {.kernel = kernel,
                          .grid = {(unsigned)(blocks < most ? blocks : most), 1, 1},
                          .block = {threads, 1, 1},
                          .merges = p->key.kind == ELEMENTWISE_KIND && p->key.ndim == ELEMENTWISE_FLAT && !p->key.wide,
                          .op = name};
    return cuda_collect(c, &launch, args, bytes);
}

typedef bool (*source_fn)(const elementwise_key *, char *, char *);
static source_fn sources(char kind)
{
    return kind == ROWS_KIND ? rows_source : kind == END_KIND ? end_source : elementwise_source;
}

cuda_kernel *elementwise_kernel(cuda_device *d, const elementwise_key *key, bool later)
{
    char *source = mx_alloc(ELEMENTWISE_SOURCE, 1), entry[ELEMENTWISE_ENTRY];
    bool ok = source && sources(key->kind)(key, source, entry);
    cuda_kernel *k = ok ? jit_add(d, key, elementwise_key_bytes(key), source, entry, later) : NULL;
    mx_free(source);
    return k;
}

/* ---- A lone op */
bool cuda_elementwise(cuda_call *c)
{
    elementwise_program p;
    elementwise_layout l;
    uint8_t from[3];
    cuda_kernel *kernel = NULL;
    cuda_device *d = c->queue->device;
    elementwise_start(&p, array_shape(c->out));
    for (int i = 0; i < c->nin; i++) from[i] = (uint8_t)elementwise_operand(&p, c->in[i], false);
    elementwise_add(&p, c->out, from, STEP_WRITTEN);
    elementwise_place(&p, &l);
    if (p.total && !(kernel = jit_find(d, &p.key, elementwise_key_bytes(&p.key))) &&
        !(kernel = elementwise_kernel(d, &p.key, false)))
        return false;
    return elementwise_launch(c, &p, &l, kernel, c->op->name, NULL);
}
