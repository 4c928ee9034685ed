/* SPDX-License-Identifier: MIT
 *
 * Index arrays of integer type T to places: where in an array (in elements) an index points, or OUTSIDE. */

/* Adds stride * index to n places; room is the largest index that is inside, size the length of the axis. */
static void NAME(add_index)(int64_t *places, const void *indices, int64_t index_stride, int64_t n, int64_t size,
                            int64_t room, int64_t stride, bool clamp)
{
    const T *index = indices;
    const bool is_signed = (T)-1 < (T)1;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = wrap_index((int64_t)index[i * index_stride], size, is_signed);
        bool inside = at >= 0 && at <= room;
        if (clamp) {
            at = at < 0 ? 0 : at > room ? room : at;
        } else if (!inside || places[i] == OUTSIDE) {
            places[i] = OUTSIDE;
            continue;
        }
        places[i] += at * stride;
    }
}
