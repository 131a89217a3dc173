from typing import Annotated

import pytest

from vmodem.core.errors import CommandError
from vmodem.core.parameters import Signature, anything, choice, integer, text
from vmodem.core.syntax import EMPTY


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_integer_accepts_its_range(value):
    assert integer(0, 65535)(None, value) == value


@pytest.mark.parametrize("value", [-1, 65536, "1", EMPTY, True])
def test_integer_refuses_the_rest(value):
    with pytest.raises(CommandError):
        integer(0, 65535)(None, value)


def test_integer_has_32_bits_by_default():
    assert integer()(None, -(2**31)) == -(2**31)
    for value in (2**31, -(2**31) - 1):
        with pytest.raises(CommandError):
            integer()(None, value)


def test_choice():
    assert choice(1, 2)(None, 2) == 2
    for value in (0, 3, "1", EMPTY):
        with pytest.raises(CommandError):
            choice(1, 2)(None, value)


def test_text():
    assert text(3)(None, "abc") == "abc"
    for value in ("abcd", 1, EMPTY):
        with pytest.raises(CommandError):
            text(3)(None, value)


def handler(device, a: Annotated[int, integer()], b: Annotated[str | None, text(9)] = None):
    """Take one or two parameters."""


class TestSignature:
    def test_optional_parameters_may_be_missing(self):
        assert Signature(handler, surplus=True).bind(None, [1]) == [1]
        assert Signature(handler, surplus=True).bind(None, [1, "x"]) == [1, "x"]

    def test_missing_wrong_and_empty_parameters(self):
        for values in ([], ["x"], [EMPTY], [1, EMPTY], [1, 2]):
            with pytest.raises(CommandError):
                Signature(handler, surplus=True).bind(None, values)

    def test_surplus_is_ignored_or_refused(self):
        assert Signature(handler, surplus=True).bind(None, [1, "x", 3]) == [1, "x"]
        with pytest.raises(CommandError):
            Signature(handler, surplus=False).bind(None, [1, "x", 3])

    def test_an_optional_annotation_keeps_its_converter(self):
        def optional(device, a: Annotated[int, choice(1)] | None = None):
            """Take an optional parameter."""

        assert Signature(optional, surplus=True).bind(None, [1]) == [1]

    def test_the_rest(self):
        def rest(device, a: Annotated[int, integer()], *others: Annotated[object, anything]):
            """Take any number of parameters."""

        assert Signature(rest, surplus=False).bind(None, [1, "x", EMPTY]) == [1, "x", EMPTY]

    def test_a_parameter_without_a_converter_is_our_own_mistake(self):
        def bare(device, a: int):
            """Lack a converter."""

        with pytest.raises(TypeError, match="no converter"):
            Signature(bare, surplus=True)

    def test_the_converter_is_called_with_the_device(self):
        def device_of(device, value):
            return device

        def takes(device, a: Annotated[object, device_of]):
            """Take what the device makes of it."""

        assert Signature(takes, surplus=True).bind("device", [1]) == ["device"]
