# SPDX-License-Identifier: MIT
"""Dtype, Device, Stream and their contexts; memory functions; print options."""
import copy
import os
import pickle
import subprocess
import sys
import threading

import pytest

import mlx.core as mx


def test_dtypes_are_single_objects():
    for dtype in (mx.bool_, mx.bfloat16, mx.complex64):
        assert pickle.loads(pickle.dumps(dtype)) is dtype and copy.deepcopy(dtype) is dtype
        assert mx.array([1]).astype(dtype).dtype is dtype
    assert {mx.float32: 1}[mx.float32] == 1
    assert repr(mx.bool_) == "mlx.core.bool"


def test_categories_and_kinds_pickle():
    for value in (mx.floating, mx.DtypeCategory.generic, mx.cpu, mx.DeviceType.gpu):
        assert pickle.loads(pickle.dumps(value)) is value
    assert pickle.loads(pickle.dumps(mx.Device(mx.cpu))) == mx.Device(mx.cpu)
    with pytest.raises(ValueError):
        mx.DtypeCategory(8)
    with pytest.raises(ValueError):
        mx.DeviceType(2)


def test_devices_compare_and_hash_with_their_kind():
    assert mx.Device(mx.cpu) == mx.cpu and mx.cpu == mx.Device(mx.cpu) and mx.Device(mx.cpu, 1) != mx.cpu
    assert hash(mx.Device(mx.cpu)) == hash(mx.cpu)
    assert repr(mx.Device(mx.gpu, 2)) == "Device(gpu, 2)"


def test_stream_context_puts_back_what_was():
    device, stream = mx.default_device(), mx.default_stream(mx.cpu)
    other = mx.new_stream(mx.cpu)
    assert other != stream and len({other, stream}) == 2
    with mx.stream(other) as nothing:
        assert nothing is None
        assert mx.default_stream(mx.cpu) == other and mx.default_device() == mx.cpu
        x = mx.array([1, 2]) + 1
    assert mx.default_stream(mx.cpu) == stream and mx.default_device() == device
    assert x.tolist() == [2, 3]
    with pytest.raises(KeyError):
        with mx.stream(other):
            raise KeyError
    assert mx.default_stream(mx.cpu) == stream


def test_streams_depend_on_each_other():
    a, b = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    x = mx.ones((100, 100))
    for i in range(20):
        x = mx.add(x, 1, stream=a if i % 2 else b)
    assert x.sum(stream=a).item() == 210000
    mx.synchronize(a)
    mx.synchronize(mx.cpu)
    mx.synchronize()


def test_default_streams_are_of_the_thread():
    other = mx.new_stream(mx.cpu)
    seen = []
    with mx.stream(other):
        thread = threading.Thread(target=lambda: seen.append(mx.default_stream(mx.cpu)))
        thread.start()
        thread.join()
    assert seen[0] != other


def test_thread_local_stream():
    local = mx.new_thread_local_stream(mx.cpu)
    assert repr(local).startswith("ThreadLocalStream(Device(cpu, 0), ") and local.device == mx.cpu

    def stream():
        with mx.stream(local):
            return mx.default_stream(mx.cpu)
    results = [stream(), stream()]
    thread = threading.Thread(target=lambda: results.append(stream()))
    thread.start()
    thread.join()
    assert results[0] == results[1] != results[2]
    assert mx.add(1, 1, stream=local).item() == 2


@pytest.mark.skipif(mx.device_count(mx.gpu) > 0, reason="there is a GPU")
def test_without_a_gpu_asking_for_one_is_a_value_error():
    for ask in (lambda: mx.set_default_device(mx.gpu), lambda: mx.new_stream(mx.gpu), lambda: mx.default_stream(mx.gpu),
                lambda: mx.exp(mx.array(1.0), stream=mx.gpu), lambda: mx.new_thread_local_stream(mx.gpu)):
        with pytest.raises(ValueError):
            ask()
    assert not mx.is_available(mx.gpu) and mx.device_info(mx.gpu) == {} and not mx.cuda.is_available()
    assert mx.default_device() == mx.cpu


@pytest.mark.parametrize("wish, device, value", [
    ("", "cpu", "2.0"), ("cpu", "cpu", "2.0"), ("gpu", "gpu", "ValueError"), ("tpu", "cpu", "2.0")])
def test_the_environment_chooses_the_first_default_device(wish, device, value):
    code = """if True:
        import mlx.core as mx
        print(mx.default_device())
        try:
            print((mx.array(1.0) + 1).item())
        except ValueError:
            print("ValueError")
        mx.set_default_device(mx.cpu)
        print((mx.array(1.0) + 1).item())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "MICA_DEVICE": wish, "MICA_CUDA": "off"})
    assert done.stdout.splitlines() == [f"Device({device}, 0)", value, "2.0"]
    assert ("MICA_DEVICE=tpu is neither cpu nor gpu" in done.stderr) == (wish == "tpu")


@pytest.mark.skipif(mx.device_count(mx.gpu) == 0, reason="there is no GPU")
def test_device_info_of_a_gpu():
    assert mx.cuda.is_available() and mx.is_available(mx.gpu)
    info = mx.device_info(mx.gpu)
    assert isinstance(info["device_name"], str) and info["architecture"].startswith("sm_")
    assert info["memory_size"] == info["total_memory"] > 0
    major, minor = info["compute_capability_major"], info["compute_capability_minor"]
    assert info["architecture"] == f"sm_{10 * major + minor}"


@pytest.mark.skipif(mx.device_count(mx.gpu) == 0, reason="there is no GPU")
def test_both_devices_work_on_one_array():
    a = mx.arange(10000, dtype=mx.float32)
    here, there = mx.add(a, 1, stream=mx.cpu), mx.add(a, 2, stream=mx.gpu)
    mx.async_eval(here, there)
    both = mx.multiply(here, there, stream=mx.gpu) - mx.multiply(here, there, stream=mx.cpu)
    assert mx.abs(both, stream=mx.cpu).max().item() == 0


def test_device_info():
    info = mx.device_info(mx.cpu)
    assert isinstance(info["device_name"], str) and isinstance(info["architecture"], str)


def test_memory_functions():
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    x = mx.zeros((1 << 20,)) + 1
    mx.eval(x)
    assert mx.get_active_memory() >= before + (1 << 22)
    assert mx.get_peak_memory() >= 1 << 22
    del x
    assert mx.get_active_memory() <= before + 4096
    limit = mx.set_cache_limit(0)
    assert mx.set_cache_limit(limit) == 0
    limit = mx.set_memory_limit(1 << 40)
    assert mx.set_memory_limit(limit) == 1 << 40
    mx.clear_cache()
    between = 0 if mx.default_device() == mx.cpu else 64 << 20  # a GPU's slabs stay while they hold an array
    assert mx.get_cache_memory() <= between
    for bad in (-1, None, 1.5, "1"):
        with pytest.raises(TypeError):
            mx.set_cache_limit(bad)


def test_metal_functions_say_where_they_went(capfd):
    assert mx.metal.get_active_memory() == mx.get_active_memory()
    assert "mx.metal.get_active_memory is deprecated" in capfd.readouterr().err


def test_print_options():
    x = mx.array([1.23456, 2])
    assert repr(x) == "array([1.23456, 2], dtype=float32)"
    with mx.printoptions(precision=2):
        assert mx.get_printoptions().precision == 2
        assert repr(x) == "array([1.23, 2.00], dtype=float32)"
        with mx.printoptions(0):
            assert repr(x) == "array([1, 2], dtype=float32)"
    assert mx.get_printoptions().precision == -1
    mx.set_printoptions(precision=3)
    assert repr(x) == "array([1.235, 2.000], dtype=float32)"
    mx.set_printoptions()
    assert repr(x) == "array([1.23456, 2], dtype=float32)"
    options = mx.PrintOptions()
    options.precision = 4
    assert options.precision == 4
