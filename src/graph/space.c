/* SPDX-License-Identifier: MIT
 *
 * Groups grow from their last node, so what the rows are may become known late: a sum at the front says what the
 * element-a-row values behind it are made from. */
#include "graph/space.h"
#include "core/layout.h"
#include "core/stream.h"

enum { LONGEST_COLUMNS = 8192 }; /* a chunk of rows of a sum over rows waits in the cache */

/* A view that an evaluation has claimed, over something that has been claimed too: strides of both are ours to set.
 * `offset` is the planner's. */
static bool lay_out(mx_array *view)
{
    mx_array *in = view->in[0];
    int64_t here = view->offset, there = in->offset;
    if (atomic_load_explicit(&array_lead(in)->state, memory_order_relaxed) != STATE_CLAIMED) return false;
    if (layout_is_view(in) && !lay_out(in)) return false;
    in->offset = 0;
    bool good = layout_view(view) && view->offset == 0;
    view->offset = here;
    in->offset = there;
    return good;
}

static bool is_claimed_view(const mx_array *x)
{
    return atomic_load_explicit(&((mx_array *)array_lead(x))->state, memory_order_relaxed) == STATE_CLAIMED &&
           layout_is_view(x);
}

static int64_t last_dimension(const mx_array *x)
{
    return x->ndim ? x->shape[x->ndim - 1] : 1;
}

/* The reduction `node` goes over rows, not along them. */
static bool folds_columns(mx_role role, const mx_array *node)
{
    mx_array *x = node->in[0];
    return is_claimed_view(x) && lay_out(x) && !array_is_contiguous(x) &&
           (role == ROLE_END ? layout_permutes(x) : layout_columns(x, node->ndim, x->size / node->size, node->size));
}

/* Is x what y is, with one element instead of the last axis? */
static bool is_one_a_row(const mx_array *x, const mx_array *y)
{
    int extra = y->ndim - x->ndim;
    bool same = y->ndim > 0 && last_dimension(y) > 1 && x->ndim > 0 && last_dimension(x) == 1;
    for (int i = 0; i < y->ndim - 1 && same; i++) same = y->shape[i] == (i < extra ? 1 : x->shape[i - extra]);
    return same;
}

edge_kind space_edge(mx_role role, const mx_array *reader, int input)
{
    const mx_array *x = reader->in[input];
    bool same = shape_equal(array_shape(x), array_shape(reader));
    switch (role) {
    case ROLE_MAP: return same || is_one_a_row(x, reader) ? EDGE_ANY : EDGE_APART;
    case ROLE_VIEW: return input == 0 ? EDGE_ANY : EDGE_APART;
    case ROLE_ROWS: return shape_equal(array_shape(x), array_shape(reader->in[0])) ? EDGE_FLAT : EDGE_APART;
    case ROLE_END:
    case ROLE_FOLD: return folds_columns(role, reader) ? EDGE_COLUMNS : EDGE_FLAT;
    default: return EDGE_APART;
    }
}

/* Rows of n elements; false: that is not what the space is. */
static bool set_rows(group_space *s, int64_t rows, int64_t n)
{
    if (s->n) return s->rows == rows && s->n == n;
    if (n < 2) return false;
    if (s->size == rows && !s->has_product) s->size = rows * n;
    if (s->size != rows * n || s->has_product) return false;
    s->rows = rows;
    s->n = n;
    return true;
}

static bool set_team(group_space *s, const mx_array *node)
{
    const mx_backend *backend = node->stream->backend;
    int64_t team = backend->team ? backend->team(node) : 0;
    if (s->team && s->team != team) return false;
    s->team = team;
    return true;
}

/* Which elements belong together does not matter to what is computed for each. */
static const char *begin_any(group_space *s, const mx_array *node)
{
    int64_t whole = node->in[0]->size;
    if (whole < 2) return "its reader has nothing to fold";
    *s = (group_space){.size = whole, .rows = 1, .n = whole, .has_rows = true, .is_long = true};
    return NULL;
}

const char *space_begin(group_space *s, mx_role role, const mx_array *node, int64_t longest_row)
{
    *s = (group_space){.size = node->size};
    if (role == ROLE_MAP) return NULL;
    if (role == ROLE_VIEW) return "its reader is a view";
    if (role == ROLE_END) return begin_any(s, node);
    if (role != ROLE_ROWS && role != ROLE_FOLD) return "its reader runs alone";
    int64_t whole = node->in[0]->size, n = role == ROLE_ROWS ? last_dimension(node->in[0]) : whole / node->size;
    bool columns = role == ROLE_FOLD && folds_columns(role, node);
    s->has_rows = true;
    if (columns) {
        *s = (group_space){.size = whole, .rows = n, .n = node->size, .has_rows = true};
        return s->n > LONGEST_COLUMNS || s->n < 2 ? "its reader's rows are too long" : NULL;
    }
    set_team(s, node);
    s->is_long = n > longest_row;
    if (n < 2 || (role == ROLE_ROWS && s->is_long)) return "its reader's rows are too long";
    s->size = whole;
    s->rows = whole / n;
    s->n = n;
    return NULL;
}

static const char *join_view(group_space *s, mx_array *node, edge_kind edge)
{
    if (!lay_out(node)) return "what it shows is not made here";
    bool flat = array_is_contiguous(node) && node->size == node->in[0]->size;
    if (edge == EDGE_COLUMNS) return node->size == s->size && !flat ? NULL : "its reader folds columns";
    if (flat) return node->size == s->size || (s->n && node->size == s->rows) ? NULL : "it has another size";
    if (edge == EDGE_FLAT || !layout_spread(node)) return "it does not show rows";
    int64_t n = layout_spread(node);
    return node->size == s->size && !s->is_long && set_rows(s, node->size / n, n) ? NULL : "it shows other rows";
}

const char *space_join(group_space *s, mx_role role, mx_array *node, edge_kind edge, int64_t longest_row)
{
    int64_t n;
    if (node->size == 0) return "it is empty";
    if (s->closed) return "its reader is the end of a product";
    if (role == ROLE_VIEW && edge != EDGE_COLUMNS && node->size < s->size && !s->n && !s->is_long &&
        !set_rows(s, node->size, s->size / node->size))
        return "it has another size";
    if (role == ROLE_VIEW) return join_view(s, node, edge);
    if (edge == EDGE_COLUMNS) return "its reader folds columns";
    switch (role) {
    case ROLE_MAP:
        if (node->size == s->size) return NULL;
        if (s->is_long) return "it has another size";
        return set_rows(s, node->size, s->size / node->size) ? NULL : "it has another size";
    case ROLE_PRODUCT:
        if (s->n || s->has_product || node->size != s->size) return "its readers work along rows";
        s->has_product = true;
        return NULL;
    case ROLE_ROWS:
    case ROLE_FOLD:
        n = role == ROLE_ROWS ? last_dimension(node->in[0]) : node->in[0]->size / node->size;
        if (n > longest_row || s->is_long) return "its rows are too long";
        if (role == ROLE_FOLD && folds_columns(role, node)) return "it folds columns";
        if (!set_rows(s, node->in[0]->size / n, n)) return "it has other rows";
        if (!set_team(s, node)) return "it shares rows out otherwise";
        s->has_rows = true;
        return NULL;
    default: return "it runs alone";
    }
}

bool space_is_row_value(const group_space *s, const mx_array *node)
{
    return s->n && node->size == s->rows && s->rows != s->size;
}
