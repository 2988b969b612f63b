// One node: its last reading, what is known about it, and the last 24 hours.
import { bandOf } from "./bands.js";
import { Chart } from "./chart.js";
import { byId, el, setText } from "./dom.js";
import { ago, has, hundredth, moment, tenth, text, whole } from "./i18n.js";
import { measuredAt, stateOf } from "./model.js";
import { modelName, sensorText } from "./sensors.js";
import { ofText, pm10Text } from "./shown.js";

const REFRESH_MS = 4000; // the readings are loaded again at most that often
const RETRY_MS = 5000;
const LEDGER_MS = 20000;
const CRASH_S = 7 * 86400; // an older crash tells nothing any more

// Checks that a flag of the node may say already.
const SAME = {
  range: ["out_of_range"], saturated: ["saturated"], warmup: ["warming_up"], stuck: ["stuck"],
  device: ["device_error"], disagree: ["disagree"], climate: ["climate_error", "climate_stuck"],
};

export class Detail {
  constructor(model, air, close) {
    this.model = model;
    this.air = air;
    this.name = null;
    this.slot = null;
    this.chart = new Chart();
    this.loaded = null; // answer of the series
    this.ledger = null;
    this.parts = {};
    this.box = byId("detail");
    const part = (key, tag, attributes) => (this.parts[key] = el(tag, attributes));
    const back = part("back", "button", { type: "button", class: "back" });
    back.addEventListener("click", close);
    this.box.append(
      back,
      part("title", "h2", { id: "detail-title", tabindex: "-1" }),
      el("div", { class: "reading" },
        el("p", { class: "big" }, part("value", "span", { class: "big-value" }), " ", el("span", { class: "unit" }, "µg/m³ ", part("pm25Name", "span", {})), " ", part("of", "span", { class: "of" })),
        part("band", "span", { class: "band-name" }),
        part("state", "span", { class: "state-name" })),
      part("second", "p", { class: "second" }),
      part("todo", "p", { class: "small advice" }),
      el("div", { class: "chart-head" }, part("last24", "h3", {}), part("slots", "div", { class: "slots", role: "group" })),
      part("message", "p", { class: "small", role: "status" }),
      this.chart.box,
      part("facts", "dl", { class: "facts" }),
    );
  }

  open(name) {
    if (this.name !== name) {
      this.name = name;
      this.slot = null;
      this.loaded = null;
      this.ledger = null;
      this.ledgerAt = 0;
      this.chart.clear();
      this.chart.box.hidden = true;
      this.parts.message.hidden = false;
      this.say("loading");
    }
    this.box.hidden = false;
    this.paint();
    this.load();
  }

  close() {
    this.name = null;
    this.box.hidden = true;
    clearTimeout(this.timer);
    this.timer = null;
  }

  // Its node has changed: show that at once, and the chart soon.
  changed() {
    this.paint();
    this.timer ??= setTimeout(() => this.load(), Math.max(0, this.loadedAt + REFRESH_MS - Date.now()));
  }

  async load() {
    clearTimeout(this.timer);
    this.timer = null;
    this.loadedAt = Date.now();
    const { name } = this;
    let next = null;
    try {
      const loaded = await getJson(`api/nodes/${encodeURIComponent(name)}/series?hours=24`);
      if (this.name !== name) return;
      this.loaded = loaded;
      this.paintChart();
      if (Date.now() - this.ledgerAt > LEDGER_MS) {
        this.ledgerAt = Date.now();
        const { nodes } = await getJson("api/ledger");
        if (this.name !== name) return;
        this.ledger = nodes.find((row) => row.node === name) ?? null;
        this.paint();
      }
    } catch (error) {
      if (this.name !== name) return;
      if (!this.loaded) this.say("seriesFailed");
      console.warn("loading the readings failed, trying again", String(error));
      next = RETRY_MS;
    }
    if (next) this.timer ??= setTimeout(() => this.load(), next);
  }

  say(key) {
    this.parts.message.hidden = false;
    setText(this.parts.message, text(key));
  }

  translate() {
    if (!this.name) return;
    this.paint();
    this.chart.clear();
    if (this.loaded) this.paintChart();
  }

  paintChart() {
    const { slots, since, now } = this.loaded;
    const series = slots.find((slot) => slot.slot === this.slot) ?? slots[0];
    this.chart.box.hidden = !series;
    this.parts.message.hidden = Boolean(series);
    if (!series) {
      this.say("noSeries");
      return;
    }
    this.chart.show(series, since, Math.max(now, series.t.at(-1)));
    this.parts.slots.replaceChildren(...(slots.length > 1 ? slots.map((slot) => this.slotButton(slot, series)) : []));
  }

  slotButton(slot, shown) {
    const button = el("button", { type: "button", "aria-pressed": slot === shown }, text("slot", { slot: slot.slot }));
    button.addEventListener("click", () => {
      this.slot = slot.slot;
      this.chart.clear();
      this.paintChart();
      this.paint();
      this.parts.slots.querySelector("[aria-pressed=true]").focus();
    });
    return button;
  }

  paint() {
    const node = this.model.nodes.get(this.name);
    if (!node) return;
    const { parts } = this;
    const state = stateOf(node, this.model.now(), this.model.staleAfter);
    const known = node.shown !== null;
    setText(parts.back, text("back"));
    setText(parts.title, node.label);
    setText(parts.value, known ? tenth(node.shown) : "–");
    setText(parts.pm25Name, text("pm25"));
    setText(parts.of, ofText(node.shown_of, node.pm25));
    const doubted = state === "ok" && (node.trust === "suspect" || node.trust === "bad");
    // Its sign is grey then: no step of the index stands for such a value.
    const judged = known && !(doubted && node.trust === "bad");
    parts.band.hidden = !judged;
    if (judged) {
      parts.band.dataset.band = bandOf(node.shown).key;
      setText(parts.band, text(bandOf(node.shown).key));
    }
    parts.state.hidden = state === "ok" && !doubted;
    const doubt = [text(`trust_${node.trust}`), remarks(node).join("; ")].filter(Boolean).join(": ");
    setText(parts.state, doubted ? doubt : text(state));
    setText(parts.todo, this.todoOf(node, state));
    setText(parts.second, pm10Text(node));
    setText(parts.last24, text("last24"));
    this.paintFacts(node);
  }

  // Since when nothing comes, and what its owner can do.
  todoOf(node, state) {
    if (node.safe || !has(`todo_${state}`)) return "";
    // What is out of date and not known to be connected may be away as well.
    const todo = text(state === "stale" && !node.online ? "todo_offline" : `todo_${state}`);
    if (node.seen === null) return todo;
    return `${text("lastSeenAt", { time: moment(node.seen), ago: ago(this.model.now() - node.seen) })} ${todo}`;
  }

  paintFacts(node) {
    const at = measuredAt(node);
    const facts = [];
    const index = this.air.ofNode(node.name);
    if (index !== null) facts.push([`index_${this.air.found.index.name}`, index]);
    const correction = this.air.correctionOf(node.name);
    if (correction !== null) facts.push(["indexBy", correction]);
    if (at !== null) {
      facts.push([node.t === null ? "arrived" : "measured", `${moment(at)} (${ago(this.model.now() - at)})`]);
      facts.push(["quality", remarks(node).join("; ") || text("qualityGood")]);
      if (node.trust) facts.push(["trust", text(`trust_${node.trust}`)]);
      if (node.corrected) facts.push(["corrected", correctedText(node.corrected)]);
      facts.push(["clock", text(`tq_${node.tq}`)]);
    }
    for (const sensor of node.sensors) facts.push(["sensor", sensorText(sensor, node.sensors.length > 1)]);
    if (node.model && !node.sensors.length) facts.push(["sensor", modelName(node.model)]);
    const online = { true: "online", false: "notOnline", null: "unknownOnline" }[String(node.online)];
    const said = [text(online)];
    if (node.seen !== null) said.push(text("lastSeen", { ago: ago(this.model.now() - node.seen) }));
    if (node.fw) said.push(text("firmware", { version: node.fw }));
    facts.push(["connection", said.join(", ")]);
    // Where its sign stands is not where the node does.
    if (node.precision === "grid" || node.precision === "district") facts.push(["place", text(`place_${node.precision}`)]);
    if (node.safe) facts.push(["remark", text("safeMode")]);
    else if (node.crashed !== null && this.model.now() - node.crashed < CRASH_S) {
      facts.push(["remark", text("crashed", { ago: ago(this.model.now() - node.crashed) })]);
    }
    if (this.ledger?.born) facts.push(["completeness", completeness(this.ledger)]);
    const rows = this.parts.facts.children;
    facts.forEach(([key, value], place) => {
      const row = rows[place] ?? this.parts.facts.appendChild(el("div", {}, el("dt"), el("dd")));
      setText(row.firstChild, text(key));
      setText(row.lastChild, value);
    });
    while (rows.length > facts.length) rows[rows.length - 1].remove();
  }
}

// What the node's flags say, and what the gateway's checks found besides.
function remarks(node) {
  const said = node.flags.map(flagText);
  for (const check of node.checks) {
    if (has(`qc_${check}`) && !node.flags.some((flag) => SAME[check]?.includes(flag))) said.push(text(`qc_${check}`));
  }
  return said;
}

// Corrected values, each with the name of what made it; above they stand beside the raw ones.
function correctedText(made) {
  const said = ["pm25", "pm10"]
    .filter((name) => made[name] !== null)
    .map((name) => `${text(name)} ${tenth(made[name])} µg/m³ (${made[`${name}_by`]})`);
  if (made.factor !== null) said.push(text("sharedError", { factor: hundredth(made.factor) }));
  return said.join("; ");
}

function flagText(flag) {
  return has(`flag_${flag}`) ? text(`flag_${flag}`) : flag;
}

function completeness({ born, stored, quarantined, missing }) {
  const counts = { n: born, born: whole(born), stored: whole(stored), missing: whole(missing) };
  const words = missing || quarantined ? text("missing", counts) : text("complete", counts);
  return quarantined ? `${words}; ${text("aside", { n: whole(quarantined) })}` : words;
}

async function getJson(address) {
  const answer = await fetch(address);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}
