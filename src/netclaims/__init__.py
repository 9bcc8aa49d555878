"""Re-run the experiments of student reports, and tell which of their claims hold.

Whatever imports a module of this package runs this first, so that numpy and torch find these variables when they load.
"""

import os
import platform
from pathlib import Path

# Libraries choose their fastest kernels by the processor, and kernels differ in the order in which they add. With these
# variables every x86-64 processor with AVX2 runs the same ones, and gives the same bytes; AVX-512 would gain little.
# Where torch takes those of the vendor: `linear_algebra`.
KERNELS = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its convolutions
    "MKL_CBWR": "AVX2",  # what is left to its MKL
    "OPENBLAS_CORETYPE": "Haswell",  # products and decompositions of numpy and scipy
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # numpy's own
}
PROCESSOR = Path("/proc/cpuinfo")


def _same_kernels() -> None:
    """Set what the user has not set; nothing on a processor without AVX2, where OpenBLAS would crash."""
    if platform.machine() == "x86_64" and PROCESSOR.exists() and " avx2 " in PROCESSOR.read_text(encoding="utf-8"):
        for name, value in KERNELS.items():
            os.environ.setdefault(name, value)
    # Work is shared between processes, each of one thread; with more of them OpenBLAS adds in another order.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


_same_kernels()
