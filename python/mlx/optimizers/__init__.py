# SPDX-License-Identifier: MIT
"""Optimizers and learning rate schedules."""

from mlx.optimizers import optimizers, schedulers
from mlx.optimizers.optimizers import *
from mlx.optimizers.schedulers import *
