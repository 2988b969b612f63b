// All texts of the page in both languages, and numbers and times as each language writes them.

export const TEXTS = {
  en: {
    skip: "Skip to the list of nodes",
    language: "Language",
    map: "Map of the nodes",
    panel: "Nodes and readings",
    nodes: "Nodes",
    legend: "What the colours mean",
    legendNote:
      "Each node shows its latest reading of PM2.5, rounded: the corrected value where a correction is in use, else the raw one. Low-cost sensors are indicative: fog and high humidity make raw values too high.",
    legendSource:
      "Steps and colours: European Air Quality Index for hourly PM2.5 (European Environment Agency, bands of 2024). Here they colour a latest reading, not an hourly mean.",
    good: "Good",
    fair: "Fair",
    moderate: "Moderate",
    poor: "Poor",
    veryPoor: "Very poor",
    extremelyPoor: "Extremely poor",
    ok: "Measuring",
    stale: "Out of date",
    offline: "Not connected",
    novalue: "No value",
    never: "No reading yet",
    shape_stale: "Dashed ring: the last reading is out of date",
    shape_offline: "Square: the node is not connected",
    shape_novalue: "Hatched: the sensor gave no value",
    shape_never: "Dots: the node has not sent a reading yet",
    connecting: "Connecting…",
    live: "Live",
    now: "just now",
    lost: "No connection to the gateway since {time}",
    nodesMeasure: {
      one: "Median of {n} node that is measuring now, of {all}",
      other: "Median of {n} nodes that are measuring now, of {all}",
    },
    nothingMeasures: "No node is measuring now",
    nothingTrusted: {
      one: "{count} node is measuring now, and its value is not to be trusted",
      other: "{count} nodes are measuring now, and their values are not to be trusted",
    },
    noNodes: "No node has reported yet. The first reading will appear here by itself.",
    unknownNode: "The node {name} is not known here. If it was only just set up, it opens here by itself in some minutes; if not, look at its name.",
    noTiles: "The background map cannot be loaded; the nodes are placed rightly without it.",
    unplaced: "no place on the map",
    place: "Place",
    place_grid: "shown to about 100 m",
    place_district: "shown in the middle of its district",
    back: "All nodes",
    measured: "Measured",
    arrived: "Arrived",
    pm25: "PM2.5",
    pm10: "PM10",
    sensor: "Sensor",
    quality: "Quality",
    clock: "Clock",
    connection: "Connection",
    completeness: "Completeness",
    qualityGood: "No remarks",
    tq_ntp: "set by a time server",
    tq_held: "running freely since its last setting",
    tq_back: "worked out afterwards",
    tq_none: "unknown to the node; shown by arrival",
    online: "connected",
    notOnline: "not connected",
    unknownOnline: "unknown",
    remark: "Remark",
    safeMode: "It crashed several times and measures nothing now, but can still be reached. Whoever runs the network is asked to look at it.",
    crashed: "It restarted by itself after a fault in its program; it told so {ago}.",
    firmware: "firmware {version}",
    lastSeen: "heard {ago}",
    lastSeenAt: "Last heard {time} ({ago}).",
    todo_offline: "If it is yours: look at its supply and at the router. While it has power it goes on measuring, and sends all of it later.",
    todo_stale: "It is connected and sends no new readings. If it is yours: see below what its sensor says, or unplug it for ten seconds.",
    todo_never: "If it is yours: the first reading comes some minutes after set-up. If none comes, its light or its self-test says what is missing.",
    complete: { one: "Its one reading is stored", other: "All {born} readings are stored" },
    missing: "{stored} of {born} readings stored, {missing} on their way or missing",
    aside: "{n} set aside as unusable",
    flag_no_frame: "no data from the sensor",
    flag_bad_checksum: "damaged data from the sensor",
    flag_warming_up: "sensor is warming up",
    flag_stuck: "value does not move",
    flag_saturated: "beyond the sensor's range",
    flag_device_error: "sensor reports a fault",
    flag_out_of_range: "value not plausible",
    flag_disagree: "the node's two sensors disagree",
    flag_climate_error: "thermometer or hygrometer fails",
    flag_climate_stuck: "temperature or humidity does not move",
    corrected: "Corrected",
    sharedError: "with {factor} for what all units read wrong alike",
    trust: "Trust",
    trust_good: "nothing speaks against it",
    trust_suspect: "may be wrong",
    trust_bad: "not to be trusted",
    shape_suspect: "Question mark: the value may be wrong",
    shape_bad: "Grey with a question mark: the value is not to be trusted",
    qc_range: "beyond what the sensor can measure",
    qc_saturated: "at the end of the sensor's range",
    qc_warmup: "sensor was not warm yet",
    qc_rate: "a steep change",
    qc_spike: "a single value far off",
    qc_stuck: "value does not move",
    qc_clogged: "the sensor gets too little air",
    qc_humid: "humid air makes it read too high",
    qc_climate: "temperature or humidity tells nothing",
    qc_sizes: "particle sizes contradict each other",
    qc_device: "sensor reports a fault",
    qc_disagree: "the node's two sensors disagree",
    qc_clock: "its time is in doubt",
    qc_neighbours: "far from what stands around it",
    qc_unjudged: "could not be judged",
    sensorAuto: "not found yet",
    sensorId: "no. {id}",
    laserHours: "laser {hours} h",
    sensor_ok: "",
    sensor_warming_up: "Warming up: the first value comes by itself.",
    sensor_asleep: "Asleep until its next turn.",
    sensor_silent: "Says nothing: check its supply and its wires.",
    sensor_swapped: "RX and TX, or SDA and SCL, are exchanged: swap the two wires.",
    sensor_wrong_speed: "What it sends cannot be read: set the model that is fitted, or “auto”.",
    sensor_not_found: "No sensor answers: check its wires, pins and supply; the node looks again every 5 minutes.",
    sensor_bus_stuck: "A data line (SDA) is held low: switch the power off and on; if it stays so, look for a short circuit.",
    sensor_failed: "It reports a fault or does not recover: switch its power off and on; if it stays so, replace it.",
    last24: "Last 24 hours",
    since: "first reading {time}",
    means: "Means of {minutes} min",
    loading: "Loading…",
    noSeries: "No readings in the last 24 hours.",
    seriesFailed: "The readings could not be loaded. Trying again.",
    chart: "PM2.5 over the last 24 hours: {values}. Arrow keys read single values.",
    chartValues: "lowest {min}, mean {mean}, highest {max} µg/m³",
    chartBoth: "corrected: {corrected}; raw: {raw}",
    keyCorrected: "{name} corrected",
    keyRaw: "{name} raw",
    chartEmpty: "No PM2.5 value in the last 24 hours.",
    gap: "no value",
    slot: "Sensor {slot}",
    stations: "Station health",
  },
  pl: {
    skip: "Przejdź do listy czujników",
    language: "Język",
    map: "Mapa czujników",
    panel: "Czujniki i pomiary",
    nodes: "Czujniki",
    legend: "Co oznaczają kolory",
    legendNote:
      "Przy każdym czujniku widać ostatni pomiar PM2,5, zaokrąglony: po korekcie, jeśli jest stosowana, inaczej bez korekty. Tanie czujniki dają wyniki orientacyjne: bez korekty we mgle i przy dużej wilgotności zawyżają.",
    legendSource:
      "Progi i kolory: Europejski Indeks Jakości Powietrza dla godzinowego PM2,5 (Europejska Agencja Środowiska, progi z 2024 r.). Tu oznaczają ostatni pomiar, a nie średnią godzinową.",
    good: "Dobra",
    fair: "Zadowalająca",
    moderate: "Umiarkowana",
    poor: "Zła",
    veryPoor: "Bardzo zła",
    extremelyPoor: "Skrajnie zła",
    ok: "Mierzy",
    stale: "Nieaktualny",
    offline: "Brak łączności",
    novalue: "Brak wartości",
    never: "Jeszcze bez pomiaru",
    shape_stale: "Przerywany okrąg: ostatni pomiar jest nieaktualny",
    shape_offline: "Kwadrat: czujnik nie ma łączności",
    shape_novalue: "Kreskowanie: czujnik nie podał wartości",
    shape_never: "Kropki: czujnik nie przysłał jeszcze pomiaru",
    connecting: "Łączenie…",
    live: "Na żywo",
    now: "przed chwilą",
    lost: "Brak połączenia z bramką od {time}",
    nodesMeasure: {
      one: "Mediana z {n} czujnika, który teraz mierzy; wszystkich: {all}",
      other: "Mediana z {n} czujników, które teraz mierzą; wszystkich: {all}",
    },
    nothingMeasures: "Żaden czujnik teraz nie mierzy",
    nothingTrusted: {
      one: "Mierzy teraz {count} czujnik, ale jego wartości nie należy ufać",
      other: "Czujniki, które teraz mierzą: {count}, ale ich wartościom nie należy ufać",
    },
    noNodes: "Żaden czujnik jeszcze się nie zgłosił. Pierwszy pomiar pojawi się tu sam.",
    unknownNode: "Czujnik {name} nie jest tu znany. Jeśli dopiero go skonfigurowano, za kilka minut otworzy się tu sam; jeśli nie, sprawdź jego nazwę.",
    noTiles: "Nie udało się wczytać mapy tła; czujniki i bez niej są na swoich miejscach.",
    unplaced: "bez miejsca na mapie",
    place: "Miejsce",
    place_grid: "pokazane z dokładnością do około 100 m",
    place_district: "pokazane pośrodku dzielnicy",
    back: "Wszystkie czujniki",
    measured: "Zmierzono",
    arrived: "Nadeszło",
    pm25: "PM2,5",
    pm10: "PM10",
    sensor: "Czujnik",
    quality: "Jakość",
    clock: "Zegar",
    connection: "Łączność",
    completeness: "Kompletność",
    qualityGood: "Bez uwag",
    tq_ntp: "ustawiony przez serwer czasu",
    tq_held: "chodzi swobodnie od ostatniego ustawienia",
    tq_back: "czas obliczony później",
    tq_none: "nieznany czujnikowi; podano czas nadejścia",
    online: "połączony",
    notOnline: "niepołączony",
    unknownOnline: "nieznana",
    remark: "Uwaga",
    safeMode: "Po kilku awariach programu niczego nie mierzy, ale nadal można się z nim połączyć. Operator sieci powinien się nim zająć.",
    crashed: "Po awarii programu uruchomił się sam ponownie; zgłosił to {ago}.",
    firmware: "oprogramowanie {version}",
    lastSeen: "odezwał się {ago}",
    lastSeenAt: "Ostatnio odezwał się: {time} ({ago}).",
    todo_offline: "Jeśli jest twój: sprawdź jego zasilanie i router. Dopóki ma prąd, mierzy dalej i wyśle wszystko później.",
    todo_stale: "Jest połączony, a nowych pomiarów nie przysyła. Jeśli jest twój: zobacz niżej, co jest z jego czujnikiem, albo odłącz go na dziesięć sekund od prądu.",
    todo_never: "Jeśli jest twój: pierwszy pomiar nadchodzi kilka minut po konfiguracji. Jeśli nie nadejdzie, światełko albo autotest powie, czego brakuje.",
    complete: "Zapisano wszystkie pomiary: {born}",
    missing: "Zapisano {stored} z {born} pomiarów; w drodze lub brakuje: {missing}",
    aside: "odłożono jako nieprzydatne: {n}",
    flag_no_frame: "brak danych z czujnika",
    flag_bad_checksum: "uszkodzone dane z czujnika",
    flag_warming_up: "czujnik się rozgrzewa",
    flag_stuck: "wartość się nie zmienia",
    flag_saturated: "poza zakresem czujnika",
    flag_device_error: "czujnik zgłasza usterkę",
    flag_out_of_range: "wartość niewiarygodna",
    flag_disagree: "dwa czujniki pyłu podają różne wartości",
    flag_climate_error: "termometr lub higrometr nie działa",
    flag_climate_stuck: "temperatura lub wilgotność się nie zmienia",
    corrected: "Po korekcie",
    sharedError: "w tym {factor} za błąd wspólny wszystkich czujników",
    trust: "Wiarygodność",
    trust_good: "nic jej nie podważa",
    trust_suspect: "wartość może być błędna",
    trust_bad: "wartości nie należy ufać",
    shape_suspect: "Znak zapytania: wartość może być błędna",
    shape_bad: "Szary ze znakiem zapytania: wartości nie należy ufać",
    qc_range: "poza tym, co czujnik może zmierzyć",
    qc_saturated: "na końcu zakresu czujnika",
    qc_warmup: "czujnik nie był jeszcze rozgrzany",
    qc_rate: "nagła zmiana",
    qc_spike: "pojedyncza wartość odstaje",
    qc_stuck: "wartość się nie zmienia",
    qc_clogged: "do czujnika dochodzi za mało powietrza",
    qc_humid: "wilgotne powietrze zawyża wynik",
    qc_climate: "temperatura lub wilgotność nic nie mówi",
    qc_sizes: "wielkości cząstek są ze sobą sprzeczne",
    qc_device: "czujnik zgłasza usterkę",
    qc_disagree: "dwa czujniki pyłu podają różne wartości",
    qc_clock: "czas pomiaru jest niepewny",
    qc_neighbours: "odbiega od czujników w okolicy",
    qc_unjudged: "nie udało się ocenić",
    sensorAuto: "jeszcze nie znaleziono",
    sensorId: "nr {id}",
    laserHours: "laser {hours} h",
    sensor_ok: "",
    sensor_warming_up: "Rozgrzewa się: pierwsza wartość pojawi się sama.",
    sensor_asleep: "Śpi do następnego pomiaru.",
    sensor_silent: "Milczy: sprawdź zasilanie i przewody.",
    sensor_swapped: "RX i TX albo SDA i SCL są zamienione: zamień te dwa przewody.",
    sensor_wrong_speed: "Nie da się odczytać tego, co wysyła: ustaw właściwy model albo „auto”.",
    sensor_not_found: "Żaden czujnik nie odpowiada: sprawdź przewody, piny i zasilanie; kolejna próba co 5 minut.",
    sensor_bus_stuck: "Linia danych (SDA) jest zwarta do masy: wyłącz i włącz zasilanie; jeśli to nie pomoże, poszukaj zwarcia.",
    sensor_failed: "Zgłasza usterkę lub nie wraca do pracy: wyłącz i włącz jego zasilanie; jeśli to nie pomoże, wymień go.",
    last24: "Ostatnie 24 godziny",
    since: "pierwszy pomiar {time}",
    means: "Średnie z {minutes} min",
    loading: "Wczytywanie…",
    noSeries: "Brak pomiarów w ostatnich 24 godzinach.",
    seriesFailed: "Nie udało się wczytać pomiarów. Kolejna próba trwa.",
    chart: "PM2,5 w ostatnich 24 godzinach: {values}. Strzałki odczytują pojedyncze wartości.",
    chartValues: "najmniej {min}, średnio {mean}, najwięcej {max} µg/m³",
    chartBoth: "po korekcie: {corrected}; bez korekty: {raw}",
    keyCorrected: "{name} po korekcie",
    keyRaw: "{name} bez korekty",
    chartEmpty: "Brak wartości PM2,5 w ostatnich 24 godzinach.",
    gap: "brak wartości",
    slot: "Czujnik {slot}",
    stations: "Stan stacji",
  },
};

// Texts of a page of its own, in the same form.
export function learn(more) {
  for (const [name, texts] of Object.entries(more)) Object.assign(TEXTS[name], texts);
}

const REMEMBERED = "dustline.language";
let language = "en";
let locale = "en";
let formats = {};

export function chooseLanguage() {
  let wanted = null;
  try {
    wanted = localStorage.getItem(REMEMBERED);
  } catch {
    // Storage is switched off: the browser's language it is.
  }
  if (!(wanted in TEXTS)) wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in TEXTS);
  apply(wanted ?? "en");
}

export function setLanguage(wanted) {
  apply(wanted);
  try {
    localStorage.setItem(REMEMBERED, wanted);
  } catch {
    // Then the choice lasts until the page is closed.
  }
}

export function currentLanguage() {
  return language;
}

function apply(wanted) {
  language = wanted;
  document.documentElement.lang = wanted;
  // The reader's own variety of the language: it decides how dates are written.
  locale = navigator.languages.find((tag) => tag.slice(0, 2) === wanted) ?? wanted;
  formats = {
    plural: new Intl.PluralRules(locale),
    ago: new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" }),
    clock: new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    second: new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    day: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }),
    moment: new Intl.DateTimeFormat(locale, {
      weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit",
      hourCycle: "h23", timeZoneName: "short",
    }),
    whole: new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }),
    hundredth: new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    tenth: new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
  };
}

// The text with its {places} filled in. A text in several plural forms is chosen by `values.n`.
export function text(key, values = {}) {
  let found = TEXTS[language][key] ?? key;
  if (typeof found === "object") found = found[formats.plural.select(values.n)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

export const has = (key) => key in TEXTS[language];
export const whole = (value) => formats.whole.format(value);
export const hundredth = (value) => formats.hundredth.format(value);
export const tenth = (value) => formats.tenth.format(value);
export const clock = (seconds) => formats.clock.format(seconds * 1000);
export const second = (seconds) => formats.second.format(seconds * 1000);
export const day = (seconds) => formats.day.format(seconds * 1000);
export const moment = (seconds) => formats.moment.format(seconds * 1000);

export const degrees = (value, digits) => value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// "2 min ago"
export function ago(seconds) {
  if (seconds < 5) return text("now");
  if (seconds < 90) return formats.ago.format(-Math.max(0, Math.round(seconds)), "second");
  if (seconds < 5400) return formats.ago.format(-Math.round(seconds / 60), "minute");
  if (seconds < 129600) return formats.ago.format(-Math.round(seconds / 3600), "hour");
  return formats.ago.format(-Math.round(seconds / 86400), "day");
}
