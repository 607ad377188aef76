"""Scripts that are no stories of the gallery run, here for a few epochs."""

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_stories_of_the_gallery_have_no_command_line():
    """`make docs` runs them, as they stand."""
    stories = list(EXAMPLES.glob("plot_*.py"))
    assert len(stories) >= 14
    assert [
        path.name for path in stories if re.search(r"argparse|sys\.argv", path.read_text())
    ] == []


def test_the_quick_start_says_where_its_picture_is_and_what_to_read_next(tmp_path):
    picture = tmp_path / "quickstart.png"
    command = [sys.executable, EXAMPLES / "quickstart.py", "--epochs", "1", "--output", picture]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "loaded in a fresh process. The same predictions: True." in run.stdout
    last = run.stdout.splitlines()[-1]
    assert f"The picture is in {picture}." in last
    (page,) = re.findall(r"Read (\S+) next", last)
    assert (EXAMPLES.parent / page).is_file()
    assert picture.stat().st_size > 10_000


def test_a_killed_training_is_resumed():
    command = [sys.executable, EXAMPLES / "resume.py", "--epochs", "8"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    killed, resumed, saved = run.stdout.splitlines()
    assert "checkpoint-" in killed
    assert resumed == "Resumed to 8 epochs; the codes of both are the same: True."
    assert saved.endswith("the same codes: True.")


def test_rows_that_are_never_in_memory_together():
    command = [sys.executable, EXAMPLES / "out_of_core.py", "--rows", "20000", "--chunk", "5000"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    trained, codes, peak = run.stdout.splitlines()
    assert trained.startswith("Trained in 4 parts; ")
    assert codes == "Codes of (20000, 8); those of the last rows are transform's: True."
    assert peak.startswith("Peak memory ")
