/* SPDX-License-Identifier: MIT
 *
 * The blocked product.  K is cut into blocks of at most BLOCK_K, N into blocks of columns, M into panels of TILE_ROWS.
 * Who packs B decides the plan:
 *
 *   - LOCAL, small products: a chunk is one or more whole products and packs B on its stack.
 *   - COLUMNS, few rows: A is packed first; a chunk is some columns and packs them panel by panel, so B is read once.
 *   - SHARED, all else: B is packed in one parallel phase and read by all chunks of the next; a chunk is some panels of
 *     rows times a block of columns and packs its rows of A.
 *
 * In each, a sum over K is a chain of fused steps inside a block, and blocks are added in order. */
#include "core/memory.h"
#include "cpu/kernels/gemm_parts.h"

enum {
    LOCAL_B = 16384,      /* floats of B that a chunk packs on its stack: 64 KiB */
    FEW_PANELS = 4,       /* of rows: COLUMNS */
    CHUNK_COLS = 512,     /* BLOCK_K x CHUNK_COLS of B stays in L2 */
    SHARED_B = 1 << 20,   /* floats of B packed at a time: 4 MiB, in L3 */
    CHUNK_WORK = 1 << 17, /* multiply-adds that make a chunk worth its hand-over */
    LOCAL_WORK = 1 << 18, /* multiply-adds of one product that are not worth two threads */
    PACK_WORK = 1 << 15,  /* floats of B that the caller rather packs itself */
    RUN_STEPS = 16,       /* rows of B packed side by side where its columns are adjacent */
    RUN_COLS = 256,       /* columns of B up to which such rows are read well panel by panel */
    TILE_SIZE = TILE_ROWS * TILE_COLS,
    PANEL_SIZE = TILE_ROWS * BLOCK_K,
};

typedef struct {
    const cpu_gemm *g;
    bool plain; /* C is the sum itself: float32, alpha 1, no addend */
    bool one_b; /* all products share B */
    gemm_method method;
    int64_t steps;             /* of K, see gemm_method: all of k, depth and range here count steps */
    int64_t panels;            /* of rows */
    int64_t depth;             /* of a block of K */
    int64_t product, products; /* now packed or computed: these products, */
    int64_t col, cols, width;  /* these columns, width: rounded up to whole tiles, */
    int64_t k, k_end;          /* and this range of K */
    int64_t per_chunk, row_chunks, col_chunks, step_chunks;
    float *packed;          /* B by product, block of K, panel of columns; or A (COLUMNS) */
    int64_t packed_product; /* floats of one product in `packed` */
    float *partial;         /* sums of 16-bit products of more than one block: products x m x width */
} blocks;

static int64_t panel_start(const blocks *s, int64_t panel)
{
    return s->g->m * panel / s->panels;
}

static void pack_b_panel(const blocks *s, float *out, int64_t product, int64_t step, int64_t steps, int64_t col,
                         int64_t cols)
{
    const cpu_gemm *g = s->g;
    int64_t k = step * s->method.k_per_step, depth = min_i64(steps * s->method.k_per_step, g->k - k);
    for (int64_t j = 0; j < cols; j += VEC) {
        int64_t at = batch_offset(g->b_batch, product) + k * g->b_row + (col + j) * g->b_col;
        int lanes = (int)min_i64(VEC, cols - j);
        s->method.pack(out + j, TILE_COLS, element(g->b, at, g->dtype), g->b_col, g->b_row, lanes, depth, g->dtype);
    }
}

static void pack_a_panel(const blocks *s, float *out, int64_t product, int64_t row, int64_t rows, int64_t step,
                         int64_t steps)
{
    const cpu_gemm *g = s->g;
    int64_t k = step * s->method.k_per_step, depth = min_i64(steps * s->method.k_per_step, g->k - k);
    int64_t at = batch_offset(g->a_batch, product) + row * g->a_row + k * g->a_col;
    s->method.pack(out, rows, element(g->a, at, g->dtype), g->a_row, g->a_col, (int)rows, depth, g->dtype);
}

/* Some panels and steps of the current columns and range of K of one product.  Where columns are adjacent, a few rows
 * are taken through all panels before the next, so that memory is read in long runs and few pages. */
static void pack_b(const blocks *s, float *out, int64_t product, int64_t panel, int64_t panel_end, int64_t step,
                   int64_t step_end)
{
    for (int64_t k = s->k; k < s->k_end; k += s->depth) {
        int64_t depth = min_i64(s->depth, s->k_end - k), end = min_i64(k + depth, step_end);
        int64_t run = s->g->b_col == 1 && s->width > RUN_COLS ? RUN_STEPS : depth;
        for (int64_t i = max_i64(k, step); i < end; i += run) {
            float *to = out + (k - s->k) * s->width + (i - k) * TILE_COLS;
            for (int64_t j = panel * TILE_COLS; j < min_i64(panel_end * TILE_COLS, s->cols); j += TILE_COLS)
                pack_b_panel(s, to + j * depth, product, i, min_i64(run, end - i), s->col + j,
                             min_i64(TILE_COLS, s->cols - j));
        }
    }
}

/* Where the sum of a tile is kept from one block of K to the next. */
typedef struct {
    float *at; /* NULL: there is one block, the sum goes from registers to C */
    int64_t row;
    bool in_c; /* float32: in C itself, where nothing may be written beyond the tile */
} running_sum;

static void tile(const blocks *s, const gemm_area *t, running_sum sum, const float *a, const float *b, int64_t b_row,
                 int64_t k, int64_t depth)
{
    float buffer[TILE_SIZE] ALIGNED(64);
    bool first = k == 0, last = k + depth == s->steps, ragged = sum.in_c && t->cols % VEC;
    bool buffered = ragged || !sum.at;
    float *to = buffered ? buffer : sum.at;
    int64_t to_row = buffered ? TILE_COLS : sum.row;
    size_t row_bytes = (size_t)t->cols * sizeof(float);
    if (ragged && !first)
        for (int64_t i = 0; i < t->rows; i++) memcpy(buffer + i * TILE_COLS, sum.at + i * sum.row, row_bytes);
    s->method.micro((int)t->rows, t->cols > VEC ? 2 : 1, depth, a, b, b_row, to, to_row, !first);
    if (last && (buffered || !s->plain || !sum.in_c))
        KERNEL(gemm_finish)(s->g, t, to, to_row);
    else if (!last && ragged)
        for (int64_t i = 0; i < t->rows; i++) memcpy(sum.at + i * sum.row, buffer + i * TILE_COLS, row_bytes);
}

static running_sum sum_of_tile(const blocks *s, const gemm_area *t, int64_t product)
{
    const cpu_gemm *g = s->g;
    if (g->dtype == GEMM_F32)
        return (running_sum){(float *)g->c + t->c_offset + t->row * g->c_row + t->col, g->c_row, true};
    if (!s->partial) return (running_sum){0};
    int64_t at = ((product - s->product) * g->m + t->row) * s->width + (t->col - s->col);
    return (running_sum){s->partial + at, s->width, false};
}

/* Some panels of rows times some panels of the packed columns. */
static void compute_rows(const blocks *s, int64_t product, int64_t panel, int64_t panel_end, int64_t col,
                         int64_t col_end, const float *b)
{
    const cpu_gemm *g = s->g;
    float a[GROUP * PANEL_SIZE + VEC] ALIGNED(64);
    gemm_area t = {.c_offset = batch_offset(g->c_batch, product), .d_offset = batch_offset(g->d_batch, product)};
    for (int64_t k = s->k; k < s->k_end; k += s->depth) {
        int64_t depth = min_i64(s->depth, s->k_end - k);
        const float *b_block = b + (k - s->k) * s->width;
        for (int64_t p = panel; p < panel_end; p += GROUP) {
            int64_t p_end = min_i64(p + GROUP, panel_end), row = panel_start(s, p);
            for (int64_t q = p; q < p_end; q++) {
                int64_t start = panel_start(s, q), end = panel_start(s, q + 1);
                pack_a_panel(s, a + (start - row) * depth, product, start, end - start, k, depth);
            }
            for (int64_t j = col; j < col_end; j += TILE_COLS) {
                t.col = j, t.cols = min_i64(TILE_COLS, col_end - j);
                for (int64_t q = p; q < p_end; q++) {
                    t.row = panel_start(s, q), t.rows = panel_start(s, q + 1) - t.row;
                    tile(s, &t, sum_of_tile(s, &t, product), a + (t.row - row) * depth, b_block + (j - s->col) * depth,
                         TILE_COLS, k, depth);
                }
            }
            if (k + depth == s->steps) area_done(g, product, row, panel_start(s, p_end) - row, col, col_end - col);
        }
    }
}

static void local_chunk(void *ctx, int64_t chunk)
{
    const blocks *s = ctx;
    float b[LOCAL_B] ALIGNED(64);
    int64_t product = chunk * s->per_chunk, end = min_i64(product + s->per_chunk, s->g->batch);
    for (bool packed = false; product < end; product++) {
        if (!packed || !s->one_b) pack_b(s, b, product, 0, s->width / TILE_COLS, 0, s->steps);
        packed = true;
        compute_rows(s, product, 0, s->panels, 0, s->g->n, b);
    }
}

/* The panels of A lie by block of K; a panel's floats of one k lie together, so a row's place needs no table. */
static void pack_a_chunk(void *ctx, int64_t chunk)
{
    const blocks *s = ctx;
    const cpu_gemm *g = s->g;
    float panel[PANEL_SIZE + VEC] ALIGNED(64);
    float *out = s->packed + chunk * s->packed_product;
    for (int64_t k = 0; k < s->steps; k += s->depth) {
        int64_t depth = min_i64(s->depth, s->steps - k);
        for (int64_t p = 0; p < s->panels; p++) {
            int64_t row = panel_start(s, p), rows = panel_start(s, p + 1) - row;
            pack_a_panel(s, panel, s->product + chunk, row, rows, k, depth);
            memcpy(out + k * g->m + row * depth, panel, (size_t)(rows * depth) * sizeof(float));
        }
    }
}

static void columns_chunk(void *ctx, int64_t chunk)
{
    const blocks *s = ctx;
    const cpu_gemm *g = s->g;
    float b[TILE_COLS * BLOCK_K] ALIGNED(64), sums[FEW_PANELS * TILE_SIZE] ALIGNED(64);
    int64_t product = s->product + chunk / s->col_chunks;
    const float *a = s->packed + (product - s->product) * s->packed_product;
    int64_t first = chunk % s->col_chunks * s->per_chunk * TILE_COLS, j = first;
    int64_t end = min_i64(j + s->per_chunk * TILE_COLS, g->n);
    gemm_area t = {.c_offset = batch_offset(g->c_batch, product), .d_offset = batch_offset(g->d_batch, product)};
    for (; j < end; j += TILE_COLS) {
        t.col = j, t.cols = min_i64(TILE_COLS, end - j);
        for (int64_t k = 0; k < s->steps; k += s->depth) {
            int64_t depth = min_i64(s->depth, s->steps - k);
            pack_b_panel(s, b, product, k, depth, j, t.cols);
            for (int64_t p = 0; p < s->panels; p++) {
                t.row = panel_start(s, p), t.rows = panel_start(s, p + 1) - t.row;
                tile(s, &t, (running_sum){sums + p * TILE_SIZE, TILE_COLS, false}, a + k * g->m + t.row * depth, b,
                     TILE_COLS, k, depth);
            }
        }
    }
    area_done(g, product, 0, g->m, first, end - first);
}

static void pack_b_chunk(void *ctx, int64_t chunk)
{
    const blocks *s = ctx;
    int64_t panel = chunk % s->col_chunks * s->per_chunk,
            panel_end = min_i64(panel + s->per_chunk, s->width / TILE_COLS);
    int64_t range = chunk / s->col_chunks % s->step_chunks, i = chunk / s->col_chunks / s->step_chunks;
    int64_t steps = ceil_div(s->k_end - s->k, s->step_chunks), step = s->k + range * steps;
    pack_b(s, s->packed + i * s->packed_product, s->product + i, panel, panel_end, step, step + steps);
}

/* Rows run fastest: a thread's next chunk finds its columns of B in L2. */
static void shared_chunk(void *ctx, int64_t chunk)
{
    const blocks *s = ctx;
    int64_t row = chunk % s->row_chunks, col = s->col + chunk / s->row_chunks % s->col_chunks * CHUNK_COLS;
    int64_t i = chunk / s->row_chunks / s->col_chunks;
    compute_rows(s, s->product + i, s->panels * row / s->row_chunks, s->panels * (row + 1) / s->row_chunks, col,
                 min_i64(col + CHUNK_COLS, s->col + s->cols), s->packed + (s->one_b ? 0 : i * s->packed_product));
}

static void run(cpu_parallel_fn parallel, int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    if (chunks == 1)
        fn(ctx, 0);
    else if (chunks > 1)
        parallel(chunks, fn, ctx);
}

static bool run_local(blocks *s, cpu_parallel_fn parallel)
{
    const cpu_gemm *g = s->g;
    s->col = 0, s->cols = g->n, s->width = ceil_div(g->n, TILE_COLS) * TILE_COLS;
    s->k = 0, s->k_end = s->steps;
    s->per_chunk = max_i64(1, CHUNK_WORK / (g->m * s->width * s->steps));
    run(parallel, ceil_div(g->batch, s->per_chunk), local_chunk, s);
    return true;
}

static bool run_columns(blocks *s, cpu_parallel_fn parallel)
{
    const cpu_gemm *g = s->g;
    s->packed_product = ceil_div(g->m * s->steps, VEC) * VEC;
    s->per_chunk = max_i64(1, CHUNK_WORK / (g->m * s->steps * TILE_COLS));
    s->col_chunks = ceil_div(ceil_div(g->n, TILE_COLS), s->per_chunk);
    int64_t at_once = min_i64(g->batch, max_i64(1, SHARED_B / s->packed_product));
    size_t capacity, bytes = (size_t)(at_once * s->packed_product) * sizeof(float);
    if (!(s->packed = block_alloc(bytes, &capacity))) return false;
    for (s->product = 0; s->product < g->batch; s->product += at_once) {
        s->products = min_i64(at_once, g->batch - s->product);
        if (s->products * s->packed_product <= PACK_WORK)
            for (int64_t i = 0; i < s->products; i++) pack_a_chunk(s, i);
        else
            run(parallel, s->products, pack_a_chunk, s);
        run(parallel, s->products * s->col_chunks, columns_chunk, s);
    }
    block_free(s->packed, capacity);
    return true;
}

/* Packs the current columns and range of K of the current products: by the caller alone if they are small, else in
 * chunks of panels or, where columns are adjacent, of rows. */
static void pack_shared(blocks *s, cpu_parallel_fn parallel)
{
    int64_t panels = s->width / TILE_COLS, steps = s->k_end - s->k, products = s->one_b ? 1 : s->products;
    bool alone = products * s->width * steps <= PACK_WORK, by_rows = s->g->b_col == 1;
    s->per_chunk = by_rows ? panels : max_i64(1, PACK_WORK / (steps * TILE_COLS));
    s->step_chunks = by_rows ? ceil_div(steps, (PACK_WORK / s->width / RUN_STEPS + 1) * RUN_STEPS) : 1;
    s->col_chunks = ceil_div(panels, s->per_chunk);
    int64_t chunks = products * s->col_chunks * s->step_chunks;
    if (alone)
        for (int64_t i = 0; i < chunks; i++) pack_b_chunk(s, i);
    else
        run(parallel, chunks, pack_b_chunk, s);
}

static void compute_shared(blocks *s, cpu_parallel_fn parallel)
{
    s->col_chunks = ceil_div(s->cols, CHUNK_COLS);
    int64_t panel_work = TILE_ROWS * min_i64(s->cols, CHUNK_COLS) * (s->k_end - s->k);
    int64_t per_chunk = min_i64(8, s->panels * s->col_chunks * s->products / 32);
    per_chunk = max_i64(per_chunk, ceil_div(CHUNK_WORK, panel_work));
    s->row_chunks = ceil_div(s->panels, max_i64(GROUP, per_chunk));
    run(parallel, s->products * s->col_chunks * s->row_chunks, shared_chunk, s);
}

static bool run_shared(blocks *s, cpu_parallel_fn parallel)
{
    const cpu_gemm *g = s->g;
    int64_t n_wide = ceil_div(g->n, TILE_COLS) * TILE_COLS;
    int64_t cols = min_i64(n_wide, max_i64(CHUNK_COLS, SHARED_B / s->steps / CHUNK_COLS * CHUNK_COLS));
    int64_t range = min_i64(s->steps, max_i64(1, SHARED_B / cols / s->depth) * s->depth);
    bool sums = g->dtype != GEMM_F32 && s->depth < s->steps;
    int64_t at_once = s->one_b && !sums ? g->batch : min_i64(g->batch, max_i64(1, SHARED_B / (cols * range)));
    s->packed_product = cols * range;
    int64_t packed = (s->one_b ? 1 : at_once) * s->packed_product;
    size_t capacity, bytes = (size_t)(packed + (sums ? at_once * g->m * cols : 0)) * sizeof(float);
    if (!(s->packed = block_alloc(bytes, &capacity))) return false;
    s->partial = sums ? s->packed + packed : NULL;
    for (s->product = 0; s->product < g->batch; s->product += at_once) {
        s->products = min_i64(at_once, g->batch - s->product);
        for (s->col = 0; s->col < g->n; s->col += cols) {
            s->cols = min_i64(cols, g->n - s->col);
            s->width = ceil_div(s->cols, TILE_COLS) * TILE_COLS;
            for (s->k = 0; s->k < s->steps; s->k = s->k_end) {
                s->k_end = min_i64(s->k + range, s->steps);
                pack_shared(s, parallel);
                compute_shared(s, parallel);
            }
        }
    }
    block_free(s->packed, capacity);
    return true;
}

bool KERNEL(gemm_blocks)(const cpu_gemm *g, cpu_parallel_fn parallel)
{
    blocks s = {.g = g, .one_b = true, .panels = ceil_div(g->m, TILE_ROWS)};
    s.plain = g->dtype == GEMM_F32 && g->alpha == 1 && !(g->d && g->beta != 0);
    s.method = KERNEL(gemm_choose_method)(g->dtype);
    s.steps = ceil_div(g->k, s.method.k_per_step);
    s.depth = ceil_div(ceil_div(s.steps, ceil_div(s.steps, BLOCK_K)), VEC) * VEC;
    for (int64_t i = 1; i < g->batch && s.one_b; i++)
        s.one_b = batch_offset(g->b_batch, i) == batch_offset(g->b_batch, 0);
    int64_t width = ceil_div(g->n, TILE_COLS) * TILE_COLS, work = g->m * width * s.steps;
    bool one_block = s.steps <= BLOCK_K || g->dtype == GEMM_F32;
    if (width * s.steps <= LOCAL_B && one_block && work <= (g->batch > 1 ? 16 * LOCAL_WORK : LOCAL_WORK))
        return run_local(&s, parallel);
    if (s.panels <= FEW_PANELS && (g->b_col != 1 || g->n <= RUN_COLS)) return run_columns(&s, parallel);
    return run_shared(&s, parallel);
}
