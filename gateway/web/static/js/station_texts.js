// Texts of the page of station health. The reasons themselves come from the gateway, in both languages.

export const STATION_TEXTS = {
  en: {
    skipStations: "Skip to the list of stations",
    toMap: "← Map of the nodes",
    visits: { one: "{visits} of {nodes} nodes needs a visit.", other: "{visits} of {nodes} nodes need a visit." },
    noVisits: "None of {nodes} nodes needs a visit.",
    visit: "Need a visit, the most urgent first",
    wait: "Can wait",
    score: "urgency {n} of 100",
    sinceDay: "since {day}",
    sinceOrBefore: "since {day} or before",
    asOf: "as of {time}",
    manySilent: "{silent} of {nodes} nodes are silent at once: look at the broker and the gateway's network first.",
    unjudged: "The checks have not judged since {time}: what they would find is not in this list.",
    neverJudged: "The checks have judged nothing yet: what they would find is not in this list.",
    stationsNote:
      "By what the checks of the readings found, what nodes tell of themselves, silence and missing readings. The number is the urgency: 80 and more, the node tells nothing of the air; 50 and more, its values mislead or it is away.",
  },
  pl: {
    skipStations: "Przejdź do listy stacji",
    toMap: "← Mapa czujników",
    visits: { one: "Do odwiedzenia: {visits} z {nodes} węzłów.", other: "Do odwiedzenia: {visits} z {nodes} węzłów." },
    noVisits: "Żadnego węzła nie trzeba odwiedzać; wszystkich: {nodes}.",
    visit: "Do odwiedzenia, od najpilniejszych",
    wait: "Mogą poczekać",
    score: "pilność {n} na 100",
    sinceDay: "od {day}",
    sinceOrBefore: "od {day} lub dłużej",
    asOf: "stan z {time}",
    manySilent: "Naraz milczy {silent} z {nodes} węzłów: najpierw sprawdź brokera i sieć bramki.",
    unjudged: "Pomiary nie są oceniane od {time}: na liście nie ma tego, co znalazłyby testy.",
    neverJudged: "Pomiary nie były jeszcze oceniane: na liście nie ma tego, co znalazłyby testy.",
    stationsNote:
      "Według tego, co znalazły testy pomiarów, co węzły mówią o sobie, milczenia i brakujących pomiarów. Liczba to pilność: od 80 węzeł nic nie mówi o powietrzu, od 50 jego wartości wprowadzają w błąd albo go nie ma.",
  },
};
