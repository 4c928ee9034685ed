/* SPDX-License-Identifier: MIT
 *
 * A group over rows: stages of elementwise work and of row bodies, through which blocks of rows pass one after the
 * other.  row_program.c makes the stages, row_run.c runs them, row_end.c folds what they make over rows or along very
 * long ones. */
#ifndef CPU_KERNELS_ROW_PROGRAM_H
#define CPU_KERNELS_ROW_PROGRAM_H

#include "cpu/kernels/reduce.h"
#include "cpu/kernels/tile.h"

enum {
    ROW_STAGES = 16,
    ROW_INPUTS = 3,
    ROW_ARENA = 448 << 10, /* bytes of a thread's stack for tiles and for rows that are not written */
    ROW_ELEMENTS = 8192,   /* of a block, if it is more than one row */
    ROW_ARENAS = 64,       /* threads that may work on rows too long for their stacks */
    ROW_FETCHED = 4,
    ROW_NOWHERE = -1,
};

/* What a node of the group stands for. */
typedef struct row_value {
    int8_t root;   /* the node whose elements it shows: itself, but for views */
    int8_t stage;  /* that makes it */
    bool stored;   /* written, or read by another stage */
    int64_t width; /* elements a row: n or 1 */
    int64_t shift; /* views: bytes from the root's first element */
    int64_t block; /* where in the arena its rows wait; ROW_NOWHERE: in its own array */
} row_value;

/* Where a row body finds an input. */
typedef struct row_input {
    const char *data;  /* an array, or NULL: */
    int8_t value;      /* a node of the group */
    int64_t row_bytes; /* from one row to the next: 0 if all share one */
} row_input;

typedef struct row_stage {
    int64_t width;                 /* of the space: n or 1 elements a row */
    int64_t memory;                /* elementwise: where in the arena its tiles lie */
    int8_t outs[TILE_STEPS];       /* ... the node of each step */
    int8_t sources[TILE_OPERANDS]; /* ... the node of each operand, ROW_NOWHERE: an array */
    tile_program program;
    row_fn body; /* NULL: elementwise */
    const mx_array *node;
    int8_t index, nin; /* body: the node, its inputs */
    bool streams;      /* body: the result goes from the block to an array that is larger than the caches */
    row_input in[ROW_INPUTS];
} row_stage;

typedef struct row_program {
    const mx_group *g;
    int64_t rows, n;
    int64_t block_rows, arena_bytes;
    int stage_count;
    /* A reduction at the end that no block of rows can finish. */
    const reduction *fold; /* NULL: none */
    int8_t folded;         /* what it reads */
    bool columns;          /* it goes over the rows; else along one that is longer than a chunk */
    int8_t product;        /* a matrix product: its results go through the only stage; ROW_NOWHERE: none */
    /* Arrays larger than the caches: while stage `fetching` works on a block, rows of the next one are asked for. */
    int fetching, fetched_count;
    const char *fetched[ROW_FETCHED];
    int64_t fetched_bytes[ROW_FETCHED]; /* of a row */
    row_value values[GROUP_MAX];
    row_stage stages[ROW_STAGES];
    /* Arenas that are too large for a stack: as many as threads. */
    char *arenas;
    size_t arenas_capacity;
    int arena_count;
    _Atomic bool taken[ROW_ARENAS];
} row_program;

/* Takes rows [begin, end) through all stages, block by block.  Rows of `folded` wait from row `begin` on. */
void KERNEL(row_blocks)(const row_program *p, char *arena, int64_t begin, int64_t end);
/* Arenas for all threads.  False: an error is recorded. */
bool KERNEL(row_arenas_begin)(row_program *p);
void KERNEL(row_arenas_end)(row_program *p);
/* A thread's arena: `stack`, if that is large enough. */
char *KERNEL(row_arena_take)(row_program *p, char *stack);
void KERNEL(row_arena_give)(row_program *p, const char *arena);
/* Runs a program whose outputs have memory.  False: an error is recorded. */
bool KERNEL(row_run)(row_program *p);
bool KERNEL(row_run_end)(row_program *p);
bool KERNEL(row_run_product)(row_program *p);

/* Where the element 0 of a node's rows lies or would lie, if its block holds rows from `row` on. */
static inline char *row_place(const row_program *p, int k, char *arena, int64_t row)
{
    const row_value *v = &p->values[k], *root = &p->values[v->root];
    const mx_array *node = p->g->nodes[v->root];
    if (root->block == ROW_NOWHERE) return (char *)array_data(node) + v->shift;
    int64_t before = row * root->width * (int64_t)mx_dtype_size((mx_dtype)node->dtype);
    return (char *)((uintptr_t)(arena + root->block + v->shift) - (uintptr_t)before);
}

#endif
