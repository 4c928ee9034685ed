# SPDX-License-Identifier: MIT
"""mx.profiler: context managers, table, trace, errors."""
import json
import threading

import mlx.core as mx
import pytest


def work():
    x = mx.random.normal((32, 32))
    mx.eval(x @ x, mx.exp(x + 1) * 2)


def test_table_rows_and_trace(tmp_path):
    path = tmp_path / "trace.json"
    with mx.profiler.profile(path) as p:
        with mx.profiler.range("forward"):
            work()
            with mx.profiler.range("inner ÿ \"x\""):
                work()
    rows = {r["name"]: r for r in p.rows()}
    assert rows["matmul"]["count"] == 2 and rows["matmul"]["flops"] == 2 * 2 * 32**3
    assert rows["matmul"]["kind"] == ("gpu" if mx.default_device() == mx.gpu else "cpu")
    assert rows["forward"]["kind"] == "range" and rows["forward"]["count"] == 1
    assert rows["forward"]["ms"] >= rows["inner ÿ \"x\""]["ms"] > 0
    table = p.table()
    assert "matmul" in table and "GFLOP/s" in table and "forward" in table
    events = json.loads(path.read_text())["traceEvents"]
    assert {e["ph"] for e in events} == {"M", "X"}
    assert all(e["dur"] >= 0 and e["ts"] >= 0 and isinstance(e["pid"], int) and isinstance(e["tid"], int)
               for e in events if e["ph"] == "X")
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for e in events if e["ph"] == "X"} <= named
    assert [f.name for f in tmp_path.iterdir()] == ["trace.json"]


def test_nothing_is_recorded_outside():
    with mx.profiler.range("outside"):
        work()
    with mx.profiler.profile() as p:
        pass
    work()
    assert p.rows() == [] and "nothing" in p.table()


def test_a_second_profile_is_an_error_and_the_first_goes_on():
    with mx.profiler.profile() as p:
        with pytest.raises(RuntimeError, match="recorded already"):
            with mx.profiler.profile():
                pass
        work()
        with pytest.raises(RuntimeError, match="has not ended"):
            p.table()
    assert p.rows()
    with p:  # again, from nothing
        pass
    assert p.rows() == []


def test_an_exception_inside_passes_and_the_trace_is_written(tmp_path):
    path = tmp_path / "trace.json"
    with pytest.raises(KeyError):
        with mx.profiler.profile(str(path)) as p:
            work()
            with mx.profiler.range("r"):
                raise KeyError("x")
    assert {r["name"] for r in p.rows()} >= {"matmul", "r"}
    assert json.loads(path.read_text())["traceEvents"]


def test_an_unwritable_path(tmp_path):
    for path, why in ((tmp_path / "none" / "t.json", "No such file"), (tmp_path, "Is a directory"), ("", "No such")):
        with pytest.raises(RuntimeError, match=why):
            with mx.profiler.profile(path):
                raise AssertionError("it is said before the work is done")
    folder = tmp_path / "gone"
    folder.mkdir()
    with pytest.raises(RuntimeError, match="No such file"):
        with mx.profiler.profile(folder / "trace.json") as p:
            work()
            folder.rmdir()
    assert p.rows()  # the profile is there, and can go elsewhere
    p.save(tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())


def test_bad_arguments():
    with pytest.raises(TypeError):
        mx.profiler.profile(3)
    with pytest.raises(TypeError):
        mx.profiler.range()
    with pytest.raises(TypeError):
        mx.profiler.range(3)
    with pytest.raises(RuntimeError, match="not entered"):
        mx.profiler.profile().__exit__(None, None, None)
    with pytest.raises(RuntimeError, match="not ended"):
        mx.profiler.profile().rows()
    p = mx.profiler.profile()
    p.__enter__()
    del p  # a profile that nobody ends, ends with its object
    with mx.profiler.profile():
        pass


def test_threads_have_tracks(tmp_path):
    with mx.profiler.profile(tmp_path / "t.json") as p:
        threads = [threading.Thread(target=lambda: [work() for _ in range(20)]) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert {r["name"]: r["count"] for r in p.rows()}["matmul"] == 60


def test_values_are_the_same():
    x = mx.random.normal((100,))
    want = (mx.exp(x + 1) * 2).tolist()
    with mx.profiler.profile():
        assert (mx.exp(x + 1) * 2).tolist() == want


def test_the_trace_is_what_perfetto_reads(tmp_path):
    """The trace event format: known phases, numbers, names of all tracks, and on a track spans that nest."""
    path = tmp_path / "t.json"
    with mx.profiler.profile(path):
        threads = [threading.Thread(target=lambda: [work() for _ in range(5)]) for _ in range(2)]
        with mx.profiler.range('outer "quoted" \\ \n \u00e9'):
            for t in threads:
                t.start()
            with mx.profiler.range("inner"):
                work()
            for t in threads:
                t.join()
            mx.async_eval(mx.exp(mx.ones((100, 100)) @ mx.ones((100, 100))))
            mx.synchronize()
    data = json.loads(path.read_bytes().decode("utf-8"))
    assert set(data) == {"traceEvents", "displayTimeUnit"} and data["displayTimeUnit"] in ("ms", "ns")
    names = {(e["name"], e["pid"], e.get("tid")): e["args"]["name"] for e in data["traceEvents"] if e["ph"] == "M"}
    spans = [e for e in data["traceEvents"] if e["ph"] != "M"]
    assert {e["ph"] for e in spans} == {"X"} and len(spans) > 20
    tracks = {}
    for e in spans:
        assert isinstance(e["name"], str) and isinstance(e["cat"], str) and isinstance(e.get("args", {}), dict)
        assert type(e["pid"]) is int and type(e["tid"]) is int and e["ts"] >= 0 and e["dur"] >= 0
        assert ("process_name", e["pid"], None) in names and ("thread_name", e["pid"], e["tid"]) in names
        tracks.setdefault((e["pid"], e["tid"]), []).append((e["ts"], -e["dur"]))
    assert len({(e["pid"], e["tid"]) for e in spans}) >= 3 and {e["name"] for e in spans} >= {"inner", "matmul"}
    for track in tracks.values():
        open_until = []
        for start, length in sorted(track):
            while open_until and open_until[-1] <= start + 0.0015:  # microseconds with three digits
                open_until.pop()
            assert not open_until or start - length <= open_until[-1] + 0.0015, (start, length, open_until)
            open_until.append(start - length)
