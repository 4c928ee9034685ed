/* SPDX-License-Identifier: MIT
 *
 * einsum: operands are contracted from left to right, two at a time.
 *
 * Each axis carries a label: 0 to 51 for a letter (A-Z, a-z: ASCII order), from 52 on for the axes of an ellipsis,
 * counted from its right.  Two operands that share a label which nothing else needs are one matrix product over the
 * batch of the labels that are kept; else they are a product of elements. */
#include "mlxc/mlxc.h"

#include <ctype.h>
#include <string.h>

#define LETTERS 52
#define LABELS (LETTERS + MX_MAX_NDIM)

typedef struct term { /* an operand and the label of each axis */
    mx_array *x;
    int ndim;
    int labels[MX_MAX_NDIM];
} term;

static bool fail(const char *what)
{
    return mx_fail_false(MX_VALUE, "[einsum] %s.", what);
}

static int find(const term *t, int label)
{
    for (int i = 0; i < t->ndim; i++)
        if (t->labels[i] == label) return i;
    return -1;
}

static bool add_label(term *t, int label)
{
    if (t->ndim == MX_MAX_NDIM) return fail("a term has too many subscripts");
    t->labels[t->ndim++] = label;
    return true;
}

/* ---- Parsing ---- */

/* Reads one term up to a comma, an arrow or the end; an ellipsis stands for `ellipsis` axes. */
static bool read_term(const char **at, term *t, int ellipsis)
{
    bool dots = false;
    t->ndim = 0;
    for (; **at && **at != ',' && **at != '-'; (*at)++) {
        char c = **at;
        if (c == ' ') continue;
        if (strncmp(*at, "...", 3) == 0 && !dots) {
            dots = true;
            *at += 2;
            for (int i = ellipsis - 1; i >= 0; i--)
                if (!add_label(t, LETTERS + i)) return false;
        } else if (isalpha((unsigned char)c)) {
            if (!add_label(t, c >= 'a' ? c - 'a' + 26 : c - 'A')) return false;
        } else {
            return mx_fail_false(MX_VALUE, "[einsum] subscripts must be letters, got '%c'.", c);
        }
    }
    return true;
}

/* Does the term that starts here have an ellipsis, and how many letters? */
static bool has_ellipsis(const char *at, int *letters)
{
    bool dots = false;
    *letters = 0;
    for (; *at && *at != ',' && *at != '-'; at++) {
        dots |= *at == '.';
        *letters += isalpha((unsigned char)*at) != 0;
    }
    return dots;
}

static bool read_operand(const char **at, term *t, mx_array *x, int number)
{
    int letters, ndim = mx_ndim(x);
    bool dots = has_ellipsis(*at, &letters);
    t->x = x;
    if (letters > ndim || (!dots && letters != ndim))
        return mx_fail_false(MX_VALUE, "[einsum] %d subscripts for operand %d with %d dimensions.", letters, number,
                             ndim);
    return read_term(at, t, dots ? ndim - letters : 0);
}

/* Without an arrow: the ellipsis, then the letters that occur once. */
static bool implicit_output(const term *terms, int count, int ellipsis, term *out)
{
    int uses[LABELS] = {0};
    for (int k = 0; k < count; k++)
        for (int i = 0; i < terms[k].ndim; i++) uses[terms[k].labels[i]]++;
    out->ndim = 0;
    for (int i = ellipsis - 1; i >= 0; i--)
        if (!add_label(out, LETTERS + i)) return false;
    for (int label = 0; label < LETTERS; label++)
        if (uses[label] == 1 && !add_label(out, label)) return false;
    return true;
}

static bool read_output(const char *at, const term *terms, int count, term *out)
{
    int ellipsis = 0;
    for (int k = 0; k < count; k++) {
        int own = 0;
        for (int i = 0; i < terms[k].ndim; i++) own += terms[k].labels[i] >= LETTERS;
        if (own > ellipsis) ellipsis = own;
    }
    if (*at == 0) return implicit_output(terms, count, ellipsis, out);
    if (at[0] != '-' || at[1] != '>') return fail("an arrow is written ->");
    at += 2;
    if (!read_term(&at, out, ellipsis)) return false;
    if (*at) return fail("there is something after the output");
    for (int i = 0; i < out->ndim; i++) {
        bool known = false;
        for (int k = 0; k < count; k++) known |= find(&terms[k], out->labels[i]) >= 0;
        if (!known) return fail("an output subscript is in no input");
        for (int j = 0; j < i; j++)
            if (out->labels[i] == out->labels[j]) return fail("an output subscript is repeated");
    }
    return true;
}

/* ---- Contracting ---- */

static void remove_axis(term *t, int axis)
{
    t->ndim--;
    memmove(t->labels + axis, t->labels + axis + 1, (size_t)(t->ndim - axis) * sizeof *t->labels);
}

/* Two axes of the same label; false if there are none. */
static bool find_repeated(const term *t, int *first, int *second)
{
    for (*first = 0; *first < t->ndim; (*first)++)
        for (*second = *first + 1; *second < t->ndim; (*second)++)
            if (t->labels[*first] == t->labels[*second]) return true;
    return false;
}

/* A label that an operand repeats becomes one axis, the diagonal, which comes last. */
static bool take_diagonals(term *t)
{
    for (int i, j; find_repeated(t, &i, &j);) {
        int label = t->labels[i];
        int64_t m = mx_dim(t->x, i), n = mx_dim(t->x, j);
        if (m != n)
            return mx_fail_false(MX_VALUE, "[einsum] a repeated subscript has the sizes %lld and %lld.", (long long)m,
                                 (long long)n);
        if (!(t->x = mx_diagonal(t->x, 0, i, j))) return false;
        remove_axis(t, j);
        remove_axis(t, i);
        t->labels[t->ndim++] = label;
    }
    return true;
}

/* Sums over the labels that nothing else needs. */
static bool sum_unused(term *t, const bool *needed)
{
    int axes[MX_MAX_NDIM], count = 0;
    for (int i = 0; i < t->ndim; i++)
        if (!needed[t->labels[i]]) axes[count++] = i;
    if (count == 0) return true;
    t->x = mx_sum(t->x, (mx_axes){count, axes}, false);
    for (int i = count - 1; i >= 0; i--) remove_axis(t, axes[i]);
    return t->x != NULL;
}

/* x with its axes in the order of `labels`; those that it lacks are of size 1. */
static mx_array *align(const term *t, const int *labels, int count)
{
    int order[MX_MAX_NDIM], missing[MX_MAX_NDIM], have = 0, lacking = 0;
    for (int i = 0; i < count; i++) {
        int axis = find(t, labels[i]);
        if (axis >= 0)
            order[have++] = axis;
        else
            missing[lacking++] = i;
    }
    mx_array *x = mx_transpose(t->x, (mx_axes){have, order});
    return lacking ? mx_expand_dims(x, (mx_axes){lacking, missing}) : x;
}

static int64_t product(const int64_t *sizes, int count)
{
    int64_t n = 1;
    for (int i = 0; i < count; i++) n *= sizes[i];
    return n;
}

/* The labels of two operands in three groups, with their sizes after broadcasting. */
typedef struct plan {
    int labels[3 * MX_MAX_NDIM]; /* batch, own of a, own of b, contracted */
    int64_t sizes[3 * MX_MAX_NDIM];
    int batch, left, right, inner;
} plan;

static int64_t size_of(const term *t, int label)
{
    int axis = find(t, label);
    return axis < 0 ? 1 : mx_dim(t->x, axis);
}

static bool list_label(plan *p, const term *a, const term *b, int label)
{
    int at = p->batch + p->left + p->right + p->inner;
    int64_t m = size_of(a, label), n = size_of(b, label);
    if (m != n && m != 1 && n != 1)
        return mx_fail_false(MX_VALUE, "[einsum] a subscript has the sizes %lld and %lld.", (long long)m, (long long)n);
    p->labels[at] = label;
    p->sizes[at] = m == 1 ? n : m;
    return true;
}

static bool make_plan(plan *p, const term *a, const term *b, const bool *needed)
{
    *p = (plan){.batch = 0};
    for (int i = 0; i < a->ndim; i++)
        if (find(b, a->labels[i]) >= 0 && needed[a->labels[i]]) {
            if (!list_label(p, a, b, a->labels[i])) return false;
            p->batch++;
        }
    for (int i = 0; i < a->ndim; i++)
        if (find(b, a->labels[i]) < 0) {
            list_label(p, a, b, a->labels[i]);
            p->left++;
        }
    for (int i = 0; i < b->ndim; i++)
        if (find(a, b->labels[i]) < 0) {
            list_label(p, a, b, b->labels[i]);
            p->right++;
        }
    for (int i = 0; i < a->ndim; i++)
        if (find(b, a->labels[i]) >= 0 && !needed[a->labels[i]]) {
            if (!list_label(p, a, b, a->labels[i])) return false;
            p->inner++;
        }
    if (p->batch + p->left + p->right > MX_MAX_NDIM) return fail("an intermediate has too many dimensions");
    return true;
}

/* One operand as (batch..., rows, columns): its labels are the plan's batch and two of its groups. */
static mx_array *as_matrices(const term *t, const plan *p, const int *first, int first_count, const int *second,
                             int second_count)
{
    int labels[3 * MX_MAX_NDIM], count = p->batch;
    int64_t sizes[3 * MX_MAX_NDIM], shape[MX_MAX_NDIM + 2];
    memcpy(labels, p->labels, (size_t)count * sizeof *labels);
    for (int i = 0; i < first_count; i++) labels[count++] = first[i];
    for (int i = 0; i < second_count; i++) labels[count++] = second[i];
    for (int i = 0; i < count; i++)
        for (int j = 0; j < p->batch + p->left + p->right + p->inner; j++)
            if (p->labels[j] == labels[i]) sizes[i] = p->sizes[j];
    if (p->batch + 2 > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[einsum] an intermediate has too many dimensions.");
    mx_array *x = mx_broadcast_to(align(t, labels, count), (mx_shape){count, sizes});
    memcpy(shape, sizes, (size_t)p->batch * sizeof *shape);
    shape[p->batch] = product(sizes + p->batch, first_count);
    shape[p->batch + 1] = product(sizes + p->batch + first_count, second_count);
    return mx_reshape(x, (mx_shape){p->batch + 2, shape});
}

/* a becomes the contraction of a and b. */
static bool contract(term *a, term *b, const bool *needed_later)
{
    bool needed[LABELS];
    for (int i = 0; i < LABELS; i++) needed[i] = needed_later[i] || find(b, i) >= 0;
    if (!sum_unused(a, needed)) return false;
    for (int i = 0; i < LABELS; i++) needed[i] = needed_later[i] || find(a, i) >= 0;
    if (!sum_unused(b, needed)) return false;
    plan p;
    if (!make_plan(&p, a, b, needed_later)) return false;
    int kept = p.batch + p.left + p.right;
    const int *left = p.labels + p.batch, *right = left + p.left, *inner = right + p.right;
    if (p.inner == 0) {
        a->x = mx_mul(align(a, p.labels, kept), align(b, p.labels, kept));
    } else {
        mx_array *x = as_matrices(a, &p, left, p.left, inner, p.inner);
        mx_array *y = as_matrices(b, &p, inner, p.inner, right, p.right);
        a->x = mx_reshape(mx_matmul(x, y), (mx_shape){kept, p.sizes});
    }
    a->ndim = kept;
    memcpy(a->labels, p.labels, (size_t)kept * sizeof *a->labels);
    return a->x != NULL;
}

static mx_array *contract_all(term *terms, int count, const term *out)
{
    for (int k = 0; k < count; k++)
        if (!take_diagonals(&terms[k])) return NULL;
    for (int k = 1; k <= count; k++) {
        bool needed[LABELS] = {false};
        for (int i = 0; i < out->ndim; i++) needed[out->labels[i]] = true;
        for (int later = k + 1; later < count; later++)
            for (int i = 0; i < terms[later].ndim; i++) needed[terms[later].labels[i]] = true;
        if (k < count ? !contract(&terms[0], &terms[k], needed) : !sum_unused(&terms[0], needed)) return NULL;
    }
    return align(&terms[0], out->labels, out->ndim);
}

static mx_array *einsum(const char *subscripts, mlxc_vector operands)
{
    if (mx_failed()) return NULL;
    if (operands.count == 0) return mx_fail(MX_VALUE, "[einsum] there are no operands.");
    int count = (int)operands.count;
    const char *at = subscripts;
    term out = {0}, *terms = mx_alloc(operands.count, sizeof *terms);
    bool ok = terms != NULL;
    for (int k = 0; ok && k < count; k++) {
        ok = read_operand(&at, &terms[k], operands.at[k], k);
        if (ok && k + 1 < count && *at++ != ',') ok = fail("there are fewer terms than operands");
    }
    if (ok && *at == ',') ok = fail("there are more terms than operands");
    ok = ok && read_output(at, terms, count, &out);
    mx_array *x = ok ? contract_all(terms, count, &out) : NULL;
    mx_free(terms);
    return x;
}

int mlx_einsum(mlx_array *res, const char *subscripts, const mlx_vector_array operands, const mlx_stream s)
{
    RETURN(res, s, IS_SET(subscripts) ? einsum(subscripts, VECTOR(operands)) : NULL);
}
