/* SPDX-License-Identifier: MIT
 *
 * References of linear algebra: textbook elimination, Householder's reflections and Jacobi's rotations, in double.  Of
 * singular and eigenvectors, whose signs are free, there are none: the products that they make are tested. */
#include "ref.h"
#include "core/params/linalg.h"
#include <stdlib.h>
#include <string.h>

#define REF(name) void ref_##name(const ref_call *c);
REF(inverse)
REF(solve)
REF(cholesky) REF(lu) REF(qr) REF(svd) REF(eigh) REF(eig)

    static int64_t rows_of(const ref_array *a)
{
    return a->shape[a->ndim - 2];
}
static int64_t columns_of(const ref_array *a)
{
    return a->shape[a->ndim - 1];
}

static int64_t count_of(const ref_array *a)
{
    return a->size ? a->size / (rows_of(a) * columns_of(a)) : 0;
}

static double complex at(const ref_array *a, int64_t i)
{
    return complex_of(a->re[i], a->im[i]);
}

static double sum_of_sizes(const ref_array *a, int64_t first, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += cabs(at(a, first + i));
    return sum;
}

/* x of A x = b, n by m, by Gauss and Jordan; a and b are changed. */
static void eliminate(double *a, double *b, int64_t n, int64_t m)
{
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k; i < n; i++) best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
        for (int64_t j = 0; j < n; j++) {
            double t = a[k * n + j];
            a[k * n + j] = a[best * n + j], a[best * n + j] = t;
        }
        for (int64_t j = 0; j < m; j++) {
            double t = b[k * m + j];
            b[k * m + j] = b[best * m + j], b[best * m + j] = t;
        }
        double pivot = a[k * n + k];
        for (int64_t j = 0; j < n; j++) a[k * n + j] /= pivot;
        for (int64_t j = 0; j < m; j++) b[k * m + j] /= pivot;
        for (int64_t i = 0; i < n; i++) {
            double f = a[i * n + k];
            for (int64_t j = 0; j < n && i != k; j++) a[i * n + j] -= f * a[k * n + j];
            for (int64_t j = 0; j < m && i != k; j++) b[i * m + j] -= f * b[k * m + j];
        }
    }
}

static void solve(const ref_call *c, bool identity)
{
    const linalg_params *p = c->params;
    const ref_array *in = &c->in[0];
    int64_t n = columns_of(in), m = identity ? n : columns_of(&c->in[1]), count = count_of(in);
    double *a = calloc((size_t)(n * n) + 1, sizeof *a), *b = calloc((size_t)(n * m) + 1, sizeof *b);
    for (int64_t k = 0; k < count; k++) {
        for (int64_t i = 0; i < n * n; i++) {
            bool read = !p->triangular || (p->upper ? i / n <= i % n : i / n >= i % n);
            a[i] = read ? in->re[k * n * n + i] : 0;
        }
        for (int64_t i = 0; i < n * m; i++) b[i] = identity ? i / m == i % m : c->in[1].re[k * n * m + i];
        eliminate(a, b, n, m);
        double size = 0;
        for (int64_t i = 0; i < n * m; i++) size = fmax(size, fabs(b[i]));
        for (int64_t i = 0; i < n * m; i++) {
            c->out->re[k * n * m + i] = b[i];
            c->out->scale[k * n * m + i] = size;
        }
    }
    free(a);
    free(b);
}

void ref_inverse(const ref_call *c)
{
    solve(c, true);
}

void ref_solve(const ref_call *c)
{
    solve(c, false);
}

void ref_cholesky(const ref_call *c)
{
    const linalg_params *p = c->params;
    int64_t n = columns_of(c->in), count = count_of(c->in);
    for (int64_t k = 0; k < count; k++) {
        const double *a = c->in->re + k * n * n;
        double *l = c->out->re + k * n * n;
        int64_t row = p->upper ? 1 : n, column = p->upper ? n : 1; /* of L */
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j <= i; j++) {
                double sum = a[i * row + j * column];
                for (int64_t h = 0; h < j; h++) sum -= l[i * row + h * column] * l[j * row + h * column];
                l[i * row + j * column] = i == j ? sqrt(sum) : sum / l[j * row + j * column];
            }
        }
        for (int64_t i = 0; i < n * n; i++) c->out->scale[k * n * n + i] = sqrt(sum_of_sizes(c->in, k * n * n, n * n));
    }
}

void ref_lu(const ref_call *c)
{
    int64_t m = rows_of(c->in), n = columns_of(c->in), size = m < n ? m : n, count = count_of(c->in);
    for (int64_t b = 0; b < count; b++) {
        double *a = c->out[0].re + b * m * n;
        int64_t *rows = c->out[2].whole + b * m;
        memcpy(a, c->in->re + b * m * n, (size_t)(m * n) * sizeof *a);
        for (int64_t i = 0; i < m; i++) rows[i] = i;
        for (int64_t k = 0; k < size; k++) {
            int64_t best = k, row = rows[k];
            for (int64_t i = k; i < m; i++) best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
            c->out[1].whole[b * size + k] = best;
            rows[k] = rows[best], rows[best] = row;
            for (int64_t j = 0; j < n; j++) {
                double t = a[k * n + j];
                a[k * n + j] = a[best * n + j], a[best * n + j] = t;
            }
            for (int64_t i = k + 1; i < m; i++) {
                a[i * n + k] /= a[k * n + k];
                for (int64_t j = k + 1; j < n; j++) a[i * n + j] -= a[i * n + k] * a[k * n + j];
            }
        }
        for (int64_t i = 0; i < m * n; i++) c->out[0].scale[b * m * n + i] = sum_of_sizes(c->in, b * m * n, m * n);
    }
}

/* Reflections that turn column k to -sign(a_kk) times its length. */
void ref_qr(const ref_call *c)
{
    int64_t m = rows_of(c->in), n = columns_of(c->in), size = m < n ? m : n, count = count_of(c->in);
    double *a = calloc((size_t)(m * n) + 1, sizeof *a), *q = calloc((size_t)(m * m) + 1, sizeof *q),
           *v = calloc((size_t)m + 1, sizeof *v);
    for (int64_t b = 0; b < count; b++) {
        memcpy(a, c->in->re + b * m * n, (size_t)(m * n) * sizeof *a);
        for (int64_t i = 0; i < m * m; i++) q[i] = i / m == i % m;
        for (int64_t k = 0; k < size; k++) {
            double rest = 0, length = 0;
            for (int64_t i = k; i < m; i++) {
                v[i] = a[i * n + k];
                length += v[i] * v[i];
                rest += i > k ? v[i] * v[i] : 0;
            }
            if (rest == 0) continue;
            v[k] += copysign(sqrt(length), v[k]);
            double vv = rest + v[k] * v[k];
            for (int64_t j = 0; j < n; j++) {
                double dot = 0;
                for (int64_t i = k; i < m; i++) dot += v[i] * a[i * n + j];
                for (int64_t i = k; i < m; i++) a[i * n + j] -= 2 * dot / vv * v[i];
            }
            for (int64_t j = 0; j < m; j++) {
                double dot = 0;
                for (int64_t i = k; i < m; i++) dot += v[i] * q[j * m + i];
                for (int64_t i = k; i < m; i++) q[j * m + i] -= 2 * dot / vv * v[i];
            }
        }
        for (int64_t i = 0; i < m * size; i++) {
            c->out[0].re[b * m * size + i] = q[i / size * m + i % size];
            c->out[0].scale[b * m * size + i] = 4;
        }
        for (int64_t i = 0; i < size * n; i++) {
            c->out[1].re[b * size * n + i] = i / n <= i % n ? a[i] : 0;
            c->out[1].scale[b * size * n + i] = sum_of_sizes(c->in, b * m * n, m * n);
        }
    }
    free(a);
    free(q);
    free(v);
}

/* Lengths of the columns of a, m by n, m >= n, after rotations that make them orthogonal, falling. */
static void singular_values(double complex *a, int64_t m, int64_t n, double *s)
{
    for (int sweep = 0; sweep < 60; sweep++) {
        for (int64_t p = 0; p < n; p++) {
            for (int64_t q = p + 1; q < n; q++) {
                double pp = 0, qq = 0;
                double complex pq = 0;
                for (int64_t i = 0; i < m; i++) {
                    pp += pow(cabs(a[i * n + p]), 2);
                    qq += pow(cabs(a[i * n + q]), 2);
                    pq += conj(a[i * n + p]) * a[i * n + q];
                }
                double size = cabs(pq);
                if (size <= 1e-300) continue;
                double zeta = (qq - pp) / (2 * size), t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
                double cosine = 1 / sqrt(1 + t * t), sine = cosine * t;
                for (int64_t i = 0; i < m; i++) {
                    double complex x = a[i * n + p], y = a[i * n + q] * conj(pq) / size;
                    a[i * n + p] = cosine * x - sine * y;
                    a[i * n + q] = sine * x + cosine * y;
                }
            }
        }
    }
    for (int64_t j = 0; j < n; j++) {
        double length = 0;
        for (int64_t i = 0; i < m; i++) length += pow(cabs(a[i * n + j]), 2);
        int64_t place = j;
        for (length = sqrt(length); place > 0 && s[place - 1] < length; place--) s[place] = s[place - 1];
        s[place] = length;
    }
}

void ref_svd(const ref_call *c)
{
    int64_t m = rows_of(c->in), n = columns_of(c->in), k = m < n ? m : n, count = count_of(c->in);
    double complex *a = calloc((size_t)(m * n) + 1, sizeof *a);
    for (int64_t b = 0; b < count; b++) {
        for (int64_t i = 0; i < m; i++) {
            for (int64_t j = 0; j < n; j++) a[m >= n ? i * n + j : j * m + i] = at(c->in, (b * m + i) * n + j);
        }
        singular_values(a, m >= n ? m : n, k, c->out->re + b * k);
        for (int64_t i = 0; i < k; i++) c->out->scale[b * k + i] = c->out->re[b * k];
    }
    free(a);
}

/* With so much on the diagonal that all are positive, eigenvalues are singular values. */
void ref_eigh(const ref_call *c)
{
    const linalg_params *p = c->params;
    int64_t n = columns_of(c->in), count = count_of(c->in);
    double complex *a = calloc((size_t)(n * n) + 1, sizeof *a);
    double *s = calloc((size_t)n + 1, sizeof *s);
    for (int64_t b = 0; b < count; b++) {
        double shift = sum_of_sizes(c->in, b * n * n, n * n);
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j < n; j++) {
                bool read = p->upper ? i <= j : i >= j;
                double complex x = at(c->in, b * n * n + (read ? i * n + j : j * n + i));
                a[i * n + j] = i == j ? creal(x) + shift : read ? x : conj(x);
            }
        }
        singular_values(a, n, n, s);
        for (int64_t i = 0; i < n; i++) {
            c->out->re[b * n + i] = s[n - 1 - i] - shift;
            c->out->scale[b * n + i] = shift;
        }
    }
    free(a);
    free(s);
}

/* Of triangular matrices. */
void ref_eig(const ref_call *c)
{
    int64_t n = columns_of(c->in), count = count_of(c->in);
    for (int64_t b = 0; b < count; b++) {
        for (int64_t i = 0; i < n; i++) {
            c->out->re[b * n + i] = c->in->re[b * n * n + i * (n + 1)];
            c->out->im[b * n + i] = c->in->im[b * n * n + i * (n + 1)];
            c->out->scale[b * n + i] = sum_of_sizes(c->in, b * n * n, n * n);
        }
    }
}
