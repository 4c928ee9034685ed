/* SPDX-License-Identifier: MIT
 *
 * A program of NVRTC and what both engines need to compile one: shim (nvrtc.c), which reads the source as C++, and ptx
 * (ptx_build.c), which has NVIDIA's compiler read it. */
#ifndef SIM_NVRTC_H
#define SIM_NVRTC_H

#include <stdbool.h>
#include <stddef.h>

enum { NVRTC_PATH_BYTES = 1024, NVRTC_COMMAND_BYTES = 16384 };

struct sim_program {
    char *source, *name, *log;
    int header_count;
    char **header, **header_name;
    char *image;
    size_t image_bytes;
};

struct options {
    char defines[4096];
    int arch, count;
    const char *const *all; /* as they were given */
};

char *nvrtc_read_file(const char *path, size_t *bytes);
bool nvrtc_write_file(const char *folder, const char *name, const char *p, size_t bytes);
int nvrtc_run_shell(const char *command);
const char *nvrtc_flags_of_machine(void);
const char *nvrtc_compiler(void); /* its command */
const char *nvrtc_level(void);
/* Turns module.o in the folder into module.so; an NVRTC result. */
int nvrtc_link(const char *folder);

/* ---- ptx_build.c */
/* NVIDIA's NVRTC: its version, or 0 when there is none. */
int ptx_compiler_version(void);
/* Makes module.so in the folder; messages are added to its file `log`. */
int ptx_build(const struct sim_program *p, const struct options *o, const char *folder, const char *shim, bool checked);

#endif
