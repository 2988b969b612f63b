"""Thinning on a flash of which a block is lost, or which has no room for the copy; memory that ends behind
the flush. test_outbox_flash.py has a full disk on littlefs itself."""

from outbox_bench import (
    READING,
    SEGMENT_BYTES,
    T,
    clean,
    drain,
    fill,
    fill_fast,
    fresh,
    keeping,
    let_go,
    opened,
    seqs,
)

from node import files, outbox_read, outbox_thin, outbox_write, record

RECORD = len(outbox_write.frame(record.encode(1000, T, "ntp", READING)))


class Opening:
    """Stands for open() in outbox_thin."""

    def __init__(self, answer):
        self.answer = answer

    def __enter__(self):
        outbox_thin.open = self.answer
        outbox_thin.use_once = keeping
        return self

    def __exit__(self, *_):
        del outbox_thin.open
        let_go()


class Small:
    """A file to be written that has room for so many bytes."""

    def __init__(self, file, room):
        self.file = file
        self.room = room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "a test")
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def two_segments(folder):
    outbox = opened(folder, max_bytes=16 * SEGMENT_BYTES)
    fill_fast(outbox, SEGMENT_BYTES // RECORD + 20)
    return outbox


def test_a_segment_with_a_lost_block_is_passed_over_and_the_next_one_thinned():
    folder = fresh("lost")
    outbox = two_segments(folder)
    outbox.close()
    outbox = opened(folder, max_bytes=16 * SEGMENT_BYTES)
    fill(outbox, 40)
    outbox.close()
    lost = outbox.name(0)
    held = outbox.depth

    def answer(path, mode):
        if path == lost:
            raise OSError(84, "a test")  # LFS_ERR_CORRUPT
        return open(path, mode)

    with Opening(answer):
        outbox_thin.thin(outbox)
    assert outbox.counters["unreadable"] == 1
    assert outbox.thinned
    assert outbox.depth < held - outbox.thinned  # what is lost does not wait
    outbox.close()
    clean(folder)


def test_a_write_that_fails_is_no_lost_block():
    folder = fresh("rofs")
    outbox = two_segments(folder)

    def answer(path, mode):
        if mode == "wb":
            raise OSError(30, "a test")
        return open(path, mode)

    told = 0
    with Opening(answer):
        try:
            outbox_thin.thin(outbox)
        except OSError as error:
            told = error.errno
    assert told == 30
    assert outbox.counters["unreadable"] == 0
    assert len(drain(outbox)) == outbox.seq
    clean(folder)


def test_the_less_room_there_is_the_fewer_are_kept():
    folder = fresh("noroom")
    outbox = two_segments(folder)
    held = outbox.depth
    first = outbox.index[3]

    def answer(path, mode):
        file = open(path, mode)  # noqa: SIM115 - whoever asked for it closes it
        return Small(file, 5 * SEGMENT_BYTES // 32) if mode == "wb" else file

    with Opening(answer):
        outbox_thin.thin(outbox)
    assert outbox.depth == held - outbox.thinned
    assert [seq for _, seq in drain(outbox)] == list(range(8, first + 1, 8)) + list(
        range(first + 1, held + 1)
    )
    clean(folder)


def test_without_any_room_the_oldest_make_it():
    folder = fresh("nothing")
    outbox = two_segments(folder)
    held = outbox.depth
    first = outbox.index[3]

    def answer(path, mode):
        if mode == "wb":
            raise OSError(36, "a test")  # littlefs says so when there is no room for a new name
        return open(path, mode)

    with Opening(answer):
        outbox_thin.thin(outbox)
    assert outbox.thinned == first
    assert [seq for _, seq in drain(outbox)] == list(range(first + 1, held + 1))
    clean(folder)


def test_memory_that_ends_behind_the_flush_gives_no_seq_twice():
    folder = fresh("memory")
    outbox = opened(folder)
    fill(outbox, 2)

    class Ending:
        """The file; behind its flush there is no memory for what the module asks for."""

        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(data)

        def flush(self):
            self.file.flush()
            outbox_write.tuple = fails

        def close(self):
            self.file.close()

    def fails(_):
        raise MemoryError

    outbox.file = Ending(outbox.file)
    outbox_write.use_once = keeping
    try:
        outbox_write.append(outbox, record.encode(outbox.seq + 1, T, "ntp", READING))
    finally:
        if hasattr(outbox_write, "tuple"):
            del outbox_write.tuple
        let_go()
    assert outbox.seq == outbox.depth == 3
    outbox.file = outbox.file.file
    fill(outbox, 1)
    batch = outbox.batch(60, 10000)
    assert seqs(batch) == [1, 2, 3, 4]
    with open(outbox.name(0), "rb") as file:
        assert outbox_read.seqs(file, 0) == [1, 2, 3, 4]
    clean(folder)


def test_small_files_are_counted_too():
    folder = fresh("count")
    before = files.written()
    outbox = opened(folder)
    assert files.written() == before + 1  # the number of the start
    files.write(folder + "/times.json", bytes(100))
    assert files.written() == before + 101
    outbox.close()
    clean(folder)
