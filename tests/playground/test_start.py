"""The server starts light: what is slow to import is imported by the first who needs it."""

import subprocess
import sys


def test_the_server_starts_without_numpy_pictures_or_frameworks():
    heavy = ("numpy", "matplotlib", "PIL", "torch", "scipy", "latex2mathml", "jax")
    code = f"import sys, uvicorn, glidepath.playground.app; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
