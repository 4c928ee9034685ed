# SPDX-License-Identifier: MIT
"""`cmake --install`, seen from outside: a program finds Mica by pkg-config and by CMake, also after the folder moved;
the component `python` is the inside of a wheel."""
import glob
import os
import shlex
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
PROGRAM = """#include <mica.h>
#include <stdio.h>
int main(void)
{
    printf("%g\\n", mx_value(mx_add(mx_float(1.5), mx_float(2))));
    return mx_failed();
}
"""
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(outside C)
find_package(Mica 0.32 REQUIRED)
add_executable(outside outside.c)
target_link_libraries(outside Mica::mica)
"""


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD, "--prefix", folder / "first")
    os.rename(folder / "first", folder / "moved")
    (folder / "outside.c").write_text(PROGRAM)
    (folder / "CMakeLists.txt").write_text(PROJECT)
    return folder / "moved"


def libdir(prefix):
    return os.path.dirname(glob.glob(str(prefix / "lib*" / "**" / "libmica.so"), recursive=True)[0])


def test_pkg_config(prefix):
    env = {**os.environ, "PKG_CONFIG_PATH": os.path.join(libdir(prefix), "pkgconfig")}
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", "mica", env=env))
    program = prefix / "outside"
    run("cc", "-std=c11", prefix.parent / "outside.c", "-o", program, *flags)
    assert run(program, env={**os.environ, "LD_LIBRARY_PATH": libdir(prefix)}) == "3.5\n"


def test_cmake_package(prefix):
    folder = prefix.parent / "outside-build"
    run("cmake", "-S", prefix.parent, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder)
    assert run(folder / "outside") == "3.5\n"


def test_all_headers_are_installed_and_nothing_of_python(prefix):
    def headers(root):
        return {os.path.relpath(p, root) for p in glob.glob(f"{root}/**/*.h", recursive=True)}
    assert headers(prefix / "include") == headers(os.path.join(ROOT, "include"))
    assert not glob.glob(f"{prefix}/**/*.abi3.so", recursive=True)


def test_the_inside_of_a_wheel(tmp_path):
    run("cmake", "--install", BUILD, "--prefix", tmp_path, "--component", "python")
    assert sorted(os.listdir(tmp_path / "mlx")) == ["core", "core.abi3.so", "lib"]
    assert "def softmax(" in (tmp_path / "mlx" / "core" / "__init__.pyi").read_text()
    code = "import mlx.core as mx; print(mx.__file__); print((mx.array(1.5) + 2).item())"
    file, value = run(sys.executable, "-c", code, env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path).split()
    assert file == str(tmp_path / "mlx" / "core.abi3.so") and value == "3.5"
    maps = run("ldd", tmp_path / "mlx" / "core.abi3.so")
    assert str(tmp_path / "mlx" / "lib" / "libmica") in maps
