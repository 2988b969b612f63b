"""BME280 and BMP280: dialogue, compensation and self-check, on CPython and on MicroPython alike."""

from node.drivers.bme280 import Bme280, compensate

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0]


def words(text):
    return [int(word) for word in text.split(",")]


def vector():
    """The first row: words of the calibration, its bytes 88..A1 and E1..E7, raw p t h, degC hPa %."""
    with open(HERE + "/../../vectors/bme280.csv") as file:
        file.readline()
        _, calibration, rest = file.readline().split('"')
    t, p, h = (words(part.strip()[1:]) for part in calibration.split(";"))
    trim = bytearray(26)
    for i, word in enumerate(t + p):
        trim[2 * i], trim[2 * i + 1] = word & 255, word >> 8 & 255
    h1, h2, h3, h4, h5, h6 = h
    trim[25] = h1
    wet = bytes(
        [h2 & 255, h2 >> 8 & 255, h3, h4 >> 4 & 255, h4 & 15 | (h5 & 15) << 4, h5 >> 4 & 255, h6 & 255]
    )
    _, raw, expected, _ = rest.split(",")
    adc = dict(item.split("=") for item in raw.split())
    numbers = [float(part.split()[0]) for part in expected.split(";")]
    numbers[1] /= 100
    return t + p + h, bytes(trim), wet, [int(adc["adc_" + name]) for name in "pth"], numbers


WORDS, TRIM, WET, RAW, EXPECTED = vector()


class Chip:
    """The registers that the driver needs, as datasheet section 5.3 has them."""

    def __init__(self, id=0x60, raw=RAW):
        self.regs = bytearray(256)
        self.raw = raw
        self.regs[0xD0] = id
        self.regs[0x88:0xA2] = TRIM
        self.regs[0xE1:0xE8] = WET
        self.writes = []
        self.at = 0
        self.brown_out()

    def brown_out(self):
        self.regs[0xF2:0xF6] = bytes(4)
        self.show(0x80000, 0x80000, 0x8000)

    def show(self, p, t, h):
        for i, adc in ((0xF7, p), (0xFA, t)):
            self.regs[i], self.regs[i + 1], self.regs[i + 2] = adc >> 12, adc >> 4 & 255, adc << 4 & 255
        self.regs[0xFD], self.regs[0xFE] = h >> 8, h & 255

    def write(self, data):
        self.writes.append(bytes(data))
        self.at = data[0]
        for i in range(0, len(data) - 1, 2):
            register, value = data[i], data[i + 1]
            if register == 0xE0 and value == 0xB6:
                self.brown_out()
            elif register == 0xF4 and value & 3 == 1:
                self.regs[0xF4] = value & 0xFC
                self.show(*self.raw)
            else:
                self.regs[register] = value

    def read(self, n):
        return memoryview(self.regs)[self.at : self.at + n]


def run(driver, chip, now, until):
    """Tick as a port does, 50 ms apart; chip None gives no acknowledge. Returns all events."""
    events = []
    while now < until:
        wish = driver.tick(now)
        if wish is not None and chip is None:
            driver.failed(now)
        elif isinstance(wish, int):
            data = chip.read(wish)
            assert len(data) == wish
            events += driver.feed(data)
        elif wish:
            chip.write(wish)
        now += 50
    return events


def near(a, b, tolerance):
    return abs(a - b) <= tolerance


def test_compensation_is_the_datasheets():
    found = compensate(WORDS, *RAW)
    for i in range(3):
        assert near(found[i], EXPECTED[i], 1e-6 * EXPECTED[i]), (found, EXPECTED)


def test_humidity_calibration_is_signed_where_it_is():
    # H4 = -1 (FF, x F), H5 = -2048 (80, 0 x): both share E5. H2 374, H3 0, H6 -30.
    chip, driver = Chip(raw=(RAW[0], RAW[1], 10000)), Bme280()
    chip.regs[0xE1:0xE8] = bytes([118, 1, 0, 0xFF, 0x0F, 0x80, 0xE2])
    event = run(driver, chip, 0, 4000)[0]
    # After section 8.1 by hand.
    x = 24.78948776 * 5120 - 76800
    h = (10000 - (-1 * 64 - 2048 / 16384 * x)) * (374 / 65536 * (1 - 30 / 67108864 * x))
    assert near(event["rh"], h * (1 - 75 * h / 524288), 0.001)


def test_a_bme280_is_set_up_and_gives_its_values_every_five_seconds():
    chip, driver = Chip(), Bme280()
    assert driver.address == driver.addresses[0] == 0x76
    events = run(driver, chip, 0, 60000)
    assert driver.model == "bme280"
    assert 11 <= len(events) == driver.frames <= 12
    for i, name in enumerate(("temp", "press", "rh")):
        assert near(events[0][name], EXPECTED[i], 0.001)
    assert events[0]["kind"] == "data"
    assert driver.rejects == {}
    assert driver.retries == 0
    assert driver.climate_flag is None
    # Forced mode, x1 each, no filter (section 3.5.1); ctrl_hum first, or it has no effect.
    assert chip.writes.count(b"\xf2\x01\xf5\x00\xf4\x25") >= 11
    assert chip.writes.count(b"\xe0\xb6") == 1


def test_one_transfer_a_tick_and_none_before_its_time():
    driver = Bme280()
    assert driver.tick(0) == b"\xd0"
    assert driver.tick(0) == 1
    assert driver.feed(b"\x60") == []
    assert driver.tick(0) == b"\xe0\xb6"
    assert driver.tick(2) is None
    assert driver.tick(4) == b"\xf3"


def test_a_bmp280_is_told_apart_and_has_no_humidity():
    for id in (0x56, 0x57, 0x58):
        driver = Bme280()
        (event,) = run(driver, Chip(id), 0, 5000)
        assert driver.model == "bmp280"
        assert sorted(event) == ["kind", "press", "temp"]
        assert near(event["press"], EXPECTED[1], 0.001)


def test_another_chip_gives_no_values_ever():
    driver, chip = Bme280(), Chip(0x61)
    assert run(driver, chip, 0, 60000) == []
    assert driver.rejects == {"unknown": driver.retries}
    assert driver.climate_flag == "climate_error"
    assert all(len(data) == 1 for data in chip.writes), "nothing is written to what it does not know"


def test_calibration_of_a_failed_read_is_refused_and_read_again():
    for bad in (b"\x00", b"\xff"):
        driver, chip = Bme280(), Chip()
        chip.regs[0x88:0xA2] = bad * 26
        assert run(driver, chip, 0, 20000) == []
        assert set(driver.rejects) == {"state"}
        assert driver.climate_flag == "climate_error"
        chip.regs[0x88:0xA2] = TRIM
        event = run(driver, chip, 20000, 25000)[0]
        assert near(event["temp"], EXPECTED[0], 0.001)
        assert driver.climate_flag is None


def test_calibration_is_taken_only_when_two_readings_agree():
    driver, chip = Bme280(), Chip()
    seen = []
    read = chip.read

    def disturbed(n):
        data = bytearray(read(n))
        if n == 26:
            seen.append(n)
            if len(seen) == 1:
                data[2] ^= 0x40
        return data

    chip.read = disturbed
    event = run(driver, chip, 0, 8000)[0]
    assert near(event["temp"], EXPECTED[0], 0.001)
    assert driver.rejects == {"state": 1}


def test_a_sample_counts_only_when_two_readings_agree():
    for at in range(13):
        driver, chip = Bme280(), Chip()

        def disturbed(n, read=chip.read, at=at, spoilt=[]):  # noqa: B006 - one list for each function
            data = bytearray(read(n))
            if n == 13 and not spoilt:
                data[at] ^= 1
                spoilt.append(at)
            return data

        chip.read = disturbed
        (event,) = run(driver, chip, 0, 4000)
        assert near(event["press"], EXPECTED[1], 0.001)
        assert driver.rejects == {"state": 1}


def test_calibration_still_being_copied_is_waited_for():
    driver, chip = Bme280(), Chip()
    chip.regs[0xF3] = 1
    keep = chip.brown_out
    chip.brown_out = lambda: None
    assert run(driver, chip, 0, 3000) == []
    chip.brown_out = keep
    assert len(run(driver, chip, 3000, 7000)) == 1


def test_skipped_values_are_left_out():
    p, t, h = RAW
    for raw, left in (
        ((0x80000, t, h), ["kind", "rh", "temp"]),
        ((p, t, 0x8000), ["kind", "press", "temp"]),
    ):
        driver = Bme280()
        event = run(driver, Chip(raw=raw), 0, 5000)[0]
        assert sorted(event) == left
    # Without a temperature nothing can be worked out.
    driver = Bme280()
    assert run(driver, Chip(raw=(p, 0x80000, h)), 0, 20000) == []
    assert driver.climate_flag == "climate_error"


def test_values_outside_the_range_are_left_out_and_flagged():
    p, t, h = RAW
    driver, chip = Bme280(), Chip(raw=(0, t, h))  # 0 is the highest pressure
    event = run(driver, chip, 0, 4000)[0]
    assert sorted(event) == ["kind", "rh", "temp"]
    assert driver.climate_flag == "climate_error"
    assert driver.rejects == {"out_of_range": 1}
    chip.raw = RAW
    run(driver, chip, 4000, 9000)
    assert driver.climate_flag is None
    chip.raw = (p, 0xFFFF0, 0)
    for event in run(driver, chip, 9000, 30000):
        assert "temp" not in event
    assert driver.climate_flag == "climate_error"


def test_humidity_a_little_beyond_its_ends_is_cropped():
    p, t, _ = RAW
    event = run(Bme280(), Chip(raw=(p, t, 36500)), 0, 4000)[0]
    assert event["rh"] == 100
    driver = Bme280()
    assert "rh" not in run(driver, Chip(raw=(p, t, 65535)), 0, 4000)[0]
    assert driver.climate_flag == "climate_error"


def test_a_dip_of_the_supply_is_seen_and_the_chip_set_up_again():
    driver, chip = Bme280(), Chip()
    assert len(run(driver, chip, 0, 4000)) == 1
    sent = chip.write

    def dip(data):
        sent(data)
        if len(data) == 6:
            chip.brown_out()
            chip.write = sent

    chip.write = dip
    events = run(driver, chip, 4000, 16000)
    assert driver.rejects == {"state": 1}
    assert [near(event["temp"], EXPECTED[0], 0.001) for event in events] == [True, True]


def test_a_bus_that_reads_the_same_bit_for_ever_gives_no_value():
    for level in (b"\x00", b"\xff"):
        driver, chip = Bme280(), Chip()
        assert len(run(driver, chip, 0, 4000)) == 1
        chip.read = lambda n, level=level: level * n
        assert run(driver, chip, 4000, 30000) == []
        assert driver.climate_flag == "climate_error"


def test_no_answer_is_counted_and_flagged_from_the_third_on():
    driver = Bme280()
    run(driver, None, 0, 4000)
    assert driver.rejects == {"no_ack": 2}
    assert driver.climate_flag is None
    run(driver, None, 4000, 8000)
    assert driver.climate_flag == "climate_error"
    assert len(run(driver, Chip(), 8000, 12000)) == 1
    assert driver.climate_flag is None


def test_equal_raw_words_are_flagged_and_noise_is_not():
    driver, chip = Bme280(), Chip()
    run(driver, chip, 0, 110000)
    assert driver.climate_flag is None
    run(driver, chip, 110000, 140000)
    assert driver.climate_flag == "climate_stuck"
    chip.raw = [RAW[0] + 16, RAW[1], RAW[2]]
    assert len(run(driver, chip, 140000, 146000)) == 1
    assert driver.climate_flag is None


def test_humidity_at_the_top_for_an_hour_is_flagged_and_kept():
    p, t, _ = RAW
    driver, chip = Bme280(), Chip(raw=[p, t, 36500])
    now = 0
    while now < 3600000:
        assert driver.climate_flag is None
        chip.raw[0] ^= 16  # the pressure is alive
        run(driver, chip, now, now + 5100)
        now += 5100
    event = run(driver, chip, now, now + 6000)[-1]
    assert driver.climate_flag == "climate_stuck"
    assert event["rh"] == 100
    chip.raw[2] = RAW[2]
    run(driver, chip, now + 6000, now + 12000)
    assert driver.climate_flag is None


def test_reset_begins_the_dialogue_anew():
    driver, chip = Bme280(), Chip()
    run(driver, chip, 0, 4000)
    driver.reset()
    assert len(run(driver, chip, 4000, 9000)) == 1
    assert chip.writes.count(b"\xe0\xb6") == 2


def test_nobody_tells_what_became_of_a_transfer():
    driver = Bme280()
    for now in range(0, 100000, 50):
        driver.tick(now)
    assert driver.tick(200000) is not None


class Altered(Chip):
    """A register of the settings is not what was written to it: on a bad line, or in another chip."""

    def __init__(self, register, value):
        super().__init__()
        self.altered = register, value

    def write(self, data):
        super().write(data)
        self.regs[self.altered[0]] = self.altered[1]


def test_a_sample_with_other_settings_in_front_of_it_is_no_sample():
    for register, value in ((0xF2, 0), (0xF3, 8), (0xF4, 0x27), (0xF4, 0), (0xF5, 0x10)):
        driver = Bme280()
        assert run(driver, Altered(register, value), 0, 20000) == []
        assert driver.climate_flag == "climate_error"


def test_a_calibration_of_humidity_that_was_not_read_is_refused():
    for wet in (bytes(7), b"\xff" * 7):
        chip, driver = Chip(), Bme280()
        chip.regs[0xE1:0xE8] = wet
        assert run(driver, chip, 0, 20000) == []
        assert driver.rejects["state"] > 3
