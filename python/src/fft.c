/* SPDX-License-Identifier: MIT
 *
 * mlx.core.fft: discrete Fourier transforms. */
#include "mica_py.h"

#include <string.h>

typedef mx_array *transform_fn(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm);

static bool read_norm(py_args *in, const char *op, mx_fft_norm *norm)
{
    static const char *const names[] = {"backward", "ortho", "forward"};
    const char *text = NULL;
    if (py_arg_is_none(in, 3)) return py_incompatible(in), false;
    if (!py_arg_text(in, 3, &text)) return false;
    for (int i = 0; text && i < 3; i++) {
        *norm = (mx_fft_norm)i;
        if (strcmp(text, names[i]) == 0) return true;
    }
    PyErr_Format(PyExc_ValueError, "[%s] Invalid norm %R, expected one of 'backward', 'ortho', 'forward'.", op,
                 in->at[3]);
    return false;
}

static PyObject *along_axis(py_args *in, const char *op, transform_fn *transform)
{
    mx_array *x = py_arg_array(in, 0);
    int64_t n = 0;
    int axis = -1;
    mx_fft_norm norm;
    if (!x || !py_arg_int64(in, 1, &n) || !py_arg_int(in, 2, &axis) || !read_norm(in, op, &norm)) return NULL;
    mx_shape points = py_arg_is_none(in, 1) ? MX_SIZES_OF_X : MX_SHAPE(n);
    return py_return(in, transform(x, points, MX_AXES(axis), norm));
}

static PyObject *along_axes(py_args *in, const char *op, transform_fn *transform)
{
    mx_array *x = py_arg_array(in, 0);
    py_shape points = {.shape = MX_SIZES_OF_X};
    py_axes axes;
    mx_fft_norm norm;
    if (PyLong_Check(in->at[2])) return py_incompatible(in); /* an axis is a list of one */
    if (!x || (!py_arg_is_none(in, 1) && !py_arg_shape(in, 1, &points)) || !py_arg_axes(in, 2, &axes) ||
        !read_norm(in, op, &norm))
        return NULL;
    return py_return(in, transform(x, points.shape, axes.axes, norm));
}

#define CALL(name, axes, op)                                                                                           \
    static PyObject *call_##name(py_args *in)                                                                          \
    {                                                                                                                  \
        return along_##axes(in, #name, mx_##op);                                                                       \
    }
CALL(fft, axis, fft)
CALL(ifft, axis, ifft)
CALL(rfft, axis, rfft)
CALL(irfft, axis, irfft)
CALL(fft2, axes, fft)
CALL(ifft2, axes, ifft)
CALL(rfft2, axes, rfft)
CALL(irfft2, axes, irfft)
CALL(fftn, axes, fft)
CALL(ifftn, axes, ifft)
CALL(rfftn, axes, rfft)
CALL(irfftn, axes, irfft)

static PyObject *shift(py_args *in, mx_array *(*op)(mx_array *, mx_axes))
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    return x && py_arg_axes(in, 1, &axes) ? py_return(in, op(x, axes.axes)) : NULL;
}

static PyObject *call_fftshift(py_args *in)
{
    return shift(in, mx_fftshift);
}
static PyObject *call_ifftshift(py_args *in)
{
    return shift(in, mx_ifftshift);
}

static PyObject *frequencies(py_args *in, mx_array *(*op)(int64_t, double))
{
    int64_t n = 0;
    double d = 1;
    return py_arg_int64(in, 0, &n) && py_arg_double(in, 1, &d) ? py_return(in, op(n, d)) : NULL;
}

static PyObject *call_fftfreq(py_args *in)
{
    return frequencies(in, mx_fftfreq);
}
static PyObject *call_rfftfreq(py_args *in)
{
    return frequencies(in, mx_rfftfreq);
}

#define REST "norm: str = 'backward', stream: StreamOrDevice = None) -> array"
#define ROW(name, parameters, text)                                                                                    \
    {                                                                                                                  \
#name, call_##name, #name "(a: array, " parameters REST, text                                                  \
    }
#define ONE "n: Optional[int] = None, axis: int = -1, "
#define TWO "s: Optional[Sequence[int]] = None, axes: Optional[Sequence[int]] = [-2, -1], "
#define ALL "s: Optional[Sequence[int]] = None, axes: Optional[Sequence[int]] = None, "
#define SIZES                                                                                                          \
    "\n\nThe axes are cut or padded with zeros to the given sizes.  ``norm`` says what is divided by the number of "   \
    "points: \"backward\" the inverse, \"forward\" the transform, \"ortho\" both, by its root."
static const py_row rows[] = {
    ROW(fft, ONE, "X_k = sum over j of a_j exp(-2 pi i j k / n) along one axis; complex64." SIZES),
    ROW(ifft, ONE, "The inverse of ``fft``: the mean over k of a_k exp(2 pi i j k / n)." SIZES),
    ROW(rfft, ONE, "The first n / 2 + 1 points of the transform of reals; the others are their conjugates." SIZES),
    ROW(irfft, ONE, "The inverse of ``rfft``: n reals, 2 (size - 1) unless ``n`` is given." SIZES),
    ROW(fft2, TWO, "The transform along two axes." SIZES),
    ROW(ifft2, TWO, "The inverse of ``fft2``." SIZES),
    ROW(rfft2, TWO, "The transform of reals along two axes, half of the last listed one." SIZES),
    ROW(irfft2, TWO, "The inverse of ``rfft2``." SIZES),
    ROW(fftn, ALL, "The transform along several axes, or all." SIZES),
    ROW(ifftn, ALL, "The inverse of ``fftn``." SIZES),
    ROW(rfftn, ALL, "The transform of reals along several axes, half of the last listed one." SIZES),
    ROW(irfftn, ALL, "The inverse of ``rfftn``." SIZES),
    {"fftshift", call_fftshift,
     "fftshift(a: array, axes: Union[None, int, Sequence[int]] = None, stream: StreamOrDevice = None) -> array",
     "Moves frequency 0 to the middle of the axes."},
    {"ifftshift", call_ifftshift,
     "ifftshift(a: array, axes: Union[None, int, Sequence[int]] = None, stream: StreamOrDevice = None) -> array",
     "The inverse of ``fftshift``."},
    {"fftfreq", call_fftfreq, "fftfreq(n: int, d: float = 1.0, stream: StreamOrDevice = None) -> array",
     "The frequencies of ``n`` samples that lie ``d`` apart, in the order of ``fft``."},
    {"rfftfreq", call_rfftfreq, "rfftfreq(n: int, d: float = 1.0, stream: StreamOrDevice = None) -> array",
     "The frequencies of ``n`` samples that lie ``d`` apart, in the order of ``rfft``."},
    {0},
};

bool py_init_fft(PyObject *module)
{
    PyObject *fft = py_add_submodule(module, "fft");
    return fft && py_add_functions(fft, rows);
}
