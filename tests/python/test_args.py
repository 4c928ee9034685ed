# SPDX-License-Identifier: MIT
"""Arguments of functions: names, kinds and defaults come from the signature that the docstring begins with."""
import copy
import inspect
import pickle
import re

import pytest

import mlx.core as mx


def functions():
    for module in (mx, mx.random, mx.fast, mx.metal, mx.cuda):
        for name, value in vars(module).items():
            if inspect.isbuiltin(value) and not name.startswith("__"):
                yield pytest.param(value, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("function", list(functions()))
def test_docstring_begins_with_a_signature(function):
    line = function.__doc__.splitlines()[0]
    assert re.match(rf"{function.__name__}\(.*\)( -> .+)?$", line)


@pytest.mark.parametrize("function", list(functions()))
def test_every_signature_is_read(function):
    """A call with too many arguments reads the signature and fails; a mistake in it is a SystemError."""
    if "*" in re.sub(r"\*, |\*\*", "", function.__doc__.splitlines()[0]):
        pytest.skip("takes any number of arguments")
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\): incompatible function arguments"):
        function(*[object()] * 30)


x = mx.array([[1.0, 2.0], [3.0, 4.0]])


def test_by_position_and_by_name():
    assert mx.sum(x, 0).tolist() == mx.sum(x, axis=0).tolist() == [4, 6]
    assert mx.sum(x, axis=0, keepdims=True).shape == mx.sum(x, 0, True).shape == (1, 2)
    assert mx.sum(x, keepdims=True, axis=(0, 1)).tolist() == [[10]]
    assert mx.softmax(x, axis=1, precise=True).shape == (2, 2)


@pytest.mark.parametrize("call", [
    lambda: mx.sum(x, 0, True, None),               # too many
    lambda: mx.sum(),                               # too few
    lambda: mx.sum(x, axes=0),                      # no such name
    lambda: mx.sum(x, 0, axis=0),                   # twice
    lambda: mx.softmax(x, 0, True),                 # by name only
    lambda: mx.exp(a=x),                            # by position only
    lambda: mx.sum(x, axis="0"),
    lambda: mx.sum(x, axis=[0, "1"]),
    lambda: mx.zeros((2,), dtype="float32"),
    lambda: mx.zeros(2.5),
    lambda: mx.concatenate(x, axis=0.0),
    lambda: mx.concatenate({"a": x}),
    lambda: mx.concatenate("ab"),
    lambda: x.sum(0, True, 1),
    lambda: x.sum(foo=1),
    lambda: x.astype(),
    lambda: x.item(1),
    lambda: mx.array.sum(),
])
def test_type_errors(call):
    with pytest.raises(TypeError, match="incompatible function arguments"):
        call()


def test_the_message_says_what_was_given():
    with pytest.raises(TypeError) as error:
        mx.softmax(x, [0], precise=1.5)
    assert "1. softmax(a: array, /, axis" in str(error.value)
    assert str(error.value).endswith("Invoked with types: mlx.core.array, list, kwargs = { precise: float }")


def test_keyword_that_is_not_interned():
    assert mx.sum(x, **{"".join(["ax", "is"]): 0}).tolist() == [4, 6]


def test_a_subclass_of_str_or_int_is_one():
    class Axis(int):
        pass
    assert mx.sum(x, axis=Axis(0)).tolist() == [4, 6]


def test_stream_argument_is_for_one_call():
    before = mx.default_device()
    for stream in (mx.cpu, mx.Device(mx.cpu), mx.default_stream(mx.cpu), mx.new_stream(mx.cpu), None):
        assert mx.add(x, x, stream=stream).tolist() == (x + x).tolist()
    assert mx.default_device() == before
    with pytest.raises(TypeError):
        mx.add(x, x, stream="cpu")


def test_an_error_in_a_call_leaves_nothing_behind():
    for _ in range(3):
        with pytest.raises(ValueError):
            mx.matmul(x, mx.zeros((3, 3)))
        assert mx.matmul(x, x).shape == (2, 2)


def test_functions_pickle_and_copy():
    assert pickle.loads(pickle.dumps(mx.add)) is mx.add
    assert pickle.loads(pickle.dumps(mx.random.uniform)) is mx.random.uniform
    assert copy.deepcopy(mx.add) is mx.add
    assert mx.add.__name__ == "add" and mx.add.__module__ == "mlx.core"


def test_methods_are_functions_of_self():
    assert mx.array.sum(x, 0).tolist() == [4, 6]
    bound = x.sum
    assert bound(0).tolist() == [4, 6] and bound.__self__ is x
    assert list(map(mx.array.tolist, [x])) == [x.tolist()]
    assert mx.array.sum.__doc__.startswith("sum(self, axis")
    assert mx.array.sum.__name__ == "sum"


def test_missing_names_are_named():
    with pytest.raises(AttributeError, match="mlx.core has no 'no_such_function' in this version of Mica"):
        mx.no_such_function
    assert not hasattr(mx, "__wrapped__")


def test_aliases():
    assert mx.concat is mx.concatenate and mx.permute_dims is mx.transpose and mx.pow is mx.power
    assert mx.atan2 is mx.arctan2 and mx.bitwise_left_shift is mx.left_shift
