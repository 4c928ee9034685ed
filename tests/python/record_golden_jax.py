# SPDX-License-Identifier: MIT
"""Records what JAX says to control_cases.py: python record_golden_jax.py, in an environment that has it."""
import json
from pathlib import Path

import jax
import jax.numpy as jnp

import control_cases


class Adapter:
    scan = staticmethod(jax.lax.scan)
    while_loop = staticmethod(jax.lax.while_loop)
    cond = staticmethod(jax.lax.cond)
    sin = staticmethod(jnp.sin)
    grad, jvp, vmap = map(staticmethod, (jax.grad, jax.jvp, jax.vmap))
    jacfwd, jacrev, hessian, linearize = map(staticmethod, (jax.jacfwd, jax.jacrev, jax.hessian, jax.linearize))
    int32 = staticmethod(jnp.int32)

    @staticmethod
    def to_float(v):
        return v.astype(jnp.float32)


if __name__ == "__main__":
    arguments = [jnp.array(v) for v in (control_cases.C, control_cases.X, control_cases.W)]
    golden = {f.__name__: control_cases.flatten(f(Adapter, *arguments)) for f in control_cases.CASES}
    path = Path(__file__).parent / "golden" / "jax.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")
