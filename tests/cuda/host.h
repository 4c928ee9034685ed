/* SPDX-License-Identifier: MIT
 *
 * What the cases of host.c and bad_host.c share. */
#ifndef TESTS_CUDA_HOST_H
#define TESTS_CUDA_HOST_H

#include "mica.h"

extern int failures;
void check_at(bool ok, const char *what, int line);
void expect_error_at(bool failed, mx_code code, const char *words, int line);
#define CHECK(condition) check_at(condition, #condition, __LINE__)
#define EXPECT_ERROR(failed, code, words) expect_error_at(failed, code, words, __LINE__)

mx_stream *gpu_stream(void);
mx_array *vector(int64_t n, float value);
bool holds(mx_array *x, float value, float step);
mx_array *chain(mx_array *x, int times);
bool gpu_works(void);
bool cpu_works(void);
void drain(void);

void case_memory(void);
void case_no_memory(void);
void case_limits(void);
void case_two_memories(void);
void case_one_memory(void);
void case_launch_fails(void);
void case_merged_fails(void);
void case_ahead(void);
void case_cubins(void); /* cubins_host.c */
void case_many_failures(void);
void case_launch_fails_without_memory(void);
void case_device_lost(void);
void case_busy(void);
void case_sweep(void);
void case_one_program(void);
void case_sweep_start(void);
void case_bad_kernel(void);
void case_ends_compiling(void);
void case_groups(void);
void case_bad_group(void);
void case_late_group(void);
void case_no_host_compiler(void);
void case_no_nvrtc(void);
void case_shared_cache(void);
void case_fork(void);
void case_fork_first(void);

#endif
