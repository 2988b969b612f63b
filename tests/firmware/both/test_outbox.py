"""The outbox on a real file system: what is born stays until it is acked."""

import binascii
import os

from node import files, record
from node.outbox import Outbox, frame

SEGMENT_BYTES = 16384

READING = {"slot": "a", "model": "sds011", "up": 1, "dt": 60, "n": 58, "pm25": 9.7, "pm10": 20.0, "flags": []}


def fresh(name):
    return "outbox-test-" + name + "-" + binascii.hexlify(os.urandom(4)).decode()


def opened(folder, **options):
    outbox = Outbox(folder, **options)
    outbox.open()
    return outbox


def fill(outbox, count):
    for _ in range(count):
        outbox.append(READING, 1763900000, "ntp")


def seqs(batch):
    return [record.seq_of(body) for body in batch[1]]


def clean(folder):
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)


def test_boot_counts_and_seq_starts_anew():
    folder = fresh("boot")
    first = opened(folder)
    fill(first, 3)
    first.close()
    second = opened(folder)
    assert (first.boot, second.boot) == (1, 2)
    assert second.append(READING, None, "none") == 1
    assert second.born == [[2, 1], [1, 3]]
    assert second.depth == 4
    clean(folder)


def test_batches_come_oldest_first_and_one_boot_at_a_time():
    folder = fresh("order")
    opened_first = opened(folder)
    fill(opened_first, 3)
    opened_first.close()
    outbox = opened(folder)
    fill(outbox, 2)
    boot, _ = batch = outbox.batch(60, 10000)
    assert boot == 1
    assert seqs(batch) == [1, 2, 3]
    outbox.acked(1, [1, 2, 3])
    batch = outbox.batch(60, 10000)
    assert batch[0] == 2
    assert seqs(batch) == [1, 2]
    outbox.acked(2, [1, 2])
    assert outbox.batch(60, 10000) is None
    assert outbox.depth == 0
    clean(folder)


def test_a_gap_in_the_ack_is_sent_again():
    folder = fresh("gap")
    outbox = opened(folder)
    fill(outbox, 5)
    outbox.acked(1, [1, 2, 4])
    assert seqs(outbox.batch(60, 10000)) == [3, 5]
    assert outbox.depth == 2
    outbox.acked(1, [3])
    assert seqs(outbox.batch(60, 10000)) == [5]
    outbox.acked(1, [5])
    assert outbox.depth == 0
    clean(folder)


def test_acked_stays_acked_over_a_restart():
    folder = fresh("acked")
    outbox = opened(folder)
    fill(outbox, 5)
    outbox.acked(1, [1, 2, 3])
    outbox.close()
    again = opened(folder)
    assert seqs(again.batch(60, 10000)) == [4, 5]
    assert again.depth == 2
    again.acked(1, [4, 5])
    again.close()
    third = opened(folder)
    assert third.batch(60, 10000) is None
    assert third.born == [[3, 0], [1, 5]]
    clean(folder)


def test_bounds_of_a_batch():
    folder = fresh("bounds")
    outbox = opened(folder)
    fill(outbox, 10)
    size = len(record.encode(1, 1763900000, "ntp", READING))
    assert len(outbox.batch(4, 10000)[1]) == 4
    assert len(outbox.batch(60, 3 * size)[1]) == 3
    assert len(outbox.batch(60, 1)[1]) == 1
    clean(folder)


def test_many_segments_are_written_and_removed():
    folder = fresh("segments")
    outbox = opened(folder, max_bytes=16 * SEGMENT_BYTES)
    size = len(record.encode(1, 1763900000, "ntp", READING)) + 5
    total = 2 * SEGMENT_BYTES // size + 10
    fill(outbox, total)
    assert len(outbox.segments) == 3
    expected = 1
    while True:
        batch = outbox.batch(60, 100000)
        if batch is None:
            break
        for seq in seqs(batch):
            assert seq == expected
            expected += 1
        outbox.acked(batch[0], seqs(batch))
    assert expected == total + 1
    assert len(outbox.segments) == 1
    assert len([name for name in os.listdir(folder) if name.endswith(".seg")]) == 1
    clean(folder)


def test_a_large_outbox_has_few_segments():
    """Each is an object in the heap: a megabyte of readings in pieces of 16 KiB left too little of it."""
    folder = fresh("large")
    outbox = opened(folder, max_bytes=1 << 20)
    fill(outbox, 3 * SEGMENT_BYTES // len(frame(record.encode(1, 1763900000, "ntp", READING))))
    assert len(outbox.segments) == 1
    clean(folder)


def test_a_torn_record_is_passed_over_and_the_rest_is_read():
    folder = fresh("torn")
    outbox = opened(folder)
    fill(outbox, 3)
    outbox.close()
    path = folder + "/" + outbox.segments[0].name()
    whole = files.read(path)
    size = len(whole) // 3
    for cut in range(1, size):
        with open(path, "wb") as file:
            file.write(whole[: 2 * size + cut])
        again = opened(folder)
        assert seqs(again.batch(60, 10000)) == [1, 2]
    with open(path, "wb") as file:
        file.write(whole[:size] + b"\x07garbage" + whole[size + 3 :])
    assert seqs(opened(folder).batch(60, 10000)) == [1, 3]
    clean(folder)


def test_damaged_state_files_cost_nothing_but_repetition():
    folder = fresh("state")
    outbox = opened(folder)
    fill(outbox, 3)
    outbox.acked(1, [1])
    outbox.close()
    for name in ("acked", "boots", "boot"):
        with open(folder + "/" + name, "wb") as file:
            file.write(b"\xff{")
    again = opened(folder)
    assert again.boot == 2
    assert seqs(again.batch(60, 10000)) == [1, 2, 3]
    clean(folder)


def test_a_full_outbox_thins_the_oldest():
    folder = fresh("full")
    outbox = opened(folder, max_bytes=3 * SEGMENT_BYTES)
    size = len(record.encode(1, 1763900000, "ntp", READING)) + 5
    total = 4 * SEGMENT_BYTES // size
    fill(outbox, total)
    assert outbox.bytes <= 3 * SEGMENT_BYTES
    assert outbox.thinned > 0
    count = last = 0
    widest = 0
    while True:
        batch = outbox.batch(60, 100000)
        if batch is None:
            break
        for seq in seqs(batch):
            assert seq > last
            widest = max(widest, seq - last)
            last = seq
            count += 1
        outbox.acked(batch[0], seqs(batch))
    assert count == total - outbox.thinned
    assert last == total
    assert 1 < widest <= 4
    clean(folder)


def test_set_aside_is_out_of_the_way_but_kept():
    folder = fresh("aside")
    outbox = opened(folder)
    fill(outbox, 3)
    boot, bodies = outbox.batch(2, 10000)
    outbox.set_aside(boot, bodies)
    assert outbox.aside == 2
    assert seqs(outbox.batch(60, 10000)) == [3]
    assert len(files.read(folder + "/aside")) > 2 * len(bodies[0])
    outbox.close()
    assert opened(folder).aside == 2
    clean(folder)


class FullFile:
    """What a full disk makes of a file: a part of a record gets there, then nothing."""

    def __init__(self, path):
        self.file = open(path, "ab")  # noqa: SIM115 - closed by close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        raise OSError(28)

    def flush(self):
        raise OSError(28)

    def close(self):
        self.file.close()
        raise OSError(28)  # littlefs writes its metadata here


class FullOutbox(Outbox):
    """An Outbox on a disk that is full while `full` is set."""

    full = False

    def _start_segment(self):
        segment = Outbox._start_segment(self)
        if self.full:
            self._file.close()
            self._file = FullFile(self._path(segment.name()))
        return segment


def refused(outbox):
    try:
        outbox.append(READING, 1763900000, "ntp")
    except OSError:
        return True
    return False


def test_a_full_disk_costs_no_memory_no_identity_and_passes():
    folder = fresh("nospace")
    outbox = FullOutbox(folder)
    outbox.open()
    fill(outbox, 2)
    outbox.close()
    outbox.full = True
    outbox._start_segment()
    for _ in range(50):
        assert refused(outbox)
    assert outbox.seq == 2
    assert len(outbox.segments) <= 2
    outbox.full = False
    outbox.close()
    fill(outbox, 2)
    assert outbox.born == [[1, 4]]
    assert seqs(outbox.batch(60, 10000)) == [1, 2, 3, 4]
    outbox.close()
    assert seqs(opened(folder).batch(60, 10000)) == [1, 2, 3, 4]
    clean(folder)


def no_room(path, data):
    raise OSError(28)


def test_an_ack_frees_the_outbox_although_the_mark_cannot_be_kept():
    folder = fresh("nomark")
    outbox = opened(folder)
    fill(outbox, 3)
    outbox.close()
    again = opened(folder)
    write = files.write
    files.write = no_room
    told = False
    try:
        again.acked(1, [1, 2, 3])
    except OSError:
        told = True
    finally:
        files.write = write
    assert told
    assert again.batch(60, 10000) is None
    assert again.depth == 0
    assert not [name for name in os.listdir(folder) if name.endswith(".seg")]
    clean(folder)


def test_a_start_on_a_full_disk_repeats_no_boot():
    folder = fresh("nostart")
    first = opened(folder)
    fill(first, 2)
    first.close()
    write = files.write
    files.write = no_room
    try:
        second = opened(folder)
        assert second.boot == 2
        assert seqs(second.batch(60, 10000)) == [1, 2]
        assert refused(second)
    finally:
        files.write = write
    assert second.born == [[2, 0], [1, 2]]
    second.append(READING, None, "none")
    second.acked(1, [1, 2])
    second.acked(2, [1])
    second.close()
    for name in os.listdir(folder):
        if name != "boot":
            os.remove(folder + "/" + name)
    assert opened(folder).boot == 3
    clean(folder)


def test_every_cut_of_the_small_files_keeps_what_is_held_and_repeats_no_identity():
    folder = fresh("cuts")
    for _ in range(2):
        outbox = opened(folder)
        fill(outbox, 3)
        outbox.close()
    outbox.acked(1, [1])
    for name in ("acked", "boots", "boot"):
        whole = files.read(folder + "/" + name)
        for cut in range(len(whole)):
            with open(folder + "/" + name, "wb") as file:
                file.write(whole[:cut])
            again = opened(folder)
            assert again.boot >= 3, (name, cut)
            assert seqs(again.batch(60, 10000)) in ([1, 2, 3], [2, 3]), (name, cut)
            assert [2, 3] in again.born
            assert [1, 3] in again.born
            with open(folder + "/" + name, "wb") as file:
                file.write(whole)
    clean(folder)
