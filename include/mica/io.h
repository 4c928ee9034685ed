/* SPDX-License-Identifier: MIT
 *
 * Files.  Paths are read when the arrays are evaluated; files are written to a temporary name in the same folder and
 * then renamed, so a reader never sees half a file. */
#ifndef MICA_IO_H
#define MICA_IO_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* A table of named arrays with text metadata, in insertion order.  It owns a reference of each of its arrays. */
typedef struct mx_table mx_table;
MX_API mx_table *mx_table_new(void);
MX_API void mx_table_free(mx_table **table);
MX_API bool mx_table_put(mx_table *table, const char *name, mx_array *value);
MX_API bool mx_table_put_text(mx_table *table, const char *name, const char *text);
MX_API int mx_table_count(const mx_table *table);
MX_API int mx_table_text_count(const mx_table *table);
MX_API const char *mx_table_name(const mx_table *table, int index);
MX_API mx_array *mx_table_value(const mx_table *table, int index);      /* borrowed from the table */
MX_API mx_array *mx_table_get(const mx_table *table, const char *name); /* NULL and a VALUE error if it is not there */
MX_API const char *mx_table_text_name(const mx_table *table, int index);
MX_API const char *mx_table_text(const mx_table *table, int index);

/* Where bytes come from and go to when it is not a path. */
typedef struct mx_stream_io {
    void *ctx;
    bool (*read)(void *ctx, void *destination, size_t bytes); /* all of them or false */
    bool (*write)(void *ctx, const void *source, size_t bytes);
    bool (*seek)(void *ctx, int64_t offset, int whence); /* SEEK_SET, SEEK_CUR, SEEK_END */
    int64_t (*tell)(void *ctx);
    const char *name; /* for messages */
} mx_stream_io;

/* NumPy's format: one array.  A missing file is a RUNTIME error. */
MX_API bool mx_save_npy(const char *path, mx_array *x);
MX_API bool mx_save_npy_to(const mx_stream_io *io, mx_array *x);
MX_API mx_array *mx_load_npy(const char *path);
MX_API mx_array *mx_load_npy_from(const mx_stream_io *io);
/* An uncompressed or deflated zip of npy files. */
MX_API bool mx_save_npz(const char *path, const mx_table *table, bool compressed);
MX_API bool mx_save_npz_to(const mx_stream_io *io, const mx_table *table, bool compressed);
MX_API mx_table *mx_load_npz(const char *path);
MX_API mx_table *mx_load_npz_from(const mx_stream_io *io);
/* safetensors (https://github.com/huggingface/safetensors): JSON header, then raw data. */
MX_API bool mx_save_safetensors(const char *path, const mx_table *table);
MX_API bool mx_save_safetensors_to(const mx_stream_io *io, const mx_table *table);
MX_API mx_table *mx_load_safetensors(const char *path);
MX_API mx_table *mx_load_safetensors_from(const mx_stream_io *io);

MX_END_DECLS
#endif
