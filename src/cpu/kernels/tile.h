/* SPDX-License-Identifier: MIT
 *
 * Programs of tile bodies: elementwise nodes over one space (the shape that their inputs broadcast to), run stretch by
 * stretch.  tile_begin, tile_add for each node in order, tile_finish; then any number of threads run stretches of it.
 * What a program reads is an array that is DONE, or a value that another part of the group makes: it has no buffer yet,
 * and whoever runs a stretch says where it lies. */
#ifndef CPU_KERNELS_TILE_H
#define CPU_KERNELS_TILE_H

#include "cpu/kernels/chain.h"
#include "cpu/kernels/kernel.h"

enum {
    TILE_OPERANDS = 16, /* values that a program reads */
    TILE_STEPS = GROUP_MAX,
    TILE_MAX_IN = 3,
    TILE_MEMORY = 176 << 10, /* bytes for the tiles of a thread */
    TILE_NO_SLOT = -1,
    BLOCK_BYTES = CHAIN_BLOCK * 4,
    TILE_ROWS_FROM = 256, /* innermost dimensions this long are walked row by row */
    TILE_PANELS = 2,
    TILE_PANEL_BYTES = 64 << 10,
};

/* A value that is read.  `stride` in elements, of the merged dimensions. */
typedef struct tile_operand {
    const mx_array *array;
    const char *data; /* NULL: made by another part of the group */
    int64_t stride[MX_MAX_NDIM + 1];
    mx_dtype dtype;
    int8_t bytes;
    bool constant; /* one value for all: its tile is filled once */
    bool per_row;  /* one value for each row of the innermost dimension, which chains read where it lies */
    bool flat;     /* row-major over the whole space: read in its place */
    bool widened;  /* a 16-bit float that bodies read as float32 */
    int8_t
        panel; /* it lies across: whoever runs the program brings parts of it to row-major order; TILE_NO_SLOT: not */
    int64_t across; /* ... elements from one column to the next; its rows are adjacent */
    int8_t slot;    /* the tile that it is brought into, where it is not read in its own place */
    int8_t last;    /* the step that reads it last */
} tile_operand;

typedef struct tile_step {
    const mx_array *node;
    tile_fn body; /* NULL: only a conversion of a 16-bit float */
    int8_t nin;
    int8_t in[TILE_MAX_IN]; /* operand number, or TILE_OPERANDS + number of an earlier step */
    uint8_t first;          /* bit i: input i is an operand that no earlier step has read */
    bool written;           /* else later steps read it from its tile */
    bool read;              /* by later steps */
    bool rounded;           /* to a 16-bit float, from float32 */
    bool direct;            /* the body writes to the output itself */
    int8_t slot, last;      /* slot: of tiles, or of blocks if it is parked */
    int8_t bytes;           /* of an element, stored */
    mx_dtype dtype;
    char *out; /* first element; NULL: whoever runs it says where */
    /* Chains: steps that run in registers, one behind the other. */
    int8_t chained;      /* how many do, from this one on; 0: it runs alone, or is not the first */
    bool stored;         /* its value leaves the registers */
    bool parked;         /* ... for later steps of the chain only: the place of one block is enough */
    int8_t start, other; /* sources: of the running value, and of the other operand */
    int8_t aside;        /* a later step that is run behind this one, from the same running value; TILE_NO_SLOT: none */
    bool is_aside;       /* it is such a step */
    chain_fn load, link; /* load is NULL where the running value is what the step before made */
} tile_step;

typedef struct tile_program {
    int ndim, operand_count, step_count;
    mx_shape space;
    int64_t shape[MX_MAX_NDIM + 1];   /* merged */
    int64_t total, row;               /* elements; of the innermost dimension */
    int64_t tile;                     /* elements of a tile */
    int64_t slot_bytes, memory_bytes; /* of a tile, of all */
    int64_t blocks_at;                /* behind the tiles: what waits inside chains */
    bool flat;                        /* every operand is adjacent or constant throughout */
    bool in_place;                    /* one chain, which reads and writes the arrays themselves */
    bool stream;                      /* the results bypass the caches */
    bool ahead;                       /* operands are asked for ahead: where results are streamed or operands several */
    bool raw;                         /* the only step; its body takes 16-bit floats as they are */
    int64_t panel, panel_row;         /* elements of a panel and of its rows; 0: no operand lies across */
    tile_operand operands[TILE_OPERANDS];
    tile_step steps[TILE_STEPS];
} tile_program;

/* Where a thread finds operands and puts results: the address that element 0 of the space has or would have, so that
 * element `at` of a row-major value lies `at` elements behind it. */
typedef struct tile_places {
    const char *operand[TILE_OPERANDS];
    char *out[TILE_STEPS];
} tile_places;

typedef struct tile_memory {
    char at[TILE_MEMORY] ALIGNED(64);
} tile_memory;

/* An empty program. */
void KERNEL(tile_begin)(tile_program *p, mx_shape space);
/* Adds the step of an elementwise node that reads `in`: its inputs, or what stands for them.  Of a value without a
 * buffer the strides must be set.  False: an error is recorded. */
bool KERNEL(tile_add)(tile_program *p, const mx_array *node, mx_array *const *in, bool written);
/* Finds operands that lie across, so that panels of them are worth their memory.  Stretches must then begin at multiples
 * of `panel`, and the places of those operands are the caller's business. */
void KERNEL(tile_find_panels)(tile_program *p);
/* Lays out dimensions and tiles; no step is added after that. */
void KERNEL(tile_finish)(tile_program *p);
/* Which operand x is; -1: none. */
int KERNEL(tile_find)(const tile_program *p, const mx_array *x);

/* The places of arrays; values that have no buffer are NULL and are to be filled in. */
void KERNEL(tile_places_of)(const tile_program *p, tile_places *places);
/* Fills the tiles of constants: before the first stretch with these places. */
void KERNEL(tile_prepare)(const tile_program *p, const tile_places *places, tile_memory *memory);
/* Elements [begin, end) of the space, in row-major order. */
void KERNEL(tile_stretch)(const tile_program *p, const tile_places *places, tile_memory *memory, int64_t begin,
                          int64_t end);

#endif
