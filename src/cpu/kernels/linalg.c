/* SPDX-License-Identifier: MIT
 *
 * Linear algebra is the same at every level. */
#include "cpu/linalg.h"
#include "cpu/kernels/kernel.h"

const cpu_op KERNEL(inverse) = {.run = linalg_inverse};
const cpu_op KERNEL(solve) = {.run = linalg_solve};
const cpu_op KERNEL(cholesky) = {.run = linalg_cholesky};
const cpu_op KERNEL(lu) = {.run = linalg_lu};
const cpu_op KERNEL(qr) = {.run = linalg_qr};
const cpu_op KERNEL(svd) = {.run = linalg_svd};
const cpu_op KERNEL(eigh) = {.run = linalg_eigh};
const cpu_op KERNEL(eig) = {.run = linalg_eig};
