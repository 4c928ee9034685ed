/* SPDX-License-Identifier: MIT
 *
 * y[i] = start + i * step: integers wrap in their dtype. */
static void NAME(arange)(void *out, double start, double step, int64_t begin, int64_t end)
{
    T *y = out;
    uint64_t first = whole(start), pace = whole(step);
    SIMD
    for (int64_t i = begin; i < end; i++) y[i] = (T)(first + (uint64_t)i * pace);
}
