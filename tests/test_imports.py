"""Imports: asking for a name, a listing or help loads nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "matplotlib", "sklearn", "scipy", "pandas", "IPython", "papermill", "nbconvert")
LIGHT = [
    "netlens",
    "netlens.errors",
    "netlens.paths",
    "netlens.seeding",
    "netlens.devices",
    "netlens.data.catalogue",
    "netlens.models",
    "netlens.models.tutorial",
    "netlens.data",
    "netlens.card",
    "netlens.cli",
]


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_loads_nothing_heavy(module):
    source = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_models_load_their_classes_on_demand_and_refuse_other_names():
    from netlens import models
    from netlens.models.load import load_model
    from netlens.models.model import Model

    assert models.Model is Model
    assert models.load_model is load_model
    with pytest.raises(AttributeError, match=r"module 'netlens.models' has no attribute 'Modell'"):
        models.Modell  # noqa: B018


def test_the_version_is_the_one_of_the_package():
    from importlib.metadata import version

    import netlens

    assert netlens.__version__ == version("netlens")
