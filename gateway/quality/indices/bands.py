"""Indices that are a band and no number in between: the European ones and the Polish one.

The value is the band's number, 1 for the best air. A table of whole numbers, "0-5, 6-15", says nothing about
5.4: the value is first rounded to the table's step, a half up, so that the number that is shown and its band
agree; the map does the same. A table with touching ends, "0-10, 10-20", is not rounded, and an end belongs to
the better band.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.quality.amount import PG_PER_UG, Number, micrograms, picograms, round_half_up
from gateway.quality.indices.base import Index, Result, pick_table
from gateway.quality.registry import Source

WHOLE = PG_PER_UG
TENTH = PG_PER_UG // 10


@dataclass(frozen=True, slots=True)
class Bands(Index):
    """`ends`: each band's upper end in ug/m3, per pollutant; one more category than ends is an open top."""

    step: int | None  # pg/m3 to round to; None: not rounded
    categories: tuple[str, ...]
    ends: dict[str, tuple[int, ...]]

    def compute(self, value: Number, pollutant: str = "pm25") -> Result:
        ends = pick_table(self.name, self.ends, pollutant)
        pg = picograms(value)
        if self.step is not None:
            pg = round_half_up(pg, self.step)
        used = {"used": micrograms(pg)}
        at = next((at for at, end in enumerate(ends) if pg <= end * PG_PER_UG), len(ends))
        if at == len(self.categories):
            return Result(None, reason=f"above {ends[-1]} ug/m3, where the table ends", extra=used)
        return Result(at + 1, self.categories[at], self._band(ends, at), extra=used)

    def _band(self, ends: tuple[int, ...], at: int) -> tuple[float, float | None]:
        low = 0 if at == 0 else ends[at - 1] * PG_PER_UG + (self.step or 0)
        return micrograms(low), (float(ends[at]) if at < len(ends) else None)


_EU = ("good", "fair", "moderate", "poor", "very poor", "extremely poor")
_PL = ("bardzo dobry", "dobry", "umiarkowany", "dostateczny", "zły", "bardzo zły")

ENTRIES = (
    Bands(
        "eu-2024",
        "2024",
        "2024",
        Source(
            "ETC HE Report 2024/17, EEA's revision of the European air quality index bands; "
            "airindex.eea.europa.eu",
            "index bands",
            "the report's title; its bands and the hourly averaging as others quote report and site; the day "
            "on which the site changed was not seen",
        ),
        False,
        "hourly mean, ug/m3",
        WHOLE,
        _EU,
        {"pm25": (5, 15, 50, 90, 140), "pm10": (15, 45, 120, 195, 270)},
    ),
    Bands(
        "eu-old",
        "before-2024",
        None,
        Source(
            "EEA, European Air Quality Index, methodology before the revision of 2024",
            "index bands",
            "the bands as others quote them; since when the sixth band was there was not seen",
        ),
        False,
        "mean of the last 24 hours, ug/m3",
        None,
        _EU,
        {"pm25": (10, 20, 25, 50, 75, 800), "pm10": (20, 40, 50, 100, 150, 1200)},
    ),
    Bands(
        "gios",
        "before-2025",
        None,
        Source(
            "GIOŚ, Polski indeks jakości powietrza (powietrze.gios.gov.pl), older copies",
            "indeksy indywidualne: PM2.5 dostateczny 55.1-75",
            "three copies without a date in public code; GIOŚ's own page was not seen",
        ),
        False,
        "hourly mean, ug/m3",
        TENTH,
        _PL,
        {"pm25": (13, 35, 55, 75, 110), "pm10": (20, 50, 80, 110, 150)},
    ),
    Bands(
        "gios",
        "2025-06",
        "2025-06",
        Source(
            "GIOŚ, Polski indeks jakości powietrza, as of June 2025",
            "indeksy indywidualne: PM2.5 dostateczny 55.1-80",
            "one copy (city of Legnica's air.legnica.eu) that names GIOŚ and June 2025; GIOŚ's own page was "
            "not seen",
        ),
        False,
        "hourly mean, ug/m3",
        TENTH,
        _PL,
        {"pm25": (13, 35, 55, 80, 110), "pm10": (20, 50, 80, 110, 150)},
    ),
)
