"""What the demo shows in a terminal: a table that stays, or plain lines where there is no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class NodeLine:
    """One node's line. `pm25` in ug/m3, None before the first reading or when it had no value."""

    node: str
    place: str
    kit: str
    pm25: float | None
    born: int
    stored: int
    missing: int
    depth: int
    state: str


class View:
    """Use as a context: `show` as often as you like, `say` for what happens once."""

    def __init__(self, address: str, plain_every: int = 10) -> None:
        """`plain_every`: without a terminal, show only every so many-th time."""
        self.console = Console(highlight=False)
        self._address = address
        self._plain_every = plain_every
        self._shown = 0
        self._events: list[str] = []
        self._live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        if self._live:
            self._events = [*self._events, text][-6:]
        else:
            self.console.print(text, soft_wrap=True, markup=False)

    def show(self, lines: list[NodeLine], left: str) -> None:
        """`left`: how much longer it goes on, in words."""
        self._shown += 1
        if self._live:
            head = Text.assemble("Dustline demo   page: ", (self._address, "bold cyan"), f"   {left}")
            events = Text("\n".join(self._events), style="dim")
            self._live.update(Group(head, _table(lines), events), refresh=True)
        elif self._shown % self._plain_every == 1:
            for line in lines:
                value = "-" if line.pm25 is None else f"{line.pm25:.1f}"
                self.console.print(
                    f"{line.node:12} {line.kit:15} PM2.5 {value:>6} ug/m3  born {line.born}  "
                    f"stored {line.stored}  missing {line.missing}  outbox {line.depth}  {line.state}",
                    soft_wrap=True,
                    markup=False,
                )


def _table(lines: list[NodeLine]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("node", "place", "sensor"):
        table.add_column(title, no_wrap=True)
    for title in ("PM2.5 ug/m3", "born", "stored", "missing", "outbox"):
        table.add_column(title, justify="right")
    table.add_column("state")
    for line in lines:
        value = "-" if line.pm25 is None else f"{line.pm25:.1f}"
        missing = Text(str(line.missing), style="yellow" if line.missing else "green")
        table.add_row(
            line.node,
            line.place,
            line.kit,
            Text(value, style="bold"),
            str(line.born),
            str(line.stored),
            missing,
            str(line.depth),
            line.state,
        )
    return table
