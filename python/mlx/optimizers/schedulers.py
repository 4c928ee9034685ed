# SPDX-License-Identifier: MIT
"""Learning rate schedules: functions from the number of steps taken (an int or a scalar array) to a rate."""

import math

import mlx.core as mx

__all__ = ["cosine_decay", "exponential_decay", "join_schedules", "linear_schedule", "step_decay"]


def exponential_decay(init, decay_rate):
    """``init * decay_rate^step``."""

    def schedule(step):
        return init * decay_rate**step

    return schedule


def step_decay(init, decay_rate, step_size):
    """``init * decay_rate^floor(step / step_size)``."""

    def schedule(step):
        return init * (decay_rate ** (step // step_size))

    return schedule


def cosine_decay(init, decay_steps, end=0.0):
    """Half a cosine wave from ``init`` at step 0 to ``end`` at ``decay_steps``, then ``end`` (Loshchilov
    and Hutter, https://arxiv.org/abs/1608.03983)."""

    def schedule(step):
        s = mx.minimum(step, decay_steps)
        decay = 0.5 * (1.0 + mx.cos((math.pi / decay_steps) * s))
        return end + decay * (init - end)

    return schedule


def linear_schedule(init, end, steps):
    """A line from ``init`` at step 0 to ``end`` at ``steps``, then ``end``."""
    if steps < 1:
        raise ValueError(f"steps must be greater than 0, but got {steps}.")

    def schedule(step):
        step = mx.minimum(step, steps)
        return step * ((end - init) / steps) + init

    return schedule


def join_schedules(schedules, boundaries):
    """One schedule after the other.

    Parameters
    ----------
    schedules : list of callable
        The schedules. Each counts its steps from its own beginning.
    boundaries : list of int
        The steps at which the next one begins: one less than there are schedules.

    Examples
    --------
    >>> warmup = optim.linear_schedule(0, 1e-3, steps=100)
    >>> rate = optim.join_schedules([warmup, optim.cosine_decay(1e-3, 1900)], [100])
    """
    if len(schedules) == 0:
        raise ValueError("Must provide at least 1 schedule to join.")
    if len(schedules) != len(boundaries) + 1:
        raise ValueError(f"Received {len(boundaries)} boundaries but expected {len(schedules) - 1}.")

    def schedule(step):
        value = schedules[0](step)
        for boundary, next_schedule in zip(boundaries, schedules[1:]):
            value = mx.where(step < boundary, value, next_schedule(step - boundary))
        return value

    return schedule
