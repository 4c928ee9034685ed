/* SPDX-License-Identifier: MIT
 *
 * Loads the input as npy and saves what came. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file f = {.data = data, .size = (int64_t)size};
    mx_stream_io io = fuzz_io(&f);
    mx_scope scope = mx_scope_open();
    mx_array *x = mx_load_npy_from(&io);
    if (x) mx_save_npy_to(&io, x);
    return fuzz_end(scope);
}
