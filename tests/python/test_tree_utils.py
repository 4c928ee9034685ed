# SPDX-License-Identifier: MIT
"""mlx.utils: trees."""

from collections import OrderedDict, namedtuple

import pytest

from mlx.utils import tree_flatten, tree_map, tree_map_with_path, tree_merge, tree_reduce, tree_unflatten

Pair = namedtuple("Pair", "a b")
TREE = {"b": [1, (2, 3)], "a": {"c": Pair(4, None)}, "e": [], "f": {}}


def is_list(x):
    return isinstance(x, list)


def test_flatten_keeps_order_and_skips_empty_containers():
    flat = [("b.0", 1), ("b.1.0", 2), ("b.1.1", 3), ("a.c.0", 4), ("a.c.1", None)]
    assert tree_flatten(TREE) == flat
    assert tree_flatten(TREE, destination={}) == dict(flat)
    assert tree_flatten({"a": 1}, destination=[("z", 0)]) == [("z", 0), ("a", 1)]


def test_flatten_prefix_leaf_and_root():
    assert tree_flatten({"b": 1}, prefix=".x") == [("x.b", 1)]
    assert tree_flatten(3) == [("", 3)]
    assert tree_flatten(3, prefix=".x") == [("x", 3)]
    assert tree_flatten({"a": [1, 2], "b": []}, is_leaf=is_list) == [("a", [1, 2]), ("b", [])]
    assert tree_flatten({1: 2}) == [("1", 2)]


def test_flatten_refuses_a_tuple_as_destination():
    with pytest.raises(ValueError, match="destination"):
        tree_flatten([1], destination=())


@pytest.mark.parametrize(
    "flat, tree",
    [
        ([("a.0", 1), ("a.2", 2)], {"a": [1, {}, 2]}),
        ([("1", 1), ("0", 0)], [0, 1]),
        ([("a.0", 1), ("a.x", 2)], {"a": {"0": 1, "x": 2}}),
        ([("a.1", 1), ("a.01", 2)], {"a": {"1": 1, "01": 2}}),
        ([("a", 1), ("a.b", 2)], {"a": {"": 1, "b": 2}}),
        ([("", 5)], 5),
        ([], []),
        ({}, []),
        ({"hello.world": 42}, {"hello": {"world": 42}}),
    ],
)
def test_unflatten(flat, tree):
    assert tree_unflatten(flat) == tree


def test_unflatten_is_the_inverse():
    tree = {"layers": [{"w": 1, "b": [2, 3]}, {"w": 4}], "x": {"y": 5}}
    assert tree_unflatten(tree_flatten(tree)) == tree


@pytest.mark.parametrize("flat", [[("a", 1), ("a", 2)], [("a.99999999999999", 1)]])
def test_unflatten_refuses_what_a_hostile_file_may_hold(flat):
    with pytest.raises(ValueError, match="tree_unflatten"):
        tree_unflatten(flat)


def test_map_keeps_the_types_of_lists_and_tuples():
    result = tree_map(lambda x: x + 1, {"a": [1, (2,)], "b": Pair(1, 2), "c": OrderedDict(z=1)})
    assert result == {"a": [2, (3,)], "b": Pair(2, 3), "c": {"z": 2}}
    assert type(result["b"]) is Pair and type(result["c"]) is dict


def test_map_over_several_trees():
    assert tree_map(lambda x, y: (x, y), {"a": [1, 2]}, {"a": [3, 4, 5], "b": 0}) == {"a": [(1, 3), (2, 4)]}
    assert tree_map(str, {"a": [1, 2]}, is_leaf=is_list) == {"a": "[1, 2]"}
    with pytest.raises(KeyError):
        tree_map(lambda x, y: x, {"a": 1}, {"b": 1})
    with pytest.raises(IndexError):
        tree_map(lambda x, y: x, [1, 2], [1])


def test_map_with_path():
    assert tree_map_with_path(lambda p, x: p, {"a": [1, (2,)], "b": Pair(1, 2)}) == {
        "a": ["a.0", ("a.1.0",)],
        "b": Pair("b.0", "b.1"),
    }
    assert tree_map_with_path(lambda p, x: p, {"a": [1]}, path="m") == {"a": ["m.a.0"]}
    assert tree_map_with_path(lambda p, x: p, 1) is None
    both = tree_map_with_path(lambda p, x, y: (p, x, y), [1, {"k": 2}], [5, {"k": 6}])
    assert both == [("0", 1, 5), {"k": ("1.k", 2, 6)}]
    assert tree_map_with_path(lambda p, x: (p, x), {"a": [1]}, is_leaf=is_list) == {"a": ("a", [1])}


def test_reduce():
    add = lambda total, x: total + x
    assert tree_reduce(add, {"a": [1, 2], "b": (3,)}, 10) == 16
    assert tree_reduce(add, {"a": ["x", "y"]}) == "xy"
    assert tree_reduce(add, {}) is None
    assert tree_reduce(add, {}, 4) == 4
    assert tree_reduce(lambda n, x: n + len(x), {"a": [1, 2]}, 0, is_leaf=is_list) == 2


@pytest.mark.parametrize(
    "a, b, merged",
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}, "b": 3}, {"a": {"x": 1, "y": 2}, "b": 3}),
        ([{"c": 1}], [{"a": 1}, {"b": 1}], [{"c": 1, "a": 1}, {"b": 1}]),
        (({"c": 1},), [{"a": 1}, {"b": 1}], ({"c": 1, "a": 1}, {"b": 1})),
        (Pair({"c": 1}, {}), Pair({"a": 1}, {"b": 1}), Pair({"c": 1, "a": 1}, {"b": 1})),
        ({}, 5, 5),
        (5, [], 5),
        (None, 5, 5),
        ({"a": None}, {"a": 5}, {"a": 5}),
        ({}, {}, {}),
    ],
)
def test_merge(a, b, merged):
    result = tree_merge(a, b)
    assert result == merged and type(result) is type(merged)


def test_merge_needs_a_function_for_leaves_at_one_place():
    with pytest.raises(ValueError, match="merge_fn"):
        tree_merge({"a": 1}, {"a": 2})
    assert tree_merge({"a": 1}, {"a": 2}, lambda a, b: (a, b)) == {"a": (1, 2)}
    assert tree_merge([1, 2], [3], lambda a, b: a + b) == [4, 2]
    with pytest.raises(ValueError, match="dict with list"):
        tree_merge({}, [])
