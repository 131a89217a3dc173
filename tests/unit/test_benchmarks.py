import os
import sys
import time
from pathlib import Path

import pytest
from benchmarks.__main__ import BENCHMARKS, beside_version, figure
from benchmarks.cases import CASES, Case, Turns
from benchmarks.floods import FLOODS
from benchmarks.measure import in_turns, medians, spread
from benchmarks.peers import HERE, ROOT, cpu_time, descriptors, resident, versions
from benchmarks.turns import SCENES

TICK = 1 / os.sysconf("SC_CLK_TCK")


def documented():
    """Return the name and the words of each row of the tables in docs/benchmarks.md."""
    lines = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row[1] for row in rows}


def test_every_benchmark_is_documented_in_its_own_words():
    words = documented()
    assert {name: words.get(name) for name in BENCHMARKS} == {
        name: benchmark.__doc__.rstrip(".") for name, benchmark in BENCHMARKS.items()
    }


def test_every_scene_is_documented_in_its_own_words():
    words = documented()
    assert {name: words.get(name) for name in SCENES} == {name: scene.what for name, scene in SCENES.items()}


def test_every_flood_has_its_scene():
    assert {*SCENES} == {*FLOODS, "quiet"}


def test_no_two_benchmarks_share_a_name():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(BENCHMARKS) > len(names)


@pytest.mark.parametrize(
    ("value", "unit", "shown"), [(4.26, "KiB", "4.3 KiB"), (154321.7, "/s", "154,322 /s"), (999.96, "us", "1000.0 us")]
)
def test_a_figure(value, unit, shown):
    assert figure(value, unit) == shown


def test_the_median_of_ratios_is_not_the_ratio_of_medians():
    assert medians([(1, 1), (10, 5), (20, 40)]) == (10, 5, 1)


def test_the_spread_of_one_pair_is_its_ratio():
    assert spread([(3, 2)]) == (1.5, 1.5)


def test_half_of_the_ratios_are_in_the_spread():
    assert spread([(ratio, 1) for ratio in (1, 2, 3, 4, 5, 6, 7)]) == (2, 6)


def test_turns_alternate_and_the_first_does_not_count():
    asked = []

    def side(name):
        def measure():
            asked.append(name)
            return len(asked)

        return measure

    assert in_turns((side("a"), side("b")), 2) == [(3, 4), (6, 5)]
    assert "".join(asked) == "abab" + "ba"


def test_cpu_time_is_what_proc_counts():
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert cpu_time(os.getpid()) == pytest.approx((int(fields[11]) + int(fields[12])) * TICK, abs=3 * TICK)


def test_resident_memory_is_what_proc_counts():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert resident(os.getpid()) == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE") / 1024, rel=0.05)


def test_no_more_descriptors_than_the_limit_allows():
    with descriptors(1 << 40) as granted:
        assert granted < 1 << 40
    with descriptors(granted + 1) as again:
        assert again == granted


def test_a_checkout_is_run_by_this_interpreter_and_so_is_this_version():
    before, after = versions(str(ROOT))
    assert before == after == HERE._replace(sources=str(ROOT / "src"))
    assert before.environment()["PYTHONPATH"] == str(ROOT / "src")


def test_an_interpreter_has_its_own_version(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert versions(sys.executable) == (HERE, HERE)
    assert "PYTHONPATH" not in HERE.environment()


def test_no_version_compiles_itself_at_every_start(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in HERE.environment()


@pytest.mark.parametrize("path", ["no-such", "docs", "README.md"])
def test_what_is_no_version(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ValueError, match="neither an interpreter nor a checkout"):
        versions(path)


def test_the_table_of_two_versions(monkeypatch, capsys):
    class Steady:
        def __init__(self, figure):
            self.figure = figure

        def __enter__(self):
            return lambda: self.figure

        def __exit__(self, *error):
            pass

    case = Case("one", "What", "us", "-", lambda version: Steady(version), turns=(Turns(2, 2), Turns(1, 1)))
    monkeypatch.setattr("benchmarks.__main__.CASES", [case, case._replace(name="other")])
    beside_version(100.0, 95.0, ["one"], True)
    assert capsys.readouterr().out.splitlines()[2:] == ["| one | What | 100.0 us | 95.0 us | 0.950 | 0.950 to 0.950 |"]
