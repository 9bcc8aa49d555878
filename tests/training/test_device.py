"""Where nets train, by what is asked for and what there is."""

import ast

import pytest
import torch

from netclaims.errors import SettingsError
from netclaims.paths import PARAMS
from netclaims.training import device
from netclaims.training.device import choose, wanted


@pytest.fixture(params=[True, False], ids=["a GPU", "no GPU"])
def gpu(request, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    monkeypatch.setattr(device, "PROBE", "")
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # so that it is as before afterwards
    return request.param


@pytest.mark.parametrize("cluster", [False, True])
def test_the_processor_can_always_be_asked_for(cluster, gpu):
    assert choose("cpu", cluster) == "cpu"


def test_auto_takes_a_gpu_if_there_is_one(gpu):
    assert choose("auto") == ("cuda" if gpu else "cpu")


def test_a_gpu_that_is_asked_for_has_to_be_there(gpu):
    if gpu:
        assert choose("cuda") == "cuda"
    else:
        with pytest.raises(SettingsError) as error:
            choose("cuda")
        assert str(error.value) == "params.yaml: device: auto or cpu, as torch finds no GPU (found 'cuda')"


BROKEN = {
    "too old": ("import sys; sys.exit('CUDA error: no kernel image')", "CUDA error: no kernel image"),
    "warned of": ("import sys; print('a warning\\n\\nbusy', file=sys.stderr); sys.exit(1)", "busy"),
    "crashed": ("import os; os.abort()", "a first product ends with status -6"),
    "no answer": ("import time; time.sleep(60)", "it does not answer in 0.05 s"),
}  # fmt: skip


@pytest.mark.parametrize("probe", BROKEN)
def test_a_gpu_that_cannot_be_used(probe, monkeypatch, capsys):
    """One line, and the processor; an error where it was asked for."""
    code, reason = BROKEN[probe]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device, "PROBE", code)
    monkeypatch.setattr(device, "PATIENCE", 0.05 if probe == "no answer" else 30)
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    told = f"the GPU that torch finds cannot be used: {reason}"
    assert choose("auto") == "cpu"
    assert capsys.readouterr().err == f"nets train on the processor, as {told}\n"
    with pytest.raises(SettingsError) as error:
        choose("cuda")
    assert str(error.value) == f"params.yaml: device: auto or cpu, as {told} (found 'cuda')"
    assert choose("cpu") == "cpu"
    assert not capsys.readouterr().err


def test_the_probe_says_in_its_last_line_what_is_wrong(monkeypatch):
    ast.parse(device.PROBE)
    code = device.PROBE.replace("import sys, torch", "import sys\nclass torch: ones = lambda *_, device: 1 / 0")
    monkeypatch.setattr(device, "PROBE", code)
    assert device._fault() == "division by zero"


def test_machines_of_a_cluster_train_on_their_processors_whatever_this_one_has(gpu):
    assert choose("auto", cluster=True) == "cpu"
    with pytest.raises(SettingsError) as error:
        choose("cuda", cluster=True)
    line = "params.yaml: device: auto or cpu, as Ray's machines train on their processors (found 'cuda')"
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("text", "expected"), [("device: cuda", "cuda"), ("device: cpu\nseed: 1", "cpu"), ("seed: 1", "auto")]
)
def test_what_params_yaml_asks_for(text, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PARAMS.write_text(text)
    assert wanted() == expected
