"""Which tests a worker of `make test` is given next.

Most of a run's time is firmware whose timers are real: its tests wait, and leave the processors idle. The
others compute. So most workers take what waits, the longest first and one test at a time, and each fourth
takes what computes meanwhile. Who has nothing left of one kind goes on with the other.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

# Files whose tests wait, the longest test first. Their tests share nothing, so each may run anywhere.
WAITING = (
    "system/test_network_matrix.py",
    "firmware/test_node_sleep_offline.py",
    "firmware/test_node_sleep.py",
    "firmware/test_node_led.py",
    "portal/test_portal_led.py",
    "gateway/standby/test_step_down.py",
    "gateway/standby/test_takeover.py",
    "firmware/test_node_commands.py",
    "system/test_nodes_return.py",
    "gateway/standby/test_broker_restart.py",
    "firmware/test_node_wifi.py",
    "firmware/test_update_resume.py",
    "firmware/test_update_refused.py",
    "firmware/test_update_sleep.py",
    "firmware/test_node_config.py",
    "firmware/test_node_backlog.py",
    "firmware/test_node_guard.py",
    "gateway/releases/test_kills.py",
    "firmware/test_update_trial.py",
    "firmware/test_node.py",
    "firmware/test_update_rollout.py",
    "firmware/test_node_sensors.py",
    "portal/test_portal_browser.py",
    "system/test_demo.py",
    "firmware/test_update.py",
    "portal/test_portal_guests.py",
    "firmware/test_node_clock.py",
    "system/test_interop.py",
    "firmware/test_node_tls.py",
    "gateway/test_durability.py",
    "gateway/releases/test_rollout.py",
    "gateway/releases/test_serving.py",
)
# Files that begin early, whole: their tests share what takes long to make, or compute for long.
EARLY = (
    "gateway/web/test_flash_page.py",
    "firmware/test_days.py",
    "firmware/test_sensor_hour.py",
    "firmware/test_powercut.py",
    "firmware/test_outbox_flash.py",
    "kit/test_image_boots.py",
    "firmware/test_on_micropython.py",
    "kit/test_flash.py",
    "gateway/test_bench_scale.py",
    "simulator/city/test_depths.py",
    "gateway/stations/test_in_the_city.py",
    "torture/test_torture.py",
)
COMPUTES_EVERY = 4  # so many workers, one computes


def place(nodeid: str) -> int:
    """Of a test in the order of the run."""
    order = WAITING + EARLY
    file = _file(nodeid)
    return order.index(file) if file in order else len(order)


def _file(nodeid: str) -> str:
    """Seen from tests/."""
    return nodeid.partition("::")[0].removeprefix("tests/")


class WaitingApart(LoadScopeScheduling):
    """xdist's `--dist loadfile` with the order above."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if _file(nodeid) in WAITING else _file(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        if self.computes(str(node.gateway.id)):
            for scope in self.workqueue:
                if "::" not in scope:
                    self.workqueue.move_to_end(scope, last=False)
                    break
        super()._assign_work_unit(node)

    @staticmethod
    def computes(worker: str) -> bool:
        """`worker`: gw0, gw1 and so on."""
        return int(worker.removeprefix("gw")) % COMPUTES_EVERY == COMPUTES_EVERY - 1
