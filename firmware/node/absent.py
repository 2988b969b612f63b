"""Stands in, as driver and as port, for a sensor that is still to be found."""


class Absent:
    model = "auto"
    id = fw = awake_since = None
    frames = retries = recoveries = warmup_s = 0
    rejects = ceiling = {}
    settled = True
    stuck = False

    def step(self, driver, now, take):
        pass

    def wake(self, now):
        pass

    sleep = wake

    def reset(self):
        pass

    resync = reset
