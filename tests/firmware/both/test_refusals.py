"""Refused batches: only what is refused by itself is set aside, and nothing is let go unkept."""

import os

from outbox_bench import clean, fill, fresh, opened

from node import outbox_read, outbox_write, sender_ack, sender_batch


class Clock:
    hopeful = False
    boot = 0
    first = None
    _old = (0, None)
    origin = ()

    def __init__(self):
        self.ms = 0

    def now(self):
        return self.ms


class Answer:
    def set(self):
        pass


class Config:
    batch_bytes = 2048
    backlog_per_min = 600


class Sender:
    """What sender_batch and sender_ack know of a Sender."""

    def __init__(self, outbox):
        self.outbox = outbox
        self.clock = Clock()
        self.config = Config()
        self.counters = {"refused": 0, "bad_records": 0}
        self.buffer = bytearray(2048)
        self.size = self.boot = self.later = 0
        self.seqs = []
        self.live = False
        self.answer = Answer()
        self.refused = {}
        self.singly = {}

    def turn(self, refuses):
        """Send one batch: (boot, seqs) of it. It is refused when `refuses(boot, seq)` is true of one."""
        self.clock.ms += 30000
        if not sender_batch.fill(self):
            return None
        boot, given = self.boot, list(self.seqs)
        if any(refuses(boot, seq) for seq in given):
            sender_ack.take(self, {"v": 1, "refused": "a test"})
        else:
            done = sender_ack.take(self, {"v": 1, "boot": boot, "from": given[0], "upto": given[-1]})
            self.outbox.acked(boot, done)
        return boot, given


def backlog(name, count):
    """A Sender with so many readings of an earlier boot."""
    folder = fresh(name)
    outbox = opened(folder)
    fill(outbox, count)
    outbox.close()
    return Sender(opened(folder))


def aside(outbox):
    """(boot, seq) of what is in the file."""
    with open(outbox.path("aside"), "rb") as file:
        return [(boot - 1, seq) for _, boot, seq, _ in outbox_read.scan(file, 0, 1)]


def test_one_bad_reading_takes_no_other_along():
    it = backlog("one", 10)
    turns = 0
    while it.outbox.depth:
        it.turn(lambda boot, seq: seq == 4)
        turns += 1
    assert it.outbox.aside == 1
    assert aside(it.outbox) == [(1, 4)]
    assert it.counters["refused"] == 6
    assert turns < 20
    clean(it.outbox.folder)


def test_fresh_readings_that_are_acked_between_do_not_make_it_endless():
    it = backlog("fresh", 10)
    for _ in range(40):
        fill(it.outbox, 1)
        it.turn(lambda boot, seq: boot == 1 and seq == 1)
        it.turn(lambda boot, seq: boot == 1 and seq == 1)
    assert it.outbox.depth == 0
    assert aside(it.outbox) == [(1, 1)]
    clean(it.outbox.folder)


def test_readings_go_together_again_behind_a_refused_batch():
    it = backlog("again", 70)
    given = []
    while it.outbox.depth:
        turn = it.turn(lambda boot, seq: seq == 2)
        given.append(len(turn[1]))
    assert given[-1] > 1
    assert it.singly == {}
    clean(it.outbox.folder)


def test_a_gateway_that_refuses_everything_costs_no_reading():
    """What the file of what is set aside cannot hold waits in the outbox, and is asked about seldom."""
    it = backlog("all", 900)
    with open(it.outbox.path("aside"), "wb") as file:
        file.write(bytes(16384 - 100))
    while it.outbox.aside < 2:
        it.turn(lambda boot, seq: True)
    while it.later - it.clock.now() < 500000:
        it.turn(lambda boot, seq: True)
    sent = [it.turn(lambda boot, seq: True) for _ in range(20)]
    assert len([turn for turn in sent if turn]) == 1
    assert it.outbox.depth + it.outbox.aside == 900
    assert it.outbox.aside == 4
    assert os.stat(it.outbox.path("aside"))[6] <= 16384
    fill(it.outbox, 1)
    assert it.turn(lambda boot, seq: False) == (2, [1])  # fresh ones do not wait for that
    it.clock.ms = it.later
    held = []
    while it.outbox.depth:
        held += it.turn(lambda boot, seq: False)[1]
    assert held == list(range(5, 901))
    clean(it.outbox.folder)


def test_no_file_for_what_is_refused_costs_no_reading():
    it = backlog("nofile", 3)
    os.mkdir(it.outbox.path("aside"))
    for _ in range(12):
        it.turn(lambda boot, seq: True)
    assert (it.outbox.depth, it.outbox.aside) == (3, 0)
    os.rmdir(it.outbox.path("aside"))
    clean(it.outbox.folder)


def test_fresh_readings_behind_a_refused_one_are_sent():
    it = backlog("live", 0)
    fill(it.outbox, 1)
    for _ in range(3):
        it.turn(lambda boot, seq: seq == 1)
    fill(it.outbox, 2)
    assert it.outbox.aside == 1
    assert it.turn(lambda boot, seq: False) == (2, [2, 3])
    clean(it.outbox.folder)


def test_a_record_that_cannot_be_read_and_has_no_room_waits():
    folder = fresh("record")
    outbox = opened(folder)
    fill(outbox, 1)
    outbox.close()
    with open(outbox.name(0), "ab") as file:
        file.write(outbox_write.frame(bytes([2, 255, 255, 255])))
    it = Sender(opened(folder))
    os.mkdir(it.outbox.path("aside"))
    assert it.turn(lambda boot, seq: False) == (1, [1])
    assert it.turn(lambda boot, seq: False) is None
    assert it.later - it.clock.now() == 60000
    assert it.outbox.depth == 1
    os.rmdir(it.outbox.path("aside"))
    it.clock.ms = it.later
    assert it.turn(lambda boot, seq: False) is None
    assert aside(it.outbox) == [(1, 2)]
    clean(folder)
