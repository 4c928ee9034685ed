# SPDX-License-Identifier: MIT
"""tools/check: one planted breach of each kind is reported at its line, and a clean tree is not."""
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
C = "/* SPDX-License-Identifier: MIT */\n"
PY = "# SPDX-License-Identifier: MIT\n"


def check(root):
    result = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "check"), str(root)],
                            capture_output=True, text=True)
    return result.returncode, result.stdout


def plant(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


CLEAN = {
    "src/core/array.h": C + "#ifndef CORE_ARRAY_H\n#define CORE_ARRAY_H\n#include <mica/array.h>\n#endif\n",
    "src/core/memory.c": C + "void mx_free(void *p)\n{\n    free(p);\n}\n",
    "src/ops/exp.c": C + '#include "core/array.h"\n/* malloc(n) and "case OP_" in a comment are nobody\'s breach */\n'
                         'static const char *const text = "free(x); printf()";\nstatic int next(int i);\n'
                         "bool drop(struct device *d)\n{\n    return d->free(d) && pthread_exit_all(d);\n}\n",
    "src/cpu/kernels/exp_tmpl.h": C + "static void NAME(exp)(void) {}\n",
    "src/mlxc/exp.c": C + '#include <mlx/c/ops.h>\n#include "mica.h"\n#include "mlxc/handle.h"\n',
    "python/mlx/utils.py": PY + "def f():\n    return 1\n",
    "tools/run.sh": "#!/bin/sh\n# SPDX-License-Identifier: MIT\n",
}

BREACHES = {
    "core sees a room above": ("src/core/a.c", C + '#include "ops/x.h"\n', 2, "src/core may not include"),
    "ops sees graph": ("src/ops/a.c", C + '\n#include "graph/x.h"\n', 3, "src/ops may not include"),
    "graph sees cpu": ("src/graph/a.c", C + '#include "cpu/x.h"\n', 2, "src/graph may not include"),
    "cpu sees cuda": ("src/cpu/a.c", C + '#include "cuda/x.h"\n', 2, "src/cpu may not include"),
    "cuda sees cpu": ("src/cuda/a.c", C + '#include "cpu/x.h"\n', 2, "src/cuda may not include"),
    "a template of another room": ("src/ops/a.c", C + '#define TEMPLATE "cpu/x_tmpl.h"\n', 2, "may not include"),
    "mlxc sees core": ("src/mlxc/a.c", C + '#include "core/array.h"\n', 2, "src/mlxc may not include"),
    "io sees mlx-c": ("src/io/a.c", C + "#include <mlx/c/array.h>\n", 2, "src/io may not include"),
    "python sees core": ("python/src/a.c", C + '#include "core/array.h"\n', 2, "python/src may not include"),
    "an example sees core": ("examples/c/a.c", C + '#include "core/array.h"\n', 2, "examples may not include"),
    "a climbing include": ("src/ops/a.c", C + '#include "../core/array.h"\n', 2, "climbs out"),
    "an include without room": ("src/ops/a.c", C + '#include "array.h"\n', 2, "names no room"),
    "malloc": ("src/ops/a.c", C + "void *p = malloc(3);\n", 2, "malloc() is banned, use mx_alloc"),
    "free": ("python/src/a.c", C + "/* x */ free(p);\n", 2, "free() is banned"),
    "exit": ("src/io/a.c", C + "exit(1);\n", 2, "exit() is banned"),
    "printf": ("src/io/a.c", C + 'printf("x");\n', 2, "printf() is banned"),
    "strcpy": ("src/io/a.c", C + "strcpy (a, b);\n", 2, "strcpy() is banned"),
    "case OP_": ("src/graph/a.c", C + "switch (x) {\ncase OP_exp: break;\n}\n", 3, "lists ops again"),
    "an attribute": ("src/ops/a.c", C + "__attribute__((hot)) int f(void);\n", 2, "compiler extension"),
    "intrinsics": ("src/cpu/a.c", C + "#include <immintrin.h>\n", 2, "intrinsics outside"),
    "mutable state": ("src/ops/a.c", C + "static int counter;\n", 2, "mutable static"),
    "a mutable table": ("src/ops/a.c", C + "void f(void)\n{\n    static int seen[4] = {0};\n}\n", 4, "mutable static"),
    "a bare mark": ("docs/a.md", "one\n" + "TO" + "DO: two\n", 2, "open an issue"),
    "a machine's path": ("docs/a.md", "see /wor" + "k/main\n", 1, "a path of one machine"),
    "no licence in C": ("src/ops/a.c", "int x;\n", 1, "licence"),
    "no licence in Python": ("python/mlx/a.py", "x = 1\n", 1, "licence"),
    "no licence in a script": ("tools/a", "#!/bin/sh\necho\n", 1, "licence"),
    "no guard": ("src/core/a.h", C + "int f(void);\n", 1, "write: #ifndef CORE_A_H"),
    "a wrong guard": ("src/core/a.h", C + "#ifndef A_H\n#define A_H\n#endif\n", 2, "name it by its path: CORE_A_H"),
    "a wrong public guard": ("include/mica/a.h", C + "#ifndef A_H\n#endif\n", 2, "name it by its path: MICA_A_H"),
    "a long C function": ("src/ops/a.c", C + "int f(int a,\n int b)\n{\n" + "    x();\n" * 57 + "}\n", 2, "61 lines"),
    "a long Python function": ("python/mlx/a.py", PY + "def f():\n" + "    x()\n" * 60, 2, "61 lines"),
    "a long file": ("src/ops/a.c", C + "\n" * 800, 801, "801 lines"),
    "a long opening comment": ("src/ops/a.c", C[:-3] + "\n" + " *\n" * 10 + " */\n", 12, "12 lines"),
    "a long Python line": ("python/mlx/a.py", PY + "x = '" + "a" * 120 + "'\n", 2, "columns"),
    "unreadable Python": ("python/mlx/a.py", PY + "def f(:\n", 2, "Python cannot read it"),
}


def test_a_clean_tree_passes(tmp_path):
    for path, text in CLEAN.items():
        plant(tmp_path, path, text)
    assert check(tmp_path) == (0, "tools/check: the house is in order\n")


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_reported_at_its_line(tmp_path, name):
    path, text, line, message = BREACHES[name]
    plant(tmp_path, path, text)
    status, output = check(tmp_path)
    first = output.splitlines()[0]
    assert status == 1
    assert first.startswith(f"{path}:{line}: ") and message in first
    assert output.endswith("tools/check: 1 breaches\n")


def test_limits_are_inclusive_and_data_tables_exempt(tmp_path):
    plant(tmp_path, "src/ops/a.c", C + "int f(void)\n{\n" + "    x();\n" * 57 + "}\n")
    plant(tmp_path, "src/ops/b.c", "/* SPDX-License-Identifier: MIT\n * A data table. */\n" + "\n" * 900)
    docstring = '    """' + "text\n" * 80 + '    """\n'
    plant(tmp_path, "python/mlx/a.py", PY + "def f():\n" + docstring + "    x()\n" * 59)
    assert check(tmp_path)[0] == 0
