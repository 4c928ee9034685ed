# SPDX-License-Identifier: MIT
"""mlx.optimizers: state, schedules and arguments. The numbers are compared in test_nn_golden.py."""

import math

import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map, tree_unflatten


def parameters():
    return {"a": mx.array([[1.0, 2.0], [3.0, 4.0]]), "b": [mx.array([1.0, 2.0], mx.float16)]}


def gradients():
    return {"a": mx.array([[1.0, -2.0], [0.3, 4.0]]), "b": [mx.array([1.0, -2.0], mx.float16)]}


def lists(tree):
    return tree_map(lambda x: x.tolist(), tree)


def test_state_before_and_after_the_first_step():
    adam = optim.Adam(0.1)
    assert list(adam.state) == ["step", "learning_rate"]
    assert adam.step.dtype == mx.uint64 and adam.learning_rate.dtype == mx.float32
    updated = adam.apply_gradients(gradients(), parameters())
    assert list(adam.state) == ["step", "learning_rate", "a", "b"]
    assert adam.step.item() == 1 and list(adam.state["b"][0]) == ["m", "v"]
    assert adam.state["b"][0]["m"].dtype == mx.float16 and updated["b"][0].dtype == mx.float16


def test_update_changes_the_model_in_place():
    linear = nn.Linear(2, 2)
    weight, bias = linear.weight, linear.bias
    sgd = optim.SGD(0.5)
    sgd.update(linear, {"weight": mx.ones((2, 2))})
    assert linear.weight.tolist() == (weight - 0.5).tolist() and linear.bias is bias
    sgd.update(linear, {})
    assert sgd.step.item() == 2


def test_arguments_are_never_changed():
    adafactor = optim.Adafactor(0.1, relative_step=False, weight_decay=0.1)
    for rule in (optim.SGD(0.1, weight_decay=0.1), optim.Muon(0.1), adafactor):
        g, p = gradients(), parameters()
        rule.apply_gradients(g, p)
        assert lists(g) == lists(gradients()) and lists(p) == lists(parameters())


def test_a_saved_state_goes_on_exactly():
    def run(rule, p, steps):
        for _ in range(steps):
            p = rule.apply_gradients(gradients(), p)
        return p

    make = lambda: optim.AdamW(optim.linear_schedule(0.0, 0.1, 10), bias_correction=True)
    whole, first, second = make(), make(), make()
    want = run(whole, parameters(), 5)
    half = run(first, parameters(), 3)
    second.init(parameters())
    second.state = tree_unflatten(tree_flatten(first.state))
    got = run(second, half, 2)
    assert lists(got) == lists(want)
    assert second.step.item() == 5 and second.learning_rate.item() == whole.learning_rate.item()


def test_init_adds_only_what_is_missing():
    adam = optim.Adam(0.1)
    adam.apply_gradients({"a": gradients()["a"]}, parameters())
    m = adam.state["a"]["m"]
    adam.init(parameters())
    assert adam.state["a"]["m"] is m and "m" in adam.state["b"][0]


def test_learning_rates():
    rule = optim.AdamW(optim.linear_schedule(0, 1.0, 10))
    rates = []
    for _ in range(3):
        rule.apply_gradients({}, {})
        rates.append(rule.learning_rate.item())
    assert rates == pytest.approx([0.0, 0.1, 0.2])  # the rate of a step is that before it is counted
    fixed = optim.SGD(0.1)
    fixed.learning_rate = 0.5
    assert fixed.learning_rate.item() == 0.5 and fixed.state["learning_rate"].dtype == mx.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True),
        lambda: optim.RMSprop(0.1, alpha=-1),
        lambda: optim.RMSprop(0.1, eps=-1),
        lambda: optim.Adagrad(0.1, eps=-1),
        lambda: optim.AdaDelta(0.1, rho=-1),
        lambda: optim.AdaDelta(0.1, eps=-1),
        lambda: optim.Adam(0.1, betas=[2.0, 0.9]),
        lambda: optim.Adamax(0.1, eps=-1),
        lambda: optim.linear_schedule(0, 1, 0),
        lambda: optim.join_schedules([], []),
        lambda: optim.join_schedules([optim.cosine_decay(0.1, 10)], [10]),
        lambda: optim.MultiOptimizer([optim.SGD(0.1), optim.SGD(0.1)], []),
    ],
)
def test_refused(call):
    with pytest.raises(ValueError):
        call()


def test_schedules_take_plain_ints():
    assert optim.exponential_decay(0.1, 0.9)(3) == pytest.approx(0.0729)
    assert optim.step_decay(0.1, 0.9, 10)(25) == pytest.approx(0.081)
    assert optim.cosine_decay(0.1, 100)(50).item() == pytest.approx(0.05)
    assert optim.linear_schedule(0.0, 0.1, 10)(50).item() == pytest.approx(0.1)
    joined = optim.join_schedules([optim.linear_schedule(0.0, 0.1, 10), optim.cosine_decay(0.1, 100)], [10])
    assert joined(5).item() == pytest.approx(0.05) and joined(60).item() == pytest.approx(0.05)


def test_multi_optimizer():
    rule = optim.MultiOptimizer([optim.Adam(0.1), optim.SGD(0.2)], [lambda path, x: x.ndim == 2])
    updated = rule.apply_gradients(gradients(), parameters())
    states = rule.state["states"]
    assert "a" in states[0] and "b" not in states[0] and "b" in states[1] and "a" not in states[1]
    assert updated.keys() == {"a", "b"} and updated["b"][0].shape == (2,)
    rule.learning_rate = 0.3
    assert [o.learning_rate.item() for o in rule.optimizers] == [pytest.approx(0.3)] * 2
    rule.state = rule.state
    with pytest.raises(ValueError, match="Invalid state"):
        rule.state = {"states": [1]}
    paths = []
    optim.MultiOptimizer([optim.Adam(0.1), optim.SGD(0.2)], [lambda path, x: paths.append(path)]).init(parameters())
    assert paths == ["a", "b.0"]


def test_clip_grad_norm():
    clipped, norm = optim.clip_grad_norm({"a": mx.array([3.0]), "b": [mx.array([4.0])]}, 1.0)
    assert norm.item() == 5
    assert clipped["a"].item() == pytest.approx(0.6) and clipped["b"][0].item() == pytest.approx(0.8)
    same, norm = optim.clip_grad_norm({"a": mx.array([3.0])}, 10.0)
    assert same["a"].item() == 3
    assert optim.clip_grad_norm({}, 1.0)[1].item() == 0


def test_training_lowers_the_loss():
    mx.random.seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    x = mx.random.normal((64, 2))
    y = x[:, :1] * x[:, 1:]
    fn = nn.value_and_grad(model, lambda: nn.losses.mse_loss(model(x), y))
    rule = optim.AdamW(0.02)
    losses = []
    for _ in range(150):
        loss, grads = fn()
        rule.update(model, grads)
        mx.eval(model.parameters(), rule.state)
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5 and not math.isnan(losses[-1])
