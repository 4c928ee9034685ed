/* SPDX-License-Identifier: MIT
 *
 * What a simulated cubin (a shared object made from a kernel's source) and the runtime know of each other.  C and C++,
 * without system headers: kernels are compiled with it. */
#ifndef SIM_SHIM_ABI_H
#define SIM_SHIM_ABI_H

#ifdef __cplusplus
extern "C" {
#endif

enum { SIM_MODULE_MAGIC = 0x51d0c0da };
enum {
    SIM_READ = 0,
    SIM_WRITE = 1,
    SIM_ATOMIC = 2,
    SIM_COUNTED = 4
}; /* bits of an access; COUNTED: by the lint only */
enum { SIM_VOTE_ANY, SIM_VOTE_ALL, SIM_VOTE_COUNT };

struct sim_uint3 {
    unsigned x, y, z;
};

/* The registers of the running thread and its block, one set a module: the kernel addresses them directly. */
struct sim_regs {
    struct sim_uint3 thread, block, block_dim, grid_dim;
    unsigned current;        /* linear index of the running thread */
    unsigned next, count;    /* unstarted threads are order[next..count), or next..count without an order */
    unsigned alive, waiting; /* threads not yet ended; threads that stand at a barrier or a warp operation */
    unsigned linear;         /* the block has one dimension */
    const unsigned short *order;
    unsigned ended[32]; /* a bit a thread */
    char *window;       /* shared memory of a module with window_bytes: its variables, then what is dynamic */
    void *dynamic;      /* dynamic shared memory */
    unsigned long long dynamic_bytes, device, device_bytes, shared, shared_bytes;
    unsigned long long clock;
};

/* lanes[i] is what lane i posted; only lanes in mask are there. */
typedef void (*sim_warp_function)(void **lanes, unsigned mask);

/* Operations of a warp in PTX, as the ptx engine posts them: .in holds the operands in order, .out what the lane gets. */
enum sim_ptx_operation {
    SIM_PTX_SYNC,
    SIM_PTX_SHFL_IDX,
    SIM_PTX_SHFL_UP,
    SIM_PTX_SHFL_DOWN,
    SIM_PTX_SHFL_BFLY,
    SIM_PTX_VOTE_BALLOT,
    SIM_PTX_VOTE_ANY,
    SIM_PTX_VOTE_ALL,
    SIM_PTX_MATCH_B32,
    SIM_PTX_MATCH_B64,
    SIM_PTX_REDUX_ADD,
    SIM_PTX_REDUX_MIN_U32,
    SIM_PTX_REDUX_MAX_U32,
    SIM_PTX_REDUX_MIN_S32,
    SIM_PTX_REDUX_MAX_S32,
    SIM_PTX_REDUX_AND,
    SIM_PTX_REDUX_OR,
    SIM_PTX_REDUX_XOR,
    SIM_PTX_LDMATRIX_X1,
    SIM_PTX_LDMATRIX_X2,
    SIM_PTX_LDMATRIX_X4,
    SIM_PTX_LDMATRIX_X1_TRANS,
    SIM_PTX_LDMATRIX_X2_TRANS,
    SIM_PTX_LDMATRIX_X4_TRANS,
    SIM_PTX_MMA_16816_BF16,
    SIM_PTX_MMA_16816_F16,
    SIM_PTX_MMA_1688_BF16,
    SIM_PTX_MMA_1688_F16,
    SIM_PTX_MMA_1688_TF32,
    SIM_PTX_MMA_1684_TF32,
    SIM_PTX_OPERATION_COUNT
};
struct sim_ptx_lane {
    unsigned in[12], out[4];
    const char *row; /* of ldmatrix */
};

struct sim_table {
    void (*barrier)(int line);
    int (*barrier_vote)(int kind, int value, int line);
    void (*warp)(sim_warp_function run, unsigned mask, void *posted, int line, const char *name);
    void (*thread_ended)(void);
    void (*trap)(int error, const char *text, const char *file, int line);
    void (*copy_async)(void *to, const void *from, int bytes, int source_bytes);
    void (*copy_commit)(void);
    void (*copy_wait)(int newest_in_flight);
    void (*access)(void *p, unsigned bytes, int kind, void *code);
    void (*acquire_grid)(void); /* all other blocks have arrived: what they wrote may be read */
    void (*warp_ptx)(int operation, unsigned mask, struct sim_ptx_lane *posted, int line);
    void (*fence)(void); /* of the device's memory */
};

struct sim_kernel {
    const char *name;
    void (*entry)(void **params); /* runs unstarted threads until there is none */
    int param_count;
    const unsigned short *param_bytes;
    int max_threads; /* of __launch_bounds__, 0 when there is none */
};

struct sim_module {
    unsigned magic;
    int checked; /* compiled with calls of `access` */
    struct sim_regs *regs;
    const struct sim_table **table;
    const struct sim_kernel *kernels; /* up to one without a name */
    char *shared, *shared_end;
    unsigned window_bytes; /* shared variables that lie before dynamic memory instead, of the ptx engine */
};

#ifdef __cplusplus
}
#endif
#endif
