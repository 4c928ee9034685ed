/* SPDX-License-Identifier: MIT
 *
 * What the file formats share: sources to read arrays from, writers, tables.
 *
 * A source is a file, a caller's stream or one member of a zip.  Arrays of files are nodes that read when they are
 * evaluated; those of streams are read at once, because a stream belongs to its caller. */
#ifndef IO_IO_H
#define IO_IO_H

#include "core/params/load.h"
#include "mica/io.h"

/* ---- Reading */
typedef struct source source;
struct source {
    load_source load;
    char *name;   /* for messages */
    int64_t size; /* bytes that can be read */
    bool lazy;    /* it can be read later, from any thread */
    bool (*read_at)(source *s, void *to, int64_t offset, size_t bytes);
    void (*close)(source *s); /* gives back what the kind holds */
    int fd;                   /* a file */
    const mx_stream_io *io;   /* a stream ... */
    int64_t base;             /* ... and where it was */
    source *parent;           /* a member of a zip: where it lies, ... */
    int64_t at, packed;       /* ... its first byte and its bytes there, ... */
    bool deflated;
    uint32_t crc; /* ... and the CRC-32 of its content */
};

source *source_open(const char *op, const char *path, mx_code if_missing);
source *source_of_stream(const char *op, const mx_stream_io *io);
source *source_new(const char *name); /* with one reference and no kind yet */
source *source_keep(source *s);
void source_drop(source **s); /* sets it to NULL */
/* Bytes [offset, offset + bytes); false: an error is recorded, also if the source is too short. */
bool source_read(source *s, void *to, int64_t offset, size_t bytes);
/* An array that lies in the source; a temporary. */
mx_array *source_array(const char *op, source *s, int64_t offset, mx_shape shape, mx_dtype dtype, bool swap);

/* A file in NumPy's format that is the whole source. */
mx_array *npy_read(const char *op, source *s);

/* ---- Writing */
/* A new file, under a temporary name until it is whole, or a caller's stream. */
typedef struct writer {
    const char *op;
    const mx_stream_io *io;
    int fd;                 /* -1: none */
    char *path, *temporary; /* temporary is NULL where no file can be renamed to (devices, pipes) */
    int64_t position;       /* bytes written */
} writer;

bool writer_open(writer *w, const char *op, const char *path);
bool writer_of_stream(writer *w, const char *op, const mx_stream_io *io);
bool writer_put(writer *w, const void *data, size_t bytes);
/* Ends the file: with `ok` it gets its name, else it goes.  Returns whether all went well. */
bool writer_close(writer *w, bool ok);

/* The row-major elements of an evaluated array, as a temporary. */
const void *array_bytes(mx_array *x);
/* The header in NumPy's format and the array whose row-major elements follow it (x or its transpose). */
enum { NPY_HEADER = 512 };
mx_array *npy_header(const char *op, mx_array *x, char text[NPY_HEADER], size_t *bytes);

/* ---- Tables */
typedef struct table_entry {
    char *name;
    mx_array *value; /* or NULL: */
    char *text;
} table_entry;
typedef struct name_list { /* in order of insertion; `slots` is a hash table of positions + 1 */
    table_entry *entries;
    int count, capacity;
    int32_t *slots;
    int slot_count;
} name_list;
struct mx_table {
    name_list arrays, texts;
};

bool table_given(const char *op, const mx_table *table);
bool table_eval(const mx_table *table);

#endif
