/* SPDX-License-Identifier: MIT
 *
 * Reading zip archives.  Only the central directory at the end is believed, and every size and offset in it is checked
 * against the file.  A member is unpacked from its beginning whenever bytes of it are asked for: arrays are read whole,
 * so this happens once, plus once for the header.  Its CRC is checked by the read that reaches its end. */
#include "core/memory.h"
#include "io/zip.h"
#include <string.h>
#include <zlib.h>

static uint64_t little(const unsigned char *p, int bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | p[bytes];
    return value;
}

static bool damaged(const char *op, const source *s, const char *what)
{
    return mx_fail_false(MX_RUNTIME, "[%s] %s: damaged zip archive: %s.", op, s->name, what);
}

/* ---- The directory */
typedef struct directory {
    uint64_t at, bytes, count;
} directory;

/* Position of the end record in the last bytes of the file (a comment may follow it), or -1. */
static int64_t find_end(const unsigned char *tail, int64_t n)
{
    for (int64_t i = n - 22; i >= 0; i--) {
        if (memcmp(tail + i, "PK\5\6", 4) == 0 && i + 22 + (int64_t)little(tail + i + 20, 2) <= n) return i;
    }
    return -1;
}

static bool read_end64(const char *op, source *s, int64_t end, directory *d)
{
    unsigned char locator[20], record[56];
    if (end < 20 || !source_read(s, locator, end - 20, sizeof locator)) return false;
    if (memcmp(locator, "PK\6\7", 4) != 0) return true; /* the values are just so large */
    uint64_t at = little(locator + 8, 8);
    if (at > (uint64_t)s->size || !source_read(s, record, (int64_t)at, sizeof record)) return false;
    if (memcmp(record, "PK\6\6", 4) != 0) return damaged(op, s, "no 64-bit end record");
    *d = (directory){.at = little(record + 48, 8), .bytes = little(record + 40, 8), .count = little(record + 32, 8)};
    return true;
}

static bool find_directory(const char *op, source *s, mx_code if_none, directory *d)
{
    enum { TAIL = 22 + 65535 };
    int64_t n = s->size < TAIL ? s->size : TAIL, end = -1;
    unsigned char *tail = mx_alloc((size_t)n + 1, 1);
    if (!tail) return false;
    bool ok = source_read(s, tail, s->size - n, (size_t)n);
    if (ok && (end = find_end(tail, n)) >= 0) {
        const unsigned char *p = tail + end;
        *d = (directory){.at = little(p + 16, 4), .bytes = little(p + 12, 4), .count = little(p + 10, 2)};
    }
    mx_free(tail);
    if (!ok) return false;
    if (end < 0) return mx_fail_false(if_none, "[%s] %s is not a zip file.", op, s->name);
    if (d->at == UINT32_MAX || d->bytes == UINT32_MAX || d->count == UINT16_MAX)
        ok = read_end64(op, s, s->size - n + end, d);
    uint64_t size = (uint64_t)s->size;
    if (ok && (d->at > size || d->bytes > size - d->at || d->count > d->bytes / 46))
        return damaged(op, s, "its directory lies outside of the file");
    return ok || damaged(op, s, "no directory");
}

/* Values that did not fit into 32 bits stand in an extra field, in this order. */
static void read_extra(const unsigned char *p, const unsigned char *end, uint64_t *size, uint64_t *packed, uint64_t *at)
{
    uint64_t *const values[3] = {size, packed, at};
    while (end - p >= 4) {
        const unsigned char *next = p + 4 + little(p + 2, 2);
        if (next > end) return;
        if (little(p, 2) == 1) {
            const unsigned char *v = p + 4;
            for (int i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX || next - v < 8) continue;
                *values[i] = little(v, 8);
                v += 8;
            }
        }
        p = next;
    }
}

static bool add_member(zip_list *list, const zip_member *m, const unsigned char *name, size_t length)
{
    if (list->count == list->capacity) {
        int64_t capacity = list->capacity ? 2 * list->capacity : 16;
        zip_member *members = mx_resize(list->members, (size_t)capacity, sizeof *members);
        if (!members) return false;
        list->members = members;
        list->capacity = capacity;
    }
    char *copy = mx_alloc(length + 1, 1);
    if (!copy) return false;
    memcpy(copy, name, length);
    list->members[list->count] = *m;
    list->members[list->count++].name = copy;
    return true;
}

/* One entry; *p moves behind it. */
static bool read_member(const char *op, const source *s, const unsigned char **p, const unsigned char *end,
                        zip_list *list)
{
    const unsigned char *h = *p;
    if (end - h < 46 || memcmp(h, "PK\1\2", 4) != 0) return damaged(op, s, "an entry of its directory is none");
    size_t name = little(h + 28, 2), extra = little(h + 30, 2), comment = little(h + 32, 2);
    if ((size_t)(end - h) < 46 + name + extra + comment) return damaged(op, s, "its directory is cut off");
    uint64_t packed = little(h + 20, 4), size = little(h + 24, 4), at = little(h + 42, 4), method = little(h + 10, 2);
    read_extra(h + 46 + name, h + 46 + name + extra, &size, &packed, &at);
    if (little(h + 8, 2) & 1) return damaged(op, s, "a member is encrypted");
    if (method != 0 && method != 8) return damaged(op, s, "a member is compressed by an unknown method");
    if (memchr(h + 46, 0, name)) return damaged(op, s, "a name holds a zero");
    /* Deflate makes at most 1032 bytes of one: a larger claim is a trap. */
    bool outside = at > (uint64_t)s->size || packed > (uint64_t)s->size || (method == 0 && packed != size);
    if (outside || size / 1032 > packed + 1) return damaged(op, s, "the size or place of a member cannot be");
    zip_member m = {.deflated = method == 8,
                    .crc = (uint32_t)little(h + 16, 4),
                    .packed = (int64_t)packed,
                    .size = (int64_t)size,
                    .at = (int64_t)at};
    *p = h + 46 + name + extra + comment;
    return add_member(list, &m, h + 46, name);
}

bool zip_read(const char *op, source *s, zip_list *list, mx_code if_none)
{
    directory d = {0};
    if (!find_directory(op, s, if_none, &d)) return false;
    unsigned char *bytes = mx_alloc((size_t)d.bytes + 1, 1);
    if (!bytes) return false;
    bool ok = source_read(s, bytes, (int64_t)d.at, (size_t)d.bytes);
    const unsigned char *p = bytes;
    for (uint64_t i = 0; i < d.count && ok; i++) ok = read_member(op, s, &p, bytes + d.bytes, list);
    mx_free(bytes);
    return ok;
}

void zip_free(zip_list *list)
{
    for (int64_t i = 0; i < list->count; i++) mx_free(list->members[i].name);
    mx_free(list->members);
    *list = (zip_list){0};
}

/* ---- Members */
enum { CHUNK = 1 << 16 };

/* Unpacks the next bytes; `to` NULL throws them away. */
typedef struct unpacking {
    source *s;
    int64_t in; /* next packed byte */
    z_stream z;
    uint32_t crc;
    unsigned char *packed, *thrown; /* CHUNK bytes each */
} unpacking;

static bool inflate_some(unpacking *u, unsigned char *to, size_t bytes)
{
    u->z.next_out = to;
    u->z.avail_out = (uInt)bytes;
    while (u->z.avail_out) {
        if (u->z.avail_in == 0 && u->in < u->s->packed) {
            int64_t left = u->s->packed - u->in, n = left < CHUNK ? left : CHUNK;
            if (!source_read(u->s->parent, u->packed, u->s->at + u->in, (size_t)n)) return false;
            u->z.next_in = u->packed;
            u->z.avail_in = (uInt)n;
            u->in += n;
        }
        int result = inflate(&u->z, Z_NO_FLUSH);
        if (result == Z_OK) continue;
        if (result != Z_STREAM_END || u->z.avail_out) return damaged("load", u->s, "a member cannot be unpacked");
    }
    return true;
}

static bool stored_some(unpacking *u, unsigned char *to, size_t bytes)
{
    if (!source_read(u->s->parent, to, u->s->at + u->in, bytes)) return false;
    u->in += (int64_t)bytes;
    return true;
}

static bool unpack(unpacking *u, unsigned char *to, int64_t bytes)
{
    while (bytes > 0) {
        /* Thrown away in chunks; else in pieces that zlib can count. */
        int64_t most = to ? 1 << 30 : CHUNK, n = bytes < most ? bytes : most;
        unsigned char *piece = to ? to : u->thrown;
        if (!(u->s->deflated ? inflate_some : stored_some)(u, piece, (size_t)n)) return false;
        u->crc = (uint32_t)crc32_z(u->crc, piece, (size_t)n);
        bytes -= n;
        if (to) to += n;
    }
    return true;
}

static bool read_member_at(source *s, void *to, int64_t offset, size_t bytes)
{
    unpacking u = {.s = s};
    u.packed = mx_alloc(2, CHUNK);
    if (!u.packed) return false;
    u.thrown = u.packed + CHUNK;
    bool ok = !s->deflated || inflateInit2(&u.z, -MAX_WBITS) == Z_OK || mx_fail_false(MX_MEMORY, "[load] no memory.");
    if (ok) {
        ok = unpack(&u, NULL, offset) && unpack(&u, to, (int64_t)bytes);
        if (ok && offset + (int64_t)bytes == s->size && u.crc != s->crc)
            ok = damaged("load", s, "the check sum of a member is wrong");
        if (s->deflated) inflateEnd(&u.z);
    }
    mx_free(u.packed);
    return ok;
}

static void close_member(source *s)
{
    source_drop(&s->parent);
}

source *zip_open(const char *op, source *s, const zip_member *member)
{
    unsigned char h[30];
    if (!source_read(s, h, member->at, sizeof h)) return NULL;
    if (memcmp(h, "PK\3\4", 4) != 0) return damaged(op, s, "a member is not where it should be"), NULL;
    int64_t at = member->at + 30 + (int64_t)little(h + 26, 2) + (int64_t)little(h + 28, 2);
    if (at > s->size || member->packed > s->size - at) return damaged(op, s, "a member is cut off"), NULL;
    source *m = source_new(s->name);
    if (!m) return NULL;
    m->parent = source_keep(s);
    m->close = close_member;
    m->read_at = read_member_at;
    m->lazy = s->lazy;
    m->size = member->size;
    m->at = at;
    m->packed = member->packed;
    m->deflated = member->deflated;
    m->crc = member->crc;
    return m;
}
