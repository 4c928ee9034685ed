// SPDX-License-Identifier: MIT
//
// Functions of complex64, computed in double and rounded once: what float loses or overflows on the way is not seen.  Branch cuts are
// C99's; formulas of W. Kahan, "Branch cuts for complex elementary functions" (1987).
struct c128 {
    double re, im;
};
DEVICE c128 make_c128(double re, double im)
{
    c128 z = {re, im};
    return z;
}
DEVICE c128 wide(c64 z)
{
    return make_c128(z.re, z.im);
}
DEVICE c64 narrow(c128 z)
{
    return make_c64((float)z.re, (float)z.im);
}
DEVICE c128 swapped(c128 z) // what turns a function into its hyperbolic one: f(iz) / i
{
    return make_c128(z.im, -z.re);
}
// A zero stays one, whatever it is multiplied with.
DEVICE double kept_times(double a, double b)
{
    return a == 0 || b == 0 ? copysign(0.0, a) * copysign(1.0, b) : a * b;
}

// ---- Order and arithmetic
DEVICE bool has_nan(c64 z)
{
    return z.re != z.re || z.im != z.im;
}
DEVICE bool less_of(c64 a, c64 b)
{
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}
DEVICE bool less_equal_of(c64 a, c64 b)
{
    return less_of(a, b) || (a.re == b.re && a.im == b.im);
}
DEVICE c64 larger_of(c64 a, c64 b)
{
    return has_nan(a) || (!has_nan(b) && less_of(b, a)) ? a : b;
}
DEVICE c64 smaller_of(c64 a, c64 b)
{
    return has_nan(a) || (!has_nan(b) && less_of(a, b)) ? a : b;
}

// Annex G of C99: a nonzero number over 0 is infinite, a finite one over an infinite one is 0.
DEVICE c128 div_c128(c128 a, c128 b)
{
    double size = b.re * b.re + b.im * b.im;
    c128 q = make_c128((a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size);
    if (q.re == q.re || q.im == q.im) return q;
    double infinity = __longlong_as_double(0x7ff0000000000000ll);
    bool a_is = isinf(a.re) || isinf(a.im), b_is = isinf(b.re) || isinf(b.im);
    if (size == 0 && (a.re == a.re || a.im == a.im)) {
        infinity = copysign(infinity, b.re);
        return make_c128(infinity * a.re, infinity * a.im);
    }
    if (a_is && !b_is && size == size) {
        a = make_c128(copysign(isinf(a.re) ? 1.0 : 0.0, a.re), copysign(isinf(a.im) ? 1.0 : 0.0, a.im));
        return make_c128(infinity * (a.re * b.re + a.im * b.im), infinity * (a.im * b.re - a.re * b.im));
    }
    if (b_is && !a_is && a.re == a.re && a.im == a.im) {
        b = make_c128(copysign(isinf(b.re) ? 1.0 : 0.0, b.re), copysign(isinf(b.im) ? 1.0 : 0.0, b.im));
        return make_c128(0.0 * (a.re * b.re + a.im * b.im), 0.0 * (a.im * b.re - a.re * b.im));
    }
    return q;
}
DEVICE c64 div_of(c64 a, c64 b)
{
    return narrow(div_c128(wide(a), wide(b)));
}
DEVICE float abs_of(c64 z)
{
    return (float)hypot((double)z.re, (double)z.im);
}
// z / |z|, and 0 at 0
DEVICE c64 sign_of(c64 z)
{
    double size = sqrt((double)z.re * z.re + (double)z.im * z.im);
    return size == 0 ? z : make_c64((float)(z.re / size), (float)(z.im / size));
}

// ---- Roots, exponentials, logarithms
DEVICE c128 sqrt_c128(c128 z)
{
    if (z.re == 0 && z.im == 0) return make_c128(0, z.im);
    if (isinf(z.im)) return make_c128(fabs(z.im), z.im);
    double t = sqrt(0.5 * (hypot(z.re, z.im) + fabs(z.re))), other = 0.5 * fabs(z.im) / t;
    return z.re >= 0 ? make_c128(t, copysign(other, z.im)) : make_c128(other, copysign(t, z.im));
}
DEVICE c128 exp_c128(c128 z)
{
    double e = exp(z.re);
    return z.im == 0 ? make_c128(e, z.im) : make_c128(kept_times(e, cos(z.im)), kept_times(e, sin(z.im)));
}
DEVICE c128 log_c128(c128 z)
{
    double x = fabs(z.re), size = hypot(x, z.im);
    double re = size > 0.5 && size < 2 ? 0.5 * log1p((x - 1) * (x + 1) + z.im * z.im) : log(size);
    return make_c128(re, atan2(z.im, z.re));
}
DEVICE c64 sqrt_of(c64 z)
{
    return narrow(sqrt_c128(wide(z)));
}
DEVICE c64 exp_of(c64 z)
{
    return narrow(exp_c128(wide(z)));
}
DEVICE c64 log_of(c64 z, double scale = 1)
{
    c128 w = log_c128(wide(z));
    return make_c64((float)(w.re * scale), (float)(w.im * scale));
}
// |1 + z|^2 = 1 + (re (2 + re) + im^2): the products of floats are exact in double.  Near -1 it is the sum 1 + re that is.
DEVICE c64 log1p_of(c64 z)
{
    double re = z.re, im = z.im, sum = 1.0 + re;
    double excess = isinf(im) ? fabs(im) : (re + re) + (re * re + im * im);
    double size = excess < -0.5 ? log(hypot(sum, im)) : 0.5 * log1p(excess);
    return make_c64((float)size, (float)atan2(im, sum));
}
// 0^0 is NaN, as MLX's.
DEVICE c64 power_of(c64 z, c64 w)
{
    c128 a = wide(w), b = log_c128(wide(z));
    return narrow(exp_c128(make_c128(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)));
}
// The exponential is taken where it cannot overflow.
DEVICE c64 sigmoid_of(c64 z)
{
    bool left = z.re < 0;
    c128 w = wide(z), one = make_c128(1, 0), e = exp_c128(left ? w : make_c128(-w.re, -w.im));
    return narrow(div_c128(left ? e : one, make_c128(1 + e.re, e.im)));
}
// By sines of multiples of pi, which need no stack: the difference of two angles is small.
DEVICE c64 logaddexp_of(c64 a, c64 b)
{
    c64 high = less_of(a, b) ? b : a, low = less_of(a, b) ? a : b;
    float infinity = __int_as_float(0x7f800000);
    if (high.re == infinity || low.re == -infinity) return high;
    double size = exp((double)low.re - high.re), turn = ((double)low.im - high.im) * 0.31830988618379067;
    double re = size * cospi(turn), im = size * sinpi(turn);
    return make_c64((float)(high.re + 0.5 * log1p(2 * re + re * re + im * im)), (float)(high.im + atan2(im, 1 + re)));
}

// ---- Trigonometric and hyperbolic functions
DEVICE c128 sinh_c128(c128 z)
{
    return make_c128(kept_times(sinh(z.re), cos(z.im)), kept_times(cosh(z.re), sin(z.im)));
}
DEVICE c128 cosh_c128(c128 z)
{
    return make_c128(kept_times(cosh(z.re), cos(z.im)), kept_times(sinh(z.re), sin(z.im)));
}
DEVICE c128 tanh_c128(c128 z)
{
    if (fabs(z.re) > 30) {
        double e = exp(-2 * fabs(z.re));
        return make_c128(copysign(1.0, z.re), isinf(z.im) ? 0.0 : kept_times(4 * sin(z.im) * cos(z.im), e));
    }
    double t = tan(z.im), s = sinh(z.re), b = 1 + t * t, d = 1 + b * s * s;
    return make_c128(b * sqrt(1 + s * s) * s / d, t / d);
}
DEVICE c128 asin_c128(c128 z)
{
    c128 below = sqrt_c128(make_c128(1 - z.re, -z.im)), above = sqrt_c128(make_c128(1 + z.re, z.im));
    double re = kept_times(below.re, above.re) - kept_times(below.im, above.im);
    return make_c128(atan2(z.re, re), asinh(kept_times(below.re, above.im) - kept_times(below.im, above.re)));
}
DEVICE c128 acos_c128(c128 z)
{
    c128 below = sqrt_c128(make_c128(1 - z.re, -z.im)), above = sqrt_c128(make_c128(1 + z.re, z.im));
    return make_c128(2 * atan2(below.re, above.re), asinh(kept_times(above.re, below.im) - kept_times(above.im, below.re)));
}
DEVICE c128 acosh_c128(c128 z)
{
    c128 below = sqrt_c128(make_c128(z.re - 1, z.im)), above = sqrt_c128(make_c128(z.re + 1, z.im));
    return make_c128(asinh(kept_times(below.re, above.re) + kept_times(below.im, above.im)), 2 * atan2(below.im, above.re));
}
DEVICE c128 atanh_c128(c128 z)
{
    double x = fabs(z.re), y = z.im;
    if (isinf(x) || isinf(y)) return make_c128(copysign(0.0, z.re), copysign(1.5707963267948966, y));
    double re = 0.25 * log1p(4 * x / ((1 - x) * (1 - x) + y * y));
    return make_c128(copysign(re, z.re), 0.5 * atan2(2 * y, (1 - x) * (1 + x) - y * y));
}
#define HYPERBOLIC(circular, hyperbolic)                                                                               \
    DEVICE c64 hyperbolic##_of(c64 z)                                                                                 \
    {                                                                                                                  \
        return narrow(hyperbolic##_c128(wide(z)));                                                                     \
    }                                                                                                                  \
    DEVICE c64 circular##_of(c64 z)                                                                                   \
    {                                                                                                                  \
        return narrow(swapped(hyperbolic##_c128(make_c128(-(double)z.im, z.re))));                                     \
    }
HYPERBOLIC(sin, sinh)
HYPERBOLIC(tan, tanh)
HYPERBOLIC(atan, atanh)
#undef HYPERBOLIC
DEVICE c64 cosh_of(c64 z)
{
    return narrow(cosh_c128(wide(z)));
}
DEVICE c64 cos_of(c64 z)
{
    return narrow(cosh_c128(make_c128(-(double)z.im, z.re)));
}
DEVICE c64 asin_of(c64 z)
{
    return narrow(asin_c128(wide(z)));
}
DEVICE c64 asinh_of(c64 z)
{
    return narrow(swapped(asin_c128(make_c128(-(double)z.im, z.re))));
}
DEVICE c64 acos_of(c64 z)
{
    return narrow(acos_c128(wide(z)));
}
DEVICE c64 acosh_of(c64 z)
{
    return narrow(acosh_c128(wide(z)));
}

// ---- Casts: the real part, but that a number is true if it is not 0
template <class To> struct cast_t<To, c64> {
    static __device__ __forceinline__ To of(c64 z) { return cast_t<To, float>::of(z.re); }
};
template <> struct cast_t<bool, c64> {
    static __device__ __forceinline__ bool of(c64 z) { return z.re != 0 || z.im != 0; }
};
template <> struct cast_t<c64, c64> {
    static __device__ __forceinline__ c64 of(c64 z) { return z; }
};
