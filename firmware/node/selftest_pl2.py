"""The selftest's sentences in Polish, those of all but the sensors: loaded for one test. selftest_en2.py has the
same in English, in the same order."""
# ruff: noqa: E501 - one sentence a line, so that the two files can be laid side by side

FIRST = 17
WORDS = (
    "Ostatnie uruchomienia (%d) były krótkie, każde po zaniku zasilania: użyj innego zasilacza (5 V, co najmniej 1 A) i krótkiego kabla.",
    "Zasilanie włączono %d min temu. Płytka nie odróżnia słabego zasilacza od wyjętej wtyczki: jeśli nikt jej nie wyjmował, użyj innego.",
    "Urządzenie działa od %d h bez restartu: zasilanie wystarcza.",
    "Ostatniego uruchomienia nie spowodował brak zasilania; jakości zasilacza płytka nie umie zmierzyć.",
    "Sygnał Wi-Fi jest silny (%d dBm).",
    "Sygnał Wi-Fi jest dobry (%d dBm).",
    "Sygnał Wi-Fi jest słaby (%d dBm), ale wystarcza: bliżej routera będzie pewniejszy.",
    "Sygnał Wi-Fi jest za słaby (%d dBm): przestaw urządzenie lub router albo dodaj wzmacniacz sygnału.",
    "Brak Wi-Fi (%s): czy router jest włączony, blisko i nadaje w paśmie 2,4 GHz? Jeśli ma nową nazwę lub hasło, skonfiguruj urządzenie ponownie.",
    "Wi-Fi jest połączone; siły sygnału nie da się ustalić.",
    "Połączono z brokerem %s; połączenie jest szyfrowane, certyfikat sprawdzono.",
    "Połączono z brokerem %s, bez szyfrowania.",
    "Brak połączenia z brokerem %s: czy jest internet? Jeśli tak, zapytaj operatora sieci; może kod zestawu już nie działa.",
    "Bez Wi-Fi nie da się sprawdzić brokera %s.",
    "Nie ustawiono brokera, więc niczego nie da się wysłać: skonfiguruj urządzenie kodem zestawu.",
    "Czas jest dobry: ustawiono go %d min temu.",
    "Czas pochodzi sprzed restartu; żaden serwer czasu jeszcze go nie potwierdził.",
    "Od %d h nie odpowiada żaden serwer czasu i zegar chodzi bez kontroli: router musi przepuszczać port 123 UDP.",
    "Czas nie jest znany, bo nie odpowiedział żaden serwer czasu: router musi przepuszczać port 123 UDP.",
    "Pamięć działa: wolne %d KiB, pomiary czekające na wysłanie: %d.",
    "Pamięć zawodzi: tego, co zapisano, nie dało się odczytać (%s). Pomiary mogą przepaść: poproś o inną płytkę.",
    "Pamięć jest prawie pełna: wolne %d KiB. Usuń pliki, które nie należą do urządzenia.",
    "Pamięć działa, ale urządzenie tak długo nie miało łączności, że z najstarszych pomiarów zostały tylko niektóre; na wysłanie czeka: %d.",
    "Bramka nie mogła odczytać pomiarów (%d), więc je odłożono: powiadom operatora sieci.",
    "W ustawieniach nie ma błędów.",
    "W ustawieniach są błędy: %d. Powiadom operatora sieci. Pierwszy: %s",
    "Nie ze wszystkich czujników nadeszły już dane: powtórz test za minutę.",
    "Ta część testu sama się nie powiodła (%s): powtórz test i powiadom operatora sieci.",
)


def say(found, results):
    """Put the sentences of what was found to the results."""
    for i, (_, _, number, what) in enumerate(found):
        if 0 <= number - FIRST < len(WORDS):
            results[i]["pl"] = WORDS[number - FIRST] % what
