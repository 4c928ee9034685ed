/* SPDX-License-Identifier: MIT
 *
 * The head of all elementwise work: the kernel of an op is written from its expression, the dtypes and the layout
 * (kernels/elementwise.cuh is the rest of it), compiled once and found again by a binary key.  Dimensions that all operands lay out
 * alike are merged, so most kernels have none or two.  Where addresses, strides and the innermost dimension allow it,
 * 16 bytes are moved at once: the kernel has both ways, for a launch costs less than a variant. */
#include "cuda/elementwise.h"
#include "cuda/copy.h"
#include "cuda/jit.h"
#include "core/memory.h"
#include <stdio.h>
#include <string.h>

enum { OPERANDS = ELEMENTWISE_OPERANDS, BLOCKS_PER_SM = 16 };

typedef struct dtype_names {
    const char *stored, *computed;
    size_t expression; /* which one of cuda_op */
} dtype_names;
#define NAMES(stored, computed, kind)                                                                                  \
    {                                                                                                                  \
        stored, computed, offsetof(cuda_op, kind)                                                                      \
    }
static const dtype_names dtypes[MX_DTYPE_COUNT] = {
    [MX_BOOL] = NAMES("bool", "bool", boolean),   [MX_UINT8] = NAMES("u8", "u8", integer),
    [MX_UINT16] = NAMES("u16", "u16", integer),   [MX_UINT32] = NAMES("u32", "u32", integer),
    [MX_UINT64] = NAMES("u64", "u64", integer),   [MX_INT8] = NAMES("i8", "i8", integer),
    [MX_INT16] = NAMES("i16", "i16", integer),    [MX_INT32] = NAMES("i32", "i32", integer),
    [MX_INT64] = NAMES("i64", "i64", integer),    [MX_FLOAT16] = NAMES("f16", "float", real),
    [MX_FLOAT32] = NAMES("float", "float", real), [MX_FLOAT64] = NAMES("double", "double", real),
    [MX_BFLOAT16] = NAMES("bf16", "float", real), [MX_COMPLEX64] = NAMES("c64", "c64", complex),
};

const char *elementwise_type(uint8_t dtype)
{
    return dtypes[dtype].stored;
}

const char *elementwise_expression(const cuda_op *op, uint8_t dtype)
{
    const char *text;
    memcpy(&text, (const char *)op + dtypes[dtype].expression, sizeof text);
    return text;
}

bool cuda_has_elementwise(const mx_array *node, const cuda_op *op)
{
    return (node->op->flags & OP_ELEMENTWISE) && node->nin && node->nin <= OPERANDS &&
           elementwise_expression(op, node->in[node->nin - 1]->dtype);
}

/* ---- Layout */
static void broadcast_strides(const mx_array *x, mx_shape shape, int64_t *strides)
{
    int extra = shape.ndim - x->ndim;
    for (int i = 0; i < shape.ndim; i++) strides[i] = i < extra || x->shape[i - extra] == 1 ? 0 : x->strides[i - extra];
}

/* Dimensions merged where all operands allow it; their number, ELEMENTWISE_FLAT where no strides are needed. */
static int merge(elementwise_args *a, mx_shape shape, mx_array *const *in, int nin)
{
    int64_t strides[OPERANDS][MX_MAX_NDIM], size[MX_MAX_NDIM] = {0};
    bool flat = true;
    int last = -1;
    for (int k = 0; k < nin; k++) {
        bool one = in[k]->size == 1;
        flat &= one || (in[k]->size == a->total && array_is_contiguous(in[k]));
        a->stride[k][0] = !one;
        broadcast_strides(in[k], shape, strides[k]);
    }
    if (flat) return ELEMENTWISE_FLAT;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] == 1) continue;
        bool merges = last >= 0;
        for (int k = 0; k < nin && merges; k++) merges = a->stride[k][last] == strides[k][i] * shape.at[i];
        if (!merges) size[++last] = 1;
        size[last] *= shape.at[i];
        for (int k = 0; k < nin; k++) a->stride[k][last] = strides[k][i];
    }
    a->ndim = last + 1;
    for (int i = 0; i <= last; i++) a->shape[i] = index_divider_of(size[i]);
    return a->ndim < ELEMENTWISE_ANY ? a->ndim : ELEMENTWISE_ANY;
}

static int64_t bytes_of(uint8_t dtype)
{
    return (int64_t)mx_dtype_size((mx_dtype)dtype);
}

static int64_t width_of(const elementwise_key *key)
{
    int64_t most = bytes_of(key->out);
    for (int k = 0; k < key->nin; k++) most = bytes_of(key->in[k]) > most ? bytes_of(key->in[k]) : most;
    return 16 / most;
}

/* Can all operands be moved in vectors of `width`, each beside each other or one element in all places?  Then the
 * innermost dimension counts vectors. */
static bool widen(elementwise_args *a, const elementwise_key *key, int64_t width)
{
    bool flat = key->ndim == ELEMENTWISE_FLAT;
    int last = flat ? 0 : a->ndim - 1;
    bool fits = a->out % (uint64_t)(width * bytes_of(key->out)) == 0 && (flat || a->shape[last].n % width == 0);
    for (int k = 0; k < key->nin && fits; k++) {
        bool one = a->stride[k][last] == 0;
        fits = one || (a->stride[k][last] == 1 && a->in[k] % (uint64_t)(width * bytes_of(key->in[k])) == 0);
        for (int i = 0; i < last; i++) fits &= one || a->stride[k][i] % width == 0;
    }
    if (!fits || flat) return fits;
    a->shape[last] = index_divider_of(a->shape[last].n / width);
    for (int k = 0; k < key->nin; k++) a->stride[k][last] *= width;
    return true;
}

/* ---- The kernel */
bool elementwise_source(const char *name, const char *expression, const elementwise_key *key,
                        char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY])
{
    static const char types[] = "XYZ";
    size_t size = ELEMENTWISE_SOURCE;
    const dtype_names *last = &dtypes[key->in[key->nin - 1]];
    snprintf(entry, ELEMENTWISE_ENTRY, "%s_%s", name, last->stored);
    int n = snprintf(source, size,
                     "#include \"cuda/kernels/index.cuh\"\ntypedef %s INDEX;\ntypedef %s OUT;\ntypedef %s T;\n"
                     "#define ENTRY %s\n#define NIN %d\n#define NDIM %d\n#define WIDTH %d\n#define EXPR %s\n",
                     key->wide ? "u64" : "u32", dtypes[key->out].stored, last->computed, entry, key->nin, key->ndim,
                     (int)width_of(key), expression);
    for (int k = 0; k < OPERANDS && n < (int)size; k++) {
        n += snprintf(source + n, size - (size_t)n, "typedef %s %c;\n", dtypes[key->in[k < key->nin ? k : 0]].stored,
                      types[k]);
    }
    if (n < (int)size) n += snprintf(source + n, size - (size_t)n, "#include \"cuda/kernels/elementwise.cuh\"\n");
    return n < (int)size || mx_fail_false(MX_RUNTIME, "[%s] GPU: the expression is too long.", name);
}

static cuda_kernel *make_kernel(cuda_device *d, const char *name, const char *expression, const elementwise_key *key)
{
    char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
    if (!elementwise_source(name, expression, key, source, entry)) return NULL;
    return jit_add(d, key, sizeof *key, source, entry);
}

/* out[0] = expression over `in`, whose common shape is `shape`. */
static bool run(cuda_call *c, const char *name, const char *expression, mx_array *const *in, int nin, mx_shape shape)
{
    elementwise_args a = {.total = c->out->size};
    elementwise_key key;
    cu_ptr at[OPERANDS] = {0}, out;
    memset(&key, 0, sizeof key); /* its padding is compared too */
    mx_array *donor = NULL;
    for (int k = 0; k < nin; k++) {
        key.in[k] = in[k]->dtype;
        bool again = false;
        for (int j = 0; j < nin; j++) again |= j != k && in[j] == in[k];
        if (!again && !donor && in[k]->ndim == shape.ndim && in[k]->size == a.total) donor = in[k];
        if (a.total && !cuda_operand(c, in[k], &at[k])) return false;
    }
    if (!cuda_output(c, 0, donor, &out)) return false;
    if (!a.total) return true;
    key.op = (uint16_t)c->op->id;
    key.nin = (uint8_t)nin;
    key.out = c->out->dtype;
    key.ndim = (uint8_t)merge(&a, shape, in, nin);
    key.wide = a.total >= INDEX_WIDE;
    a.out = out;
    for (int k = 0; k < OPERANDS; k++) a.in[k] = at[k < nin ? k : 0];
    int64_t width = width_of(&key);
    a.vectors = widen(&a, &key, width);

    cuda_device *d = c->queue->device;
    cuda_kernel *kernel = jit_find(d, &key, sizeof key);
    if (!kernel && !(kernel = make_kernel(d, name, expression, &key))) return false;
    int64_t share = ELEMENTWISE_BLOCK * (a.vectors ? (width < ELEMENTWISE_AT_ONCE ? 2 * width : width) : 1);
    int64_t blocks = (a.total + share - 1) / share, most = (int64_t)d->sm_count * BLOCKS_PER_SM;
    cuda_launch launch = {.kernel = kernel,
                          .grid = {(unsigned)(blocks < most ? blocks : most), 1, 1},
                          .block = {ELEMENTWISE_BLOCK, 1, 1},
                          .op = c->op->name};
    return cuda_collect(c, &launch, &a, sizeof a);
}

bool cuda_elementwise(cuda_call *c, const cuda_op *op)
{
    mx_array *last = c->in[c->nin - 1];
    return run(c, c->op->name, elementwise_expression(op, last->dtype), c->in, c->nin, array_shape(c->out));
}
