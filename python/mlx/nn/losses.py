# SPDX-License-Identifier: MIT
"""Loss functions.

``reduction`` is ``"none"`` (one value an element), ``"mean"`` or ``"sum"``; ``axis`` is the axis that a loss
uses up.
"""

import math
from typing import Literal, get_args

import mlx.core as mx

Reduction = Literal["none", "mean", "sum"]


def _reduce(loss, reduction):
    if reduction not in get_args(Reduction):
        raise ValueError(f"Invalid reduction. Must be one of {get_args(Reduction)}.")
    if reduction == "mean":
        return mx.mean(loss)
    if reduction == "sum":
        return mx.sum(loss)
    return loss


def _same_shape(name_a, a, name_b, b):
    if a.shape != b.shape:
        raise ValueError(f"{name_a} shape {a.shape} does not match {name_b} shape {b.shape}.")


def _weighted(loss, weights):
    if weights is None:
        return loss
    if weights.shape != loss.shape:
        raise ValueError(f"Weights with shape {weights.shape} is not the same as output loss with shape {loss.shape}.")
    return loss * weights


def cross_entropy(logits, targets, weights=None, axis=-1, label_smoothing=0.0, reduction="none"):
    """The cross entropy of a distribution given by its logits: ``logsumexp(logits) - logits[target]``.

    Parameters
    ----------
    logits : array
        Unnormalised logarithms of probabilities, with the classes on ``axis``.
    targets : array
        Indices of classes, of the shape of ``logits`` without ``axis``; or probabilities, of the shape
        of ``logits``.
    weights : array, optional
        Multiplies the losses; of their shape.
    axis : int
        The axis of the classes.
    label_smoothing : float
        In [0, 1): how much of the target is spread over all classes (Szegedy et al.,
        https://arxiv.org/abs/1512.00567).
    reduction : str
        ``"none"``, ``"mean"`` or ``"sum"``.

    Returns
    -------
    array
        Of the shape of ``logits`` without ``axis``, or a scalar.
    """
    if label_smoothing < 0 or label_smoothing >= 1:
        raise ValueError(f"Label smoothing must be in [0, 1), got {label_smoothing}.")

    without_axis = list(logits.shape)
    del without_axis[axis]
    probabilities = targets.ndim == logits.ndim
    if list(targets.shape) != (list(logits.shape) if probabilities else without_axis):
        raise ValueError(f"Targets shape {targets.shape} does not match logits shape {logits.shape}.")

    rows = axis in (-1, logits.ndim - 1) and logits.dtype == mx.float32 and mx.issubdtype(targets.dtype, mx.integer)
    if rows and not probabilities and label_smoothing == 0:
        return _reduce(_weighted(mx.fast.cross_entropy(logits, targets), weights), reduction)
    if probabilities:
        score = mx.sum(logits * targets, axis=axis)
    else:
        score = mx.take_along_axis(logits, mx.expand_dims(targets, axis), axis).squeeze(axis)
    total = mx.logsumexp(logits, axis=axis)
    if label_smoothing > 0:
        loss = total - (1 - label_smoothing) * score - label_smoothing * mx.mean(logits, axis=axis)
    else:
        loss = total - score
    return _reduce(_weighted(loss, weights), reduction)


def binary_cross_entropy(inputs, targets, weights=None, with_logits=True, reduction="mean"):
    """The cross entropy of two classes: ``-(t log p + (1 - t) log(1 - p))``.

    Parameters
    ----------
    inputs : array
        Logits of p, or p itself.
    targets : array
        ``t``, of the same shape, in [0, 1].
    weights : array, optional
        Multiplies the losses; of their shape.
    with_logits : bool
        Whether ``inputs`` are logits. If not, logarithms are cut at -100.
    reduction : str
        ``"none"``, ``"mean"`` or ``"sum"``.
    """
    _same_shape("Inputs", inputs, "targets", targets)
    if with_logits:
        loss = mx.logaddexp(0.0, inputs) - inputs * targets
    else:
        log_p = mx.clip(mx.log(inputs), -100, None)
        log_not_p = mx.clip(mx.log(1 - inputs), -100, None)
        loss = -(targets * log_p + (1 - targets) * log_not_p)
    return _reduce(_weighted(loss, weights), reduction)


def l1_loss(predictions, targets, reduction="mean"):
    """The absolute difference, ``|p - t|``, of arrays of equal shape."""
    _same_shape("Predictions", predictions, "targets", targets)
    return _reduce(mx.abs(predictions - targets), reduction)


def mse_loss(predictions, targets, reduction="mean"):
    """The squared difference, ``(p - t)^2``, of arrays of equal shape."""
    _same_shape("Predictions", predictions, "targets", targets)
    return _reduce(mx.square(predictions - targets), reduction)


def nll_loss(inputs, targets, axis=-1, reduction="none"):
    """The negative log likelihood: ``-inputs[target]``.

    Parameters
    ----------
    inputs : array
        Logarithms of probabilities, with the classes on ``axis``.
    targets : array
        Indices of classes, of the shape of ``inputs`` without ``axis``.
    """
    loss = -mx.take_along_axis(inputs, mx.expand_dims(targets, axis), axis).squeeze(axis)
    return _reduce(loss, reduction)


def gaussian_nll_loss(inputs, targets, vars, full=False, eps=1e-6, reduction="mean"):
    """The negative log likelihood of normal distributions:
    ``(log v + (t - x)^2 / v) / 2``, where ``v = max(vars, eps)``.

    Parameters
    ----------
    inputs, targets, vars : array
        Predicted means, observed values and predicted variances, of equal shape.
    full : bool
        Add the constant ``log(2 pi) / 2``.
    eps : float
        The least variance.
    """
    _same_shape("Inputs", inputs, "targets", targets)
    _same_shape("Inputs", inputs, "vars", vars)
    vars = mx.maximum(vars, eps)
    loss = 0.5 * (mx.log(vars) + mx.square(targets - inputs) / vars)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduce(loss, reduction)


def kl_div_loss(inputs, targets, axis=-1, reduction="none"):
    """The Kullback-Leibler divergence of log probabilities: ``sum(exp(t) * (t - x))`` along ``axis``."""
    return _reduce(mx.sum(mx.exp(targets) * (targets - inputs), axis), reduction)


def smooth_l1_loss(predictions, targets, beta=1.0, reduction="mean"):
    """``d^2 / (2 beta)`` where ``d = |p - t|`` is under ``beta``, else ``d - beta / 2`` (Girshick,
    https://arxiv.org/abs/1504.08083)."""
    _same_shape("Predictions", predictions, "targets", targets)
    d = mx.abs(predictions - targets)
    return _reduce(mx.where(d < beta, 0.5 * mx.square(d) / beta, d - 0.5 * beta), reduction)


def triplet_loss(anchors, positives, negatives, axis=-1, p=2, margin=1.0, eps=1e-6, reduction="none"):
    """``max(||a - pos||_p - ||a - neg||_p + margin, 0)`` (Balntas et al.,
    https://doi.org/10.5244/C.30.119).

    Parameters
    ----------
    anchors, positives, negatives : array
        Vectors along ``axis``.
    p : int
        The norm.
    margin : float
        How much nearer the positive one shall be.
    eps : float
        Added under the root.
    """

    def distance(a, b):
        return mx.power(mx.sum(mx.power(mx.abs(a - b), p), axis) + eps, 1 / p)

    loss = mx.maximum(distance(anchors, positives) - distance(anchors, negatives) + margin, 0)
    return _reduce(loss, reduction)


def hinge_loss(inputs, targets, reduction="none"):
    """``max(1 - x * t, 0)``; the targets are -1 or 1."""
    return _reduce(mx.maximum(1 - inputs * targets, 0), reduction)


def huber_loss(inputs, targets, delta=1.0, reduction="none"):
    """``d^2 / 2`` where ``d = |x - t|`` is at most ``delta``, else ``delta * (d - delta / 2)`` (Huber,
    https://doi.org/10.1214/aoms/1177703732)."""
    errors = inputs - targets
    d = mx.abs(errors)
    quadratic = mx.minimum(d, delta)
    linear = d - quadratic
    return _reduce(0.5 * mx.square(quadratic) + delta * linear, reduction)


def log_cosh_loss(inputs, targets, reduction="none"):
    """``log(cosh(x - t))``: half the square of small differences, about the size of large ones."""
    errors = inputs - targets
    return _reduce(mx.logaddexp(errors, -errors) - math.log(2), reduction)


def cosine_similarity_loss(x1, x2, axis=1, eps=1e-8, reduction="none"):
    """The cosine of the angle between vectors along ``axis``: ``x1 . x2 / max(|x1| |x2|, eps)``."""
    norm1 = mx.sqrt(mx.sum(mx.square(x1), axis=axis))
    norm2 = mx.sqrt(mx.sum(mx.square(x2), axis=axis))
    return _reduce(mx.sum(x1 * x2, axis=axis) / mx.maximum(norm1 * norm2, eps), reduction)


def margin_ranking_loss(inputs1, inputs2, targets, margin=0.0, reduction="none"):
    """``max(-t * (x1 - x2) + margin, 0)``: the target is 1 where ``x1`` shall rank higher, else -1."""
    if not inputs1.shape == inputs2.shape == targets.shape:
        raise ValueError(
            "The shapes of the arguments do not match. The provided shapes are "
            f"inputs1.shape={inputs1.shape}, inputs2.shape={inputs2.shape}, and targets.shape={targets.shape}."
        )
    return _reduce(mx.maximum(0, -targets * (inputs1 - inputs2) + margin), reduction)
