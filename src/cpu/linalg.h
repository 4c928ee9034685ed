/* SPDX-License-Identifier: MIT
 *
 * Linear algebra: the kernels, which are the same at every SIMD level, for LAPACK does the work. */
#ifndef CPU_LINALG_H
#define CPU_LINALG_H

#include "cpu/call.h"

bool linalg_inverse(cpu_call *c);
bool linalg_solve(cpu_call *c);
bool linalg_cholesky(cpu_call *c);
bool linalg_lu(cpu_call *c);
bool linalg_qr(cpu_call *c);
bool linalg_svd(cpu_call *c);
bool linalg_eigh(cpu_call *c);
bool linalg_eig(cpu_call *c);

#endif
