/* SPDX-License-Identifier: MIT
 *
 * Ops that run on the CPU, and why: their inputs are brought to the host, their results to the device when a kernel reads
 * them.  data table */
#include "cuda/dispatch.h"

#define GAP(name) const cuda_op cuda_##name = {0};

GAP(inverse)
GAP(solve)
GAP(cholesky)
GAP(lu)
GAP(qr)
GAP(svd)
GAP(eigh)
GAP(eig)
GAP(load) /* by nature: a file is read into the host's memory, and goes to the device when a kernel wants it */
