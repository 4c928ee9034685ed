# SPDX-License-Identifier: MIT
"""Optimizers: rules that turn gradients and parameters into better parameters.

A rule sees one parameter at a time (``apply_single``) and keeps what it must remember in a dict of arrays
(``init_single``). The base class walks the trees. Nothing is changed in place: arrays are values, and so the
state of an optimizer can be saved, compiled and restored like any other tree.
"""


import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten

__all__ = [
    "AdaDelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "MultiOptimizer",
    "Muon",
    "Optimizer",
    "RMSprop",
    "SGD",
    "clip_grad_norm",
]


class Optimizer:
    """The base class. A subclass gives ``init_single`` and ``apply_single``.

    Parameters
    ----------
    schedulers : dict of str to callable, optional
        Entries of the state that are recomputed from the step count before each update.
    """

    def __init__(self, schedulers=None):
        self._initialized = False
        self._state = {"step": mx.array(0, mx.uint64)}
        self._schedulers = dict(schedulers or {})

    def update(self, model, gradients):
        """Update the parameters of ``model`` in place.

        Parameters
        ----------
        model : Module
            The model (or a tree of parameters, for :meth:`apply_gradients`).
        gradients : dict
            A tree of gradients, as :func:`mlx.nn.value_and_grad` returns; it may be partial.
        """
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters):
        """Make the state of all ``parameters`` (a tree) that have none yet.

        The first :meth:`apply_gradients` does so by itself; call it to load a saved state before.
        """
        self._state.update(_fill(self._state, parameters, self.init_single))
        self._initialized = True

    def init_single(self, parameter, state):
        """Put what the rule remembers of ``parameter`` into the dict ``state``."""
        raise NotImplementedError()

    def apply_gradients(self, gradients, parameters):
        """The updated parameters, as a tree like ``gradients``; the state moves on by one step.

        Parameters
        ----------
        gradients : dict
            A tree of gradients.
        parameters : dict
            A tree that has at least the places of ``gradients``.
        """
        if not self._initialized:
            self.init(gradients)
        for name, schedule in self._schedulers.items():
            self.state[name] = schedule(self.step)
        self.state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self.state)

    def apply_single(self, gradient, parameter, state):
        """The updated ``parameter``; ``state`` is its dict and may be changed."""
        raise NotImplementedError()

    @property
    def state(self):
        """The tree of all that is remembered, with ``step`` and ``learning_rate`` at its root."""
        return self._state

    @state.setter
    def state(self, state):
        self._initialized = False
        self._state = state

    @property
    def step(self):
        """The number of updates so far, a scalar array."""
        return self.state["step"]

    @property
    def learning_rate(self):
        """The rate of the last update, a scalar array."""
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name, value):
        if callable(value):
            self._schedulers[name] = value
            value = value(self.step)
        else:
            value = mx.array(value)
        self.state[name] = value

    def _rate(self, gradient):
        """The learning rate in the dtype of the gradient, so that halves stay halves."""
        return self.learning_rate.astype(gradient.dtype)


def _fill(state, parameters, init_single):
    """``state`` with the dict of every parameter that it lacks, and whatever else it holds."""
    if isinstance(parameters, (list, tuple)):
        state = list(state or [])
        state += [None] * (len(parameters) - len(state))
        return type(parameters)(_fill(s, p, init_single) for s, p in zip(state, parameters))
    if isinstance(parameters, dict):
        state = dict(state or {})
        for key, parameter in parameters.items():
            state[key] = _fill(state.get(key), parameter, init_single)
        return state
    if not state:
        state = {}
        init_single(parameters, state)
    return state


class MultiOptimizer(Optimizer):
    """Several optimizers, each for some of the parameters.

    Parameters
    ----------
    optimizers : list of Optimizer
        The optimizers.
    filters : list of callable
        One less than there are optimizers: ``filter(path, array)`` is true for what belongs to it. What no
        filter takes belongs to the last optimizer.

    Examples
    --------
    >>> optimizer = optim.MultiOptimizer(
    ...     [optim.Muon(0.02), optim.AdamW(3e-4)],
    ...     [lambda path, weight: weight.ndim == 2 and "embedding" not in path],
    ... )
    """

    def __init__(self, optimizers, filters=[]):
        super().__init__()
        self._state = {}
        if len(filters) != len(optimizers) - 1:
            raise ValueError(f"Given {len(filters)} filters but {len(optimizers) - 1} needed.")
        self.optimizers = optimizers
        self.filters = list(filters) + [lambda path, array: True]

    def _split(self, tree):
        """One tree for each optimizer; every leaf is in exactly one."""
        parts = [[] for _ in self.optimizers]
        for path, leaf in tree_flatten(tree):
            owner = next(i for i, takes in enumerate(self.filters) if takes(path, leaf))
            parts[owner].append((path, leaf))
        return [tree_unflatten(part) if part else {} for part in parts]

    def init(self, parameters):
        for optimizer, part in zip(self.optimizers, self._split(parameters)):
            optimizer.init(part)
        self._initialized = True

    def apply_gradients(self, gradients, parameters):
        updated = {}
        for optimizer, part in zip(self.optimizers, self._split(gradients)):
            updated = tree_merge(updated, optimizer.apply_gradients(part, parameters))
        return updated

    @property
    def state(self):
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state):
        states = state.get("states", ())
        if len(states) != len(self.optimizers):
            raise ValueError("Invalid state provided")
        for optimizer, own in zip(self.optimizers, states):
            optimizer.state = own

    @property
    def learning_rate(self):
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate


class SGD(Optimizer):
    """Stochastic gradient descent with momentum::

        g = g + weight_decay * w
        v = momentum * v + (1 - dampening) * g
        w = w - learning_rate * v              (nesterov: g + momentum * v instead of v)

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    momentum, weight_decay, dampening : float
        See above.
    nesterov : bool
        Nesterov's momentum (Sutskever et al., https://proceedings.mlr.press/v28/sutskever13.html).
    """

    def __init__(self, learning_rate, momentum=0.0, weight_decay=0.0, dampening=0.0, nesterov=False):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening.")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def init_single(self, parameter, state):
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        rate = self._rate(gradient)
        if self.momentum <= 0:
            return parameter - rate * gradient

        v = self.momentum * state["v"]
        if self.dampening > 0:
            v = v + (1 - self.dampening) * gradient
        else:
            v = v + gradient
        state["v"] = v
        update = gradient + self.momentum * v if self.nesterov else v
        return parameter - rate * update


class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning)::

        v = alpha * v + (1 - alpha) * g^2
        w = w - learning_rate * g / (sqrt(v) + eps)

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    alpha, eps : float
        See above.
    """

    def __init__(self, learning_rate, alpha=0.99, eps=1e-8):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.alpha = alpha
        self.eps = eps
        if alpha < 0:
            raise ValueError(f"RMSprop alpha should be >=0, {alpha} was provided instead")
        if eps < 0:
            raise ValueError(f"RMSprop epsilon should be >0, {eps} was provided instead")

    def init_single(self, parameter, state):
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        v = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        state["v"] = v
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., https://jmlr.org/papers/v12/duchi11a.html)::

        v = v + g^2
        w = w - learning_rate * g / (sqrt(v) + eps)

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    eps : float
        See above.
    """

    def __init__(self, learning_rate, eps=1e-8):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        if eps < 0:
            raise ValueError(f"Adagrad epsilon should be >0, {eps} was provided instead")

    def init_single(self, parameter, state):
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        v = state["v"] + mx.square(gradient)
        state["v"] = v
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(Optimizer):
    """AdaDelta (Zeiler, https://arxiv.org/abs/1212.5701)::

        v = rho * v + (1 - rho) * g^2
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d^2
        w = w - learning_rate * d

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    rho, eps : float
        See above.
    """

    def __init__(self, learning_rate, rho=0.9, eps=1e-6):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.rho = rho
        self.eps = eps
        if rho < 0:
            raise ValueError(f"AdaDelta rho should be >=0, {rho} was provided instead")
        if eps < 0:
            raise ValueError(f"AdaDelta epsilon should be >0, {eps} was provided instead")

    def init_single(self, parameter, state):
        state["v"] = mx.zeros_like(parameter)
        state["u"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        v, u = state["v"], state["u"]
        v = self.rho * v + (1 - self.rho) * mx.square(gradient)
        d = mx.sqrt(u + self.eps) / mx.sqrt(v + self.eps) * gradient
        u = self.rho * u + (1 - self.rho) * mx.square(d)
        state["v"], state["u"] = v, u
        return parameter - rate * d


class Adam(Optimizer):
    """Adam (Kingma and Ba, https://arxiv.org/abs/1412.6980)::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        w = w - learning_rate * m / (sqrt(v) + eps)

    With ``bias_correction``, m and v are divided by ``1 - beta1^t`` and ``1 - beta2^t`` first, t being the
    number of steps.

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    betas : (float, float)
        beta1 and beta2.
    eps : float
        See above.
    bias_correction : bool
        See above.
    """

    def __init__(self, learning_rate, betas=[0.9, 0.999], eps=1e-8, bias_correction=False):
        super().__init__()
        for i, beta in enumerate(betas, 1):
            if not 0 <= beta < 1:
                raise ValueError(f"Adam beta{i} should be in [0, 1), {beta} was provided instead")
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.eps = eps
        self.bias_correction = bias_correction

    def init_single(self, parameter, state):
        state["m"] = mx.zeros_like(parameter)
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        b1, b2 = self.betas
        m = b1 * state["m"] + (1 - b1) * gradient
        v = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        state["m"], state["v"] = m, v
        if self.bias_correction:
            step = self.step
            numerator = (rate / (1 - b1**step)).astype(gradient.dtype) * m
            denominator = mx.sqrt(v) * mx.rsqrt(1 - b2**step).astype(gradient.dtype) + self.eps
            return parameter - numerator / denominator
        return parameter - rate * m / (mx.sqrt(v) + self.eps)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, https://arxiv.org/abs/1711.05101): before the
    step of :class:`Adam`, ``w = w * (1 - learning_rate * weight_decay)``.

    Parameters
    ----------
    learning_rate, betas, eps, bias_correction
        As for :class:`Adam`.
    weight_decay : float
        See above.
    """

    def __init__(
        self, learning_rate, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01, bias_correction=False
    ):
        super().__init__(learning_rate=learning_rate, betas=betas, eps=eps, bias_correction=bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        return super().apply_single(gradient, parameter * (1 - rate * self.weight_decay), state)


class Adamax(Adam):
    """Adamax, Adam by the infinity norm (Kingma and Ba, https://arxiv.org/abs/1412.6980)::

        m = beta1 * m + (1 - beta1) * g
        v = max(beta2 * v, |g|)
        w = w - learning_rate * m / (v + eps)

    Parameters
    ----------
    learning_rate, betas, eps
        As for :class:`Adam`.
    """

    def __init__(self, learning_rate, betas=[0.9, 0.999], eps=1e-8):
        super().__init__(learning_rate, betas, eps)
        if eps < 0:
            raise ValueError(f"Adam epsilon should be >=0, {eps} was provided instead")

    def init_single(self, parameter, state):
        state["m"] = mx.zeros_like(parameter)
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        b1, b2 = self.betas
        m = b1 * state["m"] + (1 - b1) * gradient
        v = mx.maximum(b2 * state["v"], mx.abs(gradient))
        state["m"], state["v"] = m, v
        return parameter - rate * m / (v + self.eps)


class Lion(Optimizer):
    """Lion (Chen et al., https://arxiv.org/abs/2302.06675): the sign of an average of the gradients::

        c = beta1 * m + (1 - beta1) * g
        m = beta2 * m + (1 - beta2) * g
        w = w - learning_rate * (sign(c) + weight_decay * w)

    All elements move equally far; the authors advise a rate 3 to 10 times smaller than for
    :class:`AdamW`, and a weight decay as much larger.

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    betas : (float, float)
        beta1 and beta2.
    weight_decay : float
        See above.
    """

    def __init__(self, learning_rate, betas=[0.9, 0.99], weight_decay=0.0):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.weight_decay = weight_decay

    def init_single(self, parameter, state):
        state["m"] = mx.zeros_like(parameter)

    def apply_single(self, gradient, parameter, state):
        rate = self._rate(gradient)
        b1, b2 = self.betas
        m = state["m"]
        c = b1 * m + (1 - b1) * gradient
        state["m"] = b2 * m + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * mx.sign(c)


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, https://arxiv.org/abs/1804.04235): as Adam, but of the squared gradients of
    a matrix only the means of rows and columns are kept.

    Parameters
    ----------
    learning_rate : float or callable, optional
        The rate, or a schedule; unused if ``relative_step``.
    eps : (float, float)
        Added to squared gradients; and the least scale of a parameter.
    clip_threshold : float
        The largest root mean square of an update.
    decay_rate : float
        The weight of the past in step t is ``1 - t^decay_rate``.
    beta_1 : float, optional
        Weight of the past in an average of the updates; without it no average is kept.
    weight_decay : float
        Multiplied by the rate.
    scale_parameter : bool
        Multiply the rate by the root mean square of the parameter.
    relative_step : bool
        Compute the rate from the step: ``min(0.01, 1 / sqrt(t))``.
    warmup_init : bool
        With ``relative_step``, ``min(1e-6 * t, 1 / sqrt(t))`` instead.
    """

    def __init__(
        self,
        learning_rate=None,
        eps=(1e-30, 1e-3),
        clip_threshold=1.0,
        decay_rate=-0.8,
        beta_1=None,
        weight_decay=0.0,
        scale_parameter=True,
        relative_step=True,
        warmup_init=False,
    ):
        super().__init__()
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        self.clip_threshold = clip_threshold
        self.decay_rate = decay_rate
        self.beta_1 = beta_1
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step
        self.warmup_init = warmup_init

    def init_single(self, parameter, state):
        if parameter.ndim >= 2:
            shape, dtype = parameter.shape, parameter.dtype
            state["exp_avg_sq_row"] = mx.zeros(shape[:-1], dtype=dtype)
            state["exp_avg_sq_col"] = mx.zeros(shape[:-2] + shape[-1:], dtype=dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    def _step_size(self, step, scale):
        if self.relative_step:
            least = 1e-6 * step if self.warmup_init else 1e-2
            rate = mx.minimum(least, mx.rsqrt(step))
        else:
            rate = self.learning_rate
        rate = rate.astype(scale.dtype)
        return mx.maximum(self.eps[1], scale) * rate if self.scale_parameter else rate

    def apply_single(self, gradient, parameter, state):
        step = self.step
        rate = self._step_size(step, _rms(parameter))
        old = 1.0 - (step**self.decay_rate).astype(gradient.dtype)
        new = 1 - old
        update = mx.square(gradient) + self.eps[0]

        if gradient.ndim >= 2:
            row = old * state["exp_avg_sq_row"] + new * mx.mean(update, axis=-1)
            column = old * state["exp_avg_sq_col"] + new * mx.mean(update, axis=-2)
            state["exp_avg_sq_row"], state["exp_avg_sq_col"] = row, column
            row = mx.rsqrt(row / mx.mean(row, axis=-1, keepdims=True))
            update = mx.expand_dims(row, -1) * mx.expand_dims(mx.rsqrt(column), -2) * gradient
        else:
            state["exp_avg_sq"] = old * state["exp_avg_sq"] + new * update
            update = mx.rsqrt(state["exp_avg_sq"]) * gradient

        update = rate * (update / mx.maximum(1.0, _rms(update) / self.clip_threshold))
        if self.beta_1 is not None:
            update = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * update
            state["exp_avg"] = update
        if self.weight_decay != 0:
            parameter = parameter + parameter * (-self.weight_decay * rate)
        return parameter - update


def _rms(x):
    return mx.sqrt(mx.mean(mx.square(x)))


class Muon(Optimizer):
    """Muon (Jordan et al., https://kellerjordan.github.io/posts/muon/): SGD with momentum, whose update of a
    matrix is replaced by the nearest orthogonal matrix.

    Meant for the matrices inside a network; use another optimizer for embeddings, the output layer and
    vectors (see :class:`MultiOptimizer`). Arrays of more than 2 dimensions are taken as matrices of
    ``shape[0]`` rows.

    Parameters
    ----------
    learning_rate : float or callable
        The rate, or a schedule.
    momentum : float
        Weight of the past.
    weight_decay : float
        Added to the gradient, times the parameter.
    nesterov : bool
        Nesterov's momentum.
    ns_steps : int
        Steps of the Newton-Schulz iteration.
    """

    def __init__(self, learning_rate, momentum=0.95, weight_decay=0.01, nesterov=True, ns_steps=5):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.ns_steps = ns_steps

    def init_single(self, parameter, state):
        state["v"] = mx.zeros_like(parameter)

    def _orthogonalize(self, x):
        """U V' of the singular value decomposition x = U S V', roughly: a polynomial, odd in x, pushes all
        singular values towards 1."""
        a, b, c = 3.4445, -4.7750, 2.0315
        x = x / (mx.sqrt(mx.sum(mx.square(x))) + 1e-7)
        tall = x.shape[-2] > x.shape[-1]
        if tall:
            x = x.T
        for _ in range(self.ns_steps):
            xx = x @ x.T
            poly = mx.addmm(b * xx, xx, xx, beta=1.0, alpha=c)
            x = mx.addmm(a * x, poly, x, beta=1.0, alpha=1.0)
        return x.T if tall else x

    def apply_single(self, gradient, parameter, state):
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        v = self.momentum * state["v"] + (1 - self.momentum) * gradient
        state["v"] = v
        update = gradient * (1 - self.momentum) + v * self.momentum if self.nesterov else v

        rate = self._rate(gradient)
        if update.ndim >= 2:
            matrix = self._orthogonalize(update.reshape(update.shape[0], -1))
            update = matrix.reshape(update.shape)
            rate = rate * max(1, update.shape[-2] / update.shape[-1]) ** 0.5
        return parameter - rate * update


def clip_grad_norm(grads, max_norm):
    """Scale all gradients down so that their common norm is at most ``max_norm`` (Pascanu et al.,
    https://arxiv.org/abs/1211.5063).

    Parameters
    ----------
    grads : dict
        A tree of gradients.
    max_norm : float
        The largest norm.

    Returns
    -------
    (dict, array)
        The gradients times ``min(1, max_norm / (norm + 1e-6))``, and the norm before.
    """
    squares = tree_reduce(lambda total, g: total + mx.sum(mx.square(g)), grads, 0.0)
    norm = mx.sqrt(squares)
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale, grads), norm
