"""The kernel as machine code: compiled once, kept on disk, and loaded by who trains with it.

`python -m netclaims.kernel.compiled` compiles it, and set-up does that. It takes Numba and LLVM some seconds; to load
it takes neither Numba nor a pickle. The file is object code, as any compiler writes it, in the folder of Python's
environment, trusted as the packages that lie there. Its name is a digest of all that it is made of.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import llvmlite.binding as llvm
from filelock import FileLock

FOLDER = Path(sys.prefix) / "share" / "netclaims"
NAME = "kernel"

# What Numba puts before the arguments: where a result goes, and an exception, of which there is neither.
_POINTER, _FLOAT = ctypes.c_void_p, ctypes.c_float
PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int32, *[_POINTER] * 4, _FLOAT, _FLOAT, *[_POINTER] * 13)


@cache
def kernel() -> Callable[..., None]:
    """Return the function `netclaims.kernel.steps.kernel`, of addresses and two numbers, ready to be called."""
    machine = _machine()
    compiler = llvm.create_lljit_compiler(machine)
    builder = llvm.JITLibraryBuilder().add_object_img(_object_code()).add_current_process().export_symbol(NAME)
    library = builder.link(compiler, NAME)
    call, nowhere = PROTOTYPE(library[NAME]), (_POINTER * 2)()
    place = ctypes.addressof(nowhere)

    def function(*arguments: int | float) -> None:
        _ = library, compiler, nowhere  # these go on living with this function
        call(place, place, *arguments)

    return function


def _object_code() -> bytes:
    """Return the code on disk, written first if it is missing; where it cannot be written, this process's own."""
    path = FOLDER / f"{_digest()}.o"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.exists():
                    new = path.with_suffix(".new")
                    new.write_bytes(_compile())
                    new.replace(path)
        return path.read_bytes()
    except OSError:
        return _compile()


def _digest() -> str:
    said = [metadata.version(name) for name in ("numba", "llvmlite")] + list(_processor())
    digest = sha256(repr(said).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _processor() -> tuple[str, str, str]:
    """Return what is compiled for: any x86-64 processor that has AVX2, and elsewhere the one that is there."""
    triple, features = llvm.get_process_triple(), llvm.get_host_cpu_features()
    if triple.startswith("x86_64") and features.get("avx2") and features.get("fma"):
        return triple, "x86-64-v3", ""
    return triple, llvm.get_host_cpu_name(), features.flatten()


def _machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, name, features = _processor()
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True, codemodel="jitdefault")


def _compile() -> bytes:
    from netclaims.kernel import steps  # Numba takes half a second to import

    machine = _machine()
    (signature,) = steps.kernel.signatures
    module = llvm.parse_assembly(steps.kernel.inspect_llvm(signature))
    module.get_function(steps.kernel.overloads[signature].fndesc.llvm_func_name).name = NAME
    for function in module.functions:
        if not function.is_declaration and function.name != NAME:
            function.linkage = "internal"
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return machine.emit_object(module)


if __name__ == "__main__":
    _object_code()
