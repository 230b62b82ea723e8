"""What a user writes with our tasks passes two type checkers without a cast or an ignore."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

USERS = Path(__file__).parents[1] / "typing" / "flows_of_ones_own.py"
EXAMPLES = Path(__file__).parents[2] / "examples" / "flows"
PLACES = re.compile(r"([\w.]+)\.py:(\d+)(?::\d+)?(?: -|:) error")
CHECKERS = {
    "mypy": ("-m", "mypy", "--strict", "--config-file="),
    "basedpyright": ("-m", "basedpyright", "--level", "error", "--pythonpath", sys.executable),
}


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_flows_of_ones_own_are_typed_and_a_wrong_argument_is_seen(checker: str, tmp_path: Path) -> None:
    text = USERS.read_text()
    assert not re.search(r"ignore|cast\(", text.partition('"""\n')[2])
    (tmp_path / "right.py").write_text(text)
    wrong = text.replace("""shoot("The sea.", seconds=8""", """shoot("The sea.", seconds="8\"""")
    (tmp_path / "wrong.py").write_text(wrong)
    command = [sys.executable, *CHECKERS[checker], "right.py", "wrong.py"]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    places = PLACES.findall(report.stdout)
    mistakes = {str(number) for number, line in enumerate(wrong.splitlines(), 1) if 'seconds="8"' in line}
    assert {file for file, _ in places} == {"wrong"}, report.stdout + report.stderr
    assert len(mistakes) == 2
    assert mistakes <= {line for _, line in places}


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_example_is_typed_without_a_cast_or_an_ignore_and_a_wrong_argument_is_seen(
    checker: str, tmp_path: Path
) -> None:
    for file in EXAMPLES.glob("*.py"):
        text = file.read_text()
        assert not re.search(r"type: *ignore|pyright:|cast\(", text)
        (tmp_path / file.name).write_text(text)
    wrong = (EXAMPLES / "variants.py").read_text().replace('reel="Lantern ads"', "reel=3")
    wrong = wrong.replace('await create_character("Mara"', "await create_character(7")
    (tmp_path / "wrong.py").write_text(wrong)
    command = [sys.executable, *CHECKERS[checker], *(path.name for path in sorted(tmp_path.glob("*.py")))]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert {file for file, _ in PLACES.findall(report.stdout)} == {"wrong"}, report.stdout + report.stderr
