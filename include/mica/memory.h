/* SPDX-License-Identifier: MIT
 *
 * Memory of arrays: statistics and limits, in bytes.  Setters return the previous limit. */
#ifndef MICA_MEMORY_H
#define MICA_MEMORY_H

#include "mica/types.h"

MX_BEGIN_DECLS

MX_API size_t mx_get_active_memory(void); /* in live buffers */
MX_API size_t mx_get_peak_memory(void);   /* the most that was ever live since mx_reset_peak_memory */
MX_API size_t mx_get_cache_memory(void);  /* freed and kept for reuse */
MX_API void mx_reset_peak_memory(void);
MX_API void mx_clear_cache(void);
MX_API size_t mx_set_memory_limit(size_t bytes);
MX_API size_t mx_get_memory_limit(void);
MX_API size_t mx_set_cache_limit(size_t bytes);

/* Memory of structures, for bindings: zero-filled room for `count` items of `size` bytes; NULL and a MEMORY error if
 * the product overflows or there is none.  mx_resize keeps the contents (the new tail is not cleared); mx_free takes
 * NULL. */
MX_API void *mx_alloc(size_t count, size_t size);
MX_API void *mx_resize(void *block, size_t count, size_t size);
MX_API void mx_free(void *block);

MX_END_DECLS
#endif
