/* SPDX-License-Identifier: MIT
 *
 * Sources.  A file is opened once and stays open as long as one of its arrays has not been read: replacing the file
 * by another (which is how files are written) does not disturb them. */
#include "core/memory.h"
#include "io/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Life */
static void drop_object(param_object *object)
{
    source *s = (source *)object;
    if (s->close) s->close(s);
    mx_free(s->name);
    mx_free(s);
}

static const param_object_type source_type = {.drop = drop_object, .name = "source"};

static void reverse_elements(void *data, size_t count, size_t width)
{
    unsigned char *p = data;
    for (size_t i = 0; i < count; i++, p += width) {
        for (size_t k = 0; k < width / 2; k++) {
            unsigned char t = p[k];
            p[k] = p[width - 1 - k];
            p[width - 1 - k] = t;
        }
    }
}

/* A bool of a file may be any byte; in memory it is 0 or 1. */
static void repair_bools(unsigned char *p, size_t count)
{
    for (size_t i = 0; i < count; i++) p[i] = p[i] != 0;
}

static bool load(load_source *l, const load_params *p, void *to, size_t bytes)
{
    if (!source_read((source *)l, to, p->offset, bytes)) return false;
    /* The two halves of a complex number are swapped one by one. */
    size_t width = p->dtype == MX_COMPLEX64 ? 4 : mx_dtype_size(p->dtype);
    if (p->swap) reverse_elements(to, bytes / width, width);
    if (p->dtype == MX_BOOL) repair_bools(to, bytes);
    return true;
}

source *source_new(const char *name)
{
    size_t n = strlen(name) + 1;
    source *s = mx_alloc(1, sizeof *s);
    char *copy = s ? mx_alloc(n, 1) : NULL;
    if (!copy) return mx_free(s), NULL;
    memcpy(copy, name, n);
    *s = (source){.load = {.object = {.type = &source_type}, .read = load}, .name = copy, .fd = -1};
    atomic_init(&s->load.object.refs, 1);
    return s;
}

source *source_keep(source *s)
{
    atomic_fetch_add(&s->load.object.refs, 1);
    return s;
}

void source_drop(source **s)
{
    if (*s && atomic_fetch_sub(&(*s)->load.object.refs, 1) == 1) drop_object(&(*s)->load.object);
    *s = NULL;
}

/* ---- Files */
static bool read_file(source *s, void *to, int64_t offset, size_t bytes)
{
    char *p = to;
    while (bytes) {
        ssize_t n = pread(s->fd, p, bytes < (1u << 30) ? bytes : 1u << 30, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return mx_fail_errno("load", s->name), false;
        if (n == 0) return mx_fail_false(MX_RUNTIME, "[load] %s was cut off while it was in use.", s->name);
        p += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return true;
}

static void close_file(source *s)
{
    if (s->fd >= 0) close(s->fd);
}

source *source_open(const char *op, const char *path, mx_code if_missing)
{
    struct stat st;
    if (!path) return mx_fail(MX_VALUE, "[%s] the path is NULL.", op);
    source *s = source_new(path);
    if (!s) return NULL;
    s->lazy = true;
    s->read_at = read_file;
    s->close = close_file;
    /* Not to wait for a pipe's writer; a pipe is refused below. */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        mx_fail(if_missing, "[%s] Failed to open file %s: %s.", op, path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        mx_fail(if_missing, "[%s] %s is not a regular file.", op, path);
    } else {
        s->size = st.st_size;
        return s;
    }
    source_drop(&s);
    return NULL;
}

/* ---- Streams */
static bool read_stream(source *s, void *to, int64_t offset, size_t bytes)
{
    if (s->io->seek(s->io->ctx, s->base + offset, SEEK_SET) && s->io->read(s->io->ctx, to, bytes)) return true;
    return mx_fail_false(MX_RUNTIME, "[load] cannot read %zu bytes at %lld of %s.", bytes, (long long)offset, s->name);
}

source *source_of_stream(const char *op, const mx_stream_io *io)
{
    if (!io || !io->read || !io->seek || !io->tell)
        return mx_fail(MX_VALUE, "[%s] a stream to read from needs read, seek and tell.", op);
    source *s = source_new(io->name ? io->name : "a stream");
    if (!s) return NULL;
    s->io = io;
    s->read_at = read_stream;
    s->base = io->tell(io->ctx);
    int64_t end = s->base >= 0 && io->seek(io->ctx, 0, SEEK_END) ? io->tell(io->ctx) : -1;
    if (end >= s->base && s->base >= 0 && io->seek(io->ctx, s->base, SEEK_SET)) {
        s->size = end - s->base;
        return s;
    }
    mx_fail(MX_RUNTIME, "[%s] cannot find the size of %s.", op, s->name);
    source_drop(&s);
    return NULL;
}

/* ---- Reading */
bool source_read(source *s, void *to, int64_t offset, size_t bytes)
{
    if (bytes == 0) return true;
    if (offset >= 0 && offset <= s->size && bytes <= (size_t)(s->size - offset))
        return s->read_at(s, to, offset, bytes);
    return mx_fail_false(MX_RUNTIME, "[load] %s has %lld bytes; %zu at %lld were asked for.", s->name,
                         (long long)s->size, bytes, (long long)offset);
}

mx_array *source_array(const char *op, source *s, int64_t offset, mx_shape shape, mx_dtype dtype, bool swap)
{
    int64_t size = shape_size(op, shape), width = (int64_t)mx_dtype_size(dtype);
    if (size < 0) return NULL;
    if (offset < 0 || offset > s->size || size > (s->size - offset) / width) {
        return mx_fail(MX_RUNTIME, "[%s] %s is too short: an array of %lld bytes begins at %lld of %lld.", op, s->name,
                       (long long)(size * width), (long long)offset, (long long)s->size);
    }
    load_params p = {.source = &s->load.object, .offset = offset, .dtype = dtype, .swap = swap};
    p.shape = param_shape_of(shape);
    if (s->lazy) return op_apply_none(&mx_op_load, &p);
    mx_buffer *buffer = buffer_new((size_t)(size * width));
    if (!buffer) return NULL;
    if (!load(&s->load, &p, buffer->data, (size_t)(size * width))) return buffer_drop(buffer), NULL;
    return mx_temporary(array_of_buffer_take(buffer, shape, dtype));
}
