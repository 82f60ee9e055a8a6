"""A group of commands whose first command runs when none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class DefaultGroup(TyperGroup):
    """Takes ``group THING …`` for ``group FIRST THING …``, FIRST being the command declared first.

    A folder that is called like a command is given as ``./name``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name before arguments that begin with none."""
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
