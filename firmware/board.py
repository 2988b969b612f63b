"""The board: the only file that imports machine, network and esp32. Everything else asks it. But main.py can
reset the chip by itself, should this file not load."""

import time

import machine
import network

# Counting starts when this module is loaded, which is when the node starts.
_last_ticks = time.ticks_ms()
_uptime_ms = 0


def uptime_ms():
    """Milliseconds since the start, growing for ever. The chip's own counter wraps after 12 days; asked at
    least every 6 days, this one does not."""
    global _last_ticks, _uptime_ms
    ticks = time.ticks_ms()
    _uptime_ms += time.ticks_diff(ticks, _last_ticks)
    _last_ticks = ticks
    return _uptime_ms


def set_uptime(ms):
    """Go on counting from `ms`: a start that continues the one before a deep sleep."""
    global _uptime_ms
    uptime_ms()
    _uptime_ms = ms


def rtc_ms():
    """The chip's own clock, ms since 1970. It runs on through resets and deep sleep; after a power cut it
    begins anew in 2000. Nobody has set it unless rtc_set() was called since."""
    year, month, day, _, hour, minute, second, us = machine.RTC().datetime()
    seconds = time.mktime((year, month, day, hour, minute, second, 0, 0))
    if time.gmtime(0)[0] == 2000:  # where this port's own seconds begin
        seconds += 946684800
    return seconds * 1000 + us // 1000


def rtc_set(utc_ms):
    """Set the chip's clock: TLS reads it to judge a certificate's dates."""
    seconds = utc_ms // 1000 - (946684800 if time.gmtime(0)[0] == 2000 else 0)
    year, month, day, hour, minute, second, weekday, _ = time.gmtime(seconds)[:8]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, utc_ms % 1000 * 1000))


def rtc_memory(data=None):
    """Up to 2048 bytes that survive resets and deep sleep, b"" after a power cut. `data` is kept if given."""
    return machine.RTC().memory() if data is None else machine.RTC().memory(data)


def nvs_get(key):
    """An integer kept beside the file system, None when there is none. The file system may be erased."""
    import esp32

    try:
        return esp32.NVS("dustline").get_i32(key)
    except OSError:
        return None


def nvs_set(key, value):
    """Keep an integer of 32 bits. Raises OSError."""
    import esp32

    store = esp32.NVS("dustline")
    store.set_i32(key, value)
    store.commit()


def open_watchdog(seconds):
    """The hardware watchdog: unless its feed() is called within that time, the board restarts. It cannot be
    stopped again."""
    return machine.WDT(timeout=seconds * 1000)


def open_led(number):
    """A pin with an LED, to be called with 0 or 1."""
    return machine.Pin(number, machine.Pin.OUT)


def deepsleep(ms):
    """Switch all off but the clock; start anew after `ms`. Does not return."""
    machine.deepsleep(ms)


def reset_cause():
    """Why the board started, as one word. The ESP32 tells a brown-out as power."""
    # The port's PWRON_RESET is 1; HARD_, WDT_, DEEPSLEEP_ and SOFT_RESET follow. One text costs the least.
    words = "unknown power hard watchdog deepsleep soft unknown"
    return words.split()[min(machine.reset_cause(), 6)]


def open_uart(number, tx, rx, baud, rxbuf):
    """A UART whose reads never block. `rxbuf` bytes are kept between reads; what comes beyond is lost."""
    return machine.UART(number, baudrate=baud, tx=tx, rx=rx, rxbuf=rxbuf, timeout=0)


def open_i2c(number, sda, scl):
    """An I2C bus at 100 kHz; devices may stretch its clock 50 ms. Called again, it takes the pins back."""
    return machine.I2C(number, scl=machine.Pin(scl), sda=machine.Pin(sda), freq=100000, timeout=50000)


def recover_i2c(sda, scl):
    """Clock a device out of a byte it holds SDA low for: nine clocks and a stop (UM10204, 3.1.16 bus clear).
    True when SDA is free then. The bus must be opened anew."""
    pin = machine.Pin
    data = pin(sda, pin.OPEN_DRAIN, pin.PULL_UP, value=1)
    clock = pin(scl, pin.OPEN_DRAIN, pin.PULL_UP, value=1)
    for _ in range(9):
        clock(0)
        time.sleep_us(5)
        clock(1)
        time.sleep_us(5)
    clock(0)
    data(0)
    time.sleep_us(5)
    clock(1)
    time.sleep_us(5)
    data(1)
    time.sleep_us(5)
    return data() == 1


def open_switch(number):
    """A pin that switches a sensor's supply. Its level is what it was until it is given one."""
    return machine.Pin(number, machine.Pin.OUT, hold=False)  # pyright: ignore[reportCallIssue]


def hold(switch):
    """Keep a switch's level over a deep sleep, until open_switch(): the chip lets its pins go in it, and what
    hangs on one that floats may get its supply back."""
    import esp32

    switch.init(hold=True)
    if hasattr(esp32, "gpio_deep_sleep_hold"):  # chips that lack it hold each pin by itself
        esp32.gpio_deep_sleep_hold(True)  # pyright: ignore[reportAttributeAccessIssue]


def level(number):
    """0 or 1 at a pin whose own pull is down: 1 means that something drives it, as an idle UART's TX does."""
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_DOWN).value()


def read_dht(number, buf):
    """Five bytes of a DHT22 into `buf`, in about 0.3 s. OSError when it does not answer."""
    machine.dht_readinto(machine.Pin(number), buf)


class Wifi:
    """The station interface, with its traps covered: connecting twice raises, a soft reset leaves it up, and
    power saving loses packets. What the chip cannot do now, for want of memory say, is an OSError."""

    def __init__(self):
        self._wlan = None

    def _ask(self, name, *arguments, **settings):
        try:
            if self._wlan is None:
                self._wlan = network.WLAN(network.STA_IF)
            return getattr(self._wlan, name)(*arguments, **settings)
        except RuntimeError as error:
            # The port raises that for each code of ESP-IDF's which it has no name for.
            raise OSError(str(error)) from None

    def start(self, hostname):
        """Switch it on. Raises OSError."""
        self._ask("active", True)
        try:
            self._ask("config", pm=network.WLAN.PM_NONE)
            network.hostname(hostname)
        except (ValueError, OSError, AttributeError) as error:
            print("wifi: this port lacks a setting:", error)

    def stop(self):
        """Switch the interface off; start() switches it on again, as if new. Raises OSError."""
        self._ask("active", False)

    def scan(self):
        """What is on the air: (ssid, bssid, channel, rssi, ...) each. Takes seconds and blocks. Raises
        OSError."""
        return self._ask("scan")

    def join(self, ssid, password, bssid=None):
        """Begin to join; `is_up` tells when it has worked. `bssid`: this access point and no other. Raises
        OSError."""
        self.leave()
        self._ask("connect", ssid, password, bssid=bssid)

    def leave(self):
        try:
            self._ask("disconnect")
        except OSError:
            pass  # it was not connected: that is what was wanted

    def is_up(self):
        return self._wlan is not None and self._wlan.isconnected()

    def status(self):
        """Why it is not up, as a code of the ESP32; node/link_words.py has the words."""
        return self._ask("status")

    def rssi(self):
        """Signal strength in dBm, None when it is not up."""
        try:
            return self._ask("status", "rssi")
        except (ValueError, OSError, TypeError):
            return None


def note_end():
    """Note that the node ends by intent. A reset without that was a panic of the chip: the port has one word
    for both, HARD_RESET."""
    try:
        if nvs_get("runs"):
            nvs_set("runs", 0)
    except OSError as error:
        print("nvs: cannot note the end:", error)


def restart():
    """Start anew, by intent. Does not return."""
    note_end()
    machine.reset()
