"""The lean import: what is left out, what works afterwards all the same, what stays."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTS = pytest.mark.slow(reason="imports torch's compiler anew; the lean import rarely changes")
FIRST = "import easyphoto_video.host.standalone.lean as lean, sys, torch\n"


def said(script: str) -> list[str]:
    command = [sys.executable, "-c", FIRST + script]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def test_what_nothing_calls_is_not_imported_and_can_be_had_afterwards() -> None:
    assert said(
        "import easyphoto_video.host.standalone.studio\n"
        "large = [*lean.LATER, lean.COMPILER, lean.MODELS, 'torch.distributed.tensor']\n"
        "print([name for name in large if name in sys.modules])\n"
        "print(torch.compile(lambda x: x + 7, backend='eager')(torch.ones(1, dtype=int)).item())\n"
        "import torch.distributed.tensor\n"
        "print(torch.distributed.is_available())\n"
        "import transformers\n"
        "model = transformers.models.clip.CLIPTextModel\n"
        "print(model is sys.modules['transformers.models.clip.modeling_clip'].CLIPTextModel)\n"
        "print(len(dir(transformers.models)) > 100)"
    ) == ["[]", "8", "True", "True", "True"]


def test_nobody_is_told_that_an_installed_package_is_absent() -> None:
    assert said(
        "import easyphoto_video.host.standalone.studio\n"
        "import diffusers.utils, transformers.utils\n"
        "print(diffusers.utils.is_scipy_available(), transformers.utils.is_scipy_available())\n"
        "from importlib.util import find_spec\n"
        "print(diffusers.utils.is_peft_available() == bool(find_spec('peft')))\n"
        "print([name for name in sys.modules if name in lean.LATER])\n"
        "from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler as E\n"
        "E(use_beta_sigmas=True).set_timesteps(5)\n"
        "from transformers.loss import loss_for_object_detection as loss\n"
        "print(loss.linear_sum_assignment([[2, 1], [1, 3]])[0].tolist())\n"
        "import diffusers\n"
        "s = diffusers.LMSDiscreteScheduler()\n"
        "s.set_timesteps(4)\n"
        "print(round(float(s.get_lms_coefficient(1, 0, 0)), 3) < 0)\n"
        "import scipy.integrate\n"
        "print(type(scipy.integrate).__name__)\n"
    ) == ["True", "True", "True", "[]", "[0,", "1]", "True", "module"]


@IMPORTS
def test_what_is_there_already_stays() -> None:
    assert said(
        "import torch._dynamo as before\n"
        "with lean.uncompiled(), lean.postponed('json', 'torch'):\n"
        "    import json, torch._dynamo as inside\n"
        "print(inside is before, torch._dynamo is before)"
    ) == ["True", "True"]


@IMPORTS
def test_marks_leave_functions_as_they_are_and_all_goes_after_an_exception() -> None:
    assert said(
        "import importlib.metadata as metadata\n"
        "before, table = torch.distributed.is_available, metadata.packages_distributions\n"
        "try:\n"
        "    with lean.uncompiled(), lean.undistributed(), lean.unlisted(), lean.unmapped():\n"
        "        @torch.compiler.disable(recursive=False)\n"
        "        def one(): pass\n"
        "        two = torch.compiler.disable(one)\n"
        "        print(two is one, torch.distributed.is_available())\n"
        "        raise KeyError\n"
        "except KeyError: print({lean.COMPILER, lean.MODELS} & {*sys.modules})\n"
        "print(torch.distributed.is_available is before)\n"
        "print(metadata.packages_distributions is table, 'pip' in table())"
    ) == ["True", "False", "set()", "True", "True", "True"]
