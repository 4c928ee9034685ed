/* SPDX-License-Identifier: MIT
 *
 * Devices and streams.  An op goes to the calling thread's current stream.  Arrays and streams may be used from any
 * thread. */
#ifndef MICA_STREAM_H
#define MICA_STREAM_H

#include "mica/types.h"

MX_BEGIN_DECLS

typedef enum mx_device_type { MX_CPU, MX_GPU } mx_device_type;

typedef struct mx_device {
    mx_device_type type;
    int index;
} mx_device;

MX_API int mx_device_count(mx_device_type type);
MX_API bool mx_device_available(mx_device device);
/* The default device is process-wide; asking for a GPU where there is none is a VALUE error. */
MX_API mx_device mx_default_device(void);
MX_API bool mx_set_default_device(mx_device device);

MX_API mx_stream *mx_new_stream(mx_device device);
/* The calling thread's default stream on a device, made when it is first asked for. */
MX_API mx_stream *mx_default_stream(mx_device device);
MX_API bool mx_set_default_stream(mx_stream *stream);
/* Sends the calling thread's next ops to `stream`; NULL means the default stream of the default device.  Returns what
 * was in use before, to be put back the same way. */
MX_API mx_stream *mx_use_stream(mx_stream *stream);
MX_API mx_stream *mx_current_stream(void);
MX_API mx_device mx_stream_device(const mx_stream *stream);
MX_API int mx_stream_index(const mx_stream *stream);
MX_API mx_stream *mx_stream_by_index(int index); /* NULL if there is none */
/* Waits for all work of a stream (NULL: of the current one); reports its first error and clears it. */
MX_API bool mx_synchronize(mx_stream *stream);

/* Facts for people: "device_name", "architecture", "memory_size" ...; NULL past the last one. */
typedef struct mx_device_fact {
    const char *name;
    const char *text; /* NULL if it is a number */
    int64_t number;
} mx_device_fact;
MX_API bool mx_device_info(mx_device device, int index, mx_device_fact *fact);

/* The number of threads that CPU kernels use, and the name of the SIMD level that was chosen at start. */
MX_API int mx_cpu_threads(void);
MX_API const char *mx_cpu_level(void);

MX_END_DECLS
#endif
