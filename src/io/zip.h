/* SPDX-License-Identifier: MIT
 *
 * Zip archives (PKWARE's APPNOTE 6.3): stored or deflated members, with the 64-bit extensions where sizes need them. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "io/io.h"

typedef struct zip_member {
    char *name;
    bool deflated;
    uint32_t crc;
    int64_t packed, size; /* bytes in the archive and unpacked */
    int64_t at;           /* of its local header */
} zip_member;

typedef struct zip_list {
    zip_member *members;
    int64_t count, capacity;
} zip_list;

/* Reads the central directory. `if_none` is the code of the error if the source is no zip archive. */
bool zip_read(const char *op, source *s, zip_list *list, mx_code if_none);
void zip_free(zip_list *list);
/* The content of a member, as a source of its own that keeps s. */
source *zip_open(const char *op, source *s, const zip_member *member);

/* Writes one member made of two pieces and notes it in the list; then the directory. */
bool zip_put(writer *w, zip_list *list, const char *name, bool deflated, const void *const piece[2],
             const size_t bytes[2]);
bool zip_finish(writer *w, const zip_list *list);

#endif
