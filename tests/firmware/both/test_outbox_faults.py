"""The outbox on a flash that is full, broken or cut off, and the number of a start that never comes twice."""

import os

from outbox_bench import (
    READING,
    SEGMENT_BYTES,
    Board,
    T,
    clean,
    drain,
    fill,
    fill_fast,
    fresh,
    keeping,
    let_go,
    opened,
    seg_files,
    seqs,
)

from node import files, outbox_ack, outbox_read, outbox_thin, outbox_write, record


class Faulty:
    """Stands for open() in a module: fails as told. A write fails with its first half in the file."""

    def __init__(self, module):
        self.module = module
        self.writes = self.opens = False
        module.open = self
        module.use_once = keeping

    def __call__(self, path, mode):
        if self.opens:
            raise OSError(5)
        file = open(path, mode)  # noqa: SIM115 - whoever asked for it closes it
        return FullFile(self, file) if self.writes else file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del self.module.open
        let_go()


class FullFile:
    def __init__(self, faulty, file):
        self.faulty = faulty
        self.file = file

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        if self.faulty.writes:
            raise OSError(28)
        self.file.write(data[len(data) // 2 :])

    def flush(self):
        if self.faulty.writes:
            raise OSError(28)
        self.file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        if self.faulty.writes:
            raise OSError(28)  # littlefs writes its metadata here


def no_room(path, data):
    raise OSError(28)


def test_a_full_flash_does_not_stop_measuring():
    """Nothing is lost, no identity comes twice, and all of it is in flash once there is room again."""
    folder = fresh("nospace")
    outbox = opened(folder)
    fill(outbox, 2)
    outbox.close()
    with Faulty(outbox_write) as faulty:
        faulty.writes = True
        for seq in range(3, 13):
            assert outbox_write.append(outbox, record.encode(outbox.seq + 1, T, "ntp", READING)) == seq
        assert outbox.counters["ram_only"] == 10
        assert outbox.depth == 12
        assert len(seg_files(folder)) <= 2
        assert seqs(outbox.batch(60, 10000)) == list(range(1, 13))
        outbox.live = 4
        assert seqs(outbox.batch(5, 10000, True)) == [4, 5, 6, 7, 8]
        outbox.acked(1, [4, 5, 6, 7, 8])
        assert outbox.depth == 7
        faulty.writes = False
        outbox.close()
        assert outbox_write.append(outbox, record.encode(outbox.seq + 1, T, "ntp", READING)) == 13
    assert not outbox.ring
    assert outbox.depth == 8
    waiting = [1, 2, 3, 9, 10, 11, 12, 13]
    assert seqs(outbox.batch(60, 10000)) == waiting
    outbox.close()
    assert drain(opened(folder)) == [(1, seq) for seq in waiting]
    clean(folder)


def test_what_memory_cannot_hold_is_counted():
    folder = fresh("ring")
    outbox = opened(folder)
    fill(outbox, 1)
    outbox.close()
    with Faulty(outbox_write) as faulty:
        faulty.writes = True
        for _ in range(40):
            outbox_write.append(outbox, record.encode(outbox.seq + 1, T, "ntp", READING))
        assert outbox.counters["lost_ram"] == 8
        assert outbox.depth == 33
        batch = outbox.batch(60, 10000)
        assert seqs(batch) == list(range(1, 2)) + list(range(10, 42))
        outbox_write.append(
            outbox, record.encode(outbox.seq + 1, T, "ntp", READING)
        )  # drops 10, which is on its way
        assert outbox.depth == 33
        outbox.acked(1, seqs(batch))
    assert outbox.depth == 1
    assert seqs(outbox.batch(60, 10000)) == [42]
    clean(folder)


def test_a_write_that_was_reported_as_failed_and_had_worked():
    folder = fresh("there")
    outbox = opened(folder)

    class Liar:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            self.file.write(data)

        def flush(self):
            raise OSError(5)

        def close(self):
            self.file.close()

    fill(outbox, 1)
    outbox.file = Liar(outbox.file)
    fill(outbox, 2)
    assert outbox.counters["ram_only"] == 0
    assert drain(outbox) == [(1, 1), (1, 2), (1, 3)]
    clean(folder)


def test_no_flash_at_all():
    """The start does not raise; readings are born in memory under a number that NVS keeps."""
    folder = fresh("nothing")
    with open(folder, "wb") as file:
        file.write(b"a file where the folder should be")
    board = Board()
    board.nvs["boot"] = 7
    outbox = opened(folder, board=board)
    assert outbox.boot == 8
    fill(outbox, 3)
    assert outbox.depth == 3
    told = 0
    try:
        outbox.acked(8, [1, 2])
    except OSError:
        told = 1
    assert told
    assert outbox.batch(60, 10000)[0] == 8
    assert seqs(outbox.batch(60, 10000)) == [3]
    os.remove(folder)
    fill(outbox, 1)
    assert not outbox.ring
    outbox.close()
    again = opened(folder, board=board)
    assert again.boot == 9
    assert drain(again) == [(8, 3), (8, 4)]
    clean(folder)


def test_no_reading_is_born_under_a_number_that_nothing_keeps():
    folder = fresh("nostart")
    first = opened(folder)
    fill(first, 2)
    first.close()
    write = files.write
    files.write = no_room
    board = Board()
    board.broken = True
    try:
        second = opened(folder, board=board)
        assert second.boot == 2
        assert seqs(second.batch(60, 10000)) == [1, 2]
        try:
            fill(second, 1)
            born = True
        except OSError:
            born = False
        assert not born
    finally:
        files.write = write
    assert second.born == [[2, 0], [1, 2]]
    fill(second, 1)
    assert drain(second) == [(1, 1), (1, 2), (2, 1)]
    second.close()
    assert opened(folder).boot == 3
    clean(folder)


def test_the_boots_number_survives_the_loss_of_either_keeper():
    folder = fresh("nvs")
    board = Board()
    for expected in (1, 2):
        outbox = opened(folder, board=board)
        assert outbox.boot == expected
    clean(folder)
    outbox = opened(folder, board=board)  # the file system was erased
    assert outbox.boot == 3
    board.nvs.clear()
    outbox = opened(folder, board=board)
    assert outbox.boot == 4
    assert board.nvs["boot"] == 4
    board.broken = True
    assert opened(folder, board=board).boot == 5
    with open(folder + "/boot", "wb") as file:
        file.write(b"\xff9")
    board.broken = False
    outbox = opened(folder, board=board)
    fill(outbox, 1)
    outbox.close()
    boot = outbox.boot
    board.nvs.clear()
    os.remove(folder + "/boot")
    assert opened(folder, board=board).boot == boot + 1  # of the segment's name
    clean(folder)


def test_a_boot_goes_on_after_deep_sleep():
    folder = fresh("sleep")
    board = Board()
    outbox = opened(folder, board=board)
    fill(outbox, 3)
    outbox.acked(1, [1])
    outbox.close()
    again = opened(folder, (1, 3), board=board)
    assert (again.boot, again.seq, again.depth) == (1, 3, 2)
    assert again.live == 4
    fill(again, 1)
    assert len(seg_files(folder)) == 1
    assert again.born == [[1, 4]]
    assert drain(again) == [(1, 2), (1, 3), (1, 4)]
    again.close()
    # What the flash holds or has acked counts when it is more, and what was only in memory when that is.
    assert opened(folder, (1, 2), board=board).seq == 4
    assert opened(folder, (1, 9), board=board).seq == 9
    other = opened(folder, board=board)
    assert other.boot == 2
    other.close()
    late = opened(folder, (1, 9), board=board)
    assert (late.boot, late.seq) == (3, 0)
    clean(folder)


def test_a_boot_does_not_go_on_behind_a_torn_record():
    folder = fresh("torn")
    outbox = opened(folder)
    fill(outbox, 2)
    outbox.close()
    with open(outbox.name(0), "ab") as file:
        file.write(b"\x20torn")
    again = opened(folder, (1, 2))
    fill(again, 1)
    assert len(seg_files(folder)) == 2
    assert drain(again) == [(1, 1), (1, 2), (1, 3)]
    clean(folder)


def test_a_segment_that_cannot_be_read_is_passed_over_and_kept():
    folder = fresh("eio")
    for _ in range(3):
        outbox = opened(folder)
        fill(outbox, 3)
        outbox.close()
    names = seg_files(folder)
    outbox = opened(folder)

    def broken(path, mode):
        if path.endswith(names[1]):
            raise OSError(5)
        return open(path, mode)

    outbox_read.open = broken
    real = outbox_read.batch
    found = []
    while True:
        batch = real(outbox, 60, 10000, False)
        if batch is None:
            break
        found += [(batch[0], seq) for seq in seqs(batch)]
        outbox.acked(batch[0], seqs(batch))
    del outbox_read.open
    assert found == [(boot, seq) for boot in (1, 3) for seq in (1, 2, 3)]
    assert outbox.counters["unreadable"] == 1
    assert outbox.depth == 0
    assert seg_files(folder) == [names[1]]
    outbox.close()
    assert drain(opened(folder)) == [(2, seq) for seq in (1, 2, 3)]
    clean(folder)


def test_what_lies_behind_an_unreadable_segment_is_acked_without_it():
    """A range of done seqs never covers what could not be read."""
    folder = fresh("eio2")
    outbox = opened(folder, max_bytes=SEGMENT_BYTES)
    fill_fast(outbox, SEGMENT_BYTES // 2 // 23)
    outbox.close()
    outbox.sound = False
    fill(outbox, 5)
    assert len(seg_files(folder)) == 2
    last = outbox.seq
    broken = outbox.name(0)

    def fails(path, mode):
        if path == broken:
            raise OSError(5)
        return open(path, mode)

    outbox_read.open = fails
    batch = outbox_read.batch(outbox, 60, 10000, False)
    del outbox_read.open
    assert seqs(batch) == list(range(last - 4, last + 1))
    outbox.acked(1, seqs(batch))
    outbox.close()
    assert drain(opened(folder)) == [(1, seq) for seq in range(1, last - 4)]
    clean(folder)


def test_an_ack_frees_the_outbox_although_it_cannot_be_kept():
    folder = fresh("nomark")
    outbox = opened(folder)
    fill(outbox, 3)
    outbox.close()
    again = opened(folder)
    with Faulty(outbox_ack) as faulty:
        faulty.writes = True
        told = False
        try:
            outbox_ack.acked(again, 1, [1, 2, 3])
        except OSError:
            told = True
        assert told
    assert again.batch(60, 10000) is None
    assert again.depth == 0
    assert not seg_files(folder)
    clean(folder)


def test_every_cut_of_the_small_files_keeps_what_is_held_and_repeats_no_identity():
    folder = fresh("cuts")
    for _ in range(2):
        outbox = opened(folder)
        fill(outbox, 3)
        outbox.close()
    outbox.acked(1, [1])
    outbox.acked(1, [2])
    kept = {name: files.read(folder + "/" + name) for name in os.listdir(folder)}
    newest = f"acked.{outbox.mark & 1}"
    for name in ("acked.0", "acked.1", "boots", "boot"):
        whole = kept[name]
        for cut in range(len(whole)):
            with open(folder + "/" + name, "wb") as file:
                file.write(whole[:cut])
            again = opened(folder)
            assert again.boot >= 3, (name, cut)
            assert seqs(again.batch(60, 10000)) == ([2, 3] if name == newest else [3]), (name, cut)
            assert [2, 3] in again.born
            assert [1, 3] in again.born
            for other in os.listdir(folder):
                if other not in kept:
                    os.remove(folder + "/" + other)
            for other in kept:
                with open(folder + "/" + other, "wb") as file:
                    file.write(kept[other])
    clean(folder)


def test_a_cut_while_an_ack_is_kept_leaves_the_one_before():
    folder = fresh("ack")
    outbox = opened(folder)
    fill(outbox, 6)
    for seq in range(1, 6):
        outbox.acked(1, [seq])
        slot = outbox.path(f"acked.{outbox.mark & 1}")
        whole = files.read(slot)
        for cut in range(len(whole)):
            with open(slot, "wb") as file:
                file.write(whole[:cut])
            assert seqs(opened(folder).batch(60, 10000))[0] == seq
        with open(slot, "wb") as file:
            file.write(whole)
    clean(folder)


def test_a_cut_within_thinning_costs_no_more_than_thinning():
    folder = fresh("thincut")
    outbox = opened(folder)
    fill_fast(outbox, 40)
    outbox.close()
    removed = []
    real = files.remove
    files.remove = removed.append  # cut before the thinned segment's old form is removed
    try:
        outbox_thin.thin(outbox)
    finally:
        files.remove = real
    assert len(seg_files(folder)) == 2
    assert outbox.depth == 20
    again = opened(folder)
    assert again.depth == 20
    assert len(seg_files(folder)) == 1
    assert [seq for _, seq in drain(again)] == list(range(2, 41, 2))
    again.close()
    clean(folder)


def test_readings_thinned_or_dropped_while_on_their_way_cost_no_others():
    """An ack then counts by what is held, not by what was sent."""
    folder = fresh("onway")
    outbox = opened(folder)
    fill_fast(outbox, 40)
    batch = outbox.batch(20, 10000)
    outbox_thin.thin(outbox)
    outbox.acked(1, seqs(batch))
    assert outbox.depth == 10
    assert drain(outbox) == [(1, seq) for seq in range(22, 41, 2)]
    assert outbox.depth == 0
    clean(folder)
