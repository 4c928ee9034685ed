/* SPDX-License-Identifier: MIT
 *
 * A block of a transposition element by element, for narrow matrices and ones without adjacent elements.  The longer side
 * is the inner loop. */
static void NAME(copy_block)(const copy_matrix *m)
{
    int64_t to_stride = m->to_stride / (int64_t)sizeof(T), from_stride = m->from_stride / (int64_t)sizeof(T);
    int64_t step = m->row_step / (int64_t)sizeof(T);
    T *RESTRICT y = (T *)m->to;
    const T *RESTRICT x = (const T *)m->from;
    if (m->rows >= m->columns) {
        for (int64_t j = 0; j < m->columns; j++) {
            for (int64_t i = 0; i < m->rows; i++) y[i * to_stride + j] = x[j * from_stride + i * step];
        }
    } else {
        for (int64_t i = 0; i < m->rows; i++) {
            for (int64_t j = 0; j < m->columns; j++) y[i * to_stride + j] = x[j * from_stride + i * step];
        }
    }
}
