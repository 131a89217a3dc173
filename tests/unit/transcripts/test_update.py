from __future__ import annotations

import os
from pathlib import Path

from vmodem import dialects
from vmodem.transcripts.play import rewrite
from vmodem.transcripts.update import update

DIALECT = dialects.find("sm-1.0")


def test_update_keeps_what_is_right(write) -> None:
    text = "# page: x\ngiven sockets 0:tcp\n> AT\n<~ O.\n\n# more\n> AT\n<| \\r\\nOK\\r\\n\nerrata: y\n"
    assert update(write(text), DIALECT) == text


def test_update_replaces_adds_and_removes_lines(write) -> None:
    text = "> AT#XSOCKET=1,1,0\n< a\n< b\n< c\n> AT\n# end\n\n> AT\n<| wrong\n> at\n"
    first = "> AT#XSOCKET=1,1,0\n< #XSOCKET: 0,1,6\n< OK\n> AT\n< OK\n# end\n"
    updated = f"{first}\n> AT\n<| \\r\\nOK\\r\\n\n> at\n< OK\n"
    path = write(text)
    assert update(path, DIALECT) == updated
    path.write_text(updated)
    assert update(path, DIALECT) == updated


def test_line_ends_and_a_byte_order_mark_stay(write) -> None:
    path = write("\ufeff> AT\r\n< NO\r\n\r\n> AT\r\n")
    assert update(path, DIALECT) == "\ufeff> AT\r\n< OK\r\n\r\n> AT\r\n< OK\r\n"


def test_several_files_each_with_the_dialect_of_its_head(tmp_path: Path) -> None:
    one, other = tmp_path / "a.at", tmp_path / "b.at"
    one.write_text("> AT+FOO\n< OK\n")
    other.write_text("dialect ameba\n\n> AT+FOO\n< OK\n")
    assert rewrite([tmp_path], None) == 0
    assert (one.read_text(), other.read_text()) == (
        "> AT+FOO\n< ERROR\n",
        "dialect ameba\n\n> AT+FOO\n< unknown command AT+FOO\n",
    )


def test_it_goes_on_after_a_file_that_makes_no_sense(tmp_path: Path, capsys) -> None:
    bad, good = tmp_path / "a.at", tmp_path / "b.at"
    bad.write_text("> AT\nnonsense\n")
    good.write_text("> AT\n< NO\n")
    assert rewrite([tmp_path / "gone.at", tmp_path], None) == 1
    assert good.read_text() == "> AT\n< OK\n"
    gone, said = capsys.readouterr().err.splitlines()
    assert gone == f"vmodem play: {tmp_path}/gone.at: No such file or directory; a path that is there would be right"
    assert said.startswith(f"vmodem play: {bad}:2: 'nonsense' is no directive")


def test_only_blocks_with_certain_words(write) -> None:
    path = write("# page: one\n> AT\n< NO\n\n# page: two\n> AT\n< NO\n")
    assert rewrite([path], None, "TWO") == 0
    assert path.read_text() == "# page: one\n> AT\n< NO\n\n# page: two\n> AT\n< OK\n"


def test_a_file_that_is_right_is_not_written(write) -> None:
    path = write("> AT\n< OK\n")
    os.utime(path, (1, 1))
    assert rewrite([path], None) == 0
    assert path.stat().st_mtime == 1
