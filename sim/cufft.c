/* SPDX-License-Identifier: MIT
 *
 * cuFFT's transforms of one dimension in batches: plans, and the call, which becomes a command of its stream (or a node of the
 * graph being captured).  Computed in double by the definition, factor by factor.  Refuses a transform without the workspace
 * that its plan asked for, and what lies outside of memory; an input that the library may spoil is spoilt. */
#include "sim.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 12000, PLANS = 1024, WORKSPACE = 512, R2C = 0x2a, C2R = 0x2c, C2C = 0x29 };
enum { OK, INVALID_PLAN, ALLOC_FAILED, INVALID_TYPE, INVALID_VALUE, INTERNAL_ERROR, EXEC_FAILED };

typedef struct plan {
    bool used, made, automatic;
    int type;
    long long n, batch, stride[2], distance[2];
    uint64_t workspace;
    sim_stream *stream;
} plan;
static struct {
    pthread_mutex_t lock;
    plan plans[PLANS];
} fft = {.lock = PTHREAD_MUTEX_INITIALIZER};

typedef struct transform {
    plan plan;
    uint64_t from, to;
    int direction;
} transform;

static int enter(const char *name)
{
    sim_result r = sim_enter(name);
    return r == SIM_OK ? OK : r == SIM_OUT_OF_MEMORY ? ALLOC_FAILED : EXEC_FAILED;
}

static int refuse(int status, const char *why)
{
    sim_report("cufft: %s", why);
    return status;
}

static plan *plan_of(int handle)
{
    return handle > 0 && handle < PLANS && fft.plans[handle].used ? &fft.plans[handle] : NULL;
}

/* ---- Plans */
API int cufftGetVersion(int *version)
{
    int r = enter("cufftGetVersion");
    if (r) return r;
    *version = VERSION;
    sim_leave(SIM_OK);
    return OK;
}

API int cufftCreate(int *handle)
{
    int r = enter("cufftCreate");
    if (r) return r;
    sim_leave(SIM_OK);
    pthread_mutex_lock(&fft.lock);
    *handle = 0;
    for (int i = 1; i < PLANS && !*handle; i++) {
        if (fft.plans[i].used) continue;
        fft.plans[i] = (plan){.used = true, .automatic = true};
        *handle = i;
    }
    pthread_mutex_unlock(&fft.lock);
    return *handle ? OK : ALLOC_FAILED;
}

API int cufftDestroy(int handle)
{
    plan *p = plan_of(handle);
    if (!p) return refuse(INVALID_PLAN, "a plan that there is not is destroyed");
    p->used = false;
    return OK;
}

API int cufftSetAutoAllocation(int handle, int automatic)
{
    plan *p = plan_of(handle);
    if (!p || p->made) return INVALID_PLAN;
    p->automatic = automatic;
    return OK;
}

API int cufftMakePlanMany64(int handle, int rank, long long *n, long long *in_embed, long long in_stride,
                            long long in_distance, long long *out_embed, long long out_stride, long long out_distance,
                            int type, long long batch, size_t *workspace_bytes)
{
    plan *p = plan_of(handle);
    if (!p || p->made) return INVALID_PLAN;
    if (type != R2C && type != C2R && type != C2C) return INVALID_TYPE;
    if (rank != 1 || n[0] < 1 || batch < 1 || !in_embed || !out_embed)
        return refuse(INVALID_VALUE, "a plan of sizes that are not simulated");
    int r = enter("cufftMakePlanMany64");
    if (r) return r;
    sim_leave(SIM_OK);
    p->type = type;
    p->n = n[0];
    p->batch = batch;
    p->stride[0] = in_stride, p->stride[1] = out_stride;
    p->distance[0] = in_distance, p->distance[1] = out_distance;
    p->made = true;
    *workspace_bytes = WORKSPACE;
    return OK;
}

API int cufftSetWorkArea(int handle, void *workspace)
{
    plan *p = plan_of(handle);
    if (!p) return INVALID_PLAN;
    p->workspace = (uintptr_t)workspace;
    return OK;
}

API int cufftSetStream(int handle, sim_stream *stream)
{
    plan *p = plan_of(handle);
    if (!p) return INVALID_PLAN;
    p->stream = stream;
    return OK;
}

/* ---- The sum over j of x_j exp(sign 2 pi i j k / n): the least factor first (Cooley and Tukey) */
static void sum_up(double complex *y, const double complex *x, double complex *work, const double complex *root,
                   long long n, long long step)
{
    long long r = 2;
    while (r * r <= n && n % r) r++;
    if (n % r) r = n;
    if (n == 1) {
        y[0] = x[0];
        return;
    }
    long long m = n / r;
    for (long long j = 0; j < r; j++) sum_up(work + j * m, x + j * step, y + j * m, root, m, r * step);
    for (long long k = 0; k < n; k++) {
        y[k] = 0;
        for (long long j = 0; j < r; j++) y[k] += work[j * m + k % m] * root[j * k % n * step];
    }
}

static bool check_lines(const plan *p, uint64_t at, int side, bool write)
{
    bool real = side == 0 ? p->type == R2C : p->type == C2R;
    long long points = p->type == C2C || real ? p->n : p->n / 2 + 1, size = real ? 4 : 8;
    for (long long b = 0; b < p->batch; b++) {
        for (long long j = 0; j < points; j++) {
            uint64_t place = at + (uint64_t)((b * p->distance[side] + j * p->stride[side]) * size);
            if (!sim_library_touches("cufftExec", place, (size_t)size, write ? "the transform" : "what is transformed",
                                     write))
                return false;
        }
    }
    return true;
}

static double complex load(const transform *t, long long b, long long j)
{
    const plan *p = &t->plan;
    bool mirrored = p->type == C2R && j > p->n / 2;
    long long at = b * p->distance[0] + (mirrored ? p->n - j : j) * p->stride[0];
    const float *x = (const float *)(uintptr_t)t->from;
    if (p->type == R2C) return (double)x[at];
    double im = p->type == C2R && (j == 0 || 2 * j == p->n) ? 0 : (double)x[2 * at + 1];
    return (double)x[2 * at] + I * (mirrored ? -im : im);
}

static void store(const transform *t, long long b, long long k, double complex value)
{
    const plan *p = &t->plan;
    long long at = b * p->distance[1] + k * p->stride[1];
    float *y = (float *)(uintptr_t)t->to;
    if (p->type == C2R) {
        y[at] = (float)creal(value);
    } else if (p->type == C2C || k <= p->n / 2) {
        y[2 * at] = (float)creal(value);
        y[2 * at + 1] = (float)cimag(value);
    }
}

static void run(const void *staged)
{
    const transform *t = staged;
    const plan *p = &t->plan;
    long long n = p->n;
    if (!check_lines(p, t->from, 0, false) || !check_lines(p, t->to, 1, true)) return;
    double complex *all = malloc((size_t)n * 4 * sizeof *all), *x = all, *y = all + n, *work = all + 2 * n,
                   *root = all + 3 * n;
    if (!all) abort();
    for (long long k = 0; k < n; k++)
        root[k] = cexp(t->direction * 2 * 3.14159265358979323846 * I * (double)k / (double)n);
    for (long long b = 0; b < p->batch; b++) {
        for (long long j = 0; j < n; j++) x[j] = load(t, b, j);
        sum_up(y, x, work, root, n, 1);
        for (long long j = 0; p->type == C2R && j <= n / 2; j++)
            ((float *)(uintptr_t)t->from)[2 * (b * p->distance[0] + j * p->stride[0])] = NAN;
        for (long long k = 0; k < n; k++) store(t, b, k, y[k]);
    }
    free(all);
}

/* ---- The calls */
static int execute(int handle, int type, void *from, void *to, int direction)
{
    const plan *p = plan_of(handle);
    if (!p || !p->made || p->type != type) return refuse(INVALID_PLAN, "the plan is for another transform");
    if (!p->automatic && !p->workspace) return refuse(INVALID_PLAN, "the plan has no workspace");
    if (!from || !to || (uintptr_t)from % 8 || (uintptr_t)to % 8)
        return refuse(INVALID_VALUE, "a pointer is not aligned");
    int r = enter("cufftExec");
    if (r) return r;
    transform t = {*p, (uintptr_t)from, (uintptr_t)to, direction};
    sim_command *command = sim_command_new(sim_stream_of(p->stream), LIBRARY);
    command->bytes = sizeof t;
    command->library = run;
    if (!(command->staged = malloc(sizeof t))) abort();
    memcpy(command->staged, &t, sizeof t);
    return sim_leave(sim_push(command)) ? EXEC_FAILED : OK;
}

API int cufftExecC2C(int handle, void *from, void *to, int direction)
{
    return execute(handle, C2C, from, to, direction);
}

API int cufftExecR2C(int handle, void *from, void *to)
{
    return execute(handle, R2C, from, to, -1);
}

API int cufftExecC2R(int handle, void *from, void *to)
{
    return execute(handle, C2R, from, to, 1);
}
