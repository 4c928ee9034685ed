/* SPDX-License-Identifier: MIT
 *
 * LAPACK, the one inside OpenBLAS: factorisations of one matrix each.  Matrices are column-major with no gaps, of float32,
 * float64 or complex64; what is returned is LAPACK's info. */
#ifndef CPU_LAPACK_H
#define CPU_LAPACK_H

#include "mica/types.h"

/* False: an error that names the op and OpenBLAS is recorded. */
bool lapack_is_there(const char *op);

int lapack_factor(mx_dtype t, int m, int n, void *a, int *pivots);                 /* P L U */
int lapack_invert(mx_dtype t, int n, void *a, int *pivots, void *work, int count); /* after lapack_factor */
int lapack_invert_triangular(mx_dtype t, bool upper, int n, void *a);
int lapack_cholesky(mx_dtype t, bool upper, int n, void *a);
/* A'x = b after lapack_factor; the triangle A'x = b. */
int lapack_solve(mx_dtype t, int n, int columns, const void *a, const int *pivots, void *b);
int lapack_solve_triangular(mx_dtype t, bool upper, int n, int columns, const void *a, void *b);
int lapack_qr(mx_dtype t, int m, int n, void *a, void *tau, void *work, int count);
int lapack_form_q(mx_dtype t, int m, int k, void *a, const void *tau, void *work, int count);
/* With count -1 the best count is written to work[0].  `real` is scratch of complex ones. */
int lapack_svd(mx_dtype t, bool vectors, int m, int n, void *a, void *s, void *u, void *vt, void *work, int count,
               void *real, int *whole);
int lapack_eigh(mx_dtype t, bool vectors, bool upper, int n, void *a, void *w, void *work, int count, void *real,
                int real_count, int *whole, int whole_count);
/* Values of real matrices in wr and wi, of complex ones in wr. */
int lapack_eig(mx_dtype t, bool vectors, int n, void *a, void *wr, void *wi, void *v, void *work, int count,
               void *real);

#endif
