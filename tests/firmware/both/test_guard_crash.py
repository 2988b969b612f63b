"""Notes of crashes, their count and safe mode, on a board of glass and a file system that may fail."""

import json
import sys

from node import crash, files, safe


class Board:
    def __init__(self):
        self.memory = b""
        self.nvs = {}
        self.up = 5000
        self.restarts = 0

    def rtc_memory(self, data=None):
        if data is not None:
            self.memory = data
        return self.memory

    def nvs_get(self, key):
        return self.nvs.get(key)

    def nvs_set(self, key, value):
        self.nvs[key] = value

    def uptime_ms(self):
        return self.up

    def note_end(self):
        self.nvs["runs"] = 0

    def restart(self):
        self.note_end()
        self.restarts += 1


class Flag:
    def __init__(self):
        self.on = False

    def set(self):
        self.on = True


class App:
    def __init__(self, board, reset):
        self.board = board
        self.reset = reset
        self.crash = None
        self.health_now = Flag()


class Flash:
    """Stands in for node.files while a test runs."""

    def __init__(self):
        self.held = {}
        self.broken = False
        self._kept = (files.read, files.write, files.remove)

    def __enter__(self):
        files.read = self.held.get
        files.write = self._write
        files.remove = self._remove
        return self

    def __exit__(self, *_):
        files.read, files.write, files.remove = self._kept

    def _write(self, path, data):
        if self.broken:
            raise OSError(5)
        self.held[path] = bytes(data)

    def _remove(self, path):
        if not self.broken:
            self.held.pop(path, None)


def error(text="it broke"):
    try:
        raise ValueError(text)
    except ValueError as caught:
        return caught


def begin(board, reset):
    app = App(board, reset)
    safe.begin(app)
    return app


def test_a_note_says_what_and_where():
    with Flash():
        board = Board()
        assert crash.note(board, error(), 17) == 5
        text = crash.pending(board)
        assert text.startswith("boot 17, 5 s: ValueError: it broke"), text
        if hasattr(sys, "print_exception"):  # MicroPython
            assert "it broke at test_guard_crash.py:" in text, text


def test_a_note_is_short_and_without_control_letters():
    with Flash():
        board = Board()
        crash.note(board, error("long\n\x01 " * 400))
        assert len(crash.pending(board)) <= 600
        assert not any(letter < " " for letter in crash.pending(board))


def test_a_note_holds_no_password():
    with Flash() as flash:
        flash.held["config.json"] = json.dumps(
            {"wifi": [{"ssid": "x", "password": "hunter22"}], "broker": {"password": "t"}}
        ).encode()
        board = Board()
        crash.note(board, error("wifi hunter22 refused"))
        assert "hunter22" not in crash.pending(board)
        assert "t" not in crash.pending(board)


def test_a_note_is_kept_until_it_was_sent_and_then_sent_no_more():
    with Flash() as flash:
        board = Board()
        crash.note(board, error("one"))
        crash.note(board, error("two"))
        app = App(board, "hard")
        for word in ("one", "two"):
            app.crash = crash.pending(board)
            assert word in app.crash
            assert crash.pending(board) == app.crash
            app.health_now.on = False
            crash.told(app)
            assert app.health_now.on == (word == "one")  # another waits
        assert crash.pending(board) is None
        assert json.loads(flash.held["crash.json"])["notes"] == []


def test_a_note_that_cannot_be_removed_is_still_not_sent_again():
    with Flash() as flash:
        board = Board()
        crash.note(board, error("one"))
        app = App(board, "hard")
        app.crash = crash.pending(board)
        flash.broken = True
        crash.told(app)
        flash.broken = False
        assert "one" in flash.held["crash.json"].decode()
        assert crash.pending(board) is None
        crash.note(board, error("two"))
        assert "two" in crash.pending(board)


def test_the_same_crash_again_is_a_note_again():
    with Flash():
        board = Board()
        app = App(board, "hard")
        for _ in range(2):
            crash.note(board, error("same"))
            app.crash = crash.pending(board)
            assert app.crash is not None
            crash.told(app)
            app.crashes = 1
            crash.forgive(app)
        assert crash.pending(board) is None


def test_of_many_notes_the_oldest_stay():
    with Flash():
        board = Board()
        for number in range(10):
            crash.note(board, error(f"number {number}"))
        notes = crash.load(board)["notes"]
        assert len(notes) == 4
        assert "number 0" in notes[0]
        assert "number 3" in notes[3]


def test_a_broken_file_system_costs_no_count_and_no_note():
    with Flash() as flash:
        flash.broken = True
        board = Board()
        for _ in range(3):
            crash.note(board, error("flash is dead"))
        assert "flash is dead" in crash.pending(board)
        assert begin(board, "hard").safe == "3 crashes in a row"


def test_three_crashes_in_a_row_lead_into_safe_mode_for_one_start():
    with Flash():
        board = Board()
        for number in range(3):
            assert begin(board, "hard" if number else "power").safe is None
            crash.note(board, error())
        assert begin(board, "hard").safe == "3 crashes in a row"
        board.restart()
        assert begin(board, "hard").safe is None
        crash.note(board, error())
        assert begin(board, "hard").safe == "3 crashes in a row"


def test_resets_by_the_watchdog_count_and_leave_a_note():
    with Flash():
        board = Board()
        assert [bool(begin(board, "watchdog").safe) for _ in range(3)] == [False, False, True]
        assert "the watchdog reset the board" in crash.pending(board)


def test_a_crash_whose_restart_the_watchdog_did_counts_once():
    with Flash():
        board = Board()
        crash.note(board, error())
        assert begin(board, "watchdog").crashes == 1


def test_power_cuts_and_other_starts_are_no_crashes():
    with Flash():
        for reset in ("power", "hard", "soft", "deepsleep", "unknown"):
            board = Board()
            for _ in range(9):
                board.memory = b""
                assert begin(board, reset).safe is None
                board.note_end()


def test_a_power_cut_or_a_sleep_of_a_node_that_ran_is_no_panic():
    with Flash():
        for reset in ("power", "deepsleep"):
            board = Board()
            for _ in range(9):
                assert begin(board, reset).crashes == 0


def test_panics_count_and_leave_a_note():
    with Flash():
        board = Board()
        assert begin(board, "power").safe is None
        assert [bool(begin(board, "hard").safe) for _ in range(3)] == [False, False, True]
        assert "the chip panicked" in crash.pending(board)


def test_a_reset_that_was_asked_for_is_no_panic():
    with Flash():
        board = Board()
        assert begin(board, "hard").crashes == 0, "it never ran before"
        board.restart()
        assert begin(board, "hard").crashes == 0
        assert begin(board, "hard").crashes == 1


def test_a_crash_that_was_noted_counts_once_however_it_ended():
    with Flash():
        board = Board()
        begin(board, "power")
        crash.note(board, error())
        assert begin(board, "hard").crashes == 1


def test_a_store_that_takes_nothing_stops_no_start():
    def refuse(key, value):
        raise OSError(28)

    with Flash():
        board = Board()
        board.nvs_set = refuse
        assert begin(board, "hard").safe is None


def test_crashes_with_power_cuts_in_between_count_by_the_file():
    with Flash():
        board = Board()
        for _ in range(3):
            crash.note(board, error())
            board.memory = b""
            app = begin(board, "power")
        assert app.safe == "3 crashes in a row"


def test_good_work_forgives():
    with Flash() as flash:
        board = Board()
        for _ in range(7):
            crash.note(board, error())
            app = begin(board, "hard")
            assert app.safe is None
            assert app.crashes == 1
            crash.forgive(app)
            assert app.crashes == 0
        while crash.pending(board):
            app.crash = crash.pending(board)
            crash.told(app)
        assert "crash.json" not in flash.held


def test_a_damaged_file_counts_as_none():
    for content in (b"", b"[]", b"{", b'{"row":"x","notes":[]}', b'{"row":1,"notes":[5]}', b"\xff\xfe"):
        with Flash() as flash:
            flash.held["crash.json"] = content
            board = Board()
            assert crash.pending(board) is None
            crash.note(board, error())
            assert crash.pending(board)
