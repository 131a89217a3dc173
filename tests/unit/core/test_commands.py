from typing import Annotated

import pytest

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import integer
from vmodem.core.syntax import Form, Request


@pytest.fixture
def table():
    made = CommandTable("A page")

    @made.set("+X", "Do x", test="+X: (0-9)")
    def x(device, value: Annotated[int, integer(0, 9)]):
        return f"+X: {value}"

    @made.read("+X")
    def x_read(device):
        return f"+X: {device}"

    @made.test("+Y", "Test y")
    def y_test(device):
        return "+Y: (1)"

    return made


def test_forms(table):
    assert table.call("device", Request("+X", Form.SET, [3])) == "+X: 3"
    assert table.call("device", Request("+X", Form.READ, [])) == "+X: device"
    assert table.call("device", Request("+X", Form.TEST, [])) == "+X: (0-9)"
    assert table.call("device", Request("+Y", Form.TEST, [])) == "+Y: (1)"


@pytest.mark.parametrize(
    "request_", [Request("+Y", Form.SET, []), Request("+Y", Form.READ, []), Request("+Z", Form.SET, [])]
)
def test_what_is_not_there_is_an_error(table, request_):
    with pytest.raises(CommandError):
        table.call("device", request_)


def test_a_command_knows_itself(table):
    assert [(c.name, c.summary, c.page, c.forms) for c in table] == [
        ("+X", "Do x", "A page", [Form.SET, Form.READ, Form.TEST]),
        ("+Y", "Test y", "A page", [Form.TEST]),
    ]
    assert "+X" in table
    assert table["+X"].summary == "Do x"


def test_tables_are_put_together_and_the_later_wins(table):
    other = CommandTable("Another page")

    @other.set("+X", "Do x otherwise")
    def x(device):
        return "other"

    both = CommandTable().include(table, other)
    assert len(both) == 2
    assert both.call("device", Request("+X", Form.SET, [])) == "other"
