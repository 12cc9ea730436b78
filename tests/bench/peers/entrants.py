"""What a row is: an entrant, run several times, and the figures of each run."""

import dataclasses
import typing


@dataclasses.dataclass
class Entrant:
    """Someone who takes part in a workload.

    `run(stage, size)` does it once in a fresh Stage and returns its figures by name; `size` is Size. `durability` says
    in words what an acknowledgement is worth. `needs` are programs, `packages` those from npm. `repetitions` where it
    is to be fewer than the others' (a long one)."""
    name: str
    durability: str
    how: str
    run: typing.Callable
    needs: tuple = ()
    packages: tuple = ()
    repetitions: int | None = None
    is_other: bool = False  # not one that a goal names: only with --others
    is_large: bool = False  # only with --large
    is_slow: bool = False  # left out of a quick run


@dataclasses.dataclass
class Size:
    """How much of everything: a quick run has a tenth."""
    is_quick: bool = False

    def n(self, count):
        return max(min(count, 200), count // 10) if self.is_quick else count


@dataclasses.dataclass
class Column:
    """A figure of the table: its key in a run's figures, its heading, and whether lowest and highest are shown too."""
    key: str
    heading: str
    is_spread: bool = False


@dataclasses.dataclass
class Workload:
    """`order` is the column that the rows are sorted by; a '-' before it: the largest first."""
    id: str
    title: str
    what: str
    columns: list
    order: str
    entrants: list
    repetitions: int | None = None


@dataclasses.dataclass
class Row:
    """What came out: `runs` are the figures of each run, `failures` what the failed ones said."""
    workload: str
    name: str
    durability: str
    how: str
    runs: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)
    skipped: str | None = None  # why it did not take part
