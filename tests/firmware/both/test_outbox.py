"""The outbox on a real file system: what is born stays until it is acked."""

from outbox_bench import (
    READING,
    SEGMENT_BYTES,
    T,
    clean,
    each,
    fill,
    fill_fast,
    fresh,
    opened,
    seg_files,
    segments,
    seqs,
)

from node import files, outbox_write, record


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
    size = len(record.encode(1, T, "ntp", READING))
    assert len(outbox.batch(4, 10000)[1]) == 4
    assert len(outbox.batch(60, 3 * size)[1]) == 3
    assert len(outbox.batch(60, 1)[1]) == 1
    clean(folder)


def test_many_segments_are_written_and_removed():
    folder = fresh("segments")
    outbox = opened(folder, max_bytes=16 * SEGMENT_BYTES)
    size = len(outbox_write.frame(record.encode(1, T, "ntp", READING)))
    total = 2 * SEGMENT_BYTES // size + 10
    fill_fast(outbox, total)
    assert segments(outbox) == 3
    expected = 1
    for _, seq in each(outbox):
        assert seq == expected
        expected += 1
    assert expected == total + 1
    assert segments(outbox) == 1
    assert len(seg_files(folder)) == 1
    assert outbox.ranges == [[1, 1, total]]
    clean(folder)


def test_a_large_outbox_has_few_segments():
    """Each is an object in the heap: a megabyte of readings in pieces of 16 KiB left too little of it."""
    folder = fresh("large")
    outbox = opened(folder, max_bytes=1 << 20)
    fill_fast(outbox, 3 * SEGMENT_BYTES // len(outbox_write.frame(record.encode(1, T, "ntp", READING))))
    assert segments(outbox) == 1
    clean(folder)


def test_a_torn_record_is_passed_over_and_the_rest_is_read():
    folder = fresh("torn")
    outbox = opened(folder)
    fill(outbox, 3)
    outbox.close()
    path = outbox.name(0)
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
    for name in ("acked.0", "acked.1", "boots", "boot"):
        with open(folder + "/" + name, "wb") as file:
            file.write(b"\xff{")
    again = opened(folder)
    assert again.boot == 2
    assert seqs(again.batch(60, 10000)) == [1, 2, 3]
    clean(folder)


def test_a_full_outbox_thins_the_oldest():
    folder = fresh("full")
    outbox = opened(folder, max_bytes=3 * SEGMENT_BYTES)
    size = len(outbox_write.frame(record.encode(1, T, "ntp", READING)))
    total = 4 * SEGMENT_BYTES // size
    fill_fast(outbox, total)
    assert outbox.bytes <= 3 * SEGMENT_BYTES
    assert outbox.thinned > 0
    assert outbox.depth == total - outbox.thinned
    outbox.close()
    again = opened(folder)
    assert again.depth == outbox.depth
    last = held = widest = 0
    for _, seq in each(again):
        widest = max(widest, seq - last)
        held += 1
        last = seq
    assert held == total - outbox.thinned
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
