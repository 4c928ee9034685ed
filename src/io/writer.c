/* SPDX-License-Identifier: MIT
 *
 * Writers.  A file gets a temporary name in its folder, is flushed to the disk and then renamed: whoever opens the
 * path finds the old file or the new one, whole, whatever is killed meanwhile. */
#include "core/memory.h"
#include "core/runtime.h"
#include "io/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *text_of(size_t size, const char *a, int a_length, const char *b)
{
    char *text = mx_alloc(size, 1);
    if (text) snprintf(text, size, "%.*s%s", a_length, a, b);
    return text;
}

/* The file that a path names in the end: a link stays a link. */
static char *follow(const char *path)
{
    char real[4096];
    ssize_t n = readlink(path, real, sizeof real - 1);
    if (n > 0 && realpath(path, real)) path = real;
    return text_of(strlen(path) + 1, path, (int)strlen(path), "");
}

static int folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path) + 1 : 0;
}

static bool open_temporary(writer *w, const struct stat *old)
{
    char name[64];
    int folder = folder_length(w->path);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, ".mica-%ld-%llx-%d.tmp", (long)getpid(), (unsigned long long)clock_ns(), i);
        mx_free(w->temporary);
        w->temporary = text_of((size_t)folder + sizeof name, w->path, folder, name);
        if (!w->temporary) return false;
        w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) return !old || fchmod(w->fd, old->st_mode & 07777) == 0 || errno == EPERM;
        if (errno != EEXIST) break;
    }
    return false;
}

static void forget(writer *w)
{
    if (w->fd >= 0) close(w->fd);
    mx_free(w->path);
    mx_free(w->temporary);
    w->fd = -1;
    w->path = w->temporary = NULL;
}

bool writer_open(writer *w, const char *op, const char *path)
{
    struct stat st;
    *w = (writer){.op = op, .fd = -1};
    if (!path) return mx_fail_false(MX_VALUE, "[%s] the path is NULL.", op);
    if (!(w->path = follow(path))) return false;
    bool exists = stat(w->path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode)) {
        mx_fail(MX_RUNTIME, "[%s] Failed to open file %s: it is a folder.", op, path);
    } else if (exists && !S_ISREG(st.st_mode)) {
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
        if (w->fd >= 0) return true;
    } else if (open_temporary(w, exists ? &st : NULL)) {
        return true;
    }
    mx_fail(MX_RUNTIME, "[%s] Failed to open file %s: %s.", op, path, strerror(errno));
    if (w->fd >= 0) unlink(w->temporary);
    forget(w);
    return false;
}

bool writer_of_stream(writer *w, const char *op, const mx_stream_io *io)
{
    *w = (writer){.op = op, .io = io, .fd = -1};
    return (io && io->write) || mx_fail_false(MX_VALUE, "[%s] a stream to write to needs write.", op);
}

static bool write_file(writer *w, const char *p, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(w->fd, p, bytes < (1u << 30) ? bytes : 1u << 30);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return mx_fail_errno(w->op, w->path), false;
        p += n;
        bytes -= (size_t)n;
    }
    return true;
}

bool writer_put(writer *w, const void *data, size_t bytes)
{
    if (bytes == 0) return true;
    w->position += (int64_t)bytes;
    if (!w->io) return write_file(w, data, bytes);
    return w->io->write(w->io->ctx, data, bytes) ||
           mx_fail_false(MX_RUNTIME, "[%s] cannot write to %s.", w->op, w->io->name ? w->io->name : "a stream");
}

/* Makes the new name last; what cannot be flushed (some network folders) is no failure of the file. */
static void flush_folder(const char *path)
{
    int length = folder_length(path);
    char *folder = length ? text_of((size_t)length + 1, path, length, "") : text_of(2, ".", 1, "");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mx_free(folder);
}

bool writer_close(writer *w, bool ok)
{
    if (w->io || w->fd < 0) return ok;
    if (w->temporary) {
        ok = ok && (fsync(w->fd) == 0 || (mx_fail_errno(w->op, w->path), false));
        ok = ok && (rename(w->temporary, w->path) == 0 || (mx_fail_errno(w->op, w->path), false));
        if (ok) {
            mx_mark mark = mx_error_mark();
            flush_folder(w->path);
            mx_error_reset(mark);
        } else {
            unlink(w->temporary);
        }
    }
    forget(w);
    return ok;
}

const void *array_bytes(mx_array *x)
{
    mx_array *rows = mx_contiguous(x);
    return rows ? mx_data(rows) : NULL;
}
