/* SPDX-License-Identifier: MIT
 *
 * Instructions of kernels/ptx.cu under SIM_ENGINE=ptx, against C. */
#include "sim_test.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PARAMS(...) ((void *[]){__VA_ARGS__})

static void expect(const char *what, int number, uint32_t got, uint32_t want)
{
    char text[128];
    snprintf(text, sizeof text, "%s: number %d is %08x, not %08x", what, number, got, want);
    if (got != want) wrong(text);
}

static void test_copies(void)
{
    enum { WORDS = 32 * 8 };
    uint32_t in[WORDS], out[WORDS];
    for (uint32_t i = 0; i < WORDS; i++) in[i] = i + 100;
    ptr din = upload(in, sizeof in), dout = device(sizeof out);
    run(kernel("ptx.cu", "copies"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < WORDS; i++) { /* 1 of 1 word; 1 of 2, then a zero; 2 of 4, then zeros */
        int at = i % 8;
        uint32_t want = at == 1 ? 7 : at == 0 || at == 2 || at == 4 || at == 5 ? in[i] : 0;
        expect("copies", i, out[i], want);
    }
}

static void test_bits(void)
{
    uint32_t x = 0x80f1c2a5u, y = 0x01234567u, out[16], reversed = 0, ones = 0;
    for (int i = 0; i < 32; i++) {
        reversed |= (x >> i & 1) << (31 - i);
        ones += x >> i & 1;
    }
    const uint32_t want[16] = {0xff23c2a5u,
                               0xfffff80fu,
                               8,
                               0x01c2a567u,
                               x ^ y ^ 0x0f0f0f0fu,
                               0x12345678u,
                               y,
                               reversed,
                               7,
                               ones,
                               24,
                               0,
                               ~0u,
                               (uint32_t)((uint64_t)((int64_t)(int32_t)x * (int32_t)y) >> 32),
                               (uint32_t)(((uint64_t)x * y + 15) >> 32),
                               6};
    ptr dout = device(sizeof out);
    run(kernel("ptx.cu", "bits"), 1, 1, 1, 1, 0, PARAMS(&dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < 16; i++) expect("bits", i, out[i], want[i]);
}

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static uint32_t in_direction(int direction, float x, float y, float z)
{
    volatile float a = x, b = y, c = z, result;
    fesetround(direction);
    result = fmaf(a, b, c);
    fesetround(FE_TONEAREST);
    return bits_of(result);
}

static uint32_t narrowed(int direction, double x)
{
    volatile double wide = x;
    volatile float result;
    fesetround(direction);
    result = (float)wide;
    fesetround(FE_TONEAREST);
    return bits_of(result);
}

static void test_rounding(void)
{
    static const float in[][3] = {{1.1f, 1.3f, 1e-9f}, {1.7f, -1.9f, 0x1p-70f}, {1.3f, 1e-30f, -1e-42f}};
    uint32_t out[13];
    for (int i = 0; i < 3; i++) {
        float x = in[i][0], y = in[i][1], z = in[i][2];
        ptr din = upload(in[i], sizeof in[i]), dout = device(sizeof out);
        run(kernel("ptx.cu", "rounding"), 1, 1, 1, 1, 0, PARAMS(&din, &dout));
        download(out, dout, sizeof out);
        const uint32_t want[13] = {in_direction(FE_DOWNWARD, x, y, z),
                                   in_direction(FE_UPWARD, x, y, z),
                                   in_direction(FE_TOWARDZERO, -x, 1, 0x1p-60f),
                                   narrowed(FE_DOWNWARD, (double)x * y),
                                   narrowed(FE_UPWARD, (double)x * y),
                                   0x7fffffffu,
                                   2,
                                   0,
                                   0x80000000u,
                                   bits_of(y),
                                   (uint32_t)-3,
                                   (uint32_t)-2,
                                   narrowed(FE_TOWARDZERO, (double)x * y)};
        for (int k = 0; k < 13; k++) expect("rounding", 13 * i + k, out[k], want[k]);
    }
}

static void words(uint32_t x[32])
{
    for (uint32_t i = 0; i < 32; i++) x[i] = (i * 2654435761u ^ i << 27) | (i % 3 == 0);
}

/* The answers of kernel `lanes`, row by row. */
static void fill_answers(const uint32_t *x, uint32_t want[][32])
{
    uint32_t odd = 0, sum = 0, least = ~0u, most = 0, all = ~0u, some = 0, different = 0;
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (int i = 0; i < 32; i++) {
        odd |= (x[i] & 1) << i, sum += x[i], different ^= x[i], all &= x[i] | 0xff0, some |= x[i] & 0xff0;
        least = x[i] < least ? x[i] : least, most = x[i] > most ? x[i] : most;
        low = (int32_t)x[i] < low ? (int32_t)x[i] : low, high = (int32_t)x[i] > high ? (int32_t)x[i] : high;
    }
    for (int i = 0; i < 32; i++) {
        uint32_t same = 0, parity = x[i] & 1 ? odd : ~odd;
        for (int j = 0; j < 32; j++) same |= (uint32_t)((x[i] & 3) == (x[j] & 3)) << j;
        int other = (i ^ 6) > (i | 3) ? i : i ^ 6;
        const uint32_t answers[] = {odd,
                                    1,
                                    0,
                                    same,
                                    parity,
                                    sum,
                                    (uint32_t)low,
                                    (uint32_t)high,
                                    least,
                                    most,
                                    all,
                                    some,
                                    different,
                                    x[i % 8 >= 3 ? i - 3 : i],
                                    x[i % 16 + 5 < 16 ? i + 5 : i],
                                    x[i / 8 * 8 + 1],
                                    x[other],
                                    x[i ^ 1],
                                    (uint32_t)__builtin_popcount(odd),
                                    1,
                                    0};
        for (size_t r = 0; r < sizeof answers / sizeof *answers; r++) want[r][i] = answers[r];
    }
}

static void test_lanes(void)
{
    enum { ROWS = 21 };
    uint32_t x[32], out[ROWS][32], want[ROWS][32];
    words(x);
    fill_answers(x, want);
    ptr din = upload(x, sizeof x), dout = device(sizeof out);
    run(kernel("ptx.cu", "lanes"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < ROWS * 32; i++) expect("lanes", i, out[i / 32][i % 32], want[i / 32][i % 32]);
}

static uint32_t choose(uint32_t which, uint32_t x, uint32_t *more)
{
    switch (which) {
    case 0: more[0] = x * 3; return x + 1;
    case 1: more[1] = x ^ 0x55; return x * 7;
    case 2: more[2] = x / 9; return x - 13;
    case 3: more[1] = x % 11; return ~x;
    case 4: more[2] = x << 5; return x >> 7;
    case 5: more[0] = x | 1; return x * x;
    default: return 0;
    }
}

static void test_calls(void)
{
    uint32_t x[32], out[32];
    words(x);
    ptr din = upload(x, sizeof x), dout = device(sizeof out);
    run(kernel("ptx.cu", "calls"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < 32; i++) {
        uint32_t more[3] = {x[i], x[i], x[i]}, y = choose(x[i] % 8, x[i], more);
        expect("calls", i, out[i], (y ^ more[0] ^ more[x[i] % 3] * 5) + 10 * (x[i] % 3 + 1));
    }
    run(kernel("ptx.cu", "shapes"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < 32; i++) expect("shapes", i, out[i], 0);
}

static void test_approximate(void)
{
    enum { ROWS = 17 };
    float x[32], out[ROWS][32];
    for (int i = 0; i < 32; i++) x[i] = (float)(i + 1) * 0.37f;
    ptr din = upload(x, sizeof x), dout = device(sizeof out);
    run(kernel("ptx.cu", "approximate"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    for (int i = 0; i < 32; i++) {
        double v = x[i], l = log2(v), r = 1 / v, s = sqrt(v), q = v / 3;
        const double want[ROWS] = {exp2(v), exp2(v), l,      l,       r, r,     s, s, 1 / s,
                                   1 / s,   sin(v),  cos(v), tanh(v), r, 1 / s, q, q};
        for (int row = 0; row < ROWS; row++) {
            double bound =
                row == 13 || row == 14 ? 0x1p-19 : 0x1p-22; /* doubles are read and written by their upper half */
            char text[64];
            snprintf(text, sizeof text, "approximate: row %d of %g is %.9g", row, v, (double)out[row][i]);
            if (!(fabs(out[row][i] - want[row]) <= bound * fabs(want[row]))) wrong(text);
        }
    }
}

static void test_atomics(void)
{
    uint32_t x[32], out[18] = {0}, least = ~0u, most = 0, all = ~0u, some = 0, different = 0, sum = 0;
    int32_t high = 0;
    words(x);
    for (int i = 0; i < 32; i++) {
        least = x[i] < least ? x[i] : least, most = x[i] > most ? x[i] : most;
        all &= x[i] | 0xff00, some |= x[i], different ^= x[i], sum += x[i];
        high = (int32_t)x[i] > high ? (int32_t)x[i] : high;
    }
    out[13] = ~0u;
    ptr din = upload(x, sizeof x), dout = upload(out, sizeof out);
    run(kernel("ptx.cu", "atomics"), 1, 1, 32, 1, 0, PARAMS(&din, &dout));
    download(out, dout, sizeof out);
    const uint32_t want[] = {32, least, most, all, some, different, (uint32_t)high, 0, 496, sum, 0, 0, 496, least};
    for (int i = 0; i < 14; i++) expect("atomics", i, out[i], want[i]);
    expect("atomics", 15, out[15], 496);
    expect("atomics", 17, out[17], 1);
}

void test_ptx(void)
{
    test_approximate();
    test_atomics();
    test_lanes();
    test_calls();
    test_copies();
    test_bits();
    test_rounding();
}

void test_unknown(void)
{
    ptr out = device(64);
    run(kernel("unknown.cu", "unknown"), 1, 1, 1, 1, 0, PARAMS(&out));
}
