"""The selftest's sentences in Polish, those of sensors and wires: loaded for one test. selftest_en.py has the
same in English, in the same order."""
# ruff: noqa: E501 - one sentence a line, so that the two files can be laid side by side

FIRST = 0
WORDS = (
    "Nie ustawiono żadnego czujnika: wpisz go do config.json albo usuń stamtąd pole sensors.",
    "Czujnik %s (%s) działa; odczytane komunikaty: %d.",
    "Czujnik %s (%s) nadaje, ale uszkodzonych komunikatów jest %d (%s): skróć jego przewód i odsuń go od zasilania.",
    "Czujnik %s (%s) się rozgrzewa; odczytane komunikaty: %d.",
    "Czujnik %s (%s) dopiero ruszył: powtórz test za minutę.",
    "Czujnik %s (%s) śpi do następnego pomiaru; odczytane komunikaty: %d.",
    "Czujnik %s (%s) milczy: sprawdź jego wtyczkę, przewody i zasilanie.",
    "Czujnik %s (%s) znów odpowiada: powtórz test za minutę.",
    "Czujnika %s (%s) nie słychać, bo jego dwa przewody danych są zamienione.",
    'Danych czujnika %s (%s) nie da się odczytać: może to inny model; wpisz go do config.json albo wpisz "auto".',
    "Nie znaleziono czujnika %s (%s): sprawdź wtyczkę, piny i zasilanie.",
    "Czujnika %s (%s) nie da się odczytać, bo jego linia danych (SDA) jest zablokowana.",
    "Czujnik %s (%s) zgłasza usterkę (%s): wyłącz i włącz zasilanie; jeśli to nie pomoże, wymień czujnik.",
    "Dane nadchodzą z każdego czujnika, więc przewody danych są podłączone dobrze.",
    "Czujnik %s: zamień miejscami dwa przewody na pinach %s.",
    "Czujnik %s: linia danych na pinach %s stale ma stan niski: wyłącz i włącz zasilanie; jeśli to nie pomoże, poszukaj zwarcia.",
    "Czujnik %s: na pinach %s nic nie słychać. Dociśnij wtyczki; urządzenie nie rozpozna, czy winien jest przewód, czy czujnik.",
)


def say(found, results):
    """Put the sentences of what was found to the results."""
    for i, (_, _, number, what) in enumerate(found):
        if 0 <= number - FIRST < len(WORDS):
            results[i]["pl"] = WORDS[number - FIRST] % what
