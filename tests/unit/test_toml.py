"""On which line each key of a TOML file stands."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem.toml import lines_of

TEXT = '''\
# 1
top = 1
[identity]

imei = """
4: [cell]
"""
a.b = [
  1,
  {c = 2},
]
"dotted.key" = { d = { e = 1 } }
[[modem]]
name = "one"
[modem.cell]
act = 7
[[modem.network]]
[[modem.network]]
ssid = "two"
[[modem]]
[[modem.network]]
ssid = "three" # [x]
[[modem]]
cell.act = 9
'''

LINES = {
    ("top",): 2,
    ("identity",): 3,
    ("identity", "imei"): 5,
    ("identity", "a"): 8,
    ("identity", "a", "b"): 8,
    ("identity", "a", "b", 0): 8,
    ("identity", "a", "b", 1): 8,
    ("identity", "a", "b", 1, "c"): 8,
    ("identity", "dotted.key"): 12,
    ("identity", "dotted.key", "d"): 12,
    ("identity", "dotted.key", "d", "e"): 12,
    ("modem",): 13,
    ("modem", 0): 13,
    ("modem", 0, "name"): 14,
    ("modem", 0, "cell"): 15,
    ("modem", 0, "cell", "act"): 16,
    ("modem", 0, "network"): 17,
    ("modem", 0, "network", 0): 17,
    ("modem", 0, "network", 1): 18,
    ("modem", 0, "network", 1, "ssid"): 19,
    ("modem", 1): 20,
    ("modem", 1, "network"): 21,
    ("modem", 1, "network", 0): 21,
    ("modem", 1, "network", 0, "ssid"): 22,
    ("modem", 2): 23,
    ("modem", 2, "cell"): 24,
    ("modem", 2, "cell", "act"): 24,
}


def test_each_kind_of_key():
    assert lines_of(TEXT) == LINES


def keys_of(tree, place=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, value in items:
        yield (*place, name)
        yield from keys_of(value, (*place, name))


STATEMENTS = [
    "",
    "# [comment]",
    "[a]",
    "[b]",
    "[b.c]",
    "[[l]]",
    "[[l.m]]",
    "[l.n]",
    "x = 1",
    "y.z = 'a=b'",
    "'q q' = \"[[l]]\"",
    "v = [1, # ]\n  [2],\n]",
    "w = '''\n[a]\nx = 1\n'''",
    "u = {s = {t = 1}}",
]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=12))
def test_every_key_has_the_line_up_to_which_it_is_there_and_no_other(statements):
    text = "\n".join(statements) + "\n"
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    assert set(lines) == set(keys_of(tree))
    split = text.split("\n")
    for key, line in lines.items():
        assert key not in set(keys_of(tomllib.loads("\n".join(split[: line - 1]))))


@pytest.mark.parametrize("count", [400, 600])
def test_a_value_without_end_does_not_take_for_ever(count):
    lines = lines_of("[a]\nx = [\n" + "1,\n" * count + "]\ny = 1\n")
    assert lines[("a",)] == 1
    assert (("a", "y") in lines) == (count == 400)
