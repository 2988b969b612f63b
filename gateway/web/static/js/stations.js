// Station health: which nodes need a visit, why, since when, and what to do. Asked again every minute.
import { byId, el, setText } from "./dom.js";
import { chooseLanguage, clock, currentLanguage, day, learn, setLanguage, text, whole } from "./i18n.js";
import { paintRollouts } from "./rollouts.js";
import { STATION_TEXTS } from "./station_texts.js";

const AGAIN_MS = 60000;
const RETRY_MS = 5000;
// These name their period themselves.
const DATED = new Set(["restarts", "incomplete"]);

let found = null;
let rollouts = null; // the gateway's answer, or "failed"
let shown = ""; // what is drawn, so that nothing is drawn twice and no screen reader speaks anew
let lostSince = null;

function translatePage() {
  for (const element of document.querySelectorAll("[data-text]")) setText(element, text(element.dataset.text));
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === currentLanguage()));
  }
  paint();
}

// "Values fell to 30 % of its neighbours' since 12 Nov. Clean or exchange the sensor."
function reasonItem(reason) {
  const words = reason.words[currentLanguage()];
  let what = words.what;
  if (reason.since !== null && !DATED.has(reason.kind)) {
    what += ` ${text(reason.before ? "sinceOrBefore" : "sinceDay", { day: day(reason.since) })}`;
  }
  return el("li", { "data-kind": reason.kind }, `${what}. `, el("span", { class: "todo" }, words.todo));
}

function stationItem(station) {
  const name = station.label === station.node ? null : el("span", { class: "small" }, station.node);
  // An aria-label: what the bare number beside the name is.
  const score = el("span", { class: "score", role: "img", "aria-label": text("score", { n: whole(station.score) }) }, whole(station.score));
  return el("li", { class: "station", "data-node": station.node },
    score,
    el("div", {},
      el("h4", {}, el("a", { href: `./#${encodeURIComponent(station.node)}` }, station.label), name),
      el("ul", { class: "reasons" }, ...station.reasons.map(reasonItem))));
}

function paint() {
  paintConnection();
  paintRollouts(rollouts);
  if (!found) return;
  const now = JSON.stringify([currentLanguage(), found.stations, found.visits, found.nodes, found.many_silent, found.unjudged_since]);
  if (now === shown) return;
  shown = now;
  const focused = document.activeElement?.closest(".station")?.dataset.node;
  const counts = { n: found.visits, visits: whole(found.visits), nodes: whole(found.nodes), silent: whole(found.silent) };
  setText(byId("summary"), text(found.nodes ? (found.visits ? "visits" : "noVisits") : "noNodes", counts));
  byId("many").hidden = !found.many_silent;
  setText(byId("many"), text("manySilent", counts));
  byId("unjudged").hidden = found.unjudged_since === null;
  setText(byId("unjudged"), text(found.unjudged_since ? "unjudged" : "neverJudged", { time: unjudgedTime() }));
  for (const [id, visit] of [["visit", true], ["wait", false]]) {
    const items = found.stations.filter((station) => station.visit === visit).map(stationItem);
    byId(id).hidden = !items.length;
    byId(id).querySelector("ol").replaceChildren(...items);
  }
  if (focused) document.querySelector(`.station[data-node="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
}

function unjudgedTime() {
  return found.unjudged_since ? `${day(found.unjudged_since)}, ${clock(found.unjudged_since)}` : "";
}

function paintConnection() {
  const state = lostSince !== null ? "lost" : found ? "live" : "connecting";
  byId("connection").dataset.state = state;
  const words = state === "live" ? text("asOf", { time: clock(found.now) }) : text(state, { time: clock((lostSince ?? 0) / 1000) });
  setText(byId("connection-text"), words);
}

async function ask(address) {
  const answer = await fetch(address);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

async function refresh() {
  let next = AGAIN_MS;
  try {
    found = await ask("api/stations");
    lostSince = null;
  } catch (error) {
    console.warn("loading the stations failed, trying again", String(error));
    lostSince ??= Date.now();
    next = RETRY_MS;
  }
  // Whoever looks after the nodes needs the list, also when this cannot be read.
  try {
    rollouts = await ask("api/stations/rollouts");
  } catch (error) {
    console.warn("loading the roll-outs failed, trying again", String(error));
    if (lostSince === null) rollouts = "failed";
    next = RETRY_MS;
  }
  paint();
  setTimeout(refresh, next);
}

async function nameThePage() {
  try {
    const { title } = await ask("api/config");
    setText(byId("title"), title);
    document.title = `${text("stations")} – ${title}`;
  } catch (error) {
    console.warn("the page's title is not known", String(error));
  }
}

learn(STATION_TEXTS);
chooseLanguage();
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    setLanguage(button.dataset.language);
    translatePage();
  });
}
translatePage();
nameThePage();
refresh();
