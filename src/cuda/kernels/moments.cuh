// SPDX-License-Identifier: MIT
//
// What norms, forward and backward, begin with.  OPTION: 1, rows that do not fit in registers; 2, layer norm, whose rows are centred.
#define LONG (OPTION & 1)
#define CENTRED (OPTION >> 1)
#include "cuda/kernels/rows.cuh"

struct moments {
    A mean, inverse;
};

// The mean (0 unless rows are centred) and 1 / sqrt(mean((x - mean)^2) + eps).
DEVICE moments moments_of(row_of &x, bool there, const lanes_of_row &r, float eps, A *shared)
{
    moments m = {0, 0};
    A total = 0;
    if (CENTRED) {
        if (there) EACH_STRIP
            {
                A *v = x.strip(r, k, 0);
                EACH_ELEMENT total += v[j];
            }
        m.mean = group_fold<sum_fold<A>>(total, r.lanes, shared) / (A)r.n;
        total = 0;
    }
    if (there) EACH_STRIP
        {
            A *v = x.strip(r, k, 0);
            EACH_ELEMENT
            {
                A apart = r.at(k, j) < r.n ? v[j] - m.mean : 0;
                total += apart * apart;
            }
        }
    total = group_fold<sum_fold<A>>(total, r.lanes, shared);
    m.inverse = 1 / sqrt_of(total / (A)r.n + (A)eps);
    return m;
}
