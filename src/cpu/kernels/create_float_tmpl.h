/* SPDX-License-Identifier: MIT
 *
 * y[i] = start + i * step, rounded once. */
static void NAME(arange)(void *out, double start, double step, int64_t begin, int64_t end)
{
    T *y = out;
    for (int64_t i = begin; i < end; i++) y[i] = STORE((ACC)(start + (double)i * step));
}
