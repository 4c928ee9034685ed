/* SPDX-License-Identifier: MIT
 *
 * einsum: operands are contracted two at a time from the left.  Of a pair, a label that nobody else needs is summed
 * away; what is left of it is one matmul with the shared labels as batch or inner axes, or a product where nothing is
 * summed.
 *
 * A label is a letter; the axes of an ellipsis get labels of their own, counted from the right. */
#include "core/memory.h"
#include "ops/rules.h"
#include <string.h>

enum { ELLIPSIS = 128, MAX_LABELS = 160 };

typedef struct term {
    mx_array *x;
    int ndim;
    int label[MX_MAX_NDIM];
} term;

static bool has_label(const term *t, int label)
{
    for (int i = 0; i < t->ndim; i++)
        if (t->label[i] == label) return true;
    return false;
}

static int axis_with(const term *t, int label)
{
    int i = 0;
    while (i < t->ndim && t->label[i] != label) i++;
    return i;
}

/* ---- Reading */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One comma's worth of labels; `hidden` is the number of axes that an ellipsis stands for. */
static bool read_labels(const char **p, term *t, int hidden)
{
    bool dots = false;
    t->ndim = 0;
    for (; **p && **p != ',' && **p != '-'; (*p)++) {
        int first = (unsigned char)**p, count = 1;
        if (**p == ' ') continue;
        if (!strncmp(*p, "...", 3) && !dots) {
            dots = true;
            *p += 2;
            count = hidden < 0 ? 0 : hidden;
            first = ELLIPSIS;
        } else if (!is_letter(**p)) {
            return mx_fail_false(MX_VALUE, "[einsum] Subscripts must be letters, but got '%s'.", *p);
        }
        for (int i = count; i > 0; i--) { /* the last hidden axis is the first label, so that they align to the right */
            if (t->ndim == MX_MAX_NDIM) return mx_fail_false(MX_VALUE, "[einsum] more than %d labels", MX_MAX_NDIM);
            t->label[t->ndim++] = first == ELLIPSIS ? ELLIPSIS + i - 1 : first;
        }
    }
    return true;
}

static int letters_in(const char *p)
{
    int count = 0;
    for (; *p && *p != ',' && *p != '-'; p++) count += is_letter(*p);
    return count;
}

static bool has_dots(const char *p)
{
    const char *end = p + strcspn(p, ",-");
    const char *dots = strstr(p, "...");
    return dots && dots < end;
}

static bool read_operands(const char **p, mx_array *const *operands, int count, term *terms)
{
    for (int k = 0; k < count; k++) {
        int ndim = mx_ndim(operands[k]), hidden = has_dots(*p) ? ndim - letters_in(*p) : 0;
        if (hidden < 0 || !read_labels(p, &terms[k], hidden) || terms[k].ndim != ndim)
            return mx_fail_false(MX_VALUE, "[einsum] operand %d has %d dimensions, which its subscripts do not name", k,
                                 ndim);
        terms[k].x = operands[k];
        bool last = k == count - 1;
        if (last == (**p == ','))
            return mx_fail_false(MX_VALUE, "[einsum] the number of operands, %d, is not that of the subscripts", count);
        *p += !last;
    }
    return true;
}

/* Without "->": the ellipsis, then the letters that occur once, in ASCII order. */
static void implicit_output(const term *terms, int count, term *out)
{
    int seen[MAX_LABELS] = {0}, hidden = 0;
    for (int k = 0; k < count; k++)
        for (int i = 0; i < terms[k].ndim; i++) {
            int label = terms[k].label[i];
            seen[label]++;
            if (label >= ELLIPSIS && label - ELLIPSIS >= hidden) hidden = label - ELLIPSIS + 1;
        }
    out->ndim = 0;
    for (int i = hidden; i > 0; i--) out->label[out->ndim++] = ELLIPSIS + i - 1;
    for (int label = 'A'; label <= 'z'; label++)
        if (seen[label] == 1 && out->ndim < MX_MAX_NDIM) out->label[out->ndim++] = label;
}

static bool read_output(const char *p, const term *terms, int count, term *out)
{
    int hidden = 0;
    if (!*p) {
        implicit_output(terms, count, out);
        return true;
    }
    if (strncmp(p, "->", 2) != 0) return mx_fail_false(MX_VALUE, "[einsum] '->' is expected, not '%s'.", p);
    p += 2;
    for (int k = 0; k < count; k++)
        for (int i = 0; i < terms[k].ndim; i++)
            if (terms[k].label[i] >= ELLIPSIS && terms[k].label[i] - ELLIPSIS >= hidden)
                hidden = terms[k].label[i] - ELLIPSIS + 1;
    if (!read_labels(&p, out, hidden)) return false;
    if (*p) return mx_fail_false(MX_VALUE, "[einsum] the output's subscripts end at '%s'.", p);
    for (int i = 0; i < out->ndim; i++) {
        bool known = false;
        for (int k = 0; k < count; k++) known |= has_label(&terms[k], out->label[i]);
        if (!known) return mx_fail_false(MX_VALUE, "[einsum] '%c' is in no operand.", out->label[i]);
        for (int j = 0; j < i; j++)
            if (out->label[i] == out->label[j])
                return mx_fail_false(MX_VALUE, "[einsum] '%c' is twice in the output.", out->label[i]);
    }
    return true;
}

/* ---- One operand */
/* Keeps the diagonal of a label that occurs twice. */
static void take_diagonals(term *t)
{
    for (int i = 0; i < t->ndim; i++) {
        for (int j = i + 1; j < t->ndim;) {
            if (t->label[i] != t->label[j]) {
                j++;
                continue;
            }
            if (mx_dim(t->x, i) != mx_dim(t->x, j)) {
                t->x = mx_fail(MX_VALUE, "[einsum] the axes of '%c' have sizes %lld and %lld.", t->label[i],
                               (long long)mx_dim(t->x, i), (long long)mx_dim(t->x, j));
                return;
            }
            t->x = mx_moveaxis(mx_diagonal(t->x, 0, i, j), -1, i);
            memmove(&t->label[j], &t->label[j + 1], (size_t)(t->ndim - j - 1) * sizeof *t->label);
            t->ndim--;
        }
    }
}

/* Sums over the labels that `needed` does not mark. */
static void sum_away(term *t, const bool *needed)
{
    int axes[MX_MAX_NDIM], count = 0, kept = 0;
    for (int i = 0; i < t->ndim; i++) {
        if (needed[t->label[i]])
            t->label[kept++] = t->label[i];
        else
            axes[count++] = i;
    }
    t->ndim = kept;
    if (count) t->x = mx_sum(t->x, (mx_axes){count, axes}, false);
}

/* Puts the axes into the order of `labels`, with an axis of size 1 for a label that is not there. */
static mx_array *aligned(const term *t, const int *labels, int count)
{
    int order[MX_MAX_NDIM], taken = 0, absent[MX_MAX_NDIM], missing = 0;
    for (int i = 0; i < count; i++) {
        int axis = axis_with(t, labels[i]);
        if (axis < t->ndim)
            order[taken++] = axis;
        else
            absent[missing++] = i;
    }
    return mx_expand_dims(mx_transpose(t->x, (mx_axes){taken, order}), (mx_axes){missing, absent});
}

/* ---- Two operands */
typedef struct groups {
    int batch[MX_MAX_NDIM], inner[MX_MAX_NDIM], left[MX_MAX_NDIM], right[MX_MAX_NDIM];
    int batch_count, inner_count, left_count, right_count;
} groups;

static groups group_labels(const term *a, const term *b, const bool *needed)
{
    groups g = {0};
    for (int i = 0; i < a->ndim; i++) {
        int label = a->label[i];
        if (!has_label(b, label))
            g.left[g.left_count++] = label;
        else if (needed[label])
            g.batch[g.batch_count++] = label;
        else
            g.inner[g.inner_count++] = label;
    }
    for (int i = 0; i < b->ndim; i++)
        if (!has_label(a, b->label[i])) g.right[g.right_count++] = b->label[i];
    return g;
}

static void append(int *to, int *count, const int *from, int more)
{
    memcpy(to + *count, from, (size_t)more * sizeof *to);
    *count += more;
}

static int64_t product(const int64_t *sizes, int count)
{
    int64_t p = 1;
    for (int i = 0; i < count; i++) p *= sizes[i];
    return p;
}

/* Stretches an axis of size 1 whose label is longer in the other operand. */
static void stretch(term *t, const term *other)
{
    int64_t sizes[MX_MAX_NDIM];
    bool changed = false;
    for (int i = 0; i < t->ndim; i++) {
        int axis = axis_with(other, t->label[i]);
        sizes[i] = mx_dim(t->x, i);
        if (axis == other->ndim || sizes[i] != 1 || mx_dim(other->x, axis) == 1) continue;
        sizes[i] = mx_dim(other->x, axis);
        changed = true;
    }
    if (changed) t->x = mx_broadcast_to(t->x, (mx_shape){t->ndim, sizes});
}

/* (batch, left, inner) @ (batch, inner, right), each group one axis. */
static mx_array *matmul_of(const term *a, const term *b, const groups *g, mx_shape result)
{
    int la[MX_MAX_NDIM], lb[MX_MAX_NDIM], na = 0, nb = 0;
    append(la, &na, g->batch, g->batch_count);
    append(la, &na, g->left, g->left_count);
    append(la, &na, g->inner, g->inner_count);
    append(lb, &nb, g->batch, g->batch_count);
    append(lb, &nb, g->inner, g->inner_count);
    append(lb, &nb, g->right, g->right_count);
    mx_array *x = aligned(a, la, na), *y = aligned(b, lb, nb);
    if (!x || !y) return NULL;
    int64_t batch = product(result.at, g->batch_count), rows = product(result.at + g->batch_count, g->left_count);
    int64_t inner = product(mx_shape_of(x).at + na - g->inner_count, g->inner_count);
    int64_t columns = product(mx_shape_of(y).at + nb - g->right_count, g->right_count);
    x = mx_reshape(x, SHAPE(batch, rows, inner));
    y = mx_reshape(y, SHAPE(batch, inner, columns));
    return mx_reshape(mx_matmul(x, y), result);
}

/* The same while sizes are unknown: what is merged could not be parted again, so all but the last axis of each side are
 * axes of a batch, with ones where the other side has its own. */
static mx_array *matmul_of_unknown(const term *a, const term *b, const groups *g)
{
    int la[MX_MAX_NDIM + 1], lb[MX_MAX_NDIM + 1], na = 0, nb = 0, order[MX_MAX_NDIM], n = 0;
    int rows = g->left_count ? g->left_count - 1 : 0, columns = g->right_count ? g->right_count - 1 : 0;
    int batch = g->batch_count + rows + columns, none = MAX_LABELS; /* a label of nobody: an axis of size 1 */
    if (batch + 1 + g->inner_count > MX_MAX_NDIM)
        return mx_fail(MX_VALUE, "[einsum] a product would have more than %d dimensions", MX_MAX_NDIM);
    append(la, &na, g->batch, g->batch_count);
    append(lb, &nb, g->batch, g->batch_count);
    append(la, &na, g->left, rows);
    append(lb, &nb, g->right, columns);
    for (int i = 0; i < columns; i++) append(la, &na, &none, 1);
    memmove(lb + g->batch_count + rows, lb + g->batch_count, (size_t)columns * sizeof *lb);
    for (int i = 0; i < rows; i++) lb[g->batch_count + i] = none;
    nb += rows;
    append(la, &na, g->left_count ? &g->left[rows] : &none, 1);
    append(la, &na, g->inner, g->inner_count);
    append(lb, &nb, g->inner, g->inner_count);
    append(lb, &nb, g->right_count ? &g->right[columns] : &none, 1);
    mx_array *x = mx_flatten(aligned(a, la, na), batch + 1, -1);
    mx_array *y = mx_flatten(aligned(b, lb, nb), batch, batch + g->inner_count - 1);
    mx_array *z = mx_matmul(x, y);
    /* Made in the order of batch, left but one, right but one, last left, last right. */
    for (int i = 0; i < g->batch_count + rows; i++) order[n++] = i;
    order[n++] = batch;
    for (int i = 0; i < columns; i++) order[n++] = g->batch_count + rows + i;
    order[n++] = batch + 1;
    z = mx_transpose(z, (mx_axes){n, order});
    int ones[2], gone = 0;
    if (!g->left_count) ones[gone++] = g->batch_count;
    if (!g->right_count) ones[gone++] = n - 1;
    return mx_squeeze(z, (mx_axes){gone, ones});
}

static bool contract(term *a, term *b, const bool *needed)
{
    bool in_a[MAX_LABELS] = {0}, in_b[MAX_LABELS] = {0};
    for (int i = 0; i < MAX_LABELS; i++) {
        in_a[i] = needed[i] || has_label(b, i);
        in_b[i] = needed[i] || has_label(a, i);
    }
    sum_away(a, in_a);
    sum_away(b, in_b);
    if (!a->x || !b->x) return false;
    stretch(a, b);
    stretch(b, a);
    if (!a->x || !b->x) return false;
    groups g = group_labels(a, b, needed);
    term out = {.ndim = 0};
    if (g.batch_count + g.left_count + g.right_count > MX_MAX_NDIM)
        return mx_fail_false(MX_VALUE, "[einsum] a product would have more than %d dimensions", MX_MAX_NDIM);
    append(out.label, &out.ndim, g.batch, g.batch_count);
    append(out.label, &out.ndim, g.left, g.left_count);
    append(out.label, &out.ndim, g.right, g.right_count);
    if (g.inner_count && (sizes_are_free(a->x) || sizes_are_free(b->x))) {
        out.x = matmul_of_unknown(a, b, &g);
    } else if (g.inner_count) {
        int64_t sizes[MX_MAX_NDIM];
        for (int i = 0; i < out.ndim; i++) {
            const term *t = has_label(a, out.label[i]) ? a : b;
            sizes[i] = mx_dim(t->x, axis_with(t, out.label[i]));
        }
        out.x = matmul_of(a, b, &g, (mx_shape){out.ndim, sizes});
    } else {
        out.x = mx_mul(aligned(a, out.label, out.ndim), aligned(b, out.label, out.ndim));
    }
    *a = out;
    return out.x != NULL;
}

/* ---- All of them */
static bool same_sizes(const term *terms, int count)
{
    int64_t size[MAX_LABELS] = {0};
    for (int k = 0; k < count; k++)
        for (int i = 0; i < terms[k].ndim; i++) {
            int64_t n = mx_dim(terms[k].x, i), *known = &size[terms[k].label[i]];
            if (*known > 1 && n != 1 && n != *known)
                return mx_fail_false(MX_VALUE, "[einsum] the axes of '%c' have sizes %lld and %lld.", terms[k].label[i],
                                     (long long)*known, (long long)n);
            if (n != 1 || !*known) *known = n;
        }
    return true;
}

static mx_array *contract_all(term *terms, int count, const term *out)
{
    for (int k = 0; k < count; k++) {
        take_diagonals(&terms[k]);
        if (!terms[k].x) return NULL;
    }
    if (!same_sizes(terms, count)) return NULL;
    for (int k = 1; k <= count; k++) {
        bool needed[MAX_LABELS] = {0};
        for (int i = 0; i < out->ndim; i++) needed[out->label[i]] = true;
        for (int rest = k + 1; rest < count; rest++)
            for (int i = 0; i < terms[rest].ndim; i++) needed[terms[rest].label[i]] = true;
        if (k < count ? !contract(&terms[0], &terms[k], needed) : (sum_away(&terms[0], needed), !terms[0].x))
            return NULL;
    }
    return aligned(&terms[0], out->label, out->ndim);
}

mx_array *mx_einsum(const char *subscripts, mx_array *const *operands, int count)
{
    term out;
    const char *p = subscripts;
    if (count < 1 || !subscripts) return mx_fail(MX_VALUE, "[einsum] %d operands.", count);
    if (!op_has_all("einsum", operands, count)) return NULL;
    term *terms = mx_alloc((size_t)count, sizeof *terms);
    bool ok = terms && read_operands(&p, operands, count, terms) && read_output(p, terms, count, &out);
    mx_array *x = ok ? contract_all(terms, count, &out) : NULL;
    mx_free(terms);
    return x;
}
