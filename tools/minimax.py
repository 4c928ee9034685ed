#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print the polynomial coefficients of src/cpu/kernels/math_*.h (needs mpmath).

Remez exchange with a weight: finds p of the given degree that minimises max |w(t) (p(t) - f(t))| over [a, b].
The weight turns the error of the polynomial into the relative error of the whole function.
Usage: minimax.py [name...]
"""
import struct
import sys
from mpmath import mp, mpf, sqrt, log, exp, tanh, erf, erfc, erfinv, sin, cos, sinh, cosh, atan, asin, atanh
from mpmath import matrix, lu_solve, pi

mp.dps = 60
LN2 = log(2)


def remez(f, w, a, b, degree):
    """Coefficients, lowest power first, and the weighted error."""
    count = degree + 2
    mid, half = (a + b) / 2, (b - a) / 2
    xs = [mid - half * mp.cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    grid = [mid - half * mp.cos(pi * i / (24 * count)) for i in range(24 * count + 1)]
    grid_f = [f(t) for t in grid]
    grid_w = [w(t) for t in grid]
    for _ in range(12):
        rows = [[x**j for j in range(degree + 1)] + [(-1) ** i / w(x)] for i, x in enumerate(xs)]
        solution = lu_solve(matrix(rows), matrix([f(x) for x in xs]))
        c, level = list(solution)[:-1], abs(solution[count - 1])
        error = [gw * (mp.polyval(c[::-1], t) - gf) for t, gf, gw in zip(grid, grid_f, grid_w)]
        peaks, i = [], 0
        while i < len(grid):  # the extremum of each run of equal sign
            j = i
            while j < len(grid) and (error[j] > 0) == (error[i] > 0):
                j += 1
            peaks.append(max(range(i, j), key=lambda k: abs(error[k])))
            i = j
        while len(peaks) > count:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        worst = max(abs(e) for e in error)
        if len(peaks) < count or worst < level * mpf("1.01"):
            break
        xs = [grid[k] for k in peaks]
    return c, worst


def positive(t):
    """Keeps 0 / 0 away from the end of an interval."""
    return t if abs(t) > mpf(10) ** -20 else mpf(10) ** -20


def of(f):
    return lambda t: f(positive(t))


def erfinv_of_w(w):
    x = sqrt(-mp.expm1(-w))
    return erfinv(x) / x


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


HALF_LN2 = LN2 / 2 * mpf("1.001")
R = (-HALF_LN2, HALF_LN2)
ROOT_LOW, ROOT_HIGH = sqrt(mpf(1) / 2) - mpf("1e-6"), sqrt(mpf(2)) + mpf("1e-6")
F = (ROOT_LOW - 1, ROOT_HIGH - 1)
QUARTER = (mpf(0), (pi / 4 * mpf("1.001")) ** 2)
S = (mpf(0), ((ROOT_HIGH - 1) / (ROOT_HIGH + 1)) ** 2)


def odd_row(kind, f, interval, degree):
    """f(t) = t + t^3 p(t^2)"""
    return (kind, of(lambda z: (f(sqrt(z)) / sqrt(z) - 1) / z), of(lambda z: sqrt(z) * z / f(sqrt(z))),
            *interval, degree)


def even_row(kind, f, sign, interval, degree):
    """f(t) = 1 + sign t^2 / 2 + t^4 p(t^2)"""
    return (kind, of(lambda z: (f(sqrt(z)) - 1 - sign * z / 2) / z**2), of(lambda z: z**2 / f(sqrt(z))),
            *interval, degree)


def exp_row(kind, degree):
    """e^r = 1 + r + r^2 p(r)"""
    return (kind, of(lambda r: (mp.expm1(r) - r) / r**2), of(lambda r: r**2 / exp(r)), *R, degree)


# name: type, f, weight, interval, degree
SETS = {
    "EXP": exp_row("f", 4),
    "EXP2": ("f", of(lambda r: mp.expm1(r * LN2) / r), of(lambda r: abs(r) / exp(r * LN2)),
             mpf("-.5005"), mpf(".5005"), 5),
    "LOG": ("f", of(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3), of(lambda f: abs(f**3 / mp.log1p(f))), *F, 7),
    "TANH": odd_row("f", tanh, (mpf(0), mpf(".5626")), 5),
    "ERF": ("f", of(lambda z: erf(sqrt(z)) / sqrt(z) - 1), of(lambda z: sqrt(z) / erf(sqrt(z))),
            mpf(0), mpf("1.001"), 6),
    "ERFC_LOG": ("f", lambda x: log(erfc(x)), lambda x: erfc(x) / erf(x), mpf(".999"), mpf("4"), 7),
    "SIN": odd_row("f", sin, QUARTER, 2),
    "COS": even_row("f", cos, -1, QUARTER, 2),
    "ATAN": odd_row("f", atan, (mpf(0), mpf(1)), 8),
    "ASIN": odd_row("f", asin, (mpf(0), mpf(".2501")), 4),
    "D_EXP": exp_row("d", 7),
    "D_LOG": odd_row("d", atanh, S, 4),
    "D_SINH": odd_row("d", sinh, (mpf(0), HALF_LN2**2), 3),
    "D_COSH": even_row("d", cosh, 1, (mpf(0), HALF_LN2**2), 2),
    "D_SIN": odd_row("d", sin, QUARTER, 4),
    "D_COS": even_row("d", cos, -1, QUARTER, 3),
    "D_ATAN": odd_row("d", atan, (mpf(0), mpf(1)), 11),
    "D_ERFINV": ("d", of(erfinv_of_w), of(lambda w: 1 / erfinv_of_w(w)), mpf(0), mpf("5.01"), 11),
    "D_ERFINV_TAIL": ("d", lambda s: erfinv_of_w(s * s), lambda s: 1 / erfinv_of_w(s * s),
                      sqrt(mpf("4.99")), sqrt(mpf("16.7")), 11),
    "X_EXP": exp_row("d", 10),
    "X_LOG": odd_row("d", atanh, S, 6),
}


def literal(kind, c):
    if kind == "d":
        return repr(float(c))
    return f"{single(c):.9g}f"


for name in sys.argv[1:] or SETS:
    kind, *rest = SETS[name]
    c, worst = remez(*rest)
    print(f"/* {name}: error 2^{float(mp.log(worst, 2)):.1f} */ " + ", ".join(literal(kind, x) for x in c), flush=True)
