"""Enrol, replace, revoke: broker and store together, in an order that never leaves a secret without an owner.

First the broker, then the store, then the kit is handed out. When something fails between, the broker may
have a user whose secret nobody has; `replace` or `revoke` puts that right.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.config import Settings
from gateway.enrol.broker import access_to, reserved, say_farewell
from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import Kit, make_kit, new_name, new_secret
from gateway.enrol.settings import MOST_NAME
from gateway.enrol.store import Store
from gateway.places import AnyPlace, PlaceError, public_place
from gateway.topics import valid_name


class Enroller:
    """By the configuration. Every method raises EnrolError or StoreError, and has done nothing then, unless
    the message says so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker = access_to(settings)

    def enrol(self, place_of: Mapping[str, AnyPlace | None]) -> list[Kit]:
        """New nodes, by name, each with its place if it has one."""
        with Store(self._settings.enrol.store) as store:
            return self._enrol(store, place_of, None)

    def enrol_by_code(self, hashed: bytes, place: AnyPlace | None) -> Kit | None:
        """A node with a name of its own; None when that code cannot be used. It is used up by that."""
        with Store(self._settings.enrol.store) as store:
            code = store.usable_code(hashed)
            if code is None:
                return None
            name = new_name(self._settings)
            while store.state(name) is not None:
                name = new_name(self._settings)
            (kit,) = self._enrol(store, {name: place}, code)
            store.use_code(code, name)
            return kit

    def replace(self, name: str) -> Kit:
        """Another secret for a node that the broker knows; the old one is dead."""
        self._allowed(name)
        with Store(self._settings.enrol.store) as store:
            if not self._broker.known(name):
                raise EnrolError(f"{name} is no user of the broker: use `dustline gateway enrol {name}`")
            secret = new_secret()
            kit = make_kit(self._settings, name, secret)
            self._broker.exchange(name, secret)
            store.put(name, "enrolled", store.place(name))
        return kit

    def revoke(self, name: str) -> str | None:
        """The end of its access; its place is forgotten. What could not be cleared away, in a sentence."""
        self._allowed(name)
        with Store(self._settings.enrol.store) as store:
            known = self._broker.known(name)
            if not known and store.state(name) is None:
                raise EnrolError(f"{name} is not known: `dustline gateway enrolled` lists the nodes")
            left = say_farewell(self._settings, self._broker, name) if known else None
            self._broker.remove(name)
            store.put(name, "revoked", None)
        return left

    def move(self, name: str, place: AnyPlace | None) -> None:
        """Another place, or another exactness, or none."""
        self._public(name, place)
        with Store(self._settings.enrol.store) as store:
            if store.state(name) != "enrolled":
                raise EnrolError(f"{name} is not enrolled; places of other nodes are in nodes_file")
            store.put(name, "enrolled", place)

    def _enrol(self, store: Store, place_of: Mapping[str, AnyPlace | None], code: int | None) -> list[Kit]:
        for name, place in place_of.items():
            self._allowed(name, new=True)
            self._public(name, place)
            if self._broker.known(name):
                raise EnrolError(
                    f"{name} is a user of the broker already: `dustline gateway replace {name}` gives it "
                    "a new secret"
                )
        secret_of = {name: new_secret() for name in place_of}
        kits = [make_kit(self._settings, name, secret) for name, secret in secret_of.items()]
        self._broker.add(secret_of)
        for name, place in place_of.items():
            store.put(name, "enrolled", place, code)
        return kits

    def _allowed(self, name: str, new: bool = False) -> None:
        if not valid_name(name):
            raise EnrolError(f"{name[:40]!r} is no name of a node: 1 to {MOST_NAME} of a-z, 0-9 and -")
        if new and len(name) > MOST_NAME:
            raise EnrolError(
                f"{name}: a new node's name has at most {MOST_NAME} characters, so that its portal's fits"
            )
        if name in reserved(self._settings):
            raise EnrolError(f"{name} is a user of the gateway's own and no node")

    def _public(self, name: str, place: AnyPlace | None) -> None:
        if place is not None:
            try:
                public_place(place, self._settings.districts)
            except PlaceError as error:
                raise EnrolError(f"{name}: {error}") from error
