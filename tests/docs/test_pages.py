"""What holds for every page: its links lead somewhere, and each of its blocks is run by the test of that page."""

import re

import pytest
from tests.docs.pages import ROOT

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUN = {"", "console", "python", "toml", "text"}
"""The languages of blocks that the tests of pages know how to run."""

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

NOT_RUN = {
    ("README.md", "yaml"): "a job of GitHub",
}
"""Blocks that no test runs, and why."""


def without_blocks(page):
    return re.sub(r"^    .*$", "", FENCED.sub("", (ROOT / page).read_text()), flags=re.MULTILINE)


def anchors(path):
    """Return what headings of a page are linked as."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page):
    for link in LINK.findall(without_blocks(page)):
        if re.match(r"https?:|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page} links to {link}, which has no such heading"


@pytest.mark.parametrize("page", [page for page in PAGES if FENCED.search((ROOT / page).read_text())])
def test_its_blocks_are_run(page):
    languages = {language for language, _ in FENCED.findall((ROOT / page).read_text())}
    languages -= {language for name, language in NOT_RUN if name == page}
    name = re.sub(r"\W+", "_", page.removesuffix(".md").removeprefix("docs/")).lower()
    test = ROOT / "tests" / "docs" / f"test_{name}.py"
    assert not languages or test.exists(), f"nobody runs the blocks of {page}"
    assert languages <= RUN, f"{page}: {languages}"
