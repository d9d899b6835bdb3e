"""What ``--help`` says of the commands."""

from __future__ import annotations

import click
import pytest

from daemon.cli import main


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_says_of_every_option_what_it_is(command: str) -> None:
    asked = main.commands[command].params
    assert [each.name for each in asked if isinstance(each, click.Option) and not each.help] == []
