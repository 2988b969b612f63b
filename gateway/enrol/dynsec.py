"""A broker whose users are in Mosquitto's dynamic security plugin, administered over MQTT.

Commands and answers: the plugin's documentation (mosquitto.org/documentation/dynamic-security), tried with
2.0.11. Each node is a client with a role of its own, since the plugin's topics have no %u there. The client's
id is fixed as well, so a node cannot push another off by taking its id. Changes are effective at once: the
plugin ends the connections of a client whose password is set, or that is deleted.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, cast

from gateway import topics
from gateway.config import Settings
from gateway.control import ANSWER_SECONDS, Control, ControlError
from gateway.enrol.errors import EnrolError

_ASK = "$CONTROL/dynamic-security/v1"
_ANSWERS = _ASK + "/response"


def role_of(name: str) -> str:
    return f"dustline-node-{name}"


def role_command(settings: Settings, name: str, command: str) -> dict[str, Any]:
    """createRole or modifyRole with the rights of this node: all under its own topics, nothing else."""
    own = topics.build(settings.network, name, "#")
    acls = [
        {"acltype": kind, "topic": own, "allow": True}
        for kind in ("publishClientSend", "publishClientReceive", "subscribePattern", "unsubscribePattern")
    ]
    return {"command": command, "rolename": role_of(name), "acls": acls}


class DynamicSecurity:
    """What BrokerAccess says, with the plugin. Raises EnrolError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        broker, wanted = settings.broker, settings.enrol
        if wanted.admin_username is not None:
            broker = broker.model_copy(
                update={"username": wanted.admin_username, "password": wanted.admin_password}
            )
        self._broker = broker
        self._where = f"broker {broker.host}:{broker.port}, user {broker.username or '(none)'}"

    def known(self, name: str) -> bool:
        return self._ask({"command": "getClient", "username": name}, bear="Client not found") is None

    def add(self, secret_of: Mapping[str, str]) -> None:
        done: list[str] = []
        try:
            for name, secret in secret_of.items():
                self._role(name)
                self._ask(
                    {
                        "command": "createClient",
                        "username": name,
                        "password": secret,
                        "clientid": name,
                        "roles": [{"rolename": role_of(name)}],
                    }
                )
                done.append(name)
        except EnrolError:
            for name in done:
                self.remove(name)
            raise

    def exchange(self, name: str, secret: str) -> None:
        self._role(name)
        # The password last: what is wrong with the rest leaves the node as it was.
        self._ask(
            {
                "command": "modifyClient",
                "username": name,
                "clientid": name,
                "roles": [{"rolename": role_of(name)}],
            }
        )
        self._ask({"command": "setClientPassword", "username": name, "password": secret})
        self._ask({"command": "enableClient", "username": name})

    def remove(self, name: str) -> None:
        self._ask({"command": "deleteClient", "username": name}, bear="Client not found")
        self._ask({"command": "deleteRole", "rolename": role_of(name)}, bear="Role not found")

    def _role(self, name: str) -> None:
        """Its role with just these rights, also when one was left over."""
        if self._ask(role_command(self._settings, name, "createRole"), bear="Role already exists"):
            self._ask(role_command(self._settings, name, "modifyRole"))

    def _ask(self, command: Mapping[str, Any], bear: str = "") -> str | None:
        """None when it was done; `bear` when the plugin says just that. Anything else is an EnrolError."""
        try:
            with Control(self._broker, self._broker.id_for(self._settings.network)) as control:
                answer = _answer(control, command)
        except ControlError as error:
            raise EnrolError(f"{error}; enrolment needs the rights of a dynamic security admin") from error
        if answer is None:
            raise EnrolError(
                f"{self._where}: nothing answers on {_ASK} within {ANSWER_SECONDS:.0f} s: is the dynamic "
                "security plugin loaded, and may this user administer it? See enrol.admin_username"
            )
        wrong = answer.get("error")
        if wrong is None:
            return None
        if bear and wrong == bear:
            return bear
        raise EnrolError(f"{self._where}: {command['command']}: {wrong}")


def _answer(control: Control, command: Mapping[str, Any]) -> dict[str, Any] | None:
    mark = secrets.token_hex(8)  # others may administer it at the same time, and hear each other's answers
    control.listen(_ANSWERS)
    control.publish(_ASK, json.dumps({"commands": [{**command, "correlationData": mark}]}).encode())
    for heard in control.messages(ANSWER_SECONDS):
        document = json.loads(heard.payload)
        for response in cast("list[dict[str, Any]]", document.get("responses", [])):
            if response.get("correlationData") == mark:
                return response
    return None
