# SPDX-License-Identifier: MIT
"""Bad input that once did harm: objects that change an argument while it is read, lists that hold themselves,
files that lie."""
import io

import numpy as np
import pytest

import mlx.core as mx


class Changing:
    """Replaces what an array holds while another argument is read."""
    def __init__(self, victim):
        self.victim = victim

    def _change(self, value):
        for _ in range(3):
            self.victim[...] = mx.full(self.victim.shape, 7.0)
            mx.eval(self.victim, [mx.zeros((1000,)) + 1 for _ in range(10)])  # the old memory is used again
        return value

    def __mlx_array__(self):
        return self._change(mx.array(1.0))

    def __index__(self):
        return self._change(0)


OLD = np.arange(1000, dtype=np.float32)


@pytest.mark.parametrize("call, want", [
    (lambda x, c: mx.add(x, c), OLD + 1), (lambda x, c: mx.maximum(x, c), np.maximum(OLD, 1)), (lambda x, c: x + c,
        OLD + 1),
    (lambda x, c: mx.where(True, x, c), OLD), (lambda x, c: mx.clip(x, c, None), np.maximum(OLD, 1)),
    (lambda x, c: mx.take(x, c, 0), OLD[0]), (lambda x, c: mx.roll(x, [c]), OLD), (lambda x, c: x.sum(axis=[c]),
        OLD.sum()),
    (lambda x, c: x.reshape([1000, c.__index__() + 1]), np.full((1000, 1), 7)), (lambda x, c: x[c], OLD[0]),
    (lambda x, c: mx.broadcast_arrays(x, c)[0], OLD), (lambda x, c: x.at[c].add(5.0)[0], 5),
    (lambda x, c: mx.isclose(x, c), OLD == 1), (lambda x, c: mx.moveaxis(x, c, c), OLD),
])
def test_an_argument_that_changes_another(call, want):
    """The call sees what the other held when it began."""
    x = mx.arange(1000.0) + 0
    mx.eval(x)
    assert np.array_equal(np.array(call(x, Changing(x))), want)


def test_methods_take_their_own_objects_only():
    for method in (mx.array.sum, mx.array.astype, mx.array.item, mx.array.__copy__, mx.array.__setstate__):
        for wrong in ((), (1,), (np.longdouble(1), mx.float32), ([], ())):
            with pytest.raises(TypeError, match=method.__name__):
                method(*wrong)


class Int(int):
    def __float__(self):
        self.victim += [1.5] * 10000
        return 1.0


def test_a_number_that_changes_its_list():
    value = [1.5, Int(3), 2.5]
    value[1].victim = value
    assert mx.array(value).tolist() == [1.5, 3, 2.5]
    value = [1.5, Int(3), 2j]
    value[1].victim = value
    assert mx.array(value).tolist() == [1.5, 3, 2j]


class Clearing:
    def __init__(self, victim):
        self.victim = victim

    def __mlx_array__(self):
        self.victim.clear()
        return mx.ones((2,))


def test_an_item_that_clears_its_list():
    value = [mx.ones((2,)), None] + [mx.ones((2,)) for _ in range(50)]
    value[1] = Clearing(value)
    assert mx.array(value).shape == (52, 2) and value == []


def test_a_list_of_arrays_that_holds_itself():
    value = [mx.ones((2,))]
    value += [value, value]
    with pytest.raises(RecursionError, match="nested list of arrays"):
        mx.array(value)


def test_a_value_that_clears_its_dict():
    value = {"a": None, **{str(i): mx.ones((2,)) for i in range(50)}}
    value["a"] = Clearing(value)
    file = io.BytesIO()
    mx.save_safetensors(file, value)
    file.seek(0)
    assert len(mx.load(file, format="safetensors")) == 51 and value == {}


def test_types_that_take_no_keywords():
    for make in (mx.DtypeCategory, mx.DeviceType, mx.ArrayLike):
        with pytest.raises(TypeError, match="keyword"):
            make(0, a=1)
    nothing = {}
    assert mx.DeviceType(0, **nothing) == mx.cpu and mx.finfo(mx.float16, **nothing).dtype == mx.float16


def test_messages_are_text_and_name_the_function():
    with pytest.raises(ValueError, match=r"\[einsum\].*ä"):
        mx.einsum("ä", mx.ones((2,)))
    with pytest.raises(OverflowError, match=r"\[zeros\]"):
        mx.zeros((1 << 64,))
    with pytest.raises(ValueError, match=r"\[zeros\] 17 sizes"):
        mx.zeros([1] * 17)
    with pytest.raises(MemoryError, match=r"\[min\]"):
        mx.min(mx.ones((2,)), axis=range(1 << 62))
    with pytest.raises(ValueError, match=r"\[searchsorted\] a text holds a null"):
        mx.searchsorted(mx.ones((2,)), 1, side="left\0")
    with pytest.raises(ValueError, match="null character"):
        mx.save_safetensors(io.BytesIO(), {"a\0b": mx.ones((2,))})
    with pytest.raises(TypeError, match="the first of type mlx.core.array"):
        mx.array(mx.ones((2,)), mx.ones((2,)), mx.ones((2,)))


class Keeping:
    """A file that takes a few bytes at a time and keeps what it is given."""
    def __init__(self, most, says=len):
        self.parts, self.most, self.says = [], most, says

    def write(self, data):
        self.parts.append(data[:self.most])
        return self.says(self.parts[-1])


def test_files_that_take_less():
    x = mx.arange(1000)
    file, whole = Keeping(7), io.BytesIO()
    mx.save(file, x)
    mx.save(whole, x)
    assert b"".join(file.parts) == whole.getvalue()
    assert all(isinstance(part, bytes) for part in file.parts)
    for wrong in (-5, 0, 1 << 40):
        with pytest.raises(RuntimeError, match=r"\[save\] the file took"):
            mx.save(Keeping(7, lambda part: wrong), x)
