/* SPDX-License-Identifier: MIT
 *
 * Random bits, and the functions that turn them into distributions: MLX's own formulas (mlx_math.h), because the numbers
 * are to be equal bit for bit.
 *
 * A key's n words come from counters in two halves: with h = n / 2 and odd = n % 2, counter (i, h + odd + i) gives words
 * i and h + odd + i, and if n is odd, counter (h, 0) gives word h. */
#include "core/params/random.h"
#include "core/threefry.h"
#include "cpu/kernels/mlx_math.h"
#include "cpu/kernels/rows.h"
#include <string.h>

enum { PAIRS = 1024 }; /* counters of one piece of work */

typedef struct bits_job {
    const uint32_t *keys;
    char *out;
    int64_t bytes, words, half, odd; /* of one key */
    int64_t pieces;                  /* for each key */
} bits_job;

/* Words [first, first + count) of one key; the last one may be cut. */
static void store_words(const bits_job *job, char *out, int64_t first, const uint32_t *words, int64_t count)
{
    int64_t begin = 4 * first, end = begin + 4 * count;
    if (end > job->bytes) end = job->bytes;
    if (end > begin) memcpy(out + begin, words, (size_t)(end - begin));
}

static void hash_pairs(uint32_t *low, uint32_t *high, const uint32_t *key, uint32_t first, uint32_t second, int64_t n)
{
    uint32_t k0 = key[0], k1 = key[1];
    SIMD
    for (int64_t i = 0; i < n; i++) {
        uint32_t a = first + (uint32_t)i, b = second + (uint32_t)i;
        threefry(k0, k1, &a, &b);
        low[i] = a;
        high[i] = b;
    }
}

static void run_pieces(void *ctx, int64_t begin, int64_t end)
{
    const bits_job *job = ctx;
    ALIGNED(64) uint32_t low[PAIRS], high[PAIRS];
    for (int64_t p = begin; p < end; p++) {
        int64_t k = p / job->pieces, first = p % job->pieces * PAIRS, n = job->half - first;
        const uint32_t *key = job->keys + 2 * k;
        char *out = job->out + k * job->bytes;
        if (n > PAIRS) n = PAIRS;
        hash_pairs(low, high, key, (uint32_t)first, (uint32_t)(first + job->half + job->odd), n);
        store_words(job, out, first, low, n);
        store_words(job, out, first + job->half + job->odd, high, n);
        if (!job->odd || first != 0) continue;
        uint32_t a = (uint32_t)job->half, b = 0;
        threefry(key[0], key[1], &a, &b);
        store_words(job, out, job->half, &a, 1);
    }
}

static bool run_bits(cpu_call *c)
{
    const random_bits_params *p = c->params;
    mx_array *keys = cpu_contiguous(c, 0);
    if (!keys || !cpu_output(c, 0)) return false;
    int64_t count = keys->size / 2;
    if (c->out->size == 0) return true;
    bits_job job = {.keys = array_data(keys), .out = array_data(c->out), .bytes = c->out->size / count * p->width};
    job.words = (job.bytes + 3) / 4;
    job.half = job.words / 2;
    job.odd = job.words % 2;
    job.pieces = job.half ? (job.half + PAIRS - 1) / PAIRS : 1;
    cpu_split(count * job.pieces, cpu_rows_step(job.pieces > 1 ? 8 * PAIRS : job.bytes), run_pieces, &job);
    return true;
}

const cpu_op KERNEL(random_bits) = {.run = run_bits};

/* ---- Formulas: erf, erfinv and exp are float32 whatever the dtype, the logarithms are libm's */
#define log_mlx_f32(x) log_mlx(x)
#define log_mlx_f64(x) log(x)
#define log1p_mlx_f32(x) log1p_mlx(x)
#define log1p_mlx_f64(x) log1p(x)

#define TEMPLATE "cpu/kernels/random_tmpl.h"
#include "cpu/kernels/each_real.h"

ELEMENTWISE(random_erfinv, TILES_REAL(erfinv))
ELEMENTWISE(random_erf, TILES_REAL(erf))
ELEMENTWISE(random_exp, TILES_REAL(exp))
ELEMENTWISE(random_log, TILES_REAL(log))
ELEMENTWISE(random_log1p, TILES_REAL(log1p))
