/* SPDX-License-Identifier: MIT
 *
 * Groups with reductions, softmax or norms along rows as one program: which values are one an element and which one a
 * row, and how many lanes a row has.  Ops that would use different numbers of lanes alone cannot keep their order of
 * adding in one kernel: the planner puts them in different groups (cuda_team). */
#include "cuda/group.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "core/params/norm.h"
#include "core/params/reduce.h"

typedef struct builder {
    const mx_group *g;
    elementwise_program *p;
    elementwise_rows *rows;
    int gone;      /* dimensions of a row */
    int64_t bytes; /* of an element that is folded */
    bool has_norm;
    uint8_t from[GROUP_MAX];
    bool is_row[GROUP_MAX];
} builder;

static const cuda_op *op_of(const mx_array *node)
{
    return cuda_ops[node->op->id];
}

static int node_of(const builder *b, int upto, const mx_array *x)
{
    for (int k = upto; k-- > 0;) {
        if (b->g->nodes[k] == x) return k;
    }
    return -1;
}

static bool same_shape(mx_shape a, mx_shape b)
{
    bool same = a.ndim == b.ndim;
    for (int i = 0; i < a.ndim && same; i++) same = a.at[i] == b.at[i];
    return same;
}

/* ---- Rows */
int cuda_folded_dimensions(const mx_array *node)
{
    return op_of(node)->fold && node->op->params_size ? ((const reduce_params *)array_params(node))->count : 1;
}

/* Takes the rows of `node` for those of the group, or compares. */
static bool set_rows(builder *b, const mx_array *node)
{
    const mx_array *x = node->in[0];
    int gone = cuda_folded_dimensions(node), lanes;
    int64_t n = 1, bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    bool vectors = true, fold = op_of(node)->fold != 0;
    if (x->ndim < gone) return false;
    for (int i = x->ndim - gone; i < x->ndim; i++) n *= x->shape[i];
    if (n < 2 || !x->size) return false;
    if (fold && !cuda_reduce_rows(x->size / n, n, bytes, &lanes, &vectors)) return false;
    if (!fold) lanes = rows_lanes(n, bytes);
    bool first = !b->gone;
    if (first) {
        b->gone = gone;
        b->bytes = bytes;
        b->p->shape = array_shape(x);
        b->p->total = x->size;
        b->p->key.vector = (uint8_t)(16 / bytes);
        b->p->key.is_long = n > ROW_LONGEST * ROW_VALUES(bytes);
        *b->rows = (elementwise_rows){.rows = x->size / n, .n = n, .lanes = lanes, .row_vectors = n * bytes % 16 == 0};
        b->rows->fold_vectors = vectors;
    }
    if (fold) b->rows->fold_vectors = vectors;
    return first ||
           (b->gone == gone && b->bytes == bytes && b->rows->lanes == lanes && same_shape(b->p->shape, array_shape(x)));
}

int64_t cuda_team(const mx_array *node)
{
    const mx_array *x = node->in[0];
    int gone = cuda_folded_dimensions(node), lanes = 0;
    int64_t n = 1, bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    bool vectors;
    for (int i = x->ndim - gone; i < x->ndim; i++) n *= x->shape[i];
    if (op_of(node)->rows) lanes = rows_lanes(n, bytes);
    if (op_of(node)->fold && !cuda_reduce_rows(x->size / n, n, bytes, &lanes, &vectors)) lanes = 0;
    return (lanes * (MX_MAX_NDIM + 1) + gone) * 256 + bytes;
}

static bool set_eps(builder *b, const mx_array *node)
{
    if (op_of(node)->rows != ROWS_RMS_NORM && op_of(node)->rows != ROWS_LAYER_NORM) return true;
    float eps = ((const norm_params *)array_params(node))->eps;
    bool fits = !b->has_norm || eps == b->p->key.eps;
    b->has_norm = true;
    b->p->key.eps = eps;
    for (int i = 1; i < node->nin; i++) fits &= node->in[i]->dtype == node->dtype;
    return fits;
}

static bool find_rows(builder *b)
{
    for (int k = 0; k < b->g->count; k++) {
        const mx_array *node = b->g->nodes[k];
        if (node->op->flags & (OP_VIEW | OP_ELEMENTWISE)) continue;
        if (!op_of(node) || !(op_of(node)->fold || op_of(node)->rows) || !set_rows(b, node) || !set_eps(b, node))
            return false;
    }
    return true;
}

/* One value a row: 1 with the folded dimensions kept as ones, 0 with them gone, -1: it is something else. */
static int kept_ones(const builder *b, const mx_array *x)
{
    int kept = b->p->shape.ndim - b->gone;
    bool ones = x->ndim == b->p->shape.ndim;
    if (x->size != b->rows->rows || !(ones || x->ndim == kept)) return -1;
    for (int i = 0; i < kept; i++) {
        if (x->shape[i] != b->p->shape.at[i]) return -1;
    }
    return ones;
}

/* Of a view that is not there yet, of a row-major value: does it show the elements in their order? */
static bool shows_in_order(const mx_array *view)
{
    const mx_array *x = view->in[0];
    if (view->nin != 1 || !view->op->view || (x->op && (x->op->flags & OP_VIEW))) return false;
    int64_t from[MX_MAX_NDIM], to[MX_MAX_NDIM] = {0};
    mx_array in = {.ndim = x->ndim, .dtype = x->dtype, .size = x->size, .shape = x->shape, .strides = from};
    mx_array out = {.ndim = view->ndim, .dtype = view->dtype, .size = view->size, .shape = view->shape, .strides = to};
    mx_call c = {.op = view->op, .params = array_params(view), .in = (mx_array *[]){&in}, .nin = 1, .nout = 1};
    array_set_row_major(&in);
    if (!view->op->view(&c, &out) || out.offset) return false;
    array_set_contiguity(&out);
    return array_is_contiguous(&out);
}

bool cuda_folds_rows(const mx_array *node)
{
    const mx_array *x = node->in[0];
    int gone = cuda_folded_dimensions(node), lanes;
    int64_t n = 1;
    bool vectors;
    for (int i = x->ndim - gone; i < x->ndim; i++) n *= x->shape[i];
    if (n < 2 || !x->size ||
        !cuda_reduce_rows(x->size / n, n, (int64_t)mx_dtype_size((mx_dtype)x->dtype), &lanes, &vectors))
        return false;
    if (array_state(x) == STATE_DONE) return array_is_contiguous(x);
    return !(x->op && (x->op->flags & OP_VIEW)) || shows_in_order(x);
}

/* ---- Steps */
/* Of a view of a row-major node: does it show the elements in their order? */
static bool is_flat_view(mx_array *view)
{
    mx_call c = {
        .op = view->op, .params = array_params(view), .in = view->in, .nin = view->nin, .out = &view, .nout = 1};
    view->offset = 0;
    if (!view->op->view || view->nin != 1 || !view->op->view(&c, view) || view->offset) return false;
    array_set_contiguity(view);
    return array_is_contiguous(view);
}

/* A view stands for what it shows. */
static bool add_view(builder *b, int k)
{
    mx_array *view = b->g->nodes[k], *x = view->in[0];
    int in = node_of(b, k, x);
    if (in < 0 || view->nin != 1 || group_writes(b->g, k)) return false;
    b->from[k] = b->from[in];
    b->is_row[k] = b->is_row[in];
    bool same_size = view->size == x->size;
    array_set_row_major(x);
    if (same_size) return is_flat_view(view);
    return b->is_row[in] && kept_ones(b, x) == 1 && same_shape(array_shape(view), b->p->shape);
}

/* The source of an input that is made in the group, by node `in`; false: not in this program. */
static bool add_inside(const builder *b, int k, int in, const mx_array *x, uint8_t *from)
{
    const mx_array *node = b->g->nodes[k];
    *from = b->from[in];
    if (!b->is_row[in]) return x->size == b->p->total && (!b->is_row[k] || op_of(node)->fold);
    if (b->is_row[k]) return !op_of(node)->fold && same_shape(array_shape(x), array_shape(node));
    return (node->op->flags & OP_ELEMENTWISE) && kept_ones(b, x) != 0 && same_shape(array_shape(node), b->p->shape);
}

/* How an operand's dimensions are those of the program; -1: they are not. */
static int lift_of(const builder *b, int k, const mx_array *x)
{
    const mx_array *node = b->g->nodes[k];
    bool folded = op_of(node)->fold || op_of(node)->rows == ROWS_SOFTMAX_VJP || (op_of(node)->rows && x == node->in[0]);
    if (folded && (x->offset % 16 || (op_of(node)->fold && !array_is_contiguous(x)))) return -1;
    if (folded || same_shape(array_shape(node), b->p->shape)) return 0;
    if (b->is_row[k]) return kept_ones(b, node) == 0 ? b->gone : 0;
    return x->size == 1 || (x->size == b->p->total && array_is_contiguous(x)) ? LIFT_FLAT : -1;
}

static bool add_input(builder *b, int k, mx_array *x, uint8_t *from)
{
    int in = node_of(b, k, x), before = b->p->key.nin;
    if (in >= 0) return add_inside(b, k, in, x, from);
    int operand = elementwise_operand(b->p, x, true), lift = lift_of(b, k, x);
    if (operand < 0 || lift < 0) return false;
    *from = (uint8_t)operand;
    if (operand == before) b->p->lift[operand] = (uint8_t)lift;
    return b->p->lift[operand] == lift;
}

static bool add_node(builder *b, int k)
{
    const mx_array *node = b->g->nodes[k];
    if (node->op->flags & OP_VIEW) return add_view(b, k);
    uint8_t from[3];
    bool whole = node->size == b->p->total;
    b->is_row[k] = op_of(node)->fold || !whole;
    if (b->is_row[k] && (!b->gone || kept_ones(b, node) < 0)) return false;
    for (int i = 0; i < node->nin; i++) {
        if (!add_input(b, k, node->in[i], &from[i])) return false;
    }
    b->from[k] = (uint8_t)(ELEMENTWISE_STEP + b->p->key.count);
    uint8_t flags = (uint8_t)((group_writes(b->g, k) ? STEP_WRITTEN : 0) | (b->is_row[k] ? STEP_ROW : 0));
    return elementwise_add(b->p, node, from, flags);
}

bool cuda_row_program(elementwise_program *p, elementwise_rows *rows, const mx_group *g)
{
    builder b = {.g = g, .p = p, .rows = rows};
    if (!find_rows(&b)) return false;
    if (b.gone) p->key.kind = ROWS_KIND;
    for (int k = 0; k < g->count; k++) {
        if (!add_node(&b, k)) return false;
    }
    return true;
}
