/* SPDX-License-Identifier: MIT
 *
 * Reference of the Hadamard transform: every sign, every term.  The matrices of order 12, 20 and 28 are recorded from the
 * results of MLX's wheel (transforms of unit vectors): bit i of entry j is set where column j has -1 in row i. */
#include "ref.h"
#include "core/params/hadamard.h"

void ref_hadamard(const ref_call *c);

static const uint32_t columns_12[] = {0x0000002, 0x0000aab, 0x00003c8, 0x000096e, 0x0000f20, 0x00005ba,
                                      0x0000c8c, 0x00006e6, 0x000023c, 0x0000b96, 0x00008f0, 0x0000e5a};
static const uint32_t columns_20[] = {0x006cc3e, 0x00d1c5d, 0x00ab89b, 0x005f117, 0x00b660f, 0x009cbde, 0x00397bd,
                                      0x0072b7b, 0x00e52f7, 0x00ca5ef, 0x00f79ac, 0x00ef758, 0x00deeb1, 0x00bdd63,
                                      0x007bec6, 0x00f0592, 0x00e8b05, 0x00d922a, 0x00ba074, 0x007c0c9};
static const uint32_t columns_28[] = {0x32961fe, 0x65283fd, 0xc85477b, 0x92a8e77, 0x2751c6f, 0x4ca785f, 0x994b0bf,
                                      0x4b9bf3c, 0x9537ef8, 0x2a6fdf1, 0x54dbbe3, 0xa9b37c7, 0x5366f8f, 0xa4cdf9e,
                                      0x79f8cda, 0xf1f5935, 0xe3ef26a, 0xc7de4d5, 0x8fbc9ab, 0x1f7d356, 0x3cfe62d,
                                      0xfd0ed66, 0xfa1dacd, 0xf63b51b, 0xee72ab6, 0xdee15ec, 0xbfc2b59, 0x7f856b3};

/* Is the entry of a row and a column of the whole matrix -1? */
static bool is_negative(const hadamard_params *p, int64_t power, int64_t row, int64_t column)
{
    const uint32_t *columns = p->order == 12 ? columns_12 : p->order == 20 ? columns_20 : columns_28;
    int64_t i = row / power, j = column / power;
    bool negative = p->order > 1 && (columns[p->transposed ? i : j] >> (p->transposed ? j : i) & 1);
    for (int64_t both = row % power & column % power; both; both &= both - 1) negative = !negative;
    return negative;
}

void ref_hadamard(const ref_call *c)
{
    const hadamard_params *p = c->params;
    int64_t n = c->in->shape[c->in->ndim - 1], power = n / p->order;
    for (int64_t at = 0; at < c->in->size; at += n) {
        for (int64_t i = 0; i < n; i++) {
            double sum = 0, size = 0;
            for (int64_t j = 0; j < n; j++) {
                sum += is_negative(p, power, i, j) ? -c->in->re[at + j] : c->in->re[at + j];
                size += fabs(c->in->re[at + j]);
            }
            c->out->re[at + i] = p->scale * sum;
            c->out->scale[at + i] = fabs(p->scale) * size;
        }
    }
}
