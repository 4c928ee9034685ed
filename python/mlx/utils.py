# SPDX-License-Identifier: MIT
"""Work on Python trees: nested lists, tuples and dicts with anything as leaves.

Parameters, gradients and optimizer states are such trees. A path names a leaf by the keys that lead to
it, joined by dots (``layers.3.attention.weight``); indices of lists are written in decimal.
"""

__all__ = ["tree_flatten", "tree_map", "tree_map_with_path", "tree_merge", "tree_reduce", "tree_unflatten"]

# tree_unflatten fills the gaps of a list. A file may name any index, so the gap has a limit.
_LONGEST_GAP = 1_000_000


def _rebuild(like, items):
    """A list or tuple of the type of ``like``; a namedtuple takes its fields as arguments."""
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*items)
    return type(like)(items)


def tree_map(fn, tree, *rest, is_leaf=None):
    """Apply ``fn`` to every leaf and return a tree of the results.

    Parameters
    ----------
    fn : callable
        Called as ``fn(leaf, *leaves_of_rest)``.
    tree : Any
        The tree that decides the structure.
    *rest : Any
        More trees; each must have at least the keys of ``tree``.
    is_leaf : callable, optional
        ``is_leaf(node)`` is true where the walk shall stop early.

    Returns
    -------
    Any
        Lists and tuples keep their type, dicts (and modules) become plain dicts.

    Examples
    --------
    >>> tree_map(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20]})
    {'a': [11, 22]}
    """
    if is_leaf is not None and is_leaf(tree):
        return fn(tree, *rest)
    if isinstance(tree, (list, tuple)):
        items = (tree_map(fn, x, *(r[i] for r in rest), is_leaf=is_leaf) for i, x in enumerate(tree))
        return _rebuild(tree, items)
    if isinstance(tree, dict):
        return {k: tree_map(fn, x, *(r[k] for r in rest), is_leaf=is_leaf) for k, x in tree.items()}
    return fn(tree, *rest)


def tree_map_with_path(fn, tree, *rest, is_leaf=None, path=None):
    """Like :func:`tree_map`, but ``fn`` gets the leaf's path first.

    Parameters
    ----------
    fn : callable
        Called as ``fn(path, leaf, *leaves_of_rest)``.
    tree, *rest, is_leaf
        As for :func:`tree_map`.
    path : Any, optional
        A prefix for all paths.

    Examples
    --------
    >>> tree_map_with_path(lambda path, _: path, {"model": [{"w": 0}, {"w": 0}]})
    {'model': [{'w': 'model.0.w'}, {'w': 'model.1.w'}]}
    """

    def deeper(key):
        return f"{path}.{key}" if path else str(key)

    if is_leaf is not None and is_leaf(tree):
        return fn(path, tree, *rest)
    if isinstance(tree, (list, tuple)):
        items = (
            tree_map_with_path(fn, x, *(r[i] for r in rest), is_leaf=is_leaf, path=deeper(i))
            for i, x in enumerate(tree)
        )
        return _rebuild(tree, items)
    if isinstance(tree, dict):
        return {
            k: tree_map_with_path(fn, x, *(r[k] for r in rest), is_leaf=is_leaf, path=deeper(k))
            for k, x in tree.items()
        }
    return fn(path, tree, *rest)


def tree_flatten(tree, prefix="", is_leaf=None, destination=None):
    """Turn a tree into ``(path, leaf)`` pairs, in the order of the tree.

    Empty containers leave no trace, so they are not restored by :func:`tree_unflatten`.

    Parameters
    ----------
    tree : Any
        The tree.
    prefix : str
        Put before all paths; its first character is dropped, so that ``".model"`` gives ``"model.a"``.
    is_leaf : callable, optional
        ``is_leaf(node)`` is true where the walk shall stop early.
    destination : list or dict, optional
        Extended by the pairs and returned; a new list if None.

    Returns
    -------
    list of (str, Any), or dict

    Examples
    --------
    >>> tree_flatten({"a": [1, {"b": 2}]})
    [('a.0', 1), ('a.1.b', 2)]
    """
    if destination is None:
        destination = []
    if isinstance(destination, list):
        put = lambda path, leaf: destination.append((path, leaf))
    elif isinstance(destination, dict):
        put = destination.__setitem__
    else:
        raise ValueError(f"[tree_flatten] destination must be a list, a dict or None, not {type(destination).__name__}")

    def walk(node, path):
        if is_leaf is None or not is_leaf(node):
            if isinstance(node, (list, tuple)):
                for i, x in enumerate(node):
                    walk(x, f"{path}.{i}")
                return
            if isinstance(node, dict):
                for k, x in node.items():
                    walk(x, f"{path}.{k}")
                return
        put(path[1:], node)

    walk(tree, prefix)
    return destination


def tree_unflatten(tree):
    """Build the tree back from what :func:`tree_flatten` returned.

    A level whose keys are all numbers becomes a list, and missing numbers become ``{}``; any other
    level becomes a dict.

    Parameters
    ----------
    tree : list of (str, Any), or dict
        Paths and leaves.

    Examples
    --------
    >>> tree_unflatten([("a.0", 1), ("a.1.b", 2)])
    {'a': [1, {'b': 2}]}
    """
    items = list(tree.items()) if isinstance(tree, dict) else list(tree)
    if len(items) == 1 and items[0][0] == "":
        return items[0][1]
    if not items:
        return []

    children = {}
    for path, leaf in items:
        key, _, below = path.partition(".")
        children.setdefault(key, []).append((below, leaf))
    for key, below in children.items():
        if len(below) > 1 and all(path == "" for path, _ in below):
            raise ValueError(f"[tree_unflatten] {len(below)} leaves have the same path, ending in {key!r}")

    indices = {int(key): key for key in children if key.isascii() and key.isdigit()}
    if len(indices) < len(children):
        return {key: tree_unflatten(below) for key, below in children.items()}
    length = max(indices) + 1
    if length - len(indices) > _LONGEST_GAP:
        raise ValueError(f"[tree_unflatten] a list of {length} items, of which {len(indices)} are given")
    return [tree_unflatten(children[indices[i]]) if i in indices else {} for i in range(length)]


def tree_reduce(fn, tree, initializer=None, is_leaf=None):
    """Fold the leaves into one value, in the order of the tree.

    Parameters
    ----------
    fn : callable
        Called as ``fn(accumulated, leaf)``.
    tree : Any
        The tree.
    initializer : Any, optional
        The first accumulated value; the first leaf if None.
    is_leaf : callable, optional
        ``is_leaf(node)`` is true where the walk shall stop early.

    Examples
    --------
    >>> tree_reduce(lambda total, x: total + x, {"a": [1, 2, 3], "b": [4, 5]}, 0)
    15
    """
    total = initializer
    if is_leaf is None or not is_leaf(tree):
        if isinstance(tree, (list, tuple, dict)):
            for x in tree.values() if isinstance(tree, dict) else tree:
                total = tree_reduce(fn, x, total, is_leaf)
            return total
    return tree if total is None else fn(total, tree)


def tree_merge(tree_a, tree_b, merge_fn=None):
    """Put two trees together: every leaf of both is in the result.

    ``None`` and empty containers give way to whatever the other tree has at their place.

    Parameters
    ----------
    tree_a, tree_b : Any
        The trees. Lists and tuples are merged item by item; what the longer one has more is kept.
    merge_fn : callable, optional
        ``merge_fn(a, b)`` decides where both trees have a leaf. Without it that is a ValueError.

    Examples
    --------
    >>> tree_merge({"a": {"x": 1}}, {"a": {"y": 2}})
    {'a': {'x': 1, 'y': 2}}
    """
    containers = (dict, list, tuple)
    a_empty = tree_a is None or (isinstance(tree_a, containers) and len(tree_a) == 0)
    b_empty = tree_b is None or (isinstance(tree_b, containers) and len(tree_b) == 0)
    if a_empty != b_empty:
        return tree_b if a_empty else tree_a
    if a_empty and isinstance(tree_a, containers) and isinstance(tree_b, containers):
        if type(tree_a) is not type(tree_b):
            raise ValueError(f"[tree_merge] cannot merge {type(tree_a).__name__} with {type(tree_b).__name__}")
        return tree_a

    if isinstance(tree_a, (list, tuple)) and isinstance(tree_b, (list, tuple)):
        both = min(len(tree_a), len(tree_b))
        items = [tree_merge(a, b, merge_fn) for a, b in zip(tree_a, tree_b)]
        return _rebuild(tree_a, items + list(tree_a[both:]) + list(tree_b[both:]))
    if isinstance(tree_a, dict) and isinstance(tree_b, dict):
        return {
            k: tree_merge(tree_a.get(k), tree_b.get(k), merge_fn) if k in tree_a and k in tree_b
            else tree_a[k] if k in tree_a else tree_b[k]
            for k in [*tree_a, *(k for k in tree_b if k not in tree_a)]
        }
    if merge_fn is None:
        raise ValueError(
            "[tree_merge] both trees have a value at the same place and there is no merge_fn: "
            f"{type(tree_a).__name__} and {type(tree_b).__name__}"
        )
    return merge_fn(tree_a, tree_b)
