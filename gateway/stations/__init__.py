"""Station health: which nodes need a visit, why, since when, and what to do. docs/stations.md has the table.

`gather` reads the journal, `judgements`, `messages` and `rank` are pure, `words` says it to people.
"""
