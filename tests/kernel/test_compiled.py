"""The kernel on disk: compiled by one process, found by all others, and by those that cannot write."""

import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from time import sleep

import llvmlite.binding as llvm
import pytest

from netclaims.kernel import compiled


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of its own for the kernel, and what is compiled there: the code that is on disk already."""
    code, calls = compiled._object_code(), tmp_path / "calls"

    def compile_():
        with calls.open("a") as file:
            file.write("x")
        sleep(0.2)
        return code

    monkeypatch.setattr(compiled, "_compile", compile_)
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "share")
    return calls


def test_it_is_compiled_once(folder):
    first = compiled._object_code()
    assert compiled._object_code() == first
    assert folder.read_text() == "x"
    assert [path.suffix for path in compiled.FOLDER.iterdir() if path.suffix != ".lock"] == [".o"]


def test_processes_that_start_at_once_wait_for_the_one_that_compiles(folder):
    context = get_context("fork")
    workers = [context.Process(target=compiled._object_code) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert folder.read_text() == "x"


def test_where_nothing_can_be_written_it_is_compiled_for_the_process(folder):
    compiled.FOLDER.write_text("a file where the folder should be")
    code = compiled._object_code()
    assert code == compiled._object_code()
    assert folder.read_text() == "xx"


def test_other_code_and_another_processor_have_a_file_of_their_own(monkeypatch, tmp_path):
    digest = compiled._digest()
    assert compiled._digest() == digest
    for processor in (("x86_64-unknown-linux-gnu", "x86-64-v4", ""), ("aarch64-unknown-linux-gnu", "generic", "")):
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "_processor", lambda processor=processor: processor)
            assert compiled._digest() != digest
    for path in Path(compiled.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    assert compiled._digest() == digest  # wherever it lies, and whenever it was written
    with (tmp_path / "products.py").open("a") as file:
        file.write("\n")
    assert compiled._digest() != digest


def test_who_loads_it_imports_no_numba():
    compiled.kernel()
    code = "import sys; from netclaims.kernel.compiled import kernel; kernel(); print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 (this Python)
    assert found.stdout == "False\n"


def test_it_needs_no_function_of_the_machine_but_to_clear_memory():
    """What is to be found elsewhere is named in the object's table of names; `_ZN…` are its own."""
    code = compiled._object_code()
    names = {name.decode() for name in code.split(b"\0") if name.isascii() and name.isalnum() and len(name) > 3}
    assert {"memset", "kernel"} <= names
    assert not names & {"expf", "logf", "tanhf", "fmaf", "sqrtf", "sqrt", "powf", "exp", "tanh", "memcpy"}


@pytest.mark.skipif(not llvm.get_process_triple().startswith("x86_64"), reason="no x86-64")
def test_every_processor_with_avx2_gets_the_same_code(monkeypatch):
    features = {"avx2": True, "fma": True}
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: features | {"avx512f": True})
    one = compiled._processor()
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: features)
    assert compiled._processor() == one == (llvm.get_process_triple(), "x86-64-v3", "")
