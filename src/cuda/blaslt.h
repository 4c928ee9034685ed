/* SPDX-License-Identifier: MIT
 *
 * Matrix products by cuBLASLt. */
#ifndef CUDA_BLASLT_H
#define CUDA_BLASLT_H

#include "cuda/side.h"

/* D = alpha op(A) op(B) + beta C + bias, `batch` of them, as the library counts: op(A) is (m, k), columns adjacent,
 * `leading` elements from column to column and `stride` from product to product. */
typedef struct blaslt_operand {
    cu_ptr at;
    int64_t leading, stride;
    bool transposed;
} blaslt_operand;
typedef struct blaslt_product {
    mx_dtype in, out; /* of A and B; of C and D */
    int64_t m, n, k, batch;
    blaslt_operand a, b, c, d; /* c is not read if beta is 0 */
    cu_ptr bias;               /* m values, added to every column; 0: none */
    float alpha, beta;
} blaslt_product;

/* ABSENT: there is no library; NONE: it has no algorithm for this.  Nothing was collected then, no error recorded. */
typedef enum blaslt_answer { BLASLT_COLLECTED, BLASLT_NONE, BLASLT_ABSENT, BLASLT_FAILED } blaslt_answer;
blaslt_answer blaslt_collect(cuda_call *c, const blaslt_product *p);

#endif
