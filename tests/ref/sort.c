/* SPDX-License-Identifier: MIT
 *
 * References of sorts and partitions: the rank of an element is how many come before it. */
#include "core/params/sort.h"
#include "ref.h"
#include <stdlib.h>

void ref_sort(const ref_call *c);
void ref_argsort(const ref_call *c);
void ref_partition(const ref_call *c);
void ref_argpartition(const ref_call *c);

static int compare_parts(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

/* Of elements i and k: -1, 0, 1; a real part that is NaN hides the imaginary one. */
static int compare(const ref_array *x, int64_t i, int64_t k)
{
    if (is_whole(x) && is_unsigned(x)) {
        uint64_t a = (uint64_t)x->whole[i], b = (uint64_t)x->whole[k];
        return (a > b) - (a < b);
    }
    if (is_whole(x)) return (x->whole[i] > x->whole[k]) - (x->whole[i] < x->whole[k]);
    int real = compare_parts(x->re[i], x->re[k]);
    return real || isnan(x->re[i]) ? real : compare_parts(x->im[i], x->im[k]);
}

/* Bottom-up merges, which keep equals in order. */
static void sort_places(const ref_array *x, int64_t *places, int64_t *spare, int64_t n)
{
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t first = 0; first < n; first += 2 * run) {
            int64_t middle = first + run < n ? first + run : n, end = middle + run < n ? middle + run : n;
            int64_t a = first, b = middle;
            for (int64_t k = first; k < end; k++) {
                bool take_b = a == middle || (b < end && compare(x, places[b], places[a]) < 0);
                spare[k] = places[take_b ? b++ : a++];
            }
        }
        for (int64_t k = 0; k < n; k++) places[k] = spare[k];
    }
}

/* What is less than element `chosen`, equal to it, greater, each in order. */
static void part_places(const ref_array *x, int64_t row, int64_t n, int64_t chosen, int64_t *places)
{
    int64_t at = 0;
    for (int order = -1; order <= 1; order++) {
        for (int64_t i = row; i < row + n; i++) {
            if (compare(x, i, chosen) == order) places[at++] = i;
        }
    }
}

static void order(const ref_call *c, bool values, const partition_params *p)
{
    const ref_array *x = c->in;
    int64_t n = x->shape[x->ndim - 1];
    if (x->size == 0) return;
    int64_t *places = malloc(2 * (size_t)n * sizeof *places);
    for (int64_t row = 0; row < x->size; row += n) {
        for (int64_t i = 0; i < n; i++) places[i] = row + i;
        sort_places(x, places, places + n, n);
        if (p) part_places(x, row, n, places[p->kth], places);
        for (int64_t i = 0; i < n; i++) {
            if (values) {
                copy_element(c->out, row + i, x, places[i]);
            } else {
                c->out->whole[row + i] = places[i] - row;
                c->out->re[row + i] = (double)(places[i] - row);
            }
        }
    }
    free(places);
}

void ref_sort(const ref_call *c)
{
    order(c, true, NULL);
}
void ref_argsort(const ref_call *c)
{
    order(c, false, NULL);
}
void ref_partition(const ref_call *c)
{
    order(c, true, c->params);
}
void ref_argpartition(const ref_call *c)
{
    order(c, false, c->params);
}
