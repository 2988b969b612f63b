// The air by an index of the reader's choice, of hourly means: of the network, and of the node that is open.
import { byId, el, setText } from "./dom.js";
import { clock, has, hundredth, tenth, text, whole } from "./i18n.js";

const AGAIN_MS = 60000;
const RETRY_MS = 5000;
const REMEMBERED = "dustline.index";
const USUAL = "eu-2024";

export class Air {
  // `changed()` is called when there is something new to show of a node.
  constructor(changed) {
    this.changed = changed;
    this.found = null; // the gateway's last answer
    this.choice = remembered() ?? USUAL;
    this.select = byId("index-choice");
    this.select.addEventListener("change", () => {
      this.choice = this.select.value;
      remember(this.choice);
      this.load();
    });
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const { choice } = this;
    let next = AGAIN_MS;
    try {
      const answer = await fetch(`api/air?index=${encodeURIComponent(choice)}`);
      // A choice that this gateway does not know was remembered from another one.
      if (answer.status === 400 && choice !== USUAL) this.choice = USUAL;
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error);
      if (choice !== this.choice) return;
      this.found = body;
      this.byNode = new Map(body.nodes.map((node) => [node.node, node]));
      this.paint();
      this.changed();
    } catch (error) {
      console.warn("loading the index failed, trying again", String(error));
      next = RETRY_MS;
    }
    if (choice === this.choice || next === RETRY_MS) this.timer = setTimeout(() => this.load(), next);
  }

  paint() {
    if (!this.found) return;
    const { index, network, choices } = this.found;
    this.select.replaceChildren(
      ...choices.map((name) => el("option", { value: name, selected: name === this.choice }, text(`index_${name}`))),
    );
    byId("index-box").hidden = false;
    paintBadge(byId("index-badge"), index.name, network);
    setText(byId("index-words"), network.worst ? this.words(network, "networkIndex", { n: network.nodes, nodes: whole(network.nodes) }) : this.none());
    const entry = {
      name: index.name, version: index.version, source: index.source,
      effective: index.effective === null ? text("effectiveAlways") : text("effective", { date: index.effective }),
    };
    setText(byId("index-entry"), text("indexEntry", entry) + (index.nowcast ? ` ${text("viaNowcast", index.nowcast)}` : ""));
  }

  // "Fair: PM2.5 9.8 µg/m³ corrected (raw 15.1), PM10 14.2 µg/m³ raw; hourly mean 13:00–14:00"; null while
  // nothing is known.
  ofNode(name) {
    if (!this.found) return null;
    const node = this.byNode.get(name);
    if (!node?.worst) {
      const why = node?.pm25.reason ?? null;
      return `${this.none()}${why ? ` (${has(`why_${why}`) ? text(`why_${why}`) : reasonText(why)})` : ""}`;
    }
    return `${badgeText(this.found.index.name, node)}: ${this.words(node, "nodeIndex")}`;
  }

  // "PM2.5: sds011.v2, 58 of 60 readings"; null when no reading of those hours is corrected.
  correctionOf(name) {
    const node = this.byNode?.get(name);
    const said = ["pm25", "pm10"].filter((each) => node?.[each].mean != null && node[each].corrected).map((each) => byText(each, node[each]));
    return said.length ? said.join("; ") : null;
  }

  none() {
    return text(this.found.hour === null ? "noIndexYet" : "noIndex", { when: this.when() });
  }

  words(air, key, values = {}) {
    const means = ["pm25", "pm10"].filter((each) => air[each].mean !== null).map((each) => meanText(each, air[each]));
    return text(key, { means: means.join(", "), when: this.when(), ...values });
  }

  when() {
    const { hour, index } = this.found;
    if (hour === null) return text(`over_${index.over}`);
    const from = hour - (index.hours - 1) * 3600;
    return `${text(`over_${index.over}`)} ${clock(from)}–${clock(hour + 3600)}`;
  }
}

// "PM2.5 9.8 µg/m³ corrected (raw 15.1)"
function meanText(name, { mean, raw, of, nodes, corrected }) {
  const known = nodes === undefined ? {} : { nodes: whole(nodes), corrected: whole(corrected) };
  return text(`mean_${of}`, { name: text(name), mean: tenth(mean), raw: raw === null ? "–" : tenth(raw), ...known });
}

// Factors: of the error that all units share; the lowest and the highest of the hours.
function byText(name, { of, by, factors, good, corrected }) {
  const said = text(`by_${of}`, { name: text(name), by: by.join(", "), good: whole(good), corrected: whole(corrected) });
  return factors.length ? `${said}, ${text("sharedError", { factor: factors.map(hundredth).join("–") })}` : said;
}

// "Fair", "AQI 87, Moderate", "1.8 × guideline"
function badgeText(name, air) {
  const { value, level } = air[air.worst];
  const category = text(`level_${name}_${level}`);
  if (name === "us-aqi-2024") return `AQI ${whole(value)}, ${category}`;
  if (name === "who-2021") return text("whoTimes", { times: tenth(value), category });
  return category;
}

function paintBadge(badge, name, air) {
  badge.hidden = !air.worst;
  if (!air.worst) return;
  badge.dataset.index = name;
  badge.dataset.level = air[air.worst].level;
  setText(badge, badgeText(name, air));
}

// The library's reasons are English sentences with numbers in them: "41 of 60 good readings are there".
function reasonText(reason) {
  const numbers = /^(\d+) of (\d+) (good readings|hours) are there/.exec(reason);
  if (numbers) return text(numbers[3] === "hours" ? "whyHours" : "whyReadings", { have: numbers[1], all: numbers[2] });
  return reason;
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null; // storage is switched off
  }
}

function remember(choice) {
  try {
    localStorage.setItem(REMEMBERED, choice);
  } catch {
    // Then the choice lasts until the page is closed.
  }
}
