"""What one benchmark has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Figure = int | float | str


@dataclass(frozen=True, slots=True)
class Section:
    """A table: one row per thing measured, the same columns in each.

    `missed` names the rows whose goal was missed, and `not_judged` those that have a goal of which nothing can be said,
    because the machine had other work to do. `headline` is what the section adds to the top of the JSON object; several
    sections may add to one object there (see `report.combined`).
    """

    title: str
    about: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Figure, ...]]
    missed: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()
    headline: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The section as a JSON object."""
        rows = {name: dict(zip(self.columns, figures, strict=True)) for name, figures in self.rows.items()}
        return {"rows": rows, "missed": list(self.missed), "not_judged": list(self.not_judged)}
