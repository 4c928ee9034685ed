# SPDX-License-Identifier: MIT
"""Gradients with respect to the parameters of a module."""

import mlx.core as mx

__all__ = ["value_and_grad"]


def value_and_grad(model, fn):
    """A function that returns the value of ``fn`` and its gradient by the trainable parameters.

    Parameters
    ----------
    model : Module
        Its :meth:`~mlx.nn.Module.trainable_parameters` are differentiated.
    fn : callable
        Returns a scalar, or a tuple that begins with one; uses ``model``.

    Returns
    -------
    callable
        Takes the arguments of ``fn`` and returns ``(value, gradients)``; the gradients are a tree like
        ``model.trainable_parameters()``.

    Examples
    --------
    >>> loss_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
    >>> loss, grads = loss_and_grad(x, y)
    """

    def fn_of_parameters(parameters, *args, **kwargs):
        model.update(parameters)
        return fn(*args, **kwargs)

    transformed = mx.value_and_grad(fn_of_parameters)

    def value_and_grad_fn(*args, **kwargs):
        return transformed(model.trainable_parameters(), *args, **kwargs)

    return value_and_grad_fn


if hasattr(mx, "checkpoint"):
    __all__.append("checkpoint")

    def checkpoint(module, fn=None):
        """A function that forgets its intermediate results and computes them again for the gradient.

        Memory for time (Chen et al., https://arxiv.org/abs/1604.06174).

        Parameters
        ----------
        module : Module
            Gradients reach its trainable parameters as well as the arguments of ``fn``.
        fn : callable, optional
            The function; the module itself if None.

        Returns
        -------
        callable
            Takes the arguments of ``fn`` and returns what it returns.
        """
        fn = module if fn is None else fn

        def fn_of_parameters(parameters, *args, **kwargs):
            module.update(parameters)
            return fn(*args, **kwargs)

        transformed = mx.checkpoint(fn_of_parameters)

        def checkpointed(*args, **kwargs):
            return transformed(module.trainable_parameters(), *args, **kwargs)

        return checkpointed
