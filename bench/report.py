# SPDX-License-Identifier: MIT
"""Samples to medians, ratios and goals; goals to a Markdown table."""
import statistics

COLUMNS = ["mica", "mlx", "mlx-compiled", "torch", "torch-compiled", "jax", "numpy", "peak", "pass"]
REFERENCES = {"copy": "peak", "fma": "peak"}


def row(case, samples, errors, earlier):
    medians = {name: statistics.median(values) for name, values in samples.items() if values}
    return {"name": case.name, "unit": case.unit, "median": medians, "errors": errors,
            "goals": [judge(goal, medians, earlier) for goal in case.goals],
            "samples": {name: [float(f"{value:.4g}") for value in values] for name, values in samples.items()}}


def judge(goal, medians, earlier):
    """A goal with what was reached: {"goal", "reached", "met"}; reached is None where one side is missing."""
    against, bound = goal
    mica = medians.get("mica")
    if against == "at most":
        text = f"at most {quantity(bound, 's')}"
        return {"goal": text, "reached": mica, "met": None if mica is None else mica <= bound}
    if against.startswith("mica: "):
        other = next((r["median"].get("mica") for r in earlier if r["name"] == against[6:]), None)
    else:
        other = medians.get(REFERENCES.get(against, against))
    text = f"{bound:g}x {against}"
    if mica is None or other is None:
        return {"goal": text, "reached": None, "met": None}
    return {"goal": text, "reached": other / mica, "met": other / mica >= bound}


def quantity(value, unit):
    if unit == "B":
        return f"{value / 2**20:.1f} MiB"
    if unit == "%":
        return f"{value:.1f}%"
    for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def goal_text(goal):
    if goal["reached"] is None:
        return f"{goal['goal']}: not measured"
    mark = "met" if goal["met"] else "MISSED"
    if goal["goal"].startswith("at most"):
        return f"{goal['goal']}: {mark}"
    return f"{goal['goal']}: {goal['reached']:.2f}, {mark}"


def cell(name, row):
    """The median, and for a peer how many times Mica's it is."""
    if name in row["errors"]:
        return "error"
    median = row["median"].get(name)
    if median is None:
        return "-"
    text = quantity(median, row["unit"])
    mica = row["median"].get("mica")
    return text if name == "mica" or not mica else f"{text} ({median / mica:.2f})"


def line(row):
    cells = [f"{name} {cell(name, row)}" for name in COLUMNS if cell(name, row) != "-"]
    return f"{row['name']}: " + ", ".join(cells + [goal_text(goal) for goal in row["goals"]])


def markdown(result):
    machine, busy = result["machine"], result["forced_while"]
    lines = [f"# {result['date']}, {machine['cpu']}", "",
             f"{machine['processors']} processors ({machine['simd']}), {machine['threads_used']} threads used by all, "
             f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, the system's OpenBLAS runs its "
             f"{machine['openblas_core']} kernels. Medians of {result['rounds']} rounds.", ""]
    if busy:
        lines += [f"**Measured on a busy machine ({busy}): these numbers prove nothing.**", ""]
    lines += [f"- {name}: " + ", ".join(f"{key} {value}" for key, value in facts.items())
              for name, facts in result["implementations"].items()]
    lines += ["", "In brackets: that implementation's median divided by Mica's; above 1 Mica is the faster (or "
              "smaller) one. `peak` is a streaming copy of the same bytes, or the same multiply-adds in registers; "
              "`pass` reads and writes as much as the operation, where that is not half and half.", "",
              "| case | " + " | ".join(COLUMNS) + " | goals |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in result["cases"]:
        cells = [cell(name, row) for name in COLUMNS] + ["; ".join(goal_text(goal) for goal in row["goals"])]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    errors = [(row["name"], name, text) for row in result["cases"] for name, text in row["errors"].items()]
    if errors:
        lines += ["", "Errors:", ""] + [f"- {case}, {name}: {text}" for case, name, text in errors]
    judged = [goal for row in result["cases"] for goal in row["goals"] if goal["met"] is not None]
    lines += ["", f"{sum(goal['met'] for goal in judged)} of {len(judged)} measured goals met.", ""]
    return "\n".join(lines)
