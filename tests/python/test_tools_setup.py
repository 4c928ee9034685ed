# SPDX-License-Identifier: MIT
"""tools/setup on a machine of fake tools: what is missing is named in one line, or installed where that is allowed."""
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REAL = ["sed", "cat", "dirname", "basename", "env", "rm"]
ALL = ["gcc", "g++", "cmake", "ninja", "pkg-config", "apt-get", "sudo"]


class Machine:
    """A PATH of its own: real text tools, scripts for the rest, each of which logs its arguments."""

    def __init__(self, folder, tools=ALL, user=1000, system="Linux", without_libraries=()):
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        self.log.write_text("")
        for name in REAL:
            os.symlink(shutil.which(name), self.bin / name)
        self.script("id", f"echo {user}")
        self.script("uname", f"echo {system}")
        for name in tools:
            self.script(name, "exit 0")
        if "sudo" in tools:
            self.script("sudo", f'echo "sudo $*" >>{self.log}; exec "$@"')
        if "pkg-config" in tools:
            missing = "|".join(without_libraries) or "none"
            self.script("pkg-config", f'case "$2" in {missing}) exit 1 ;; esac')
        if "apt-get" in tools:     # installing makes each missing tool and library appear
            self.script("apt-get", f'echo "apt-get $*" >>{self.log}\n'
                                   f'[ "$1" = update ] || printf "#!/bin/sh\\n" | /usr/bin/tee '
                                   + " ".join(str(self.bin / name) for name in ("pkg-config", "ninja", "cmake"))
                                   + " >/dev/null; /bin/chmod +x " + str(self.bin) + "/*")

    def script(self, name, text):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def setup(self, *arguments, **variables):
        env = {"PATH": str(self.bin), "PYTHON": os.path.realpath(sys.executable), **variables}
        env = {key: value for key, value in env.items() if value is not None}
        result = subprocess.run(["/bin/sh", os.path.join(ROOT, "tools", "setup"), *arguments], env=env,
                                capture_output=True, text=True)
        return result.returncode, result.stderr

    def logged(self):
        return self.log.read_text()


def test_a_complete_machine_is_silent(tmp_path):
    assert Machine(tmp_path).setup("system") == (0, "")


@pytest.mark.parametrize("missing, packages", [
    (["gcc"], "gcc libc6-dev"),
    (["g++"], "g++"),
    (["cmake", "ninja"], "cmake ninja-build"),
    (["pkg-config"], "pkg-config libopenblas-dev zlib1g-dev libjansson-dev"),
])
def test_missing_tools_are_one_line(tmp_path, missing, packages):
    machine = Machine(tmp_path, tools=[name for name in ALL if name not in missing])
    status, output = machine.setup("system")
    assert status == 2
    assert output.splitlines()[-1] == f"sudo apt-get install -y {packages}"
    assert machine.logged() == ""


def test_missing_libraries_are_one_line_in_under_a_second(tmp_path):
    machine = Machine(tmp_path, tools=ALL, without_libraries=["zlib", "jansson"])
    start = time.monotonic()
    status, output = machine.setup("system")
    assert time.monotonic() - start < 1
    assert status == 2
    assert output.splitlines()[-1] == "sudo apt-get install -y zlib1g-dev libjansson-dev"


def test_check_asks_for_its_own_tools(tmp_path):
    status, output = Machine(tmp_path).setup("system", "check")
    assert (status, output.splitlines()[-1]) == (2, "sudo apt-get install -y clang clang-format")


@pytest.mark.parametrize("user, variables, prefix", [(0, {}, ""), (1000, {"SETUP": "1"}, "sudo ")])
def test_root_or_SETUP_installs(tmp_path, user, variables, prefix):
    machine = Machine(tmp_path, tools=[name for name in ALL if name != "ninja"], user=user,
                      without_libraries=["openblas"])
    status, output = machine.setup("system", **variables)
    assert status == 0, output
    lines = [line for line in machine.logged().splitlines() if line.startswith("apt-get")]
    assert lines[0].startswith("apt-get update")
    assert re.fullmatch(r"apt-get install .* ninja-build libopenblas-dev", lines[1])
    assert ("sudo" in machine.logged()) == bool(prefix)


def test_an_install_that_changes_nothing_is_an_error(tmp_path):
    machine = Machine(tmp_path, user=0, without_libraries=["zlib"])
    machine.script("apt-get", "exit 0")
    assert machine.setup("system") == (
        2, "setup: apt-get install -y zlib1g-dev\nsetup: still missing after apt-get: zlib1g-dev\n")


def test_without_apt_the_names_are_printed(tmp_path):
    machine = Machine(tmp_path, tools=["gcc", "g++", "cmake", "pkg-config"], user=0)
    assert machine.setup("system") == (2, "setup: missing, by their Debian names: ninja-build\n")


def test_a_mac_is_sent_to_apple(tmp_path):
    status, output = Machine(tmp_path, system="Darwin").setup("system")
    assert status == 2 and "pip install mlx" in output


def test_an_old_python_by_name_is_refused(tmp_path):
    machine = Machine(tmp_path)
    machine.script("python3.9", "exit 1")
    status, output = machine.setup("system", PYTHON=str(machine.bin / "python3.9"))
    assert status == 2 and "is not a Python 3.11 or later" in output


def test_a_usage_error_says_how(tmp_path):
    status, output = Machine(tmp_path).setup("nonsense")
    assert status == 2 and output.startswith("usage:")
