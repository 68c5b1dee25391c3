"""Random valid modules, from binaryen's generator: ``wasm-opt --translate-to-fuzz`` makes a module of random bytes."""

from __future__ import annotations

import random
import subprocess
import tempfile
from pathlib import Path

from tests.adversarial.sections import without_imports

#: What both binaryen's generator and the engine take. Its reference types are those of an unfinished proposal.
_FEATURES = (
    "--mvp-features",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-mutable-globals",
)
_SIZES = (50, 200, 1000, 4000)


def random_module(seed: int) -> bytes:
    """The valid module of this seed. Its imports (of the generator's test bench) are replaced by empty functions."""
    chance = random.Random(seed)  # noqa: S311 - reproducible is what it has to be
    with tempfile.TemporaryDirectory(prefix="infrafabric-random-") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out.wasm"
        source.write_bytes(chance.randbytes(chance.choice(_SIZES)))
        command = ["wasm-opt", str(source), "--translate-to-fuzz", *_FEATURES, "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return without_imports(target.read_bytes())
