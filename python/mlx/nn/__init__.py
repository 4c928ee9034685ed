# SPDX-License-Identifier: MIT
"""Neural networks: modules, layers, losses and initializers."""

from mlx.nn import init, layers, losses, utils
from mlx.nn.layers import *
from mlx.nn.utils import value_and_grad
