/* SPDX-License-Identifier: MIT
 *
 * Writing zip archives.  Sizes and CRC of a stored member are known beforehand; a deflated one is followed by them (a
 * data descriptor), so that nothing is written twice and a stream need not seek.  The date is always 1980-01-01: the
 * bytes depend on the content only. */
#include "core/memory.h"
#include "io/zip.h"
#include <string.h>
#include <zlib.h>

/* Beyond this a size, an offset or a deflated member's size may not fit into 32 bits. */
#define LIMIT ((int64_t)0xff000000)

static unsigned char *put(unsigned char *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) *p++ = (unsigned char)(value >> (8 * i));
    return p;
}

static uint64_t in_32(int64_t value, bool wide)
{
    return wide ? UINT32_MAX : (uint64_t)value;
}

/* What local header and directory share: version to crc. Bit 11 says that names are UTF-8. */
static unsigned char *put_common(unsigned char *p, const zip_member *m, bool wide)
{
    p = put(p, wide ? 45 : 20, 2);
    p = put(p, (m->deflated ? 8 : 0) | 0x800, 2);
    p = put(p, m->deflated ? 8 : 0, 2);
    return put(p, 0x00210000, 4); /* 1980-01-01, midnight */
}

static bool put_local(writer *w, const zip_member *m, size_t name, bool wide)
{
    unsigned char h[30 + 20], *p = put_common(put(h, 0x04034b50, 4), m, wide);
    p = put(p, m->deflated ? 0 : m->crc, 4);
    p = put(p, m->deflated && !wide ? 0 : in_32(m->size, wide), 4);
    p = put(p, m->deflated && !wide ? 0 : in_32(m->size, wide), 4);
    p = put(put(p, name, 2), wide ? 20 : 0, 2);
    unsigned char *extra = p;
    if (wide) {
        p = put(put(p, 1, 2), 16, 2);
        p = put(put(p, m->deflated ? 0 : (uint64_t)m->size, 8), m->deflated ? 0 : (uint64_t)m->size, 8);
    }
    return writer_put(w, h, 30) && writer_put(w, m->name, name) && writer_put(w, extra, (size_t)(p - extra));
}

static bool put_descriptor(writer *w, const zip_member *m, bool wide)
{
    unsigned char h[24], *p = put(put(h, 0x08074b50, 4), m->crc, 4);
    p = put(put(p, (uint64_t)m->packed, wide ? 8 : 4), (uint64_t)m->size, wide ? 8 : 4);
    return writer_put(w, h, (size_t)(p - h));
}

static bool deflate_piece(writer *w, z_stream *z, unsigned char *out, size_t capacity, int flush)
{
    do {
        z->next_out = out;
        z->avail_out = (uInt)capacity;
        deflate(z, flush);
        if (!writer_put(w, out, capacity - z->avail_out)) return false;
    } while (z->avail_out == 0);
    return true;
}

static bool put_deflated(writer *w, zip_member *m, const void *const piece[2], const size_t bytes[2])
{
    enum { CHUNK = 1 << 18 };
    unsigned char *out = mx_alloc(CHUNK, 1);
    z_stream z = {0};
    int64_t begin = w->position;
    if (!out) return false;
    bool ok = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!ok) mx_fail(MX_MEMORY, "[%s] no memory to compress.", w->op);
    for (int i = 0; i < 2 && ok; i++) {
        for (size_t done = 0; done < bytes[i] && ok;) {
            size_t n = bytes[i] - done < (1u << 30) ? bytes[i] - done : 1u << 30;
            z.next_in = (unsigned char *)piece[i] + done;
            z.avail_in = (uInt)n;
            ok = deflate_piece(w, &z, out, CHUNK, Z_NO_FLUSH);
            done += n;
        }
    }
    ok = ok && deflate_piece(w, &z, out, CHUNK, Z_FINISH);
    deflateEnd(&z);
    mx_free(out);
    m->packed = w->position - begin;
    return ok;
}

static zip_member *new_member(zip_list *list, const char *name)
{
    if (list->count == list->capacity) {
        int64_t capacity = list->capacity ? 2 * list->capacity : 16;
        zip_member *members = mx_resize(list->members, (size_t)capacity, sizeof *members);
        if (!members) return NULL;
        list->members = members;
        list->capacity = capacity;
    }
    size_t n = strlen(name) + 1;
    char *copy = mx_alloc(n, 1);
    if (!copy) return NULL;
    memcpy(copy, name, n);
    zip_member *m = &list->members[list->count++];
    *m = (zip_member){.name = copy};
    return m;
}

bool zip_put(writer *w, zip_list *list, const char *name, bool deflated, const void *const piece[2],
             const size_t bytes[2])
{
    size_t length = strlen(name);
    if (length > UINT16_MAX)
        return mx_fail_false(MX_VALUE, "[%s] a name of %zu bytes is too long for a zip file.", w->op, length);
    zip_member *m = new_member(list, name);
    if (!m) return false;
    m->deflated = deflated;
    m->at = w->position;
    m->size = m->packed = (int64_t)(bytes[0] + bytes[1]);
    m->crc = (uint32_t)crc32_z(crc32_z(0, piece[0], bytes[0]), bytes[1] ? piece[1] : piece[0], bytes[1]);
    bool wide = m->size > LIMIT;
    if (!put_local(w, m, length, wide)) return false;
    if (!deflated) return writer_put(w, piece[0], bytes[0]) && writer_put(w, piece[1], bytes[1]);
    return put_deflated(w, m, piece, bytes) && put_descriptor(w, m, wide);
}

static bool put_entry(writer *w, const zip_member *m)
{
    bool wide_size = m->size > LIMIT, wide_at = m->at > LIMIT;
    int extra = (wide_size ? 16 : 0) + (wide_at ? 8 : 0);
    size_t name = strlen(m->name);
    unsigned char h[46 + 28], *p = put(put(h, 0x02014b50, 4), 45, 2);
    p = put(put_common(p, m, wide_size || wide_at), m->crc, 4);
    p = put(put(p, in_32(m->packed, wide_size), 4), in_32(m->size, wide_size), 4);
    p = put(put(p, name, 2), extra ? (uint64_t)extra + 4 : 0, 2);
    p = put(put(p, 0, 6), 0, 4); /* no comment, disk 0, no attributes */
    p = put(p, in_32(m->at, wide_at), 4);
    unsigned char *field = p;
    if (extra) p = put(put(p, 1, 2), (uint64_t)extra, 2);
    if (wide_size) p = put(put(p, (uint64_t)m->size, 8), (uint64_t)m->packed, 8);
    if (wide_at) p = put(p, (uint64_t)m->at, 8);
    return writer_put(w, h, 46) && writer_put(w, m->name, name) && writer_put(w, field, (size_t)(p - field));
}

static bool put_end64(writer *w, int64_t at, int64_t bytes, int64_t count)
{
    unsigned char h[56 + 20], *p = put(put(h, 0x06064b50, 4), 44, 8);
    p = put(put(put(p, 45, 2), 45, 2), 0, 8);
    p = put(put(p, (uint64_t)count, 8), (uint64_t)count, 8);
    p = put(put(p, (uint64_t)bytes, 8), (uint64_t)at, 8);
    p = put(put(p, 0x07064b50, 4), 0, 4);
    p = put(put(p, (uint64_t)(at + bytes), 8), 1, 4);
    return writer_put(w, h, (size_t)(p - h));
}

bool zip_finish(writer *w, const zip_list *list)
{
    int64_t at = w->position, count = list->count;
    for (int64_t i = 0; i < count; i++) {
        if (!put_entry(w, &list->members[i])) return false;
    }
    int64_t bytes = w->position - at;
    bool wide = at > LIMIT || bytes > LIMIT || count >= UINT16_MAX;
    if (wide && !put_end64(w, at, bytes, count)) return false;
    uint64_t count_16 = wide ? UINT16_MAX : (uint64_t)count;
    unsigned char h[22], *p = put(put(h, 0x06054b50, 4), 0, 4);
    p = put(put(p, count_16, 2), count_16, 2);
    p = put(put(put(p, in_32(bytes, wide), 4), in_32(at, wide), 4), 0, 2);
    return writer_put(w, h, (size_t)(p - h));
}
