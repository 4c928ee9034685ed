/* SPDX-License-Identifier: MIT
 *
 * A simulated cubin: this header, then a shared object, or (SIM_ENGINE=none) SIM_IMAGE_NONE and a kernel's name, which does
 * nothing.  The hash refuses a file that was damaged on its way. */
#ifndef SIM_IMAGE_H
#define SIM_IMAGE_H

#include <stdint.h>

#define SIM_IMAGE_MAGIC "MICASIM"
#define SIM_IMAGE_NONE "none:"
struct sim_image {
    char magic[8];
    uint64_t bytes, hash;
};

#endif
