"""What an import costs, seen in a process of its own."""

import subprocess
import sys


def test_importing_the_blocks_costs_no_codec_no_server_and_no_cloud():
    """Prefect's server and `prefect block register` import every collection at their start."""
    heavy = {"av", "PIL", "s3fs", "aiobotocore", "moto", "prefect_storyboard.sandbox", "prefect_storyboard.media.probe"}
    script = f"import sys, prefect_storyboard.blocks; print(sorted({heavy} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_the_errors_are_imported_without_prefect():
    script = "import sys, prefect_storyboard.errors; print('prefect' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("False\n", "")
