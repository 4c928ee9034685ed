/* SPDX-License-Identifier: MIT
 *
 * Index arrays of integer type T to places: where in an array (in elements) an index points, or OUTSIDE. */

/* Adds stride * index to n places; room is the largest index that is inside, size the length of the axis. */
static void NAME(add_index)(int64_t *places, const void *indices, int64_t index_stride, int64_t n, int64_t size,
                            int64_t room, int64_t stride, bool clamp)
{
    const T *index = indices;
    for (int64_t i = 0; i < n; i++) {
        T raw = index[i * index_stride];
        bool negative = (T)-1 < 0 && (int64_t)raw < 0;
        /* A uint64 beyond int64 is outside like any large one. */
        int64_t at = !negative && (uint64_t)raw > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)raw;
        if (negative) at += size;
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
