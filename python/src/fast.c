/* SPDX-License-Identifier: MIT
 *
 * mlx.core.fast: the operations of language models. */
#include "mica_py.h"

#include <string.h>

static PyObject *call_rms_norm(py_args *in)
{
    double eps = 0;
    mx_array *x = py_arg_array(in, 0), *weight = NULL;
    if (!x || !py_arg_array_or_none(in, 1, &weight) || !py_arg_double(in, 2, &eps)) return NULL;
    return py_return(in, mx_rms_norm(x, weight, (float)eps));
}

static PyObject *call_layer_norm(py_args *in)
{
    double eps = 0;
    mx_array *x = py_arg_array(in, 0), *weight = NULL, *bias = NULL;
    if (!x || !py_arg_array_or_none(in, 1, &weight) || !py_arg_array_or_none(in, 2, &bias) ||
        !py_arg_double(in, 3, &eps)) {
        return NULL;
    }
    return py_return(in, mx_layer_norm(x, weight, bias, (float)eps));
}

/* Exactly one of base and freqs says what the angles are. */
static bool check_angles(py_args *in, const mx_array *freqs)
{
    if (py_arg_is_none(in, 3) == (freqs != NULL)) return true;
    PyErr_Format(PyExc_ValueError, "[rope] Exactly one of base and freqs must be given, not %s.",
                 freqs ? "both" : "neither");
    return false;
}

static PyObject *call_rope(py_args *in)
{
    double base = 0, scale = 1;
    mx_rope_options options = {0};
    mx_array *x = py_arg_array(in, 0), *offset = NULL, *freqs = NULL;
    if (!x || !py_arg_int(in, 1, &options.dims) || !py_arg_bool(in, 2, &options.traditional) ||
        !py_arg_double(in, 3, &base) || !py_arg_double(in, 4, &scale) || !(offset = py_arg_operand(in, 5)) ||
        !py_arg_array_or_none(in, 6, &freqs) || !check_angles(in, freqs)) {
        return NULL;
    }
    options.base = (float)base;
    options.scale = (float)scale;
    return py_return(in, mx_rope(x, options, offset, freqs));
}

/* None, "causal" or an array. */
static bool read_mask(py_args *in, int i, bool *causal, mx_array **mask)
{
    *causal = false;
    *mask = NULL;
    if (!PyUnicode_Check(in->at[i])) return py_arg_array_or_none(in, i, mask);
    if (PyUnicode_CompareWithASCIIString(in->at[i], "causal") == 0) return *causal = true;
    PyErr_Format(PyExc_ValueError, "[scaled_dot_product_attention] The mask must be 'causal' or an array, not %R.",
                 in->at[i]);
    return false;
}

static PyObject *call_attention(py_args *in)
{
    double scale = 1;
    bool causal = false, force_fused = false;
    mx_array *q = py_arg_array(in, 0), *k = q ? py_arg_array(in, 1) : NULL, *v = k ? py_arg_array(in, 2) : NULL,
             *mask = NULL, *sinks = NULL;
    if (!v || !py_arg_double(in, 3, &scale) || !read_mask(in, 4, &causal, &mask) ||
        !py_arg_array_or_none(in, 5, &sinks) || !py_arg_bool(in, 6, &force_fused)) {
        return NULL;
    }
    if (force_fused) {
        PyErr_SetString(PyExc_ValueError, "[scaled_dot_product_attention] force_fused=True, but the CPU has no fused "
                                          "kernel for it.");
        return NULL;
    }
    return py_return(in, mx_attention(q, k, v, (float)scale, causal, mask, sinks));
}

static PyObject *call_cross_entropy(py_args *in)
{
    mx_array *logits = py_arg_array(in, 0), *targets = logits ? py_arg_array(in, 1) : NULL;
    return targets ? py_return(in, mx_cross_entropy(logits, targets)) : NULL;
}

static const py_row rows[] = {
    {"rms_norm", call_rms_norm,
     "rms_norm(x: array, weight: Optional[array], eps: float, *, stream: StreamOrDevice = None) -> array",
     "x / sqrt(mean(x^2) + eps) over the last axis, in float32, times ``weight`` (Zhang and Sennrich, 2019)."},
    {"layer_norm", call_layer_norm,
     "layer_norm(x: array, weight: Optional[array], bias: Optional[array], eps: float, *, stream: StreamOrDevice = "
     "None) -> array",
     "(x - mean) / sqrt(var + eps) over the last axis, times ``weight``, plus ``bias`` (Ba, Kiros, Hinton, 2016)."},
    {"rope", call_rope,
     "rope(a: array, dims: int, *, traditional: bool, base: Optional[float], scale: float, offset: Union[int, array], "
     "freqs: Optional[array] = None, stream: StreamOrDevice = None) -> array",
     "Rotary positions (Su et al., 2021) for ``a`` of shape (..., T, D): the first ``dims`` features are rotated by "
     "(offset + t) * scale * base^(-2i/dims), or / freqs[i] instead of the power."},
    {"scaled_dot_product_attention", call_attention,
     "scaled_dot_product_attention(q: array, k: array, v: array, *, scale: float, mask: Union[None, str, array] = None, "
     "sinks: Optional[array] = None, force_fused: bool = False, stream: StreamOrDevice = None) -> array",
     "softmax(q k' * scale + mask) v for q (B, Nq, Lq, D), k (B, Nkv, Lk, D), v (B, Nkv, Lk, Dv).\n\n"
     "``mask`` is boolean (True is kept), added to the scores, or \"causal\": query i sees keys j <= i + Lk - Lq. "
     "``sinks`` (Nq,) are extra logits that only take part in the denominator."},
    {"cross_entropy", call_cross_entropy,
     "cross_entropy(logits: array, targets: array, *, stream: StreamOrDevice = None) -> array",
     "The loss log(sum(exp x)) - x[target] of each row of ``logits`` x (..., n), in one pass and in float32.\n\n"
     "``targets`` (...) are integer class indices in [-n, n): -1 is the last class. The gradient, (softmax(x) - [i = "
     "target]) dy, is one pass too."},
    {0},
};

bool py_init_fast(PyObject *module)
{
    PyObject *fast = py_add_submodule(module, "fast");
    return fast && py_add_functions(fast, rows);
}
