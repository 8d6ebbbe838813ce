"""Every benchmark, one after the other, in one run: `python tests/benchmarks`."""

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run each `bench_*.py` of this folder with its defaults."""
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    sys.argv = sys.argv[:1]
    for path in sorted(here.glob("bench_*.py")):
        print(f"\n{path.stem.removeprefix('bench_')}", flush=True)
        runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
