/* SPDX-License-Identifier: MIT
 *
 * Reference of Fourier transforms: the definition, every term, an axis at a time; half a spectrum is first made whole. */
#include "ref.h"
#include "core/params/fft.h"
#include <stdlib.h>
#include <string.h>

void ref_fft(const ref_call *c);

typedef struct grid {
    int ndim;
    int64_t shape[MX_MAX_NDIM], size;
    double complex *at;
} grid;

static void transform(grid *g, int axis, bool inverse)
{
    int64_t inner = 1, n = g->shape[axis];
    for (int i = axis + 1; i < g->ndim; i++) inner *= g->shape[i];
    double complex *line = calloc((size_t)n, sizeof *line), *root = calloc((size_t)n, sizeof *root);
    for (int64_t k = 0; k < n; k++)
        root[k] = cexp((inverse ? 2 : -2) * 3.14159265358979323846 * I * (double)k / (double)n);
    for (int64_t at = 0; at < g->size; at++) {
        if (at / inner % n) continue;
        for (int64_t k = 0; k < n; k++) {
            line[k] = 0;
            for (int64_t j = 0; j < n; j++) line[k] += g->at[at + j * inner] * root[j * k % n];
        }
        for (int64_t k = 0; k < n; k++) g->at[at + k * inner] = line[k];
    }
    free(line);
    free(root);
}

/* Point -k stands for the conjugate of point k, over all axes. */
static double complex point(const ref_array *x, const fft_params *p, const int64_t *index)
{
    int last = p->axes.at[p->axes.count - 1];
    ref_array half = *x;
    int64_t at[MX_MAX_NDIM];
    memcpy(at, index, sizeof at);
    bool mirrored = p->real && p->inverse && at[last] >= x->shape[last];
    for (int i = 0; mirrored && i < p->axes.count; i++) {
        int axis = p->axes.at[i];
        int64_t n = axis == last ? p->n : x->shape[axis];
        at[axis] = (n - at[axis]) % n;
    }
    int64_t from = index_ravel(&half, at);
    double complex value = complex_of(x->re[from], x->im[from]);
    return mirrored ? conj(value) : value;
}

void ref_fft(const ref_call *c)
{
    const fft_params *p = c->params;
    const ref_array *x = c->in;
    int last = p->axes.at[p->axes.count - 1];
    ref_array whole = *x;
    if (p->real && p->inverse) whole.shape[last] = p->n;
    whole.size = 1;
    for (int i = 0; i < x->ndim; i++) whole.size *= whole.shape[i];
    grid g = {.ndim = x->ndim, .size = whole.size, .at = calloc((size_t)whole.size + 1, sizeof *g.at)};
    memcpy(g.shape, whole.shape, sizeof g.shape);
    double size = 0, lines = (double)whole.size;
    for (int64_t i = 0; i < whole.size; i++) {
        int64_t index[MX_MAX_NDIM];
        index_unravel(&whole, i, index);
        g.at[i] = point(x, p, index);
        size += cabs(g.at[i]);
    }
    for (int i = 0; i < p->axes.count; i++) {
        transform(&g, p->axes.at[i], p->inverse);
        lines /= (double)g.shape[p->axes.at[i]];
    }
    for (int64_t i = 0; i < c->out->size; i++) {
        int64_t index[MX_MAX_NDIM];
        index_unravel(c->out, i, index);
        double complex value = g.at[index_ravel(&whole, index)];
        c->out->re[i] = p->scale * creal(value);
        if (c->out->dtype == MX_COMPLEX64) c->out->im[i] = p->scale * cimag(value);
        c->out->scale[i] = p->scale * size / fmax(lines, 1); /* the mean over lines of sum |terms| */
    }
    free(g.at);
}
