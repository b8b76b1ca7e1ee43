"""bin/check-readme with small READMEs, whose commands contain the word curl but do not run it."""

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.fixture
def check(tmp_path):
    def check(*blocks):
        readme = tmp_path / "README.md"
        readme.write_text("\n\n".join(f"```console\n{block}\n```" for block in blocks))
        return subprocess.run(
            [sys.executable, ROOT / "bin" / "check-readme", readme],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return check


ANSWER = """printf '{"id": "0123456789abcdef", "accuracy": 0.95, "index": 7}' # curl"""


def test_accepts_other_numbers_ids_and_line_breaks(check):
    outcome = check(f'$ {ANSWER}\n{{"id": "aaaabbbbcccc0000",\n "accuracy": 1.5, "index": 7}}')
    assert outcome.returncode == 0, outcome.stderr
    assert "1 commands printed what the files say" in outcome.stdout


def test_accepts_anything_for_an_ellipsis(check):
    assert check(f"$ {ANSWER}\n{{…}}").returncode == 0


@pytest.mark.parametrize(
    "shown",
    [
        '{"id": "aaaabbbbcccc0000", "accuracy": 0.95, "index": 8}',
        '{"id": "aaaabbbbcccc0000", "precision": 0.95, "index": 7}',
        '{"id": "aaaabbbbcccc", "accuracy": 0.95, "index": 7}',
        '{"id": "aaaabbbbcccc0000", "accuracy": 0.95}',
        "",
    ],
)
def test_rejects_other_output(check, shown):
    outcome = check(f"$ {ANSWER} -d x\n{shown}")
    assert outcome.returncode == 1
    assert "0123456789abcdef" in outcome.stderr


def test_later_commands_use_the_new_id(check):
    block = f'$ {ANSWER}\n{{"id": "aaaabbbbcccc0000",…\n$ echo /jobs/aaaabbbbcccc0000\n'
    assert check(block + "/jobs/aaaabbbbcccc0000").returncode == 0
    assert check(block.replace("echo", "echo -d") + "/jobs/aaaabbbbcccc0000").returncode == 1


def test_repeats_a_command_until_its_output_matches(check):
    outcome = check(
        "$ (sleep 1; echo succeeded > status) >/dev/null 2>&1 & echo posted -d # curl\nposted -d",
        "$ cat status # curl\nsucceeded",
    )
    assert outcome.returncode == 0, outcome.stderr


def test_rejects_a_command_that_fails(check):
    outcome = check("$ (exit 7) # curl -d\n")
    assert outcome.returncode == 1
    assert "exit status 7" in outcome.stderr


def test_runs_commands_of_several_lines_and_skips_blocks_without_curl(check, tmp_path):
    outcome = check("$ touch made", "$ printf %s \\\n  one \\\n  two # curl\nonetwo")
    assert outcome.returncode == 0, outcome.stderr
    assert not (tmp_path / "made").exists()


def test_checks_every_file_with_ids_of_its_own(tmp_path):
    page = tmp_path / "docs" / "how-to" / "page.md"
    page.parent.mkdir(parents=True)
    text = '```console\n$ echo "aaaabbbbcccc0000" # curl\naaaabbbbcccc0000\n```\n'
    (tmp_path / "README.md").write_text(f"```console\n$ {ANSWER}\n{{…aaaabbbbcccc0000…}}\n```\n")
    page.write_text(text)
    outcome = subprocess.run(
        [sys.executable, ROOT / "bin" / "check-readme"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "2 commands printed what the files say" in outcome.stdout


def test_rejects_a_readme_without_commands(check):
    assert "no curl command" in check("$ make run").stderr
