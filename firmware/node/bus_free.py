"""Free an I2C bus. Loaded when a transfer has failed again and again."""


def free(port):
    """Clock a device out of a transfer that it holds SDA low for; for an I2cPort."""
    bus = port.bus
    port._timeouts = 0
    port.recoveries += 1
    port.stuck = not bus.board.recover_i2c(*bus.wiring[1:])
    bus.open()
