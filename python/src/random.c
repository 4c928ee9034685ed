/* SPDX-License-Identifier: MIT
 *
 * mlx.core.random: keys, draws, and the object `state` that stands for the calling thread's key. */
#include "mica_py.h"

/* ---- Keys */

static bool read_seed(py_args *in, uint64_t *seed)
{
    if (!PyLong_Check(in->at[0])) return py_incompatible(in);
    *seed = PyLong_AsUnsignedLongLong(in->at[0]);
    if (!PyErr_Occurred()) return true;
    PyErr_Clear();
    return py_incompatible(in);
}

static PyObject *call_seed(py_args *in)
{
    uint64_t seed;
    if (!read_seed(in, &seed) || !mx_random_seed(seed)) return NULL;
    return Py_NewRef(Py_None);
}

static PyObject *call_key(py_args *in)
{
    uint64_t seed;
    return read_seed(in, &seed) ? py_return(in, mx_random_key(seed)) : NULL;
}

static PyObject *call_split(py_args *in)
{
    mx_array *key = py_arg_array(in, 0);
    int64_t count = 2;
    if (!key || !py_arg_int64(in, 1, &count)) return NULL;
    return py_return(in, mx_random_split(key, count));
}

/* ---- Draws */

/* What most draws share: a shape, a dtype (None: float32 unless it is set before) and a key (or NULL). */
typedef struct draw {
    py_shape shape;
    mx_dtype dtype;
    mx_array *key;
} draw;

static bool read_shape(py_args *in, int i, py_shape *out)
{
    /* Unlike elsewhere a lone int is no shape here. */
    if (PyIndex_Check(in->at[i]) && !PySequence_Check(in->at[i])) return py_incompatible(in);
    return py_arg_shape(in, i, out);
}

static bool read_draw(py_args *in, int shape, int dtype, int key, draw *out)
{
    if (!read_shape(in, shape, &out->shape)) return false;
    if (dtype >= 0 && !py_arg_dtype(in, dtype, &out->dtype)) return false;
    return py_arg_array_or_none(in, key, &out->key);
}

static PyObject *call_uniform(py_args *in)
{
    draw d = {.dtype = MX_FLOAT32};
    mx_array *low = py_arg_operand(in, 0), *high = low ? py_arg_operand(in, 1) : NULL;
    if (!high || !read_draw(in, 2, 3, 4, &d)) return NULL;
    return py_return(in, mx_random_uniform(low, high, d.shape.shape, d.dtype, d.key));
}

/* loc and scale: None is NULL. */
static bool read_operand_or_none(py_args *in, int i, mx_array **out)
{
    *out = NULL;
    return py_arg_is_none(in, i) || (*out = py_arg_operand(in, i));
}

static PyObject *call_normal(py_args *in)
{
    draw d = {.dtype = MX_FLOAT32};
    mx_array *loc, *scale;
    if (!read_draw(in, 0, 1, 4, &d) || !read_operand_or_none(in, 2, &loc) || !read_operand_or_none(in, 3, &scale)) {
        return NULL;
    }
    return py_return(in, mx_random_normal(d.shape.shape, d.dtype, loc, scale, d.key));
}

static PyObject *call_laplace(py_args *in)
{
    draw d = {.dtype = MX_FLOAT32};
    if (py_arg_is_none(in, 2) || py_arg_is_none(in, 3)) return py_incompatible(in);
    mx_array *loc = py_arg_operand(in, 2), *scale = loc ? py_arg_operand(in, 3) : NULL;
    if (!scale || !read_draw(in, 0, 1, 4, &d)) return NULL;
    return py_return(in, mx_random_laplace(d.shape.shape, d.dtype, loc, scale, d.key));
}

static PyObject *call_gumbel(py_args *in)
{
    draw d = {.dtype = MX_FLOAT32};
    if (!read_draw(in, 0, 1, 2, &d)) return NULL;
    return py_return(in, mx_random_gumbel(d.shape.shape, d.dtype, d.key));
}

static PyObject *call_randint(py_args *in)
{
    draw d = {.dtype = MX_INT32};
    mx_array *low = py_arg_operand(in, 0), *high = low ? py_arg_operand(in, 1) : NULL;
    if (!high || !read_draw(in, 2, 3, 4, &d)) return NULL;
    return py_return(in, mx_random_randint(low, high, d.shape.shape, d.dtype, d.key));
}

static PyObject *call_bernoulli(py_args *in)
{
    py_shape shape;
    mx_array *p = py_arg_operand(in, 0), *key = NULL;
    if (!p || !py_arg_array_or_none(in, 2, &key)) return NULL;
    if (py_arg_is_none(in, 1)) return py_return(in, mx_random_bernoulli_like(p, key));
    if (!read_shape(in, 1, &shape)) return NULL;
    return py_return(in, mx_random_bernoulli(p, shape.shape, key));
}

/* Without a shape: that of the broadcast bounds. */
static bool bounds_shape(mx_array *lower, mx_array *upper, py_shape *out)
{
    mx_array *both[2];
    if (!mx_broadcast_arrays((mx_array *const[]){lower, upper}, 2, both)) return false;
    mx_shape shape = mx_shape_of(both[0]);
    for (int i = 0; i < shape.ndim; i++) out->at[i] = shape.at[i];
    out->shape = (mx_shape){shape.ndim, out->at};
    return true;
}

static PyObject *call_truncated_normal(py_args *in)
{
    py_shape shape;
    mx_dtype dtype = MX_FLOAT32;
    mx_array *lower = py_arg_operand(in, 0), *upper = lower ? py_arg_operand(in, 1) : NULL, *key = NULL;
    if (!upper || !py_arg_dtype(in, 3, &dtype) || !py_arg_array_or_none(in, 4, &key)) return NULL;
    bool ok = py_arg_is_none(in, 2) ? bounds_shape(lower, upper, &shape) : read_shape(in, 2, &shape);
    return ok ? py_return(in, mx_random_truncated_normal(lower, upper, shape.shape, dtype, key)) : NULL;
}

static PyObject *call_categorical(py_args *in)
{
    py_shape shape;
    int axis = -1;
    int64_t count = 0;
    mx_array *logits = py_arg_array(in, 0), *key = NULL;
    if (!logits || !py_arg_int(in, 1, &axis) || !py_arg_int64(in, 3, &count) || !py_arg_array_or_none(in, 4, &key)) {
        return NULL;
    }
    if (py_arg_is_none(in, 2)) {
        return py_return(in, py_arg_is_none(in, 3) ? mx_random_categorical(logits, axis, key)
                                                   : mx_random_categorical_count(logits, axis, count, key));
    }
    if (!py_arg_is_none(in, 3)) {
        PyErr_SetString(PyExc_ValueError, "[categorical] Give shape or num_samples, not both.");
        return NULL;
    }
    if (!read_shape(in, 2, &shape)) return NULL;
    return py_return(in, mx_random_categorical_shape(logits, axis, shape.shape, key));
}

static PyObject *call_permutation(py_args *in)
{
    int axis = 0, n = 0;
    mx_array *key = NULL;
    if (!py_arg_int(in, 1, &axis) || !py_arg_array_or_none(in, 2, &key)) return NULL;
    if (PyLong_Check(in->at[0])) return py_arg_int(in, 0, &n) ? py_return(in, mx_random_permutation(n, key)) : NULL;
    mx_array *x = py_arg_array(in, 0);
    return x ? py_return(in, mx_random_permutation_of(x, axis, key)) : NULL;
}

static PyObject *call_multivariate_normal(py_args *in)
{
    py_shape shape;
    mx_dtype dtype = MX_FLOAT32;
    mx_array *mean = py_arg_array(in, 0), *covariance = mean ? py_arg_array(in, 1) : NULL, *key = NULL;
    if (!covariance || !read_shape(in, 2, &shape) || !py_arg_dtype(in, 3, &dtype) || !py_arg_array_or_none(in, 4, &key))
        return NULL;
    if (dtype != MX_FLOAT32)
        return PyErr_Format(PyExc_ValueError, "[multivariate_normal] dtype must be float32, not %s.",
                            mx_dtype_name(dtype));
    return py_return(in, mx_random_multivariate_normal(mean, covariance, shape.shape, key));
}

/* ---- The state: a sequence of one array, the calling thread's key */

static Py_ssize_t state_length(PyObject *self)
{
    (void)self;
    return 1;
}

static PyObject *state_item(PyObject *self, Py_ssize_t i)
{
    (void)self;
    if (i != 0) {
        PyErr_SetString(PyExc_IndexError, "[random.state] The state holds one array.");
        return NULL;
    }
    mx_scope scope = mx_scope_open();
    mx_array *key = mx_scope_close(scope, mx_random_state());
    return key ? py_wrap(key) : py_raise();
}

static PyType_Slot state_slots[] = {
    {Py_tp_doc, "The random state: one array, the calling thread's key."},
    {Py_sq_length, state_length},
    {Py_sq_item, state_item},
    {0, NULL},
};

static PyType_Spec state_spec = {
    .name = "mlx.core.random._RandomState",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = state_slots,
};

static bool add_state(PyObject *module)
{
    py_the.random_state_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &state_spec, NULL);
    if (!py_the.random_state_type) return false;
    PyObject *state = PyObject_New(PyObject, py_the.random_state_type);
    bool ok = state && PyModule_AddObjectRef(module, "state", state) == 0;
    Py_XDECREF(state);
    return ok;
}

#define KEY_STREAM "key: Union[None, array] = None, stream: StreamOrDevice = None) -> array"
static const py_row rows[] = {
    {"seed", call_seed, "seed(seed: int) -> None", "Sets the calling thread's random state."},
    {"key", call_key, "key(seed: int) -> array", "A key, uint32 of shape (2,), for explicit randomness."},
    {"split", call_split, "split(key: array, num: int = 2, stream: StreamOrDevice = None) -> array",
     "``num`` new keys, uint32 of shape (num, 2)."},
    {"uniform", call_uniform,
     "uniform(low: Union[scalar, array] = 0, high: Union[scalar, array] = 1, shape: Sequence[int] = [], dtype: "
     "Optional[Dtype] = float32, " KEY_STREAM,
     "Uniform numbers in [low, high), which broadcast to ``shape``."},
    {"normal", call_normal,
     "normal(shape: Sequence[int] = [], dtype: Optional[Dtype] = float32, loc: Union[None, scalar, array] = None, "
     "scale: Union[None, scalar, array] = None, " KEY_STREAM,
     "Normal numbers with mean ``loc`` (0) and standard deviation ``scale`` (1)."},
    {"laplace", call_laplace,
     "laplace(shape: Sequence[int] = [], dtype: Optional[Dtype] = float32, loc: float = 0.0, scale: float = 1.0, " KEY_STREAM,
     "Laplace numbers with mean ``loc`` and diversity ``scale``."},
    {"gumbel", call_gumbel, "gumbel(shape: Sequence[int] = [], dtype: Optional[Dtype] = float32, " KEY_STREAM,
     "Standard Gumbel numbers, -log(-log(u))."},
    {"randint", call_randint,
     "randint(low: Union[scalar, array], high: Union[scalar, array], shape: Sequence[int] = [], dtype: "
     "Optional[Dtype] = int32, " KEY_STREAM,
     "Integers in [low, high), which broadcast to ``shape``."},
    {"bernoulli", call_bernoulli,
     "bernoulli(p: Union[scalar, array] = 0.5, shape: Optional[Sequence[int]] = None, " KEY_STREAM,
     "True with probability ``p``; without a shape, of p's."},
    {"truncated_normal", call_truncated_normal,
     "truncated_normal(lower: Union[scalar, array], upper: Union[scalar, array], shape: Optional[Sequence[int]] = "
     "None, dtype: Optional[Dtype] = float32, " KEY_STREAM,
     "Normal numbers between ``lower`` and ``upper``; without a shape, of theirs."},
    {"multivariate_normal", call_multivariate_normal,
     "multivariate_normal(mean: array, cov: array, shape: Sequence[int] = [], dtype: Optional[Dtype] = float32, " KEY_STREAM,
     "Normal numbers of which ``mean`` (..., n) and ``cov`` (..., n, n) are mean and covariance; their batches broadcast "
     "to ``shape``, or to each other.  float32."},
    {"categorical", call_categorical,
     "categorical(logits: array, axis: int = -1, shape: Optional[Sequence[int]] = None, num_samples: Optional[int] = "
     "None, " KEY_STREAM,
     "Indices drawn from unnormalised log-probabilities along ``axis``: one for each distribution, ``num_samples`` of "
     "each on a last axis, or a ``shape`` that they broadcast to. uint32."},
    {"permutation", call_permutation, "permutation(x: Union[int, array], axis: int = 0, " KEY_STREAM,
     "0 .. x - 1 in random order, uint32, or the entries of an array along an axis."},
    {0},
};

bool py_init_random(PyObject *module)
{
    PyObject *random = py_add_submodule(module, "random");
    return random && py_add_functions(random, rows) && add_state(random);
}
