"""Other libraries' schedulers by their own names and arguments: read into our schedules, and written as their code.

`load` reads a scheduler, `from_live` one that stands in memory, `render` writes a schedule as a library's code, `convert` does both. No
library is imported for any of it. `read_config` reads what a training tool's configuration file says of the rate.
"""

from __future__ import annotations

from . import keras as _keras  # each library registers itself
from . import oneflow as _oneflow
from . import oneflow_kernel as _oneflow_kernel
from . import optax as _optax
from . import paddle as _paddle
from . import pytorch as _pytorch
from . import replay as _replay
from . import tensorflow as _tensorflow
from . import transformers as _transformers
from .configs import Config, read_config
from .converting import convert, read_text, render
from .live import from_live
from .reading import libraries, load, names
from .writing import NotExpressible

_LIBRARIES = (_keras, _oneflow, _oneflow_kernel, _optax, _paddle, _pytorch, _replay, _tensorflow, _transformers)

__all__ = [
    "Config",
    "NotExpressible",
    "convert",
    "from_live",
    "libraries",
    "load",
    "names",
    "read_config",
    "read_text",
    "render",
]
