/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share: the input as a stream in memory, and reading what was loaded from it.  Nothing may
 * crash, leak or leave an error pending; hostile sizes must fail before memory is asked for. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "mica.h"
#include "mica/io.h"
#include <stdio.h>
#include <string.h>

typedef struct fuzz_file {
    const uint8_t *data;
    int64_t size, at;
    volatile uint8_t sum; /* of what was written */
} fuzz_file;

static bool fuzz_read(void *ctx, void *to, size_t n)
{
    fuzz_file *f = ctx;
    if (f->at < 0 || f->at > f->size || n > (size_t)(f->size - f->at)) return false;
    memcpy(to, f->data + f->at, n);
    f->at += (int64_t)n;
    return true;
}

static bool fuzz_seek(void *ctx, int64_t offset, int whence)
{
    fuzz_file *f = ctx;
    f->at = offset + (whence == SEEK_END ? f->size : whence == SEEK_CUR ? f->at : 0);
    return f->at >= 0;
}

static int64_t fuzz_tell(void *ctx)
{
    return ((fuzz_file *)ctx)->at;
}

/* Writes the loaded arrays out again: all of their bytes are looked at. */
static bool fuzz_write(void *ctx, const void *from, size_t n)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < n; i++) sum ^= ((const uint8_t *)from)[i];
    ((fuzz_file *)ctx)->sum = sum;
    return true;
}

static mx_stream_io fuzz_io(fuzz_file *f)
{
    return (mx_stream_io){f, fuzz_read, fuzz_write, fuzz_seek, fuzz_tell, "input"};
}

/* Ends one run. */
static int fuzz_end(mx_scope scope)
{
    mx_scope_close(scope, NULL);
    mx_error();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
