# SPDX-License-Identifier: MIT
"""The bench harness without a measurement: goals are judged, a busy machine is refused, the cases are well formed."""
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import cases  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402


def row(mica, goals, **others):
    case = cases.Case("one", "one", goals=goals)
    samples = {name: [value] * 3 for name, value in {"mica": mica, **others}.items() if value is not None}
    return report.row(case, samples, {}, [])


@pytest.mark.parametrize("goal, mica, others, reached, met", [
    (("mlx", 5.0), 1.0, {"mlx": 6.0}, 6.0, True),
    (("mlx", 5.0), 1.0, {"mlx": 4.0}, 4.0, False),
    (("copy", 0.8), 1.0, {"peak": 0.7}, 0.7, False),
    (("fma", 0.85), 1.0, {"peak": 0.9}, 0.9, True),
    (("at most", 1e-6), 0.9e-6, {}, 0.9e-6, True),
    (("at most", 1e-6), 1.1e-6, {}, 1.1e-6, False),
    (("torch", 1.0), 1.0, {}, None, None),
    (("torch", 1.0), None, {"torch": 1.0}, None, None),
])
def test_goals(goal, mica, others, reached, met):
    judged = row(mica, (goal,), **others)["goals"][0]
    assert (judged["reached"], judged["met"]) == (reached, met)


def test_a_goal_against_another_case():
    earlier = [row(3.0, ())]
    case = cases.Case("two", "two", goals=(("mica: one", 1.0),))
    assert report.row(case, {"mica": [4.0]}, {}, earlier)["goals"][0]["met"] is False
    assert report.row(case, {"mica": [3.0]}, {}, earlier)["goals"][0]["met"] is True


def test_medians_and_cells():
    r = report.row(cases.Case("x", "x"), {"mica": [1e-3, 9e-3, 2e-3], "mlx": [6e-3]}, {"jax": "ValueError: no"}, [])
    assert report.cell("mica", r) == "2 ms"
    assert report.cell("mlx", r) == "6 ms (3.00)"
    assert report.cell("jax", r) == "error"
    assert report.cell("torch", r) == "-"


def test_a_forced_result_says_so():
    result = {"date": "today", "rounds": 3, "forced_while": "load average 7", "implementations": {},
              "machine": machine.facts(2), "cases": [row(1.0, (("mlx", 5.0),), mlx=4.0)]}
    text = report.markdown(result)
    assert "prove nothing" in text and "load average 7" in text
    assert "| one | 1 s | 4 s (4.00) |" in text and "5x mlx: 4.00, MISSED" in text
    assert "prove nothing" not in report.markdown(result | {"forced_while": None})


def test_a_busy_machine_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(machine, "busy", lambda: "a reason")
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", "import"])
    assert run.main() == 2
    assert "a reason" in capsys.readouterr().err


@pytest.mark.parametrize("load, share, expected", [
    (0.0, 0.0, None), (9.0, 0.0, "load average 9.00"), (0.0, 0.5, "50%")])
def test_busy(monkeypatch, load, share, expected):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0, 0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(machine, "busy_share", lambda: share)
    reason = machine.busy()
    assert reason is None if expected is None else expected in reason


def test_cases_are_distinct_and_chosen_by_name():
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)
    assert [names[i] for i in run.chosen("matmul float32*")] == [f"matmul float32 {n}" for n in (512, 1024, 2048)]
    assert len(run.chosen(None)) == len(names)
    for case in cases.CASES:        # a goal against another case comes after it
        for against, _ in case.goals:
            if against.startswith("mica: "):
                assert names.index(against[6:]) < names.index(case.name)
