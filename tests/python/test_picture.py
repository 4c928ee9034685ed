# SPDX-License-Identifier: MIT
"""export_to_dot: paths, objects, names, pictures; MLX's text is the pattern."""
import io
import re
import xml.etree.ElementTree as xml

import mlx.core as mx
import mlx.nn as nn
import pytest


def graph():
    x, w = mx.array([1.0, 2.0]), mx.array([3.0, 4.0])
    return x, w, mx.exp(x + w) * 2


def text_of(*args, **kwargs):
    f = io.StringIO()
    assert mx.export_to_dot(f, *args, **kwargs) is None
    return f.getvalue()


def test_names_and_letters():
    x, w, y = graph()
    text = text_of(y, x=x, out=y)
    assert text.startswith("digraph {\n") and text.endswith("}\n")
    assert re.findall(r'\{ rank=source; "(\w+)"; \}', text) == ["x", "C", "F"]  # two names are given, so the next is C
    assert '{ rank=sink; "out"; }' in text
    assert re.findall(r'label ="(\w+)", shape=rectangle', text) == ["add", "exp", "multiply"]
    assert text.count("->") == 8


def test_trees_and_evaluated_arrays():
    x, _, y = graph()
    assert text_of({"a": y, "b": [y]}) == text_of(y)
    assert text_of() == "digraph {\n}\n"
    mx.eval(y)
    assert text_of(y) == 'digraph {\n{ rank=source; "A"; }\n}\n'


def test_nothing_is_evaluated(tmp_path):
    y = mx.array([1.0]) @ mx.array([2.0])
    mx.export_to_dot(tmp_path / "y.svg", y)
    before = text_of(y)
    assert "matmul" in before and text_of(y) == before


@pytest.mark.parametrize("name", ["y.dot", "y.svg", "y"])
def test_files(tmp_path, name):
    _, _, y = graph()
    for path in (tmp_path / name, str(tmp_path / name)):
        mx.export_to_dot(path, y, y=y)
        text = (tmp_path / name).read_text()
        assert text.startswith("<svg" if name.endswith(".svg") else "digraph {")
    assert [p.name for p in tmp_path.iterdir()] == [name]  # no temporary file is left


def test_a_picture_of_a_train_step_is_xml(tmp_path):
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 4))
    x, y = mx.random.normal((3, 8)), mx.array([0, 1, 2])
    step = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    mx.eval(model.parameters(), x)
    loss, grads = step(x, y)
    mx.export_to_dot(tmp_path / "step.svg", loss, grads, x=x, y=y, loss=loss)
    root = xml.parse(tmp_path / "step.svg").getroot()
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(" = matmul(" in t for t in texts) >= 4
    assert {"x  float32 (3,8)", "y  int32 (3)", "loss"} <= set(texts)
    assert len({t for t in texts if " = " in t}) == len([t for t in texts if " = " in t])  # each op once


def test_errors(tmp_path):
    _, _, y = graph()
    with pytest.raises(ValueError, match="file-like objects or strings"):
        mx.export_to_dot(3, y)
    with pytest.raises(ValueError, match="only arrays"):
        mx.export_to_dot(tmp_path / "y.dot", 3)
    with pytest.raises(ValueError, match="y must be an array"):
        mx.export_to_dot(tmp_path / "y.dot", y=[y])
    with pytest.raises(TypeError):
        mx.export_to_dot()
    with pytest.raises(TypeError):
        mx.export_to_dot(io.BytesIO(), y)
    with pytest.raises(RuntimeError, match="No such file"):
        mx.export_to_dot(tmp_path / "none" / "y.dot", y)

    class Bad:
        def write(self, text):
            raise KeyError("no")

    with pytest.raises(KeyError):
        mx.export_to_dot(Bad(), y)
    assert not list(tmp_path.iterdir())


def test_inside_transforms():
    seen = []

    def f(x):
        seen.append(text_of(mx.sin(x)))
        return mx.sin(x).sum()

    mx.vmap(f)(mx.ones((3, 2)))
    mx.grad(f)(mx.ones((3,)))
    assert all('label ="sin"' in text for text in seen)
