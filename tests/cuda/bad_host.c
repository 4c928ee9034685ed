/* SPDX-License-Identifier: MIT
 *
 * What can go wrong with a GPU: memory, launches, the device itself, the compiler, the cache's folder, forks.  Each is a
 * clear error or none at all; the CPU goes on, and so does the GPU where it can. */
#include "host.h"
#include "core/memory.h"
#include "core/stream.h"
#include "cuda/jit.h"
#include "cuda/stream.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The simulator's own: see its README. */
static void *simulator(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/libmica_sim.so", getenv("MICA_SIM_DIR"));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *function = library ? dlsym(library, name) : NULL;
    if (!function) printf("%s: %s\n", name, dlerror()), exit(1);
    return function;
}

/* The k-th call from now on fails; how many there were since the last time. */
static int fail_at(const char *name, int k, int error)
{
    return ((int (*)(const char *, int, int))simulator("simFailAt"))(name, k, error);
}

/* Each stream that has run something keeps slots for constants. */
enum { SLOTS = 64 << 10 };

static size_t device_bytes_in_use(void)
{
    size_t unused, total;
    CHECK(((int (*)(size_t *, size_t *))simulator("cuMemGetInfo_v2"))(&unused, &total) == 0);
    return total - unused;
}

/* ---- Memory */
enum { BLOCK = 3 << 20 }; /* elements: 12 MiB, a size of the pool's */

/* On 50 MiB: four blocks. */
void case_memory(void)
{
    mx_use_stream(gpu_stream());
    mx_array *kept[4];
    for (int i = 0; i < 4; i++) {
        mx_scope s = mx_scope_open();
        kept[i] = mx_scope_close(
            s, mx_add(mx_broadcast_to(mx_float((float)i), (mx_shape){1, (int64_t[]){BLOCK}}), mx_float(1)));
        CHECK(mx_eval(kept[i]));
    }
    CHECK(mx_get_active_memory() >= (size_t)4 * BLOCK * 4 && mx_get_peak_memory() >= (size_t)4 * BLOCK * 4);
    mx_scope s = mx_scope_open();
    mx_array *more = mx_scope_close(s, mx_add(kept[0], kept[1]));
    EXPECT_ERROR(!mx_eval(more), MX_MEMORY, "the GPU has no 12582912 bytes left");
    CHECK(!mx_is_available(more));
    mx_drop(kept[3]);
    CHECK(mx_eval(more) && mx_value(mx_max(more, ALL_AXES, false)) == 3); /* 0 + 1 and 1 + 1 */
    for (int i = 0; i < 3; i++) mx_drop(kept[i]);
    mx_drop(more);
    /* All is cached in the wrong size: it is given back first. */
    CHECK(mx_get_cache_memory() >= (size_t)4 * BLOCK * 4);
    mx_array *large = mx_zeros((mx_shape){1, (int64_t[]){3 * BLOCK}}, MX_FLOAT32);
    s = mx_scope_open();
    CHECK(mx_eval(mx_add(large, mx_float(1))));
    mx_scope_close(s, NULL);
}

/* The same with the memory that one computation needs by far not there. */
void case_no_memory(void)
{
    mx_use_stream(gpu_stream());
    mx_array *x = mx_broadcast_to(mx_float(1), (mx_shape){2, (int64_t[]){1 << 20, 1 << 12}});
    EXPECT_ERROR(!mx_eval(mx_add(x, mx_float(1))), MX_MEMORY, "the GPU has no 17179869184 bytes left");
}

static mx_array *block_of(float value)
{
    return mx_add(mx_broadcast_to(mx_float(value), (mx_shape){1, (int64_t[]){BLOCK}}), mx_float(1));
}

void case_limits(void)
{
    enum { BYTES = BLOCK * 4 };
    mx_use_stream(gpu_stream());
    CHECK(gpu_works());
    mx_scope s = mx_scope_open();
    CHECK(mx_eval(block_of(1)) && mx_synchronize(NULL));
    mx_scope_close(s, NULL);
    CHECK(mx_get_cache_memory() >= BYTES && device_bytes_in_use() > BYTES);
    size_t before = mx_set_memory_limit(2 * BYTES);
    s = mx_scope_open();
    mx_array *larger = mx_add(mx_broadcast_to(mx_float(1), (mx_shape){1, (int64_t[]){BLOCK / 2 * 3}}), mx_float(1));
    CHECK(mx_eval(larger)); /* the limit is no wall, but what was cached is gone */
    CHECK(device_bytes_in_use() < (size_t)BYTES / 2 * 3 + (40 << 20) && mx_get_cache_memory() < BYTES);
    mx_scope_close(s, NULL);
    CHECK(mx_set_memory_limit(before) == 2 * BYTES);

    before = mx_set_cache_limit(0);
    CHECK(mx_get_cache_memory() < 1 << 20);
    s = mx_scope_open();
    CHECK(mx_eval(block_of(1)) && mx_synchronize(NULL));
    mx_scope_close(s, NULL);
    CHECK(gpu_works()); /* waits: now the block goes */
    CHECK(mx_get_cache_memory() < BYTES);
    mx_set_cache_limit(before);
    mx_scope_close((mx_scope){0}, NULL);
    mx_synchronize(NULL);
    mx_clear_cache();
    CHECK(device_bytes_in_use() == SLOTS);
}

/* What a result costs that is read: nothing more where host and device share memory. */
static size_t cost_of_reading(void)
{
    mx_scope s = mx_scope_open();
    mx_use_stream(gpu_stream());
    mx_array *x = block_of(1);
    CHECK(mx_eval(x));
    size_t before = mx_get_active_memory();
    CHECK(((const float *)mx_data(x))[BLOCK - 1] == 2);
    size_t cost = mx_get_active_memory() - before;
    mx_use_stream(NULL);
    mx_scope_close(s, NULL);
    return cost;
}

void case_two_memories(void)
{
    CHECK(cost_of_reading() >= BLOCK * 4);
}

void case_one_memory(void)
{
    CHECK(cost_of_reading() == 0);
}

/* ---- Launches and the device */
void case_launch_fails(void)
{
    mx_use_stream(gpu_stream());
    mx_array *good = mx_keep(mx_exp(vector(10, 0)));
    CHECK(mx_eval(good));
    for (int error = 1; error <= 2; error++) {
        mx_array *x = mx_keep(mx_mul(good, mx_float(2))), *y = mx_keep(mx_sin(x));
        fail_at("cuLaunchKernel", 1, error);
        EXPECT_ERROR(!mx_eval(y), MX_RUNTIME, "multiply");
        EXPECT_ERROR(!mx_eval(x), MX_RUNTIME, "[multiply");
        EXPECT_ERROR(!mx_eval(mx_add(y, mx_float(1))), MX_RUNTIME, "its kernels do not start");
        EXPECT_ERROR(!mx_synchronize(NULL), MX_RUNTIME, "multiply"); /* the stream's first failure, told once */
        CHECK(mx_synchronize(NULL));
        mx_drop(x);
        mx_drop(y);
    }
    CHECK(mx_value(mx_sum(mx_mul(good, mx_float(0)), ALL_AXES, false)) == 0);
    /* What an op reads back in its middle. */
    for (int k = 0; k < 2; k++) {
        mx_array *mask = mx_greater(vector(10, 0), mx_float(4)), *y = mx_masked_set(good, mask, vector(5, 0));
        CHECK(mask && y && mx_eval(mask) && mx_synchronize(NULL));
        if (k == 0) fail_at("cuLaunchKernel", 1, 1);
        if (k == 0) EXPECT_ERROR(!mx_eval(y), MX_RUNTIME, "its kernels do not start");
        if (k == 1) CHECK(mx_eval(y) && mx_synchronize(NULL));
        if (k == 0) EXPECT_ERROR(!mx_synchronize(NULL), MX_RUNTIME, "its kernels do not start");
    }
    mx_drop(good);
}

/* One launch for the groups of many arrays: each of them is told. */
void case_merged_fails(void)
{
    enum { COUNT = 8 };
    mx_stream *stream = gpu_stream();
    mx_use_stream(stream);
    mx_array *x[COUNT], *y[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = mx_keep(mx_exp(vector(10 + i, 0)));
    CHECK(mx_eval_n(x, COUNT));
    for (int fails = 1; fails >= 0; fails--) {
        uint64_t started = cuda_queue_of(stream)->started;
        mx_scope s = mx_scope_open();
        for (int i = 0; i < COUNT; i++) y[i] = mx_keep(mx_add(mx_mul(x[i], mx_float(2)), mx_float(1)));
        mx_scope_close(s, NULL);
        if (fails) fail_at("cuLaunchKernel", 1, 1);
        CHECK(mx_eval_n(y, COUNT) == !fails);
        mx_error();
        for (int i = 0; i < COUNT; i++) {
            if (fails)
                EXPECT_ERROR(!mx_eval(y[i]), MX_RUNTIME, "[fused_2_multiply_add_float] GPU: its kernels do not start");
            if (!fails) CHECK(mx_eval(y[i]));
            mx_drop(y[i]);
        }
        CHECK(cuda_queue_of(stream)->started == started + 1);
        if (fails) EXPECT_ERROR(!mx_synchronize(NULL), MX_RUNTIME, "fused_2_multiply_add_float");
    }
    for (int i = 0; i < COUNT; i++) mx_drop(x[i]);
}

/* A server that goes on: what is kept of its failures has an end, and spoils nothing that is in use. */
void case_many_failures(void)
{
    enum { COUNT = 1500, PERIOD = 300 };
    mx_stream *stream = gpu_stream();
    mx_use_stream(stream);
    mx_array *good = mx_keep(mx_exp(vector(10, 0))), *bad[COUNT / PERIOD], *between = NULL;
    CHECK(mx_eval(good));
    for (int i = 0; i < COUNT; i++) {
        mx_scope s = mx_scope_open();
        mx_array *x = mx_mul(good, mx_float(2));
        if (i % PERIOD == 0) bad[i / PERIOD] = mx_keep(x);
        fail_at("cuLaunchKernel", 1, 1);
        CHECK(!mx_eval(x));
        mx_error();
        if (i == COUNT - PERIOD) CHECK(mx_eval(between = mx_keep(mx_mul(vector(10, 1), mx_float(3)))));
        mx_scope_close(s, NULL);
    }
    for (int i = 0; i < COUNT / PERIOD; i++) {
        EXPECT_ERROR(!mx_data(bad[i]), MX_RUNTIME, "[multiply] GPU: its kernels do not start");
        mx_drop(bad[i]);
    }
    CHECK(holds(between, 3, 3) && mx_data(good) && gpu_works());
    int kept = 0;
    const cuda_queue *q = atomic_load(&stream->state);
    for (const queue_failure *f = atomic_load(&q->failures); f; f = f->next) kept++;
    CHECK(kept >= PERIOD && kept < COUNT);
    EXPECT_ERROR(!mx_synchronize(NULL), MX_RUNTIME, "multiply");
    mx_drop(between);
    mx_drop(good);
}

/* A launch fails when there is no memory to remember it: an error or the right result, never what the kernel left out. */
void case_launch_fails_without_memory(void)
{
    for (int k = 1; k <= 60; k++) {
        mx_scope s = mx_scope_open();
        mx_use_stream(mx_new_stream((mx_device){MX_GPU, 0}));
        mx_array *x = mx_add(vector(1000, 1), mx_float(1));
        fail_at("cuLaunchKernel", 1, 1);
        memory_fail_at(k, true);
        mx_eval(x);
        memory_fail_at(0, false);
        mx_error();
        if (mx_data(x)) CHECK(holds(x, 2, 1));
        mx_error();
        fail_at("", 0, 0);
        mx_scope_close(s, NULL);
    }
    mx_use_stream(NULL);
    mx_error();
}

/* A fault on the device: all that is only there is lost, what the host has is not. */
void case_device_lost(void)
{
    mx_use_stream(gpu_stream());
    mx_array *read = mx_keep(mx_add(vector(100, 0), mx_float(1))), *unread = mx_keep(mx_add(read, mx_float(1)));
    CHECK(holds(read, 1, 1) && mx_eval(unread));
    mx_array *next = mx_keep(mx_mul(unread, mx_float(3)));
    fail_at("cuLaunchKernel", 1, 719);
    EXPECT_ERROR(!mx_eval(next), MX_RUNTIME, "[multiply] GPU: ");
    CHECK(holds(read, 1, 1));
    EXPECT_ERROR(!mx_data(unread), MX_RUNTIME, "GPU: ");
    EXPECT_ERROR(!mx_eval(mx_add(read, mx_float(1))), MX_RUNTIME, "GPU: ");
    mx_use_stream(mx_default_stream((mx_device){MX_CPU, 0}));
    CHECK(holds(mx_add(read, mx_float(1)), 2, 1));
    mx_drop(read);
    mx_drop(unread);
    mx_drop(next);
}

/* Another process has the GPU for itself, and lets it go later. */
void case_busy(void)
{
    mx_array *x = mx_keep(mx_add(vector(10, 0), mx_float(1)));
    CHECK(mx_device_count(MX_GPU) == 1 && mx_eval(x));
    fail_at("cuDevicePrimaryCtxRetain", 1, 46);
    mx_use_stream(gpu_stream());
    EXPECT_ERROR(!mx_eval(mx_add(x, mx_float(1))), MX_RUNTIME, "another process uses the GPU for itself alone");
    mx_drop(x);
}

/* ---- Everything that a program asks of the driver, failing at the n-th call */
static mx_array *program(void)
{
    mx_stream *other = mx_stream_by_index(mx_stream_index(gpu_stream()) + 1);
    mx_use_stream(gpu_stream());
    mx_array *x = vector(1000, 1);
    mx_array *same = mx_matmul(mx_reshape(x, SHAPE(40, 25)), mx_eye(25, 25, 0, MX_FLOAT32)); /* exact in TF32 too */
    mx_array *y = chain(mx_reshape(same, SHAPE(1000)), 4); /* 16 x + 15; eight launches: a graph when seen again */
    mx_use_stream(other);
    mx_array *z = mx_add(x, mx_float(2)); /* x + 2 */
    mx_use_stream(gpu_stream());
    return mx_add(y, z); /* 17 x + 17 */
}

/* True: it was right; else the error is one of the GPU's. */
static bool run_program(const char *call, int k)
{
    mx_scope s = mx_scope_open();
    mx_array *result = program();
    const float *data = result ? mx_data(result) : NULL;
    mx_error_info e = mx_error();
    bool clear = (e.code == MX_RUNTIME || e.code == MX_MEMORY) && (strstr(e.message, "GPU") || e.code == MX_MEMORY);
    if (!data && !clear) printf("%s %d: error %d: %s\n", call, k, (int)e.code, e.message), failures++;
    if (data && !holds(result, 34, 17)) printf("%s %d: a wrong result\n", call, k), failures++;
    mx_scope_close(s, NULL);
    return data != NULL;
}

static void sweep(const char *call, int error)
{
    int calls = 1, failed = 0;
    for (int k = 1; k <= calls && k < 200; k++) {
        drain();
        mx_clear_cache();
        for (int i = 0; i < 2; i++) run_program("nothing", k); /* so that there is a graph */
        drain();
        mx_clear_cache();
        fail_at(call, k, error);
        failed += !run_program(call, k);
        int seen = fail_at("", 0, 0);
        if (seen >= k) calls = k + 1;
        mx_use_stream(NULL);
        drain();
        bool well = gpu_works();
        if (!well) printf("%s %d: does not go on: %s\n", call, k, mx_error().message), failures++;
        drain();
        mx_clear_cache();
        size_t left = device_bytes_in_use() + mx_get_active_memory() - 2 * SLOTS;
        if (left) printf("%s %d: %zu bytes are left\n", call, k, left), failures++;
    }
    printf("%s: %d of %d calls that failed were an error\n", call, failed, calls - 1);
    bool copied = strcmp(call, "cuMemcpyDtoHAsync") == 0 || strcmp(call, "cuMemAlloc") == 0;
    bool expected = !copied || !getenv("SIM_INTEGRATED"); /* where host and device share memory */
    bool certain = !strstr(call, "Graph");                /* the other stream may have cut the batch in two */
    if ((calls > 1) != expected && certain) printf("%s: %d calls\n", call, calls - 1), failures++;
}

void case_sweep(void)
{
    static const char *const calls[] = {"cuMemAlloc",         "cuLaunchKernel", "cuMemcpyHtoDAsync",
                                        "cuMemcpyDtoHAsync",  "cuEventRecord",  "cuStreamWaitEvent",
                                        "cuEventSynchronize", "cuGraphLaunch",  "cuGraphExecKernelNodeSetParams",
                                        "cublasLtMatmul"};
    gpu_stream();
    mx_new_stream((mx_device){MX_GPU, 0});
    for (int i = 0; i < 3; i++) CHECK(run_program("nothing", i));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        sweep(calls[i], 2);
        if (i) sweep(calls[i], 1);
    }
}

/* A process of its own, with other variables in the environment. */
static int spawn(const char *name, const char *variable, const char *value)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *argv[] = {self, (char *)(uintptr_t)name, NULL};
    pid_t child;
    setenv(variable, value, 1);
    int status = posix_spawn(&child, self, NULL, NULL, argv, environ);
    unsetenv(variable);
    CHECK(status == 0);
    return child;
}

static bool went_well(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0) {}
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* One run of the program in a process that has SIM_FAIL set: right or an error of the GPU's; the CPU works after it. */
void case_one_program(void)
{
    mx_stream *s = mx_default_stream((mx_device){MX_GPU, 0}) ? mx_new_stream((mx_device){MX_GPU, 0}) : NULL;
    if (s) run_program("SIM_FAIL", 0);
    if (s) run_program("SIM_FAIL", 0);
    mx_error();
}

/* What is called once a process: starting up, loading; and what the device never comes back from. */
void case_sweep_start(void)
{
    static const char *const calls[] = {"cuDevicePrimaryCtxRetain",
                                        "cuStreamCreate",
                                        "cuEventCreate",
                                        "cuMemHostAlloc",
                                        "cuModuleLoadData",
                                        "cuModuleGetFunction",
                                        "cuGraphCreate",
                                        "cuGraphAddKernelNode",
                                        "cuGraphInstantiate",
                                        "cublasLtCreate",
                                        "cublasLtMatmulAlgoGetHeuristic"};
    static const char *const lasting[] = {"cuMemAlloc",        "cuLaunchKernel",  "cuMemcpyHtoDAsync",
                                          "cuMemcpyDtoHAsync", "cuEventRecord",   "cuEventSynchronize",
                                          "cuGraphLaunch",     "cuModuleLoadData"};
    char value[100];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int k = 1; k <= 4; k++) {
            snprintf(value, sizeof value, "%s:%d:%d", calls[i], k, k % 2 ? 2 : 1);
            if (!went_well(spawn("one_program", "SIM_FAIL", value))) printf("SIM_FAIL=%s\n", value), failures++;
        }
    }
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        for (int k = 1; k <= 3; k++) {
            snprintf(value, sizeof value, "%s:%d:719", lasting[i], k);
            if (!went_well(spawn("one_program", "SIM_FAIL", value))) printf("SIM_FAIL=%s\n", value), failures++;
        }
    }
}

/* ---- The compiler and its cache */
void case_bad_kernel(void)
{
    cuda_device *d = &cuda_gpu_now()->devices[0];
    CHECK(gpu_works());
    for (int again = 0; again < 2; again++) {
        cuda_kernel *k =
            jit_add(d, "bad", 3, "extern \"C\" __global__ void bad(int *x) { *x = no_such_name; }", "bad", false);
        mx_failure *failure = k ? jit_finish(k) : NULL;
        CHECK(failure && failure->code == MX_RUNTIME &&
              strstr(failure->message, "[bad] GPU: the kernel does not compile"));
        CHECK(failure && strstr(failure->message, "no_such_name"));
        CHECK(!jit_find(d, "bad", 3));
        failure_drop(failure);
    }
    cuda_kernel *k = jit_add(d, "bad", 3, "extern \"C\" __global__ void bad(int *x) { *x = 1; }", "bad", false);
    CHECK(k && !jit_finish(k) && jit_find(d, "bad", 3) == k);
}

/* The process ends while kernels are compiled that nobody waits for; by the real compiler with SIM_ENGINE=ptx. */
void case_ends_compiling(void)
{
    cuda_device *d = &cuda_gpu_now()->devices[0];
    CHECK(gpu_works());
    for (int i = 0; i < 2; i++) {
        char source[400], entry[16];
        snprintf(entry, sizeof entry, "late%d", i);
        snprintf(source, sizeof source,
                 "/* %lld */ extern \"C\" __global__ void %s(float *x)\n"
                 "{\n#pragma unroll\n    for (int i = 0; i < 20; i++) x[i] = expf(x[i + 1]) * x[i + 2];\n}",
                 (long long)time(NULL), entry);
        CHECK(jit_add(d, entry, strlen(entry), source, entry, true));
    }
}

/* ---- Groups: the kernel of one, by its name's beginning */
static cuda_kernel *kernel_named(const char *start)
{
    cuda_device *d = &cuda_gpu_now()->devices[0];
    for (int i = 0; i < CUDA_KERNEL_LISTS; i++) {
        for (cuda_kernel *k = atomic_load(&d->kernels[i]); k; k = k->next) {
            if (strncmp(k->entry, start, strlen(start)) == 0) return k;
        }
    }
    return NULL;
}

static bool becomes(const cuda_kernel *k, jit_state state)
{
    for (int i = 0; k && i < 3000; i++) {
        if ((jit_state)atomic_load(&k->state) == state) return true;
        usleep(10000);
    }
    return false;
}

/* Node by node, then again while the kernel is compiled, then by the kernel. */
void case_groups(void)
{
    CHECK(gpu_works() && !kernel_named("fused_"));
    CHECK(gpu_works());
    cuda_kernel *k = kernel_named("fused_6_multiply_add_");
    CHECK(becomes(k, JIT_READY));
    for (int i = 0; i < 3; i++) CHECK(gpu_works());
}

/* The third kernel, that of the group, cannot be loaded: it runs node by node. */
void case_bad_group(void)
{
    for (int i = 0; i < 2; i++) CHECK(gpu_works());
    CHECK(becomes(kernel_named("fused_6_multiply_add_"), JIT_FAILED));
    for (int i = 0; i < 3; i++) CHECK(gpu_works());
    CHECK(becomes(kernel_named("fused_6_multiply_add_"), JIT_FAILED));
}

/* For lack of memory: that is tried again. */
void case_late_group(void)
{
    for (int i = 0; i < 2; i++) CHECK(gpu_works());
    CHECK(becomes(kernel_named("fused_6_multiply_add_"), JIT_FAILED));
    CHECK(gpu_works());
    CHECK(becomes(kernel_named("fused_6_multiply_add_"), JIT_READY));
    CHECK(gpu_works());
}

/* Nothing can be compiled: the reason is in the environment. */
static void expect_no_compiler(const char *words)
{
    mx_use_stream(gpu_stream());
    for (int i = 0; i < 2; i++) {
        EXPECT_ERROR(!mx_eval(mx_exp(mx_float(1))), MX_RUNTIME, words);
        EXPECT_ERROR(!mx_synchronize(NULL), MX_RUNTIME, words);
    }
}

void case_no_host_compiler(void)
{
    expect_no_compiler("the kernel does not compile");
}

void case_no_nvrtc(void)
{
    expect_no_compiler("kernels cannot be compiled: libnvrtc");
}

static void in_each_file(const char *folder, bool (*do_it)(const char *path, const char *name))
{
    char path[4096];
    int count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        count++;
        if (!do_it(path, e->d_name)) printf("%s\n", path), failures++;
    }
    if (d) closedir(d);
    CHECK(count >= 2);
}

static bool is_whole(const char *path, const char *name)
{
    char head[8] = {0};
    int f = open(path, O_RDONLY);
    bool ok = f >= 0 && read(f, head, 8) == 8 && memcmp(head, "MICAGPU1", 8) == 0 && strstr(name, ".cubin");
    if (f >= 0) close(f);
    return ok;
}

static bool damage(const char *path, const char *name)
{
    int f = open(path, O_WRONLY);
    (void)name;
    bool ok =
        f >= 0 && pwrite(f, "garbage", 7, 200) == 7 && ftruncate(f, 1000 + path[strlen(path) - 7] % 2 * 4000) == 0;
    if (f >= 0) close(f);
    return ok;
}

/* Four processes with one cache that is empty, then damaged. */
void case_shared_cache(void)
{
    char folder[] = "/tmp/mica_cache_XXXXXX", command[100];
    CHECK(mkdtemp(folder) != NULL);
    for (int damaged = 0; damaged < 2; damaged++) {
        pid_t children[4];
        for (int i = 0; i < 4; i++) children[i] = spawn("right", "MICA_CACHE_DIR", folder);
        for (int i = 0; i < 4; i++) CHECK(went_well(children[i]));
        in_each_file(folder, is_whole);
        if (!damaged) in_each_file(folder, damage);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
    CHECK(setenv("MICA_CACHE_DIR", "/proc/no/such", 1) == 0 && gpu_works());
}

/* ---- Forks */
static int child_of_fork(mx_array *read, mx_array *unread)
{
    failures = 0;
    mx_use_stream(NULL);
    CHECK(cpu_works());
    CHECK(holds(read, 1, 1));
    EXPECT_ERROR(!mx_data(unread), MX_RUNTIME, "forked");
    EXPECT_ERROR(!mx_eval(unread), MX_RUNTIME, "forked");
    mx_use_stream(gpu_stream());
    EXPECT_ERROR(!mx_eval(mx_add(read, mx_float(1))), MX_RUNTIME, "forked");
    mx_use_stream(NULL);
    mx_drop(unread);
    mx_clear_cache();
    CHECK(cpu_works());
    return failures != 0;
}

void case_fork(void)
{
    mx_use_stream(gpu_stream());
    mx_array *read = mx_keep(mx_add(vector(100, 0), mx_float(1))), *unread = mx_keep(mx_add(read, mx_float(1)));
    CHECK(holds(read, 1, 1) && mx_eval(unread));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) exit(child_of_fork(read, unread)); /* through all that runs at the end of a process */
    CHECK(went_well(child));
    CHECK(holds(unread, 2, 1));
    mx_drop(read);
    mx_drop(unread);
}

/* A child of a process that has not asked for the GPU: there is none. */
void case_fork_first(void)
{
    mx_scope s = mx_scope_open();
    CHECK(mx_eval(mx_add(mx_float(1), mx_float(1))));
    mx_scope_close(s, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        CHECK(mx_device_count(MX_GPU) == 0 && !mx_failed());
        EXPECT_ERROR(!mx_set_default_device((mx_device){MX_GPU, 0}), MX_VALUE, "child of a fork");
        CHECK(cpu_works());
        exit(failures != 0);
    }
    CHECK(went_well(child));
}
