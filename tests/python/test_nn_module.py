# SPDX-License-Identifier: MIT
"""mlx.nn.Module: its tree, freezing, loading, and errors that name their place."""

import copy
import math
import pickle

import pytest

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_map


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.layers = [nn.Linear(1, 1), nn.ReLU()]
        self.table = {"scale": mx.zeros(2), "inner": nn.Linear(1, 1, bias=False)}
        self.pair = (nn.Linear(1, 1), mx.ones(1))
        self.nothing = None
        self._private = mx.zeros(1)
        self.rate = 3.0
        self.nested = [[nn.Linear(1, 1)], [mx.zeros(1)]]

    def __call__(self, x):
        return x


@pytest.fixture
def model():
    return Everything()


def paths(tree):
    return [path for path, _ in tree_flatten(tree)]


PARAMETERS = [
    "linear.weight",
    "linear.bias",
    "layers.0.weight",
    "layers.0.bias",
    "table.scale",
    "table.inner.weight",
    "nested.0.0.weight",
    "nested.0.0.bias",
    "nested.1.0",
]


def test_what_is_an_item_and_what_an_attribute(model):
    assert list(model) == ["linear", "layers", "table", "pair", "_private", "nested"]
    assert vars(model).keys() == {"_no_grad", "_training", "nothing", "rate"}
    model.nothing = mx.zeros(1)
    assert "nothing" in model and "nothing" not in vars(model)
    model.nothing = 5
    assert "nothing" not in model and model.nothing == 5
    del model.rate, model.linear
    assert not hasattr(model, "rate") and "linear" not in model
    with pytest.raises(AttributeError, match="'Everything' object has no attribute 'linear'"):
        model.linear
    with pytest.raises(AttributeError):
        del model.linear


def test_trees(model):
    assert paths(model.parameters()) == PARAMETERS
    assert paths(model.trainable_parameters()) == PARAMETERS
    assert model.parameters()["layers"][1] == {}
    children = model.children()
    assert list(children) == ["linear", "layers", "table", "nested"]
    assert children["table"]["scale"] == {} and children["nested"][1] == [{}]
    assert list(model.leaf_modules()) == list(children)
    names = ["", "nested.0.0", "table.inner", "layers.1", "layers.0", "linear"]
    assert [name for name, _ in model.named_modules()] == names
    assert [type(m).__name__ for m in model.modules()] == ["Everything", "Linear", "Linear", "ReLU", "Linear", "Linear"]
    seen = []
    assert model.apply_to_modules(lambda name, module: seen.append(name)) is model
    assert seen == names
    assert model.state is model


def test_filters(model):
    M = nn.Module
    assert M.is_module(model) and not M.is_module(3)
    assert M.valid_child_filter(model, "a", []) and not M.valid_child_filter(model, "a", mx.zeros(1))
    assert M.valid_parameter_filter(model, "a", mx.zeros(1)) and not M.valid_parameter_filter(model, "_a", mx.zeros(1))
    assert not M.valid_parameter_filter(model, "a", ())
    shapes = model.filter_and_map(M.valid_parameter_filter, lambda x: x.shape)
    assert shapes["nested"] == [[{"weight": (1, 1), "bias": (1,)}], [(1,)]]
    with pytest.raises(RuntimeError, match="table.scale"):
        model.filter_and_map(M.valid_parameter_filter, is_leaf_fn=lambda m, k, v: isinstance(v, nn.Linear))


def test_repr(model):
    assert repr(model).splitlines() == [
        "Everything(",
        "  (linear): Linear(input_dims=2, output_dims=3, bias=True)",
        "  (layers.0): Linear(input_dims=1, output_dims=1, bias=True)",
        "  (layers.1): ReLU()",
        "  (table.inner): Linear(input_dims=1, output_dims=1, bias=False)",
        "  (nested.0.0): Linear(input_dims=1, output_dims=1, bias=True)",
        ")",
    ]


def test_update(model):
    new = mx.ones((3, 2))
    assert model.update({"linear": {"weight": new}, "nested": [[], [mx.ones(1)]], "_private": mx.ones(1)}) is model
    assert model.linear.weight is new and model.nested[1][0].item() == 1 and model._private.item() == 1
    model.update({"pair": [{"weight": mx.zeros((1, 1))}]})
    assert model.pair[0].weight.item() == 0


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"other": mx.zeros(1)}, 'parameter named "other"'),
        ({"rate": mx.zeros(1)}, 'parameter named "rate"'),
        ({"linear": {"weight": [1]}}, "invalid type: list"),
        ({"linear": {"weight": 3}}, "invalid type: int"),
        ({"linear": mx.zeros(1)}, "invalid type: array"),
        ({"layers": [{}, {}, {}]}, "List index 2 is out of bounds for destination of length 2"),
    ],
)
def test_strict_update_names_the_problem(model, parameters, message):
    with pytest.raises(ValueError, match=message):
        model.update(parameters)


def test_update_that_is_not_strict_ignores_what_it_does_not_know(model):
    before = paths(model.parameters())
    model.update({"other": mx.zeros(1), "layers": [{}, {}, {}], "linear": mx.zeros(1)}, strict=False)
    assert paths(model.parameters()) == before


def test_update_modules(model):
    relu = nn.ReLU()
    assert model.update_modules({"linear": relu, "layers": [{}, nn.Linear(2, 2)], "table": {"inner": relu}}) is model
    assert model.linear is relu and model.table["inner"] is relu
    assert isinstance(model.layers[0], nn.Linear) and model.layers[1].weight.shape == (2, 2)
    for modules in ({"other": relu}, {"linear": 3}, {"layers": [3]}, {"layers": [{}, {}, {}]}, {"rate": relu}):
        with pytest.raises(ValueError):
            model.update_modules(modules)
    model.update_modules({"other": relu, "layers": [3, {}, {}]}, strict=False)
    assert "other" not in model


def test_freeze(model):
    assert model.freeze() is model
    assert paths(model.trainable_parameters()) == []
    assert model._no_grad == {"table.scale", "nested.1.0"} and model.linear._no_grad == {"weight", "bias"}
    model.unfreeze(keys="weight")
    assert paths(model.trainable_parameters()) == [p for p in PARAMETERS if p.endswith("weight")]
    model.freeze().unfreeze(recurse=False)
    assert paths(model.trainable_parameters()) == ["table.scale", "nested.1.0"]
    assert paths(model.unfreeze().trainable_parameters()) == PARAMETERS
    assert paths(nn.Linear(1, 1).freeze(keys=["bias"]).trainable_parameters()) == ["weight"]
    assert nn.Linear(1, 1).freeze(keys="other")._no_grad == {"other"}
    model.freeze(keys="weight", strict=True)
    for call in (model.freeze, model.unfreeze, nn.Linear(1, 1).freeze):
        with pytest.raises(KeyError, match="Module doesn't contain member other"):
            call(keys="other", strict=True)


def test_batch_norm_keeps_its_statistics_frozen():
    norm = nn.BatchNorm(2)
    assert paths(norm.trainable_parameters()) == ["weight", "bias"]
    assert paths(norm.freeze().unfreeze().trainable_parameters()) == ["weight", "bias"]
    with pytest.raises(ValueError, match="more than one value"):
        norm(mx.zeros((1, 2)))
    for shape in ((2,), (1, 1, 1, 1, 2)):
        with pytest.raises(ValueError, match="2, 3 or 4 dimensions"):
            norm(mx.zeros(shape))


def test_train_and_eval(model):
    assert model.training and model.eval() is model
    assert not model.training and not model.layers[0].training and model.pair[0].training
    assert model.train().training and model.layers[0].training


def test_apply_and_set_dtype(model):
    assert model.apply(lambda x: x + 1) is model
    assert model.table["scale"].tolist() == [1, 1] and model._private.item() == 0
    model.apply(lambda x: x * 0, lambda module, key, value: key in ("linear", "bias"))
    assert model.linear.bias.tolist() == [0, 0, 0] and model.table["scale"].tolist() == [1, 1]
    model.count = mx.array([1, 2])
    model.set_dtype(mx.float16)
    assert {x.dtype for _, x in tree_flatten(model.linear.parameters())} == {mx.float16}
    assert model.count.dtype == mx.int32
    model.set_dtype(mx.float32, predicate=None)
    assert model.count.dtype == mx.float32


def test_copy_and_pickle():
    linear = nn.Linear(2, 3).freeze(keys="bias")
    for other in (copy.deepcopy(linear), pickle.loads(pickle.dumps(linear))):
        assert other.weight.tolist() == linear.weight.tolist() and other._no_grad == {"bias"}


@pytest.mark.parametrize("name", ["weights.npz", "weights.safetensors"])
def test_save_and_load(tmp_path, name):
    saved, other = nn.Linear(2, 3), nn.Linear(2, 3)
    saved.save_weights(str(tmp_path / name))
    assert other.load_weights(str(tmp_path / name)) is other
    assert other.weight.tolist() == saved.weight.tolist() and other.bias.tolist() == saved.bias.tolist()


def test_load_is_strict():
    linear = nn.Linear(2, 3)
    weight, bias = ("weight", mx.zeros((3, 2))), ("bias", mx.zeros(3))
    for weights, message in (
        ([weight, bias, ("c", mx.zeros(1)), ("d", mx.zeros(1))], "Received 2 parameters not in model: \nc,\nd."),
        ([weight], "Missing 1 parameters: \nbias."),
        ([("weight", mx.zeros((3, 3))), bias], r"Expected shape \(3, 2\) but received shape \(3, 3\)"),
        ([("weight", 5), bias], "Expected mx.array but received"),
    ):
        with pytest.raises(ValueError, match=message):
            linear.load_weights(weights)
    linear.load_weights([("weight", mx.zeros((3, 3))), ("c", mx.zeros(1))], strict=False)
    assert linear.weight.shape == (3, 3)
    with pytest.raises(ValueError, match="Unsupported file extension"):
        linear.save_weights("weights.foo")


def test_value_and_grad():
    linear = nn.Linear(2, 1)
    linear.freeze(keys="bias")

    def fn(x, scale=1.0):
        return scale * mx.sum(linear(x)), "extra"

    (value, extra), grads = nn.value_and_grad(linear, fn)(mx.array([[1.0, 2.0]]), scale=3.0)
    assert extra == "extra" and grads["weight"].tolist() == [[3.0, 6.0]] and "bias" not in grads
    assert math.isclose(value.item(), 3 * linear(mx.array([[1.0, 2.0]])).item(), rel_tol=1e-6)


# Errors that name their place


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(3, 4)
        self.error = None

    def __call__(self, x, mask=None):
        if self.error:
            raise self.error
        return self.proj(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Identity(), Block()]
        self.hidden = (Block(),)

    def __call__(self, x, hidden=False, mask=None):
        return self.hidden[0](x) if hidden else self.layers[1](x, mask=mask)


def error_of(call, *args, **kwargs):
    with pytest.raises(Exception) as caught:
        call(*args, **kwargs)
    return caught.value


def test_an_error_names_the_path_of_the_innermost_module():
    error = error_of(Net(), mx.zeros((2, 5)))
    assert type(error) is ValueError
    first, last = str(error).split("\n")[0], str(error).split("\n")[-1]
    assert first.startswith("[addmm]") and last == "in layers.1.proj: Linear(3, 4) got (2, 5)"
    assert "in hidden.0.proj: Linear(3, 4) got (2, 5) int32" in str(error_of(Net(), mx.zeros((2, 5), mx.int32), True))
    assert str(error_of(nn.Linear(3, 4), mx.zeros((2, 5)))).endswith("\nin Linear(3, 4) got (2, 5)")


@pytest.mark.parametrize("error", [ValueError("bad"), TypeError("bad"), ZeroDivisionError("bad")])
def test_a_message_is_kept_and_extended(error):
    net = Net()
    net.layers[1].error = error
    found = error_of(net, mx.zeros((2, 3)), mask=None)
    assert found is error and str(found) == "bad\nin layers.1: Block() got (2, 3), mask=None"


@pytest.mark.parametrize("error", [KeyError("k"), OSError(2, "gone", "f"), ValueError(), ValueError(1, 2)])
def test_other_errors_get_a_note(error):
    net, args, text = Net(), error.args, str(error)
    net.layers[1].error = error
    found = error_of(net, mx.zeros((2, 3)))
    assert found is error and found.args == args and str(found) == text
    assert found.__notes__ == ["in layers.1: Block() got (2, 3), mask=None"]
    pickle.dumps(found)


def test_the_path_passes_gradients():
    net = Net()
    error = error_of(nn.value_and_grad(net, lambda x: mx.sum(net(x))), mx.zeros((2, 5)))
    assert type(error) is ValueError and "in layers.1.proj: Linear(3, 4) got (2, 5)" in str(error)


def test_calls_of_a_parent_class_are_named_once():
    class Child(nn.Linear):
        def __call__(self, x):
            return super().__call__(x)

    net = nn.Sequential(Child(3, 4))
    assert str(error_of(net, mx.zeros((2, 5)))).count("layers.0") == 1


def test_a_broken_module_does_not_hide_its_error():
    linear = nn.Linear(3, 4)
    linear.weight = 5
    error = error_of(linear, mx.zeros((2, 5)))
    assert not isinstance(error, ImportError) and "Linear(...)" in str(error) + "".join(getattr(error, "__notes__", []))


# Arguments that layers refuse


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nn.Dropout(1.0), "not in"),
        (lambda: nn.Dropout2d(-0.1), "not in"),
        (lambda: nn.Dropout2d()(mx.zeros((2, 3))), "3 or 4 dimensions"),
        (lambda: nn.Dropout3d()(mx.zeros((2, 3, 4))), "4 or 5 dimensions"),
        (lambda: nn.GELU("x"), "approximation"),
        (lambda: nn.MultiHeadAttention(7, 2), "divisible"),
        (lambda: nn.losses.mse_loss(mx.zeros(2), mx.zeros(3)), "does not match"),
        (lambda: nn.losses.mse_loss(mx.zeros(2), mx.zeros(2), "x"), "Invalid reduction"),
        (lambda: nn.losses.cross_entropy(mx.zeros((2, 3)), mx.array([0, 1, 2])), "does not match logits"),
        (lambda: nn.losses.cross_entropy(mx.zeros((2, 3)), mx.array([0, 1]), mx.zeros(3)), "Weights"),
        (lambda: nn.losses.cross_entropy(mx.zeros((2, 3)), mx.array([0, 1]), label_smoothing=1.0), "smoothing"),
        (lambda: nn.init.he_normal()(mx.zeros(3)), "2 dimensional"),
        (lambda: nn.init.he_normal()(mx.zeros((3, 3)), mode="x"), "Invalid mode"),
        (lambda: nn.init.identity()(mx.zeros((3, 2))), "square"),
        (lambda: nn.RNN(2, 3, nonlinearity=3), "callable"),
        (lambda: nn.MaxPool2d((1, 2, 3)), "2 integers"),
        (lambda: nn.MaxPool1d(2.5), "1 integer"),
        (lambda: nn.AvgPool1d(0), "too small"),
        (lambda: nn.AvgPool1d(2, padding=-1), "too small"),
        (lambda: nn.MaxPool1d(2)(mx.zeros((1, 3))), "expected 3 dimensions, got 2"),
        (lambda: nn.Upsample(2, "x"), "unsupported"),
        (lambda: nn.Upsample(2, "linear", True, True), "antialias"),
        (lambda: nn.Upsample(2, antialias=True), "nearest"),
        (lambda: nn.Upsample((2, 2))(mx.zeros((1, 3, 1))), "One scale per spatial dimension"),
        (lambda: nn.Upsample(0.1)(mx.zeros((1, 3, 1))), "leaves nothing"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_causal_mask():
    mask = nn.MultiHeadAttention.create_additive_causal_mask(3, mx.float16)
    assert mask.dtype == mx.float16
    assert mask.tolist() == [[0, -65504, -65504], [0, 0, -65504], [0, 0, 0]]


def test_embedding_as_linear():
    embedding = nn.Embedding(5, 3)
    x = mx.ones((2, 3))
    assert embedding.as_linear(x).tolist() == (x @ embedding.weight.T).tolist()
    assert tree_map(lambda x: x.shape, embedding.parameters()) == {"weight": (5, 3)}


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_orthogonal(shape):
    w = nn.init.orthogonal(2.0)(mx.zeros(shape))
    product = w @ w.T if shape[0] <= shape[1] else w.T @ w
    assert w.shape == shape and mx.allclose(product, 4 * mx.eye(min(shape)), atol=1e-5).item()
