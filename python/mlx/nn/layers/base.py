# SPDX-License-Identifier: MIT
"""Module, the base of all layers and models.

A module is a dict: arrays, modules and containers assigned to attributes become items of the dict, all
else is an ordinary attribute. The tree of its parameters is therefore the module itself, filtered.
"""

import os
import re
import textwrap
import types
from functools import wraps

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

__all__ = ["Module"]


class Module(dict):
    """The base class of layers and models.

    Assign parameters (arrays) and other modules to attributes in ``__init__``, after
    ``super().__init__()``, and compute in ``__call__``. Lists and dicts of them work too; tuples are
    kept, but not searched for parameters. Names that begin with an underscore are state that
    is not a parameter.

    An error raised inside a module says where: the path of the innermost module, what it is, and the
    shapes that it got.

    Examples
    --------
    >>> class MLP(nn.Module):
    ...     def __init__(self, dims, hidden_dims):
    ...         super().__init__()
    ...         self.up = nn.Linear(dims, hidden_dims)
    ...         self.down = nn.Linear(hidden_dims, dims)
    ...
    ...     def __call__(self, x):
    ...         return self.down(nn.relu(self.up(x)))
    >>> model = MLP(4, 16)
    >>> model.up.weight.shape
    (16, 4)
    """

    def __init__(self):
        self._no_grad = set()
        self._training = True

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        call = cls.__dict__.get("__call__")
        if isinstance(call, types.FunctionType):
            cls.__call__ = _naming_itself_in_errors(call)

    @property
    def training(self):
        """True in training mode; see :meth:`train`."""
        return self._training

    @property
    def state(self):
        """The module itself, as the dict of all that is set on it. Changes to it change the module."""
        return self

    def _extra_repr(self):
        """What ``repr`` shows in the parentheses of the class; layers override it."""
        return ""

    def __repr__(self):
        text = f"{type(self).__name__}({self._extra_repr()}"
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        for name, child in children:
            text += "\n" + textwrap.indent(f"({name}): {child!r}", "  ")
        return text + ("\n)" if children else ")")

    def __getattr__(self, key):
        value = self.get(key)
        if value is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")
        return value

    def __setattr__(self, key, val):
        if isinstance(val, (mx.array, dict, list, tuple)):
            self.__dict__.pop(key, None)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def __delattr__(self, name):
        if name in self:
            del self[name]
        else:
            super().__delattr__(name)

    # Saving and loading

    def load_weights(self, file_or_weights, strict=True):
        """Set the parameters from a file or from pairs of path and array.

        Parameters
        ----------
        file_or_weights : str, path, or list of (str, array)
            A ``.npz`` or ``.safetensors`` file, or the pairs themselves.
        strict : bool
            Demand that names and shapes are exactly the module's. Dtypes are not compared.

        Returns
        -------
        Module
            The module.

        Raises
        ------
        ValueError
            Names are missing or unknown, a value is no array, or its shape is another.
        """
        weights = file_or_weights
        if isinstance(weights, (str, os.PathLike)):
            weights = mx.load(os.fspath(weights))
        weights = dict(weights)
        if strict:
            self._check_weights(weights)
        if weights:
            self.update(tree_unflatten(weights), strict=False)
        return self

    def _check_weights(self, weights):
        current = tree_flatten(self.parameters(), destination={})
        if extra := weights.keys() - current.keys():
            names = ",\n".join(sorted(extra))
            raise ValueError(f"Received {len(extra)} parameters not in model: \n{names}.")
        if missing := current.keys() - weights.keys():
            names = ",\n".join(sorted(missing))
            raise ValueError(f"Missing {len(missing)} parameters: \n{names}.")
        for name, own in current.items():
            new = weights[name]
            if not isinstance(new, mx.array):
                raise ValueError(f"Expected mx.array but received {type(new)} for parameter {name}")
            if new.shape != own.shape:
                raise ValueError(f"Expected shape {own.shape} but received shape {new.shape} for parameter {name}")

    def save_weights(self, file):
        """Save the parameters to ``file``, whose name ends in ``.npz`` or ``.safetensors``."""
        file = os.fspath(file)
        weights = tree_flatten(self.parameters(), destination={})
        if file.endswith(".npz"):
            mx.savez(file, **weights)
        elif file.endswith(".safetensors"):
            mx.save_safetensors(file, weights)
        else:
            raise ValueError(f"Unsupported file extension for {file}. Use '.npz' or '.safetensors'.")

    # Looking at the tree

    @staticmethod
    def is_module(value):
        """True if ``value`` is a Module."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module, key, value):
        """Selects what can be or hold a child module."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module, key, value):
        """Selects what can be or hold a parameter."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module, key, value):
        """Selects what can be or hold a parameter that is not frozen."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(self, filter_fn, map_fn=None, is_leaf_fn=None):
        """The selected contents of the module and of those below it, as a tree.

        Parameters
        ----------
        filter_fn : callable
            ``filter_fn(module, key, value)`` is true for what is kept. Inside lists and dicts, where
            an item cannot be left out, ``{}`` takes its place and ``key`` is a path (``layers.0``).
        map_fn : callable, optional
            Applied to the leaves.
        is_leaf_fn : callable, optional
            ``is_leaf_fn(module, key, value)`` says where to stop; by default at anything but modules,
            dicts and lists.

        Returns
        -------
        dict
        """
        map_fn = map_fn or (lambda value: value)
        is_leaf_fn = is_leaf_fn or (lambda module, key, value: not isinstance(value, (dict, list)))

        def visit(module, key, value):
            if is_leaf_fn(module, key, value):
                return map_fn(value)
            if isinstance(value, Module):
                return contents(value)
            if isinstance(value, dict):
                return {k: item(module, f"{key}.{k}", v) for k, v in value.items()}
            if isinstance(value, list):
                return [item(module, f"{key}.{i}", v) for i, v in enumerate(value)]
            raise RuntimeError(f"Unexpected leaf {key!r} of type {type(value).__name__} found in the module")

        def item(module, key, value):
            return visit(module, key, value) if filter_fn(module, key, value) else {}

        def contents(module):
            return {k: visit(module, k, v) for k, v in module.items() if filter_fn(module, k, v)}

        return contents(self)

    def parameters(self):
        """All arrays of this module and those below it, as dicts and lists."""
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self):
        """As :meth:`parameters`, without the frozen ones."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self):
        """The modules directly below this one, as dicts and lists."""
        return self.filter_and_map(
            self.valid_child_filter, is_leaf_fn=lambda module, key, value: isinstance(value, Module)
        )

    def leaf_modules(self):
        """The modules that hold no other module, as dicts and lists."""

        def is_leaf(module, key, value):
            return isinstance(value, Module) and not tree_flatten(value.children(), is_leaf=self.is_module)

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf)

    def named_modules(self):
        """This module and all below it, as pairs of path and module. The path of this one is ``""``."""
        found, todo = [], [("", self)]
        while todo:
            path, module = todo.pop()
            found.append((path, module))
            prefix = "." + path if path else ""
            todo.extend(tree_flatten(module.children(), prefix=prefix, is_leaf=self.is_module))
        return found

    def modules(self):
        """This module and all below it, as a list."""
        return [module for _, module in self.named_modules()]

    # Changing it

    def update(self, parameters, strict=True):
        """Set parameters in place.

        Parameters
        ----------
        parameters : dict
            A tree with the places of :meth:`parameters`; it may be partial.
        strict : bool
            Demand that every place exists and that arrays replace arrays.

        Returns
        -------
        Module
            The module.
        """

        def assign(own, key, new):
            current = own[key]
            if isinstance(current, mx.array):
                if strict and not isinstance(new, mx.array):
                    raise ValueError(f"Received invalid type: {type(new).__name__}.")
                own[key] = new
            else:
                walk(current, new)

        def walk(own, new):
            if isinstance(new, dict):
                for key, value in new.items():
                    if key in own:
                        assign(own, key, value)
                    elif strict:
                        raise ValueError(f'Module does not have parameter named "{key}".')
            elif isinstance(new, list):
                for i, value in enumerate(new):
                    if i < len(own):
                        assign(own, i, value)
                    elif strict:
                        raise ValueError(f"List index {i} is out of bounds for destination of length {len(own)}.")
            elif strict:
                raise ValueError(f"Received invalid type: {type(new).__name__}.")

        walk(self, parameters)
        return self

    def update_modules(self, modules, strict=True):
        """Replace modules below this one.

        Parameters
        ----------
        modules : dict
            A tree with the places of :meth:`children`; it may be partial.
        strict : bool
            Demand that every place holds a module.

        Returns
        -------
        Module
            The module.
        """

        def assign(own, key, new):
            current = own[key]
            if isinstance(current, Module) and isinstance(new, Module):
                own[key] = new
            elif isinstance(current, (dict, list)):
                walk(current, new)
            elif strict and new != {}:
                raise ValueError(f"Received invalid type: {type(new).__name__}.")

        def walk(own, new):
            if isinstance(new, dict):
                for key, value in new.items():
                    if key in own:
                        assign(own, key, value)
                    elif strict:
                        raise ValueError(f'Module does not have sub-module named "{key}".')
            elif isinstance(new, list):
                for i, value in enumerate(new):
                    if i < len(own):
                        assign(own, i, value)
                    elif strict:
                        raise ValueError(f"List index {i} is out of bounds for destination of length {len(own)}.")
            elif strict:
                raise ValueError(f"Received invalid type: {type(new).__name__}.")

        walk(self, modules)
        return self

    def apply(self, map_fn, filter_fn=None):
        """Replace every parameter by ``map_fn(parameter)``; ``filter_fn`` as in :meth:`filter_and_map`.

        Returns
        -------
        Module
            The module.
        """
        return self.update(self.filter_and_map(filter_fn or self.valid_parameter_filter, map_fn))

    def apply_to_modules(self, apply_fn):
        """Call ``apply_fn(path, module)`` for this module and all below it.

        Returns
        -------
        Module
            The module.
        """
        for path, module in self.named_modules():
            apply_fn(path, module)
        return self

    def set_dtype(self, dtype, predicate=lambda x: mx.issubdtype(x, mx.floating)):
        """Cast parameters.

        Parameters
        ----------
        dtype : Dtype
            The new dtype.
        predicate : callable, optional
            ``predicate(dtype)`` selects the parameters by their dtype: by default the floating ones,
            all if None.
        """
        self.apply(lambda x: x.astype(dtype) if predicate is None or predicate(x.dtype) else x)

    # Freezing

    def _own_keys(self, keys, recurse, strict):
        """``keys`` as a list, after a check that each belongs to a module in reach; None stays None."""
        if keys is None:
            return None
        keys = [keys] if isinstance(keys, str) else keys
        if strict:
            reach = self.modules() if recurse else [self]
            for key in keys:
                if not any(key in module for module in reach):
                    raise KeyError(f"Module doesn't contain member {key}.")
        return keys

    def freeze(self, *, recurse=True, keys=None, strict=False):
        """Take parameters out of :meth:`trainable_parameters`, so that no gradient is computed for them.

        Parameters
        ----------
        recurse : bool
            Freeze those of the modules below too.
        keys : str or list of str, optional
            Names (``"bias"``); by default all parameters.
        strict : bool
            Demand that the names exist.

        Returns
        -------
        Module
            The module.

        Examples
        --------
        >>> model.freeze()
        >>> model.apply_to_modules(lambda path, m: m.unfreeze() if path.endswith("attention") else None)
        """
        keys = self._own_keys(keys, recurse, strict)

        def own_parameter(module, key, value):
            return not isinstance(value, Module) and Module.valid_parameter_filter(module, key, value)

        def freeze_one(_, module):
            names = keys
            if names is None:
                names = [name for name, _ in tree_flatten(module.filter_and_map(own_parameter))]
            module._no_grad.update(names)

        if recurse:
            return self.apply_to_modules(freeze_one)
        freeze_one("", self)
        return self

    def unfreeze(self, *, recurse=True, keys=None, strict=False):
        """Undo :meth:`freeze`; the arguments are the same."""
        keys = self._own_keys(keys, recurse, strict)

        def unfreeze_one(_, module):
            if keys is None:
                module._no_grad.clear()
            else:
                module._no_grad.difference_update(keys)

        if recurse:
            return self.apply_to_modules(unfreeze_one)
        unfreeze_one("", self)
        return self

    def train(self, mode=True):
        """Switch this module and all below it to training mode, or out of it (``mode=False``).

        It matters to few layers: Dropout drops and BatchNorm gathers statistics in training mode only.

        Returns
        -------
        Module
            The module.
        """

        def switch(_, module):
            module._training = mode

        return self.apply_to_modules(switch)

    def eval(self):
        """Switch to evaluation mode: ``train(False)``."""
        return self.train(False)


# Errors that name their place
#
# Every __call__ of a subclass is wrapped once, when the class is made; without an error that costs one
# call and an empty `try`. The innermost module writes the text, each module further out puts the name of
# the one below it in front. What is known so far is kept on the exception itself.


def _naming_itself_in_errors(call):
    code = call.__code__
    packs = code.co_flags & 0x0C  # CO_VARARGS, CO_VARKEYWORDS
    only_x = code.co_varnames[: code.co_argcount] == ("self", "x") and not code.co_kwonlyargcount
    if only_x and not packs and not call.__defaults__:

        @wraps(call)
        def call_module(self, x):  # most layers, which need not pay 200 ns for packed arguments
            try:
                return call(self, x)
            except Exception as error:
                _add_place(error, self, (x,), {})
                raise

    else:

        @wraps(call)
        def call_module(self, *args, **kwargs):
            try:
                return call(self, *args, **kwargs)
            except Exception as error:
                _add_place(error, self, args, kwargs)
                raise

    return call_module


def _add_place(error, module, args, kwargs):
    place = getattr(error, "_mlx_place", None)
    if place is None:
        place = {"text": _describe(module, args, kwargs), "path": "", "args": error.args}
    elif place["module"] != id(module):  # equal if __call__ calls super().__call__
        name = _name_below(module, place["module"])
        place["path"] = name + ("." + place["path"] if place["path"] else "")
    # An id instead of the module: an exception may be pickled or kept for long.
    place["module"] = id(module)
    try:
        error._mlx_place = place
    except AttributeError:  # a class with __slots__
        return
    text = "in " + (place["path"] + ": " if place["path"] else "") + place["text"]
    _show(error, place, text)


def _show(error, place, text):
    """Put the text into the message; where the message is not args[0], into a note."""
    original = place["args"]
    if type(error).__str__ is BaseException.__str__ and len(original) == 1 and isinstance(original[0], str):
        error.args = (f"{original[0]}\n{text}",)
        return
    notes = getattr(error, "__notes__", None)
    if notes and place.get("note") in notes:
        notes[notes.index(place["note"])] = text
    else:
        error.add_note(text)
    place["note"] = text


def _name_below(module, wanted):
    """The path from ``module`` to the one with the id ``wanted``, in any kind of container."""
    todo, seen = [("", {**vars(module), **module})], {id(module)}
    while todo:
        path, node = todo.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if id(value) == wanted:
                return f"{path}{key}"
            if isinstance(value, (dict, list, tuple)) and id(value) not in seen:
                seen.add(id(value))
                todo.append((f"{path}{key}.", value))
    return "?"


def _describe(module, args, kwargs):
    """Such as ``Linear(3, 4) got (2, 5)``: numbers lose their names, flags are left out."""
    try:
        extra = module._extra_repr()
    except Exception:  # the module may be broken, which is why we are here
        extra = "..."
    extra = re.sub(r"\w+=(\d+)(?=,|$)", r"\1", extra)
    extra = re.sub(r"(, )?\w+=(True|False)(?=,|$)", "", extra)
    got = [_brief(x) for x in args] + [f"{k}={_brief(x)}" for k, x in kwargs.items()]
    return f"{type(module).__name__}({extra}) got {', '.join(got) or 'no arguments'}"


def _brief(value):
    if isinstance(value, mx.array):
        dtype = "" if value.dtype == mx.float32 else " " + str(value.dtype).rpartition(".")[2]
        return f"{value.shape}{dtype}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)[:40]
    return type(value).__name__
