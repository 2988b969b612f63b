"""What `dustline node flash` says, in Polish where the computer speaks it, else in English."""

from __future__ import annotations

import os
from collections.abc import Mapping

EN = {
    "no_port": "No board was found. Is its cable plugged in at both ends? Many USB cables only "
    "charge and have no wires for data: try another cable, then another socket. If it is there, "
    "name its port with --port.",
    "many_ports": "There are several ports: {ports}. Unplug the others, or say which one: --port {first}",
    "absent_port": "There is no port {port}. Plug the board in, or leave --port out and it is looked for.",
    "no_permission": "You may not open {port}. On Linux: sudo usermod -aG dialout $USER, then log "
    "out and in again.",
    "busy": "{port} is in use by another program. Close it: a serial monitor, an editor for boards, "
    "a browser tab.",
    "no_sync": "The board does not answer. Hold its BOOT button down, run this again, and let go "
    "once it says that it writes. If that does not help, try another cable.",
    "wrong_chip": "The board has another chip than the image is for: {found}, not {wanted}. Build "
    "the image for it: dustline node image --board {board}",
    "unknown_chip": "The board has another chip than the image is for: {found}, not {wanted}. "
    "Dustline has no image for it.",
    "unplugged": "The board went away in the middle. Plug it in firmly, straight into the computer, "
    "and run this again.",
    "not_verified": "What was written is not what was sent. Run this again; another cable or socket "
    "often helps.",
    "small_flash": "The board's flash is too small for the image; a board with 4 MB is needed.",
    "no_esptool": "esptool is not installed: pip install 'dustline[flash]'",
    "other": "Writing did not work: {detail}",
    "found": "{port}: {name}",
    "writing": "writing {image}, for {board}, version {version}",
    "written": "written and verified",
    "chip": "chip: {chip}",
    "starting": "waiting for the node to answer",
    "no_node": "The board does not answer as a node in set-up. If it was set up before, hold its "
    "BOOT button for five seconds and run: dustline node set-up",
    "node": "node: {firmware} {version} on {chip}",
    "kit_taken": "the node is now {node}",
    "kit_refused": "The node did not take the kit code: {detail}",
    "scanning": "the node looks for networks",
    "network": "Number of your network, or its name",
    "no_networks": "The node hears no network. It uses 2.4 GHz.",
    "password": "Password of {ssid} (it is not shown)",
    "joining": "the node tries {ssid}; this may take a minute",
    "done": "Done: the node has reached the network. Its first reading comes in two minutes.",
    "gone": "The node does not answer any more. Take the cable out and in again, and run: dustline "
    "node set-up",
    "join_no_network": "The node does not hear {ssid}. Is it 2.4 GHz, and near enough?",
    "join_wrong_password": "{ssid} did not let the node in: the password is wrong, or the signal is weak.",
    "join_not_joined": "{ssid} did not let the node in. Try again, nearer to the router.",
    "join_no_address": "The node joined {ssid}, but the router gave it no address. Switch the "
    "router off and on.",
    "join_no_broker": "Wi-Fi works, but the network's server cannot be reached. Is the internet there? Try "
    "again in some minutes, then tell whoever runs the network. {detail}",
    "join_refused": "Wi-Fi works, but the server does not know this node. Ask for a new code.",
    "join_no_code": "The node has no kit code yet: give it one with --code.",
    "join_ssid": "A network's name must have 1 to 32 bytes.",
    "join_password": "A Wi-Fi password has 8 to 63 letters, or none at all.",
    "join_flash": "The node could not keep the settings. Take the cable out and in again, and repeat; if it "
    "stays so, ask for another board.",
    "join_memory": "The node has run out of memory. Take the cable out and in again, and repeat.",
    "join_busy": "The node is being set up another way at this moment, or has just been. Wait and try again.",
    "join_failed": "It did not work. Take the cable out and in again, and repeat. {detail}",
}

PL = {
    "no_port": "Nie znaleziono płytki. Czy kabel jest wetknięty z obu stron? Wiele kabli USB tylko "
    "ładuje i nie ma przewodów danych: spróbuj innego kabla, potem innego gniazda. Jeśli płytka "
    "jest, podaj port: --port.",
    "many_ports": "Jest kilka portów: {ports}. Odłącz pozostałe albo wskaż właściwy: --port {first}",
    "absent_port": "Nie ma portu {port}. Podłącz płytkę albo pomiń --port, a zostanie wyszukana.",
    "no_permission": "Brak uprawnień do {port}. W Linuksie: sudo usermod -aG dialout $USER, potem "
    "wyloguj się i zaloguj ponownie.",
    "busy": "{port} jest używany przez inny program. Zamknij go: monitor portu, edytor płytek, "
    "kartę przeglądarki.",
    "no_sync": "Płytka nie odpowiada. Przytrzymaj przycisk BOOT, uruchom to ponownie i puść, gdy "
    "zacznie się zapis. Jeśli to nie pomoże, spróbuj innego kabla.",
    "wrong_chip": "Płytka ma inny układ niż ten, dla którego jest obraz: {found}, a nie {wanted}. "
    "Zbuduj obraz dla niej: dustline node image --board {board}",
    "unknown_chip": "Płytka ma inny układ niż ten, dla którego jest obraz: {found}, a nie {wanted}. "
    "Dustline nie ma dla niego obrazu.",
    "unplugged": "Płytka zniknęła w trakcie. Podłącz ją mocno, wprost do komputera, i uruchom to ponownie.",
    "not_verified": "Zapisano coś innego, niż wysłano. Uruchom to ponownie; często pomaga inny "
    "kabel lub gniazdo.",
    "small_flash": "Pamięć płytki jest za mała na ten obraz; potrzebna jest płytka z 4 MB.",
    "no_esptool": "Brak programu esptool: pip install 'dustline[flash]'",
    "other": "Zapis się nie udał: {detail}",
    "found": "{port}: {name}",
    "writing": "zapisuję {image}, dla {board}, wersja {version}",
    "written": "zapisano i sprawdzono",
    "chip": "układ: {chip}",
    "starting": "czekam na odpowiedź czujnika",
    "no_node": "Płytka nie odpowiada jako czujnik w trybie konfiguracji. Jeśli była już "
    "skonfigurowana, przytrzymaj przycisk BOOT przez pięć sekund i uruchom: dustline node set-up",
    "node": "czujnik: {firmware} {version}, układ {chip}",
    "kit_taken": "czujnik nazywa się teraz {node}",
    "kit_refused": "Czujnik nie przyjął kodu zestawu: {detail}",
    "scanning": "czujnik szuka sieci",
    "network": "Numer twojej sieci albo jej nazwa",
    "no_networks": "Czujnik nie słyszy żadnej sieci. Używa pasma 2,4 GHz.",
    "password": "Hasło do {ssid} (nie jest pokazywane)",
    "joining": "czujnik próbuje połączyć się z {ssid}; to może potrwać minutę",
    "done": "Gotowe: czujnik połączył się z siecią. Pierwszy pomiar pojawi się za dwie minuty.",
    "gone": "Czujnik przestał odpowiadać. Odłącz i podłącz kabel, potem uruchom: dustline node set-up",
    "join_no_network": "Czujnik nie słyszy sieci {ssid}. Czy działa w paśmie 2,4 GHz i jest dość blisko?",
    "join_wrong_password": "{ssid} nie wpuszcza czujnika: hasło jest błędne albo sygnał słaby.",
    "join_not_joined": "{ssid} nie wpuszcza czujnika. Spróbuj ponownie, bliżej routera.",
    "join_no_address": "Czujnik dołączył do {ssid}, ale router nie dał mu adresu. Wyłącz i włącz router.",
    "join_no_broker": "Wi-Fi działa, ale serwer sieci pomiarowej jest nieosiągalny. Czy jest internet? "
    "Spróbuj ponownie za kilka minut, potem powiadom operatora sieci. {detail}",
    "join_refused": "Wi-Fi działa, ale serwer nie zna tego czujnika. Poproś o nowy kod.",
    "join_no_code": "Czujnik nie ma jeszcze kodu zestawu: podaj go przez --code.",
    "join_ssid": "Nazwa sieci musi mieć od 1 do 32 bajtów.",
    "join_password": "Hasło Wi-Fi ma od 8 do 63 znaków albo nie ma go wcale.",
    "join_flash": "Czujnik nie mógł zapisać ustawień. Odłącz i podłącz kabel, potem powtórz; jeśli to nie "
    "pomoże, poproś o inną płytkę.",
    "join_memory": "Czujnikowi zabrakło pamięci. Odłącz i podłącz kabel, potem powtórz.",
    "join_busy": "Czujnik jest właśnie konfigurowany w inny sposób albo przed chwilą był. Odczekaj "
    "i spróbuj ponownie.",
    "join_failed": "Nie udało się. Odłącz i podłącz kabel, potem powtórz. {detail}",
}


def language(environment: Mapping[str, str] = os.environ) -> str:
    """ "pl" or "en", by POSIX's order: LC_ALL, LC_MESSAGES, LANG."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "pl" if environment[name].lower().startswith("pl") else "en"
    return "en"


def say(key: str, **values: object) -> str:
    return (PL if language() == "pl" else EN)[key].format(**values)
