"""Many starts in one outage: their segments become a few packs, and no reading is lost or comes twice."""

import json
import os

from outbox_bench import (
    READING,
    SEGMENT_BYTES,
    T,
    clean,
    drain,
    fill,
    fill_fast,
    fresh,
    opened,
    seg_files,
    segments,
    seqs,
)

from node import epochs, files, outbox_thin, outbox_write, record
from node.outbox import STRIDE


def start_often(folder, starts, readings=2):
    for _ in range(starts):
        outbox = opened(folder)
        fill(outbox, readings)
        outbox.close()


def lay(folder, boots, readings=2):
    """Segments as starts leave them that do not pack."""
    os.mkdir(folder)
    for boot in boots:
        with open(f"{folder}/{boot:08x}-0000-0.seg", "wb") as file:
            for seq in range(1, readings + 1):
                file.write(outbox_write.frame(record.encode(seq, T, "ntp", READING)))


def born(starts, readings=2):
    return [(boot, seq) for boot in range(1, starts + 1) for seq in range(1, readings + 1)]


def test_their_segments_are_few_and_all_is_given_in_order():
    folder = fresh("starts")
    start_often(folder, 40)
    outbox = opened(folder)
    assert segments(outbox) == len(seg_files(folder)) <= 9
    assert outbox.boot == 41
    assert outbox.depth == 80
    assert outbox.bytes == sum([os.stat(folder + "/" + name)[6] for name in seg_files(folder)])
    assert outbox.born[:3] == [[41, 0], [40, 2], [39, 2]]
    places = range(0, len(outbox.index), STRIDE)
    held = [boot for boot in range(45) if any(outbox.holds(at, boot) for at in places)]
    assert held == list(range(1, 41))
    assert drain(outbox) == born(40)
    assert outbox.depth == 0
    assert not seg_files(folder)
    assert not outbox.ranges
    clean(folder)


def test_what_an_older_firmware_left_is_packed_at_once():
    folder = fresh("left")
    lay(folder, range(1, 151))
    assert segments(opened(folder)) == 1
    assert drain(opened(folder)) == born(150)
    clean(folder)


def test_a_batch_of_a_pack_is_of_one_boot_and_acks_with_gaps_count():
    folder = fresh("gaps")
    lay(folder, range(1, 13), 4)
    outbox = opened(folder)
    assert segments(outbox) == 1
    boot, _ = batch = outbox.batch(60, 10000)
    assert (boot, seqs(batch)) == (1, [1, 2, 3, 4])
    outbox.acked(1, [1, 2, 4])
    assert outbox.depth == 45
    assert seqs(outbox.batch(60, 10000)) == [3]
    outbox.acked(1, [3])
    boot, _ = batch = outbox.batch(2, 10000)
    assert (boot, seqs(batch)) == (2, [1, 2])
    outbox.acked(2, [1, 2])
    outbox.close()
    assert drain(opened(folder)) == born(12, 4)[6:]
    clean(folder)


def test_what_was_acked_of_a_pack_stays_acked_over_restarts():
    folder = fresh("acked")
    start_often(folder, 30)
    expected = born(30)
    while expected:
        outbox = opened(folder)
        assert outbox.depth == len(expected)
        for _ in range(3):
            boot, _ = batch = outbox.batch(60, 10000)
            assert [(boot, seq) for seq in seqs(batch)] == expected[:2]
            outbox.acked(boot, seqs(batch))
            expected = expected[2:]
        assert len(outbox.ranges) <= 3, outbox.ranges
        outbox.close()
    assert opened(folder).depth == 0
    clean(folder)


def test_a_cut_before_what_was_packed_is_removed():
    folder = fresh("cut")
    lay(folder, range(1, 18))
    real = files.remove
    files.remove = lambda path: None
    try:
        assert segments(opened(folder)) == 1
        assert len(seg_files(folder)) == 18
        start_often(folder, 9)  # 19 to 27; they are put to the pack, which then is in another one
    finally:
        files.remove = real
    outbox = opened(folder)
    assert outbox.depth == 52
    assert segments(outbox) == len(seg_files(folder)) <= 2
    assert drain(outbox) == born(17) + [(boot, seq) for boot in range(19, 28) for seq in (1, 2)]
    clean(folder)


def test_no_room_to_pack_leaves_the_segments():
    folder = fresh("full")
    lay(folder, range(1, 10))
    before = seg_files(folder)
    blocked = folder + "/00000001-0009-10.seg.new"
    os.mkdir(blocked)
    outbox = opened(folder)
    assert seg_files(folder) == before
    assert outbox.depth == 18
    os.rmdir(blocked)
    assert segments(opened(folder)) == 1
    assert drain(opened(folder)) == born(9)
    clean(folder)


def test_no_pack_stands_for_what_could_not_be_read():
    """Nor for another segment of its boot: a pack holds all of each boot."""
    folder = fresh("eio")
    lay(folder, range(1, 21))
    broken = folder + "/0000000a-0001-0.seg"
    os.mkdir(broken)
    outbox = opened(folder)
    names = [name for name in os.listdir(folder) if name.endswith(".seg")]
    assert sorted(names) == [
        "00000001-0009-10.seg",
        "0000000a-0000-0.seg",
        "0000000a-0001-0.seg",
        "0000000b-0014-10.seg",
    ]
    assert outbox.counters["unreadable"] == 1
    outbox.close()
    outbox = opened(folder)
    assert outbox.counters["unreadable"] == 1
    assert drain(outbox) == born(20)
    os.rmdir(broken)
    clean(folder)


def test_a_pack_is_thinned_as_one():
    folder = fresh("thin")
    lay(folder, range(1, 10), 3)
    outbox = opened(folder)
    outbox_thin.thin(outbox)
    left = born(9, 3)[1::2]
    assert outbox.depth == len(left)
    assert outbox.thinned == 27 - len(left)
    outbox.close()
    again = opened(folder)
    assert again.depth == len(left)
    assert drain(again) == left
    clean(folder)


def test_large_segments_are_let_be():
    folder = fresh("large")
    for _ in range(12):
        outbox = opened(folder, max_bytes=16 * SEGMENT_BYTES)
        fill_fast(outbox, SEGMENT_BYTES // 7 // len(outbox_write.frame(record.encode(1, T, "ntp", READING))))
        outbox.close()
    assert segments(opened(folder, max_bytes=16 * SEGMENT_BYTES)) == 12
    clean(folder)


def test_the_times_of_packed_boots_are_kept():
    """A reading that was born before the clock was known gets its time by its boot's."""
    folder = fresh("times")
    lay(folder, range(1, 10))
    kept = {}

    class App:
        class clock:
            boot = 10
            first = None

        outbox = opened(folder)

    class Files:
        @staticmethod
        def read(name):
            known = []
            for boot in range(1, 13):
                known += [boot, 1, 1000 * boot, None]
            return json.dumps(known).encode()

        @staticmethod
        def write(name, data):
            kept[name] = json.loads(data)

    App.clock.origin = [1, 0]
    assert segments(App.outbox) == 1
    real = epochs.files
    epochs.files = Files
    try:
        epochs._note(App)
    finally:
        epochs.files = real
    assert kept[epochs._FILE][::4] == list(range(1, 11))
    clean(folder)
