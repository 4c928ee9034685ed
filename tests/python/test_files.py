# SPDX-License-Identifier: MIT
"""save, savez, save_safetensors, load: paths and file objects, read back here and by NumPy."""
import io
import pathlib

import numpy as np
import pytest

import mlx.core as mx

x = mx.array([[1, 2, 3], [4, 5, 6]])
y = mx.array([1.5, 2.5], mx.bfloat16)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_npy(tmp_path, kind):
    mx.save(kind(tmp_path / "a"), x)  # the extension is added
    assert same(mx.load(kind(tmp_path / "a.npy")), x)
    assert np.load(tmp_path / "a.npy").tolist() == x.tolist()
    mx.save(kind(tmp_path / "t.npy"), x.T)
    assert same(mx.load(str(tmp_path / "t.npy")), x.T)
    np.save(tmp_path / "n.npy", np.arange(6.0).reshape(2, 3).T)
    assert mx.load(kind(tmp_path / "n.npy")).tolist() == np.arange(6.0).reshape(2, 3).T.tolist()


def test_npz(tmp_path):
    for save in (mx.savez, mx.savez_compressed):
        save(tmp_path / "a", x, x.T, name=x + 1)
        with np.load(tmp_path / "a.npz") as read:
            assert sorted(read) == ["arr_0", "arr_1", "name"] and read["arr_1"].tolist() == x.T.tolist()
        read = mx.load(str(tmp_path / "a.npz"))
        assert sorted(read) == ["arr_0", "arr_1", "name"] and same(read["name"], x + 1)
    with pytest.raises(ValueError, match="arr_0"):
        mx.savez(tmp_path / "b", x, arr_0=x)


def test_safetensors(tmp_path):
    mx.save_safetensors(str(tmp_path / "a"), {"x": x, "y.weight": y}, {"k": "v", "": "ü"})
    read = mx.load(tmp_path / "a.safetensors")
    assert same(read["x"], x) and same(read["y.weight"], y)
    read, metadata = mx.load(tmp_path / "a.safetensors", return_metadata=True)
    assert metadata == {"k": "v", "": "ü"} and same(read["y.weight"], y)
    with pytest.raises(ValueError, match="Metadata"):
        mx.save_safetensors(str(tmp_path / "a"), {"x": x}, {"k": 1})
    for wrong in ([x], {"x": "a"}, {1: x}):
        with pytest.raises(TypeError):
            mx.save_safetensors(str(tmp_path / "a"), wrong)


@pytest.mark.parametrize("form", ["npy", "npz", "safetensors"])
def test_file_objects(form):
    buffer = io.BytesIO()
    save = {"npy": lambda: mx.save(buffer, x), "npz": lambda: mx.savez(buffer, a=x),
            "safetensors": lambda: mx.save_safetensors(buffer, {"a": x})}[form]
    save()
    buffer.seek(0)
    read = mx.load(buffer, format=form)
    assert same(read if form == "npy" else read["a"], x)


def test_open_files_know_their_name(tmp_path):
    with open(tmp_path / "a.npy", "wb") as f:
        mx.save(f, x)
    with open(tmp_path / "a.npy", "rb") as f:
        assert same(mx.load(f), x)


def test_errors(tmp_path):
    with pytest.raises(RuntimeError):
        mx.load(str(tmp_path / "none.npy"))
    with pytest.raises(RuntimeError):
        mx.load(str(tmp_path / "none.safetensors"))
    with pytest.raises(RuntimeError):
        mx.save(str(tmp_path / "no" / "folder"), x)
    with pytest.raises(ValueError):
        mx.load(str(tmp_path / "a.foo"))
    with pytest.raises(ValueError):
        mx.load(str(tmp_path / "a"))
    with pytest.raises(ValueError):
        mx.load(1)
    with pytest.raises(ValueError):
        mx.save(1, x)
    mx.save(str(tmp_path / "a"), x)
    with pytest.raises(ValueError):
        mx.load(str(tmp_path / "a.npy"), return_metadata=True)
    with pytest.raises(TypeError):
        mx.save(str(tmp_path / "a"), [1])
    (tmp_path / "bad.npy").write_bytes(b"not an array")
    with pytest.raises((RuntimeError, ValueError)):
        mx.load(str(tmp_path / "bad.npy"))


def test_an_error_of_the_file_object_is_the_error():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError("no space")
    with pytest.raises(OSError, match="no space"):
        mx.save(Full(), x)
    with pytest.raises((RuntimeError, ValueError)):
        mx.load(io.BytesIO(b""), format="npy")
    with pytest.raises(ValueError, match="binary"):
        mx.load(io.StringIO("text" * 100), format="npy")
