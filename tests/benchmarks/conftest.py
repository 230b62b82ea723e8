"""Makes the benchmarks importable, and no other folder of the checkout under its bare name."""

import sys
from pathlib import Path
from types import ModuleType

package = ModuleType("benchmarks")
package.__path__ = [str(Path(__file__).parents[2] / "benchmarks")]
sys.modules.setdefault("benchmarks", package)
