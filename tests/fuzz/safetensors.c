/* SPDX-License-Identifier: MIT
 *
 * Loads the input as safetensors and saves what came. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file f = {.data = data, .size = (int64_t)size};
    mx_stream_io io = fuzz_io(&f);
    mx_scope scope = mx_scope_open();
    mx_table *table = mx_load_safetensors_from(&io);
    if (table) mx_save_safetensors_to(&io, table);
    mx_table_free(&table);
    return fuzz_end(scope);
}
