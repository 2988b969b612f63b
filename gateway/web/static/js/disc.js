// The round sign of a node, the same on the map, in the list and in the legend: number, colour and shape.
import { bandOf } from "./bands.js";
import { el, setText } from "./dom.js";
import { text, whole } from "./i18n.js";
import { ofText } from "./shown.js";

export function makeDisc() {
  return el("span", { class: "disc", "aria-hidden": "true" });
}

// `state` as in model.js; a state other than ok shows by its shape, so that colour alone says nothing.
// `trust` as the gateway's checks have it: "good", "suspect", "bad", null when it is not judged.
export function paintDisc(disc, pm25, state, trust = null) {
  const known = pm25 !== null && state !== "never";
  disc.dataset.state = state;
  disc.dataset.trust = known && state === "ok" && trust !== null ? trust : "good";
  disc.dataset.band = known ? bandOf(pm25).key : "none";
  const number = known ? whole(Math.round(pm25)) : "–";
  disc.dataset.long = String(number.length > 3);
  setText(disc, number);
}

// What the sign says, in words.
export function describe(node, state) {
  if (node.shown === null) return text(state === "ok" ? "novalue" : state);
  const value = `${text("pm25")} ${whole(Math.round(node.shown))} µg/m³ ${ofText(node.shown_of, node.pm25)}, ${text(bandOf(node.shown).key)}`;
  if (state !== "ok") return `${value}, ${text(state)}`;
  return node.trust === "suspect" || node.trust === "bad" ? `${value}, ${text(`trust_${node.trust}`)}` : value;
}
