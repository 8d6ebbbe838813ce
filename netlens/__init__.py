"""See what a neural network does, and prove it.

Importing `netlens` is cheap: no module here imports torch or matplotlib until it is asked for by name.
"""

from importlib.metadata import version

__version__ = version("netlens")
