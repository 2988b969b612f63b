// The page: puts map, list, detail and event stream together. #wola in the address opens that node.
import { Air } from "./air.js";
import { AIR_TEXTS } from "./air_texts.js";
import { Detail } from "./detail.js";
import { byId, setText } from "./dom.js";
import { chooseLanguage, clock, currentLanguage, learn, setLanguage, text } from "./i18n.js";
import { NodeList, paintLegend } from "./list.js";
import { Live } from "./live.js";
import { NodeMap } from "./map.js";
import { Model } from "./model.js";

const AGES_MS = 5000; // how often "2 min ago" and what is out of date are looked at again

const model = new Model();
let lostSince = null;
let everHeard = false;
// From where a node was opened, to go back there: focus(name) of the map or the list.
let cameFrom = null;

async function loadConfig() {
  for (;;) {
    try {
      const answer = await fetch("api/config");
      if (answer.ok) return await answer.json();
    } catch {
      // The gateway is away; the page has only just come from it.
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

function translatePage() {
  for (const element of document.querySelectorAll("[data-text]")) setText(element, text(element.dataset.text));
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === currentLanguage()));
  }
  paintLegend();
  paintConnection();
}

function paintConnection() {
  const state = lostSince !== null ? "lost" : everHeard ? "live" : "connecting";
  byId("connection").dataset.state = state;
  setText(byId("connection-text"), text(state, { time: lostSince === null ? "" : clock(lostSince / 1000) }));
}

function namedInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

// A link to a node that was only just set up: it opens once the gateway has heard of it.
function paintUnknown(wanted) {
  const named = /^[a-z0-9-]{1,32}$/.test(wanted) && !model.nodes.has(wanted) && !byId(wanted);
  const unknown = named && everHeard;
  byId("unknown").hidden = !unknown;
  setText(byId("unknown"), unknown ? text("unknownNode", { name: wanted }) : "");
}

function start(config) {
  document.title = config.title;
  setText(byId("title"), config.title);
  model.staleAfter = config.stale_s;
  const go = (name) => {
    if (namedInAddress() !== name) location.hash = encodeURIComponent(name);
  };
  const map = new NodeMap(config, model, (name) => {
    cameFrom = map;
    go(name);
  });
  const list = new NodeList(model, (name) => {
    cameFrom = list;
    go(name);
  });
  const air = new Air(() => {
    if (detail.name) detail.paint();
  });
  const detail = new Detail(model, air, () => {
    location.hash = "";
  });

  function follow() {
    const wanted = namedInAddress();
    const left = detail.name;
    const name = model.nodes.has(wanted) ? wanted : null;
    paintUnknown(wanted);
    if (name === left) return;
    byId("overview").hidden = name !== null;
    map.select(name);
    byId("panel").scrollTop = 0;
    if (name !== null) {
      detail.open(name);
      if (cameFrom) detail.parts.title.focus({ preventScroll: true });
    } else {
      detail.close();
      cameFrom?.focus(left);
    }
  }

  function repaint() {
    map.update([...model.nodes.keys()]);
    list.update();
    if (detail.name) detail.paint();
  }

  window.addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && detail.name) location.hash = "";
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      setLanguage(button.dataset.language);
      translatePage();
      map.translate();
      list.update();
      air.paint();
      detail.translate();
      paintUnknown(namedInAddress());
    });
  }
  setInterval(repaint, AGES_MS);

  new Live(
    (kind, data) => {
      if (kind === "tick") {
        model.ahead = data.now - Date.now() / 1000;
        return;
      }
      const changed = model.take(data, kind === "state");
      map.update(changed);
      list.update();
      follow();
      if (detail.name && changed.includes(detail.name)) detail.changed();
    },
    (since) => {
      everHeard ||= since === null;
      lostSince = since;
      paintConnection();
    },
  );
}

learn(AIR_TEXTS);
chooseLanguage();
translatePage();
start(await loadConfig());
