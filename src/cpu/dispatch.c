/* SPDX-License-Identifier: MIT
 *
 * The CPU backend as the graph sees it, and the choice of its SIMD level. */
#include "cpu/dispatch.h"
#include "cpu/blas.h"
#include "core/layout.h"
#include "core/runtime.h"
#include "core/thread.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool cpu_has(const cpu_level *level)
{
#if defined __x86_64__
    if (level == &cpu_level_avx512) {
        return CPU_HAS("avx512f") && CPU_HAS("avx512bw") && CPU_HAS("avx512cd") && CPU_HAS("avx512dq") &&
               CPU_HAS("avx512vl") && cpu_has(&cpu_level_avx2);
    }
    if (level == &cpu_level_avx2) {
        return CPU_HAS("avx2") && CPU_HAS("fma") && CPU_HAS("bmi2") && CPU_HAS("bmi") && CPU_HAS("popcnt");
    }
#endif
    return level == &cpu_level_base;
}

static const cpu_level *choose_level(void)
{
    static const cpu_level *const best_first[] = {&cpu_level_avx512, &cpu_level_avx2, &cpu_level_base};
    const char *wish = getenv("MICA_CPU_LEVEL");
    for (int i = 0; i < 3; i++) {
        bool wanted = !wish || !*wish || strcmp(wish, best_first[i]->name) == 0;
        if (wanted && cpu_has(best_first[i])) return best_first[i];
    }
    /* A level that this CPU lacks, or that nobody knows: say so and take what runs everywhere. */
    fprintf(stderr, "mica: MICA_CPU_LEVEL=%s is not one of base, avx2, avx512 that this CPU has; using base.\n", wish);
    return &cpu_level_base;
}

const cpu_level *cpu_level_now(void)
{
    static _Atomic(const cpu_level *) chosen;
    const cpu_level *level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (UNLIKELY(!level)) {
        level = choose_level();
        atomic_store(&chosen, level);
    }
    return level;
}

const char *mx_cpu_level(void)
{
    return cpu_level_now()->name;
}

void cpu_copy_strided(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes)
{
    cpu_level_now()->copy_strided(to, from, shape, strides, bytes);
}

/* ---- The backend */
/* A layout that strides cannot express: the result is the input's row-major copy. */
static bool run_copy(mx_array *lead)
{
    mx_array *in = lead->in[0];
    mx_buffer *b = buffer_new(mx_nbytes(lead));
    if (!b) return false;
    array_set_row_major(lead);
    array_set_buffer_take(lead, b, 0);
    cpu_copy_strided(array_data(lead), array_data(in), array_shape(in), in->strides,
                     mx_dtype_size((mx_dtype)in->dtype));
    return true;
}

static bool run_kernel(mx_array *lead, bool may_donate)
{
    if (lead->op->flags & OP_VIEW) return run_copy(lead);
    const cpu_op *kernel = cpu_level_now()->ops[lead->op->id];
    cpu_call c = {.op = lead->op,
                  .params = array_params(lead),
                  .in = lead->in,
                  .nin = lead->nin,
                  .out = lead,
                  .nout = lead->nout,
                  .may_donate = may_donate};
    if (!kernel || !kernel->run) return mx_fail_false(MX_RUNTIME, "[%s] has no CPU kernel.", lead->op->name);
    bool ok = kernel->run(&c);
    mx_drop_n(c.scratch, c.scratch_count);
    return ok;
}

/* What a failed kernel had allocated already. */
static void release_outputs(mx_array *lead)
{
    for (int i = 0; i < lead->nout; i++) {
        buffer_drop(lead[i].buffer);
        lead[i].buffer = NULL;
    }
}

/* What a device computed is brought here first. */
static bool inputs_to_host(const mx_group *group)
{
    for (int k = 0; k < group->count; k++) {
        const mx_array *node = group->nodes[k];
        for (int i = 0; i < node->nin; i++) {
            if (!buffer_to_host(node->in[i]->buffer)) return false;
        }
    }
    return true;
}

static bool run_group(const mx_group *group)
{
    mx_array *lead = group->nodes[group->count - 1];
    bool may_donate =
        !group->keeps_inputs && !(lead->trace & atomic_load_explicit(&runtime.traces, memory_order_relaxed));
    return group->count > 1                   ? cpu_level_now()->run_group(group, may_donate)
           : lead->op->flags & OP_ELEMENTWISE ? cpu_level_now()->run_tiles(group, may_donate)
                                              : run_kernel(lead, may_donate);
}

static bool run(mx_stream *stream, const mx_group *group)
{
    (void)stream;
    if (!inputs_to_host(group)) return false;
    mx_thread *self = thread_self();
    const mx_group *outer = self->stoppable;
    self->stoppable = group;
    bool ok = run_group(group);
    self->stoppable = outer;
    if (UNLIKELY(self->stopped)) {
        self->stopped = false;
        ok = mx_fail_false(MX_RUNTIME, "[eval] interrupted.");
    }
    for (int i = 0; !ok && i < group->count; i++) release_outputs(group->nodes[i]);
    return ok;
}

static mx_role role(const mx_array *node)
{
    if (node->op->flags & OP_ELEMENTWISE) return ROLE_MAP;
    if (node->op->flags & OP_VIEW) return node->nin == 1 && layout_is_view(node) ? ROLE_VIEW : ROLE_ALONE;
    const cpu_op *kernel = cpu_level_now()->ops[node->op->id];
    if (!kernel || node->nout != 1 || node->size == 0 || node->nin == 0 || node->in[0]->size == 0) return ROLE_ALONE;
    if (kernel->product) return ROLE_PRODUCT;
    if (!kernel->rows || !kernel->rows->body[node->in[0]->dtype]) return ROLE_ALONE;
    return kernel->folds ? ROLE_FOLD : ROLE_ROWS;
}

static bool wait(mx_stream *stream)
{
    (void)stream; /* kernels are finished when run returns */
    return true;
}

static int device_count(void)
{
    return 1;
}

static bool model_name(char *text, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(text, size, "%s", colon + 2);
        text[strcspn(text, "\n")] = 0;
        found = true;
    }
    if (f) fclose(f);
    return found;
}

static bool info(int device, int index, mx_device_fact *fact)
{
    (void)device;
    static _Thread_local char name[256];
    static _Thread_local struct utsname machine;
    uname(&machine);
    switch (index) {
    case 0:
        *fact = (mx_device_fact){"device_name", model_name(name, sizeof name) ? name : machine.machine, 0};
        return true;
    case 1: *fact = (mx_device_fact){"architecture", machine.machine, 0}; return true;
    case 2: *fact = (mx_device_fact){"simd_level", mx_cpu_level(), 0}; return true;
    case 3: *fact = (mx_device_fact){"thread_count", NULL, cpu_thread_count()}; return true;
    case 4: *fact = (mx_device_fact){"blas_core", blas_core(), 0}; return true;
    case 5:
        *fact = (mx_device_fact){"memory_size", NULL, (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)};
        return true;
    default: return false;
    }
}

const mx_backend cpu_backend = {.name = "cpu",
                                .type = MX_CPU,
                                .device_count = device_count,
                                .run = run,
                                .role = role,
                                .longest_row = CPU_LONGEST_ROW,
                                .flush = wait,
                                .wait = wait,
                                .info = info};
