from types import SimpleNamespace
from typing import Annotated

import pytest

from vmodem.core.errors import CommandError
from vmodem.core.parameters import Signature, Values, anything, choice, integer, one_of, text, unless
from vmodem.core.syntax import EMPTY


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_integer_accepts_its_range(value):
    assert integer(0, 65535).convert(None, value) == value


@pytest.mark.parametrize("value", [-1, 65536, "1", EMPTY, True])
def test_integer_refuses_the_rest(value):
    with pytest.raises(CommandError):
        integer(0, 65535).convert(None, value)


def test_integer_has_32_bits_by_default():
    assert integer().convert(None, -(2**31)) == -(2**31)
    for value in (2**31, -(2**31) - 1):
        with pytest.raises(CommandError):
            integer().convert(None, value)


def test_choice():
    assert choice(1, 2).convert(None, 2) == 2
    for value in (0, 3, "1", EMPTY):
        with pytest.raises(CommandError):
            choice(1, 2).convert(None, value)


def test_text():
    assert text(3).convert(None, "abc") == "abc"
    for value in ("abcd", 1, EMPTY):
        with pytest.raises(CommandError):
            text(3).convert(None, value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (integer(), "an integer"),
        (integer(1), "an integer from 1 on"),
        (integer(0, 10), "an integer from 0 to 10"),
        (choice(1, 3), "one of 1, 3"),
        (one_of({1: "stream", 2: "datagram"}), "one of 1, 2"),
        (text(9), "a string of at most 9 characters"),
        (anything, "any value"),
    ],
)
def test_values_say_what_they_are(values, words):
    assert values.words == words


def test_named_values_keep_their_words():
    values = one_of({1: "stream", 2: "datagram"})
    assert values.named == {1: "stream", 2: "datagram"}
    assert values.convert(None, 2) == 2
    with pytest.raises(CommandError, match="3 is none of 1, 2"):
        values.convert(None, 3)


@pytest.mark.parametrize("unchecked", [False, True])
def test_a_policy_takes_what_the_manual_does_not_list(unchecked):
    values = unless("unchecked", one_of({0: "client", 1: "server"}), integer(0, 65535))
    device = SimpleNamespace(policy=SimpleNamespace(unchecked=unchecked))
    assert [values.convert(device, value) for value in (0, 1)] == [0, 1]
    for value, accepted in ((2, unchecked), (65535, unchecked), (-1, False), (65536, False), ("0", False)):
        if accepted:
            assert values.convert(device, value) == value
        else:
            with pytest.raises(CommandError):
                values.convert(device, value)
    assert (values.words, values.named, values.beyond, values.field) == (
        "one of 0, 1",
        {0: "client", 1: "server"},
        "an integer from 0 to 65535",
        "unchecked",
    )


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

    def test_an_optional_annotation_keeps_its_values(self):
        def optional(device, a: Annotated[int, choice(1)] | None = None):
            """Take an optional parameter."""

        assert Signature(optional, surplus=True).bind(None, [1]) == [1]

    def test_the_rest(self):
        def rest(device, a: Annotated[int, integer()], *others: Annotated[object, anything]):
            """Take any number of parameters."""

        assert Signature(rest, surplus=False).bind(None, [1, "x", EMPTY]) == [1, "x", EMPTY]

    def test_a_parameter_without_values_is_our_own_mistake(self):
        def bare(device, a: int):
            """Lack values."""

        with pytest.raises(TypeError, match="which values"):
            Signature(bare, surplus=True)

    def test_the_converter_is_called_with_the_device(self):
        def device_of(device, value):
            return device

        def takes(device, a: Annotated[object, Values(device_of, "anything")]):
            """Take what the device makes of it."""

        assert Signature(takes, surplus=True).bind("device", [1]) == ["device"]
