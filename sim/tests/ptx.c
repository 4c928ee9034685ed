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
    uint32_t out[10];
    for (int i = 0; i < 3; i++) {
        float x = in[i][0], y = in[i][1], z = in[i][2];
        ptr din = upload(in[i], sizeof in[i]), dout = device(sizeof out);
        run(kernel("ptx.cu", "rounding"), 1, 1, 1, 1, 0, PARAMS(&din, &dout));
        download(out, dout, sizeof out);
        const uint32_t want[10] = {in_direction(FE_DOWNWARD, x, y, z),
                                   in_direction(FE_UPWARD, x, y, z),
                                   in_direction(FE_TOWARDZERO, -x, 1, 0x1p-60f),
                                   narrowed(FE_DOWNWARD, (double)x * y),
                                   narrowed(FE_UPWARD, (double)x * y),
                                   0x7fffffffu,
                                   2,
                                   0,
                                   0x80000000u,
                                   bits_of(y)};
        for (int k = 0; k < 10; k++) expect("rounding", 10 * i + k, out[k], want[k]);
    }
}

void test_ptx(void)
{
    test_copies();
    test_bits();
    test_rounding();
}

void test_unknown(void)
{
    ptr out = device(64);
    run(kernel("unknown.cu", "unknown"), 1, 1, 1, 1, 0, PARAMS(&out));
}
