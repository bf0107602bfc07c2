"""The pure language: from a step to a value."""

from __future__ import annotations

from .answer import *
from .checks import *
from .classics import *
from .combinators import *
from .custom import *
from .errors import *
from .expression import *
from .files import *
from .node import *
from .rate import *
from .recurrence import *
from .schedule import *
from .segments import *
from .text import *
