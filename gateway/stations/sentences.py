"""The sentences of station health in both languages; docs/stations.md has the table of the kinds."""

from __future__ import annotations

from collections.abc import Mapping

# By kind: what is wrong, without a full stop, so that a date can follow; what to do.
Words = Mapping[str, tuple[str, str]]

EN: Words = {
    "safe": ("Its program crashed again and again; it measures nothing", "Update its firmware by hand."),
    "silent": ("Nothing was heard from it", "Check its supply and its Wi-Fi, then the board."),
    "quiet": ("Nothing was heard from it", "It may come back by itself; if not, check its supply and Wi-Fi."),
    "never": ("It is on the map and was never heard", "Check its settings: network, broker, name."),
    "sensor_silent": ("{sensor} is silent", "Check its supply and its wires."),
    "sensor_swapped": ("RX and TX, or SDA and SCL, of {sensor} are exchanged", "Swap the two wires."),
    "sensor_wrong_speed": (
        "What {sensor} sends cannot be read",
        "Set the model that is fitted, or “auto”.",
    ),
    "sensor_not_found": ("No sensor answers", "Check its wires, pins and supply."),
    "sensor_bus_stuck": (
        "A data line (SDA) of {sensor} is held low",
        "Switch the power off and on; if it stays so, look for a short circuit.",
    ),
    "sensor_failed": (
        "{sensor} reports a fault or does not recover",
        "Switch its power off and on; if it stays so, exchange it.",
    ),
    "no_value": ("{sensor} has given no values", "Check its wires and supply; else exchange it."),
    "device": (
        "{sensor} has reported a fault of its own (fan, laser or supply)",
        "Switch its power off and on; if it stays so, exchange it.",
    ),
    "stuck": (
        "The value of {sensor} has not moved",
        "Switch its power off and on; if it sticks again, exchange it.",
    ),
    "clogged": (
        "The fan or inlet of {sensor} is likely clogged: values fell to {percent} of its neighbours'",
        "Clean or exchange the sensor.",
    ),
    "garbage": (
        "Values of {sensor} have been contradictory or impossible",
        "Check its wires and the model that is set; else exchange it.",
    ),
    "saturated": (
        "{sensor} has read at the end of its range",
        "Look for smoke or steam beside it; if there is none, clean or exchange it.",
    ),
    "high": (
        "Values of {sensor} have been {times} times its neighbours'",
        "Look for a source beside it; if there is none, clean, calibrate or exchange the sensor.",
    ),
    "low": (
        "Values of {sensor} have been {percent} of its neighbours'",
        "See that air gets in; clean, calibrate or exchange the sensor.",
    ),
    "far": (
        "Values of {sensor} have been far from its neighbours', now above, now below",
        "Look for a source beside it; if there is none, clean, calibrate or exchange the sensor.",
    ),
    "restarts": ("It restarted {restarts} times in a day, the last time by {reset}", "{cure}"),
    "spikes": (
        "{spikes} of the last {looked_at} readings of {sensor} are single values far off",
        "Check its plug, cable and supply; look for insects in it.",
    ),
    "disagree": ("Its two PM sensors have disagreed", "Clean both; exchange the one that is off."),
    "laser_over": (
        "The laser of {sensor} has run {laser_h} hours; its life is about {life_h}",
        "Plan to exchange it.",
    ),
    "laser": (
        "The laser of {sensor} has run {laser_h} hours; its life is about {life_h}",
        "Take a new one along on a visit.",
    ),
    "missing": (
        "{missing} of {born} readings of the last days never arrived and do not wait in its outbox",
        "Look at its flash; `dustline ledger` names the readings.",
    ),
    "incomplete": (
        "Only {complete} of {hours} hours of the last days are complete",
        "Check its supply and Wi-Fi.",
    ),
    "outbox": ("{depth} readings wait in its outbox", "Its connection is too slow: look at the Wi-Fi."),
    "climate": (
        "Its thermometer or hygrometer has told nothing",
        "Check its wires or exchange it; PM values are not touched.",
    ),
    "rssi": ("Its Wi-Fi is weak ({dbm} dBm)", "Move the node or the access point, or fit an antenna."),
    "clock": ("Its clock has not been right", "See that it reaches its time server."),
    "crash": ("Its program crashed and restarted by itself", "Update its firmware."),
    "aside": (
        "It set {aside} readings aside that the gateway refused",
        "Read `dustline gateway quarantine list`; update its firmware. No visit needed.",
    ),
    "heap": ("It has {kb} KB of memory left", "Reboot it from afar; update its firmware."),
}
PL: Words = {
    "safe": (
        "Jego program wielokrotnie uległ awarii; nic nie mierzy",
        "Zaktualizuj oprogramowanie na miejscu.",
    ),
    "silent": ("Nie odzywa się", "Sprawdź zasilanie i Wi-Fi, potem płytkę."),
    "quiet": ("Nie odzywa się", "Może wrócić sam; jeśli nie, sprawdź zasilanie i Wi-Fi."),
    "never": ("Jest na mapie, a nigdy się nie odezwał", "Sprawdź ustawienia: sieć, broker, nazwę."),
    "sensor_silent": ("{sensor} milczy", "Sprawdź jego zasilanie i przewody."),
    "sensor_swapped": ("RX i TX albo SDA i SCL ({sensor_in}) są zamienione", "Zamień te dwa przewody."),
    "sensor_wrong_speed": (
        "Nie da się odczytać tego, co wysyła {sensor}",
        "Ustaw właściwy model albo „auto”.",
    ),
    "sensor_not_found": ("Żaden czujnik nie odpowiada", "Sprawdź przewody, piny i zasilanie."),
    "sensor_bus_stuck": (
        "Linia danych SDA ({sensor_in}) jest zwarta do masy",
        "Wyłącz i włącz zasilanie; jeśli to nie pomoże, poszukaj zwarcia.",
    ),
    "sensor_failed": (
        "{sensor} zgłasza usterkę lub nie wraca do pracy",
        "Wyłącz i włącz jego zasilanie; jeśli to nie pomoże, wymień go.",
    ),
    "no_value": (
        "{sensor} nie podaje wartości",
        "Sprawdź przewody i zasilanie; jeśli to nie pomoże, wymień go.",
    ),
    "device": (
        "{sensor} zgłasza własną usterkę: wentylator, laser lub zasilanie",
        "Wyłącz i włącz jego zasilanie; jeśli to nie pomoże, wymień go.",
    ),
    "stuck": (
        "Wartość się nie zmienia ({sensor_in})",
        "Wyłącz i włącz jego zasilanie; jeśli znów stanie, wymień go.",
    ),
    "clogged": (
        "Wentylator lub wlot jest zapewne zatkany ({sensor_in}): wartości spadły do {percent} wartości"
        " czujników w okolicy",
        "Wyczyść lub wymień czujnik.",
    ),
    "garbage": (
        "Wartości są sprzeczne lub niemożliwe ({sensor_in})",
        "Sprawdź przewody i ustawiony model; jeśli to nie pomoże, wymień czujnik.",
    ),
    "saturated": (
        "{sensor} pokazuje koniec swojego zakresu",
        "Poszukaj dymu lub pary w pobliżu; jeśli ich nie ma, wyczyść lub wymień czujnik.",
    ),
    "high": (
        "Wartości ({sensor_in}) są {times} razy wyższe niż czujników w okolicy",
        "Poszukaj źródła pyłu obok; jeśli go nie ma, wyczyść, skalibruj lub wymień czujnik.",
    ),
    "low": (
        "Wartości ({sensor_in}) to {percent} wartości czujników w okolicy",
        "Sprawdź, czy dochodzi powietrze; wyczyść, skalibruj lub wymień czujnik.",
    ),
    "far": (
        "Wartości ({sensor_in}) odbiegają od czujników w okolicy, raz w górę, raz w dół",
        "Poszukaj źródła pyłu obok; jeśli go nie ma, wyczyść, skalibruj lub wymień czujnik.",
    ),
    "restarts": (
        "Liczba ponownych uruchomień w ciągu doby: {restarts}, ostatnia przyczyna: {reset}",
        "{cure}",
    ),
    "spikes": (
        "Pojedyncze wartości odstają ({sensor_in}): {spikes} z ostatnich {looked_at} pomiarów",
        "Sprawdź wtyczkę, przewód i zasilanie; poszukaj owadów w środku.",
    ),
    "disagree": ("Dwa czujniki pyłu podają różne wartości", "Wyczyść oba; wymień ten, który odbiega."),
    "laser_over": (
        "Laser ({sensor_in}) przepracował {laser_h} godz.; jego trwałość to około {life_h}",
        "Zaplanuj wymianę.",
    ),
    "laser": (
        "Laser ({sensor_in}) przepracował {laser_h} godz.; jego trwałość to około {life_h}",
        "Zabierz nowy na następną wizytę.",
    ),
    "missing": (
        "Z {born} pomiarów z ostatnich dni nie dotarło {missing} i nie czekają u niego w kolejce",
        "Obejrzyj pamięć flash; `dustline ledger` wymienia te pomiary.",
    ),
    "incomplete": (
        "Z {hours} godzin z ostatnich dni tylko {complete} jest kompletnych",
        "Sprawdź zasilanie i Wi-Fi.",
    ),
    "outbox": ("Pomiary czekające w kolejce: {depth}", "Łącze jest za słabe: sprawdź Wi-Fi."),
    "climate": (
        "Termometr lub higrometr nic nie mówi",
        "Sprawdź przewody lub wymień go; wartości pyłu są w porządku.",
    ),
    "rssi": ("Słabe Wi-Fi ({dbm} dBm)", "Przestaw węzeł lub punkt dostępowy albo załóż antenę."),
    "clock": ("Zegar nie jest pewny", "Sprawdź, czy węzeł ma dostęp do serwera czasu."),
    "crash": ("Program uległ awarii i sam uruchomił się ponownie", "Zaktualizuj oprogramowanie."),
    "aside": (
        "Pomiary odłożone, bo bramka ich nie przyjęła: {aside}",
        "Zobacz `dustline gateway quarantine list`; zaktualizuj oprogramowanie. Wizyta nie jest potrzebna.",
    ),
    "heap": ("Wolna pamięć: {kb} KB", "Uruchom go ponownie z daleka; zaktualizuj oprogramowanie."),
}
# Where no ratio is known: the neighbours' verdict stands, the hours' medians do not.
NO_RATIO = {
    "en": "The fan or inlet of {sensor} is likely clogged: values fell far below its neighbours'",
    "pl": "Wentylator lub wlot jest zapewne zatkany ({sensor_in}): wartości są dużo niższe niż w okolicy",
}
CURES = {
    "en": ("Check its supply: adapter, cable, plug.", "Update its firmware; note what its health says."),
    "pl": (
        "Sprawdź zasilanie: zasilacz, przewód, wtyczkę.",
        "Zaktualizuj oprogramowanie; zajrzyj do jego „health”.",
    ),
}
