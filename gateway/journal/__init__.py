"""The journal: one SQLite file that holds everything the gateway has accepted.

`writer` is the one who writes, `reader` what anyone may ask; `schema` has the tables and opens the file.
`bounds` keeps it from growing without end, `integrity` finds damage, `salvage` makes a sound file of a
damaged one.
"""

from gateway.journal.reader import JournalReader
from gateway.journal.schema import JournalBusyError, JournalError
from gateway.journal.writer import Journal
from gateway.records import Batch, Claim, Committed, LedgerRow, NewReading, Quarantined, Rejected, Sighting

__all__ = [
    "Batch",
    "Claim",
    "Committed",
    "Journal",
    "JournalBusyError",
    "JournalError",
    "JournalReader",
    "LedgerRow",
    "NewReading",
    "Quarantined",
    "Rejected",
    "Sighting",
]
