"""Install a package of this folder without a network: its metadata beside it, as pip would write them."""

import tomllib
from pathlib import Path


def install(package: Path, to: Path) -> dict[str, str]:
    """Write the package's dist-info into a folder; the variables with which a process finds both."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = to / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{k} = {v}" for k, v in points.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return {"PYTHONPATH": f"{to}:{package}"}
