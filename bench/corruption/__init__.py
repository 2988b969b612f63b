"""Wrong values that get through: .venv/bin/python -m bench.corruption [--frames N] [--sensor NAME] [--jobs N]

For each sensor millions of damaged frames, in a stream or a row of reads, and an intact one behind every
third. Two readers see the same bytes: the node's driver, and the parser that most projects have (find the
header, take so many bytes, compare the checksum, and the tail where there is one; a candidate is used up,
sound or not).

  wrong    events with values that no frame of that stretch carried; an event that the driver marks as the
           device's own error is not published and does not count
  refused  what the driver refused although its checksum was right, also where its values were right
  lost     intact frames that were not found, of all intact ones

The rate's bound is one-sided, 95 %. A stretch is 33 damaged frames, all damaged alike, and 12 intact ones.
What each kind of damage does is told in damage.py. All of it is drawn from the seed, whatever the number of
jobs. 10 million frames of all sensors take the better part of an hour on two cores, 0.1 GB at most.

The drivers run unchanged but for one thing: CRC-8 comes from a table, made by the drivers' own for all 65536
words.
"""
