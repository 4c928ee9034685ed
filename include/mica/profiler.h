/* SPDX-License-Identifier: MIT
 *
 * The profiler: what ran, where, how long, and what it moved.
 *
 *     mx_profile_begin();
 *     train_step();
 *     mx_profile *p = mx_profile_end();
 *     mx_profile_save(p, "trace.json");        open it at https://ui.perfetto.dev
 *     char *table = mx_profile_table(p);
 */
#ifndef MICA_PROFILER_H
#define MICA_PROFILER_H

#include "mica/stream.h"

MX_BEGIN_DECLS

/* One profile is recorded at a time, for all threads.  On a CPU the time of an op or group is that of the thread that
 * runs it; on a GPU it is measured there, between events of its stream.  While nothing is recorded it costs one load an
 * op. */
typedef struct mx_profile mx_profile;

/* False and a RUNTIME error if one is being recorded already. */
MX_API bool mx_profile_begin(void);
/* Stops and waits for the GPU's times; NULL: an error is recorded. */
MX_API mx_profile *mx_profile_end(void);
MX_API void mx_profile_free(mx_profile **profile);

/* A piece of the program, such as "forward".  Ranges nest; they may begin and end while nothing is recorded. */
typedef struct mx_range {
    int64_t started_ns; /* 0: nothing is recorded */
} mx_range;
MX_API mx_range mx_range_begin(void);
MX_API void mx_range_end(mx_range range, const char *name);

/* Totals by name, the longest first: ops and groups of a device type, then ranges. */
typedef struct mx_profile_row {
    const char *name; /* "matmul", "multiply+add+tanh (3 ops)"; the profile's */
    bool is_range;
    mx_device_type device;
    int64_t count;
    double ms;
    double bytes; /* read and written, each operand of a group once */
    double flops; /* of products; 0: not counted */
} mx_profile_row;
MX_API int mx_profile_count(const mx_profile *profile);
MX_API const mx_profile_row *mx_profile_rows(const mx_profile *profile);

/* For people; to be freed with mx_free_text. */
MX_API char *mx_profile_table(const mx_profile *profile);
/* JSON in Chrome's trace format, for Perfetto. */
MX_API char *mx_profile_trace(const mx_profile *profile);
MX_API bool mx_profile_save(const mx_profile *profile, const char *path);

MX_END_DECLS
#endif
