// SPDX-License-Identifier: MIT
//
// MLX's float32 formulas, which define the random distributions, as in cpu/kernels/mlx_math.h.  Their logarithms are CUDA's own:
// what goes through one may differ from the CPU's in the last bit.
DEVICE float exp_mlx(float x)
{
    if (x != x) return x;
    if (x > 88.0f) return __uint_as_float(0x7f800000u);
    if (x < -88.0f) return 0.0f;
    float y = x * 1.442695f, n = (float)floor((double)y + 0.5), f = y - n;
    float p = fmaf(1.535336188319500e-4f, f, 1.339887440266574e-3f);
    p = fmaf(p, f, 9.618437357674640e-3f);
    p = fmaf(p, f, 5.550332471162809e-2f);
    p = fmaf(p, f, 2.402264791363012e-1f);
    p = fmaf(p, f, 6.931472028550421e-1f);
    p = fmaf(p, f, 1.0f);
    return p * __uint_as_float((u32)((i32)n + 127) << 23);
}

DEVICE float erf_mlx(float x)
{
    float a = fabsf(x), t = 1.0f / fmaf(0.3275911f, a, 1.0f);
    float q = fmaf(1.061405429f, t, -1.453152027f);
    q = fmaf(q, t, 1.421413741f);
    q = fmaf(q, t, -0.284496736f);
    q = fmaf(q, t, 0.254829592f);
    float e = -exp_mlx(-x * x), y = fmaf(e * t, q, 1.0f);
    return x > 0.0f ? y : -y;
}

DEVICE float erfinv_mlx(float x)
{
    float t = logf(fmaf(x, -x, 1.0f)), tail, body;
    tail = fmaf(3.03697567e-10f, t, 2.93243101e-8f);
    tail = fmaf(tail, t, 1.22150334e-6f);
    tail = fmaf(tail, t, 2.84108955e-5f);
    tail = fmaf(tail, t, 3.93552968e-4f);
    tail = fmaf(tail, t, 3.02698812e-3f);
    tail = fmaf(tail, t, 4.83185798e-3f);
    tail = fmaf(tail, t, -2.64646143e-1f);
    tail = fmaf(tail, t, 8.40016484e-1f);
    body = fmaf(5.43877832e-9f, t, 1.43285448e-7f);
    body = fmaf(body, t, 1.22774793e-6f);
    body = fmaf(body, t, 1.12963626e-7f);
    body = fmaf(body, t, -5.61530760e-5f);
    body = fmaf(body, t, -1.47697632e-4f);
    body = fmaf(body, t, 2.31468678e-3f);
    body = fmaf(body, t, 1.15392581e-2f);
    body = fmaf(body, t, -2.32015476e-1f);
    body = fmaf(body, t, 8.86226892e-1f);
    return x * (fabsf(t) > 6.125f ? tail : body);
}
