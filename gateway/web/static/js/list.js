// The list of nodes: the same as the map says, for reading, for the keyboard and for screen readers.
import { BANDS, bandOf, bandRange } from "./bands.js";
import { makeDisc, paintDisc } from "./disc.js";
import { byId, el, setText } from "./dom.js";
import { ago, currentLanguage, tenth, text, whole } from "./i18n.js";
import { measuredAt, overview, stateOf } from "./model.js";
import { medianWords, ofText } from "./shown.js";

export class NodeList {
  constructor(model, chosen) {
    this.model = model;
    this.chosen = chosen;
    this.rows = new Map(); // name -> {item, button, disc, label, note}
  }

  update() {
    const nodes = this.model.sorted(currentLanguage());
    const list = byId("nodes");
    for (const [name, row] of this.rows) {
      if (!this.model.nodes.has(name)) {
        row.item.remove();
        this.rows.delete(name);
      }
    }
    nodes.forEach((node, place) => {
      const row = this.rows.get(node.name) ?? this.addRow(node.name);
      this.paintRow(row, node);
      if (list.children[place] !== row.item) list.insertBefore(row.item, list.children[place] ?? null);
    });
    this.updateSummary(nodes);
  }

  addRow(name) {
    const disc = makeDisc();
    const label = el("span", { class: "row-label" });
    const note = el("span", { class: "row-note" });
    const button = el("button", { type: "button", class: "row", "data-node": name }, disc, el("span", { class: "row-text" }, label, note));
    button.addEventListener("click", () => this.chosen(name));
    const row = { item: el("li", {}, button), button, disc, label, note };
    this.rows.set(name, row);
    return row;
  }

  paintRow(row, node) {
    const now = this.model.now();
    const state = stateOf(node, now, this.model.staleAfter);
    const at = measuredAt(node);
    const notes = [];
    const known = state !== "never" && node.shown !== null;
    if (known) notes.push(text(bandOf(node.shown).key), ofText(node.shown_of, node.pm25));
    if (state !== "ok") notes.push(text(state));
    else if (node.trust === "suspect" || node.trust === "bad") notes.push(text(`trust_${node.trust}`));
    if (at !== null) notes.push(ago(now - at));
    if (node.lat === null) notes.push(text("unplaced"));
    paintDisc(row.disc, node.shown, state, node.trust);
    setText(row.label, node.label);
    setText(row.note, notes.join(" · "));
    // The sign is hidden from screen readers: its number is said here.
    const value = node.shown === null ? "" : `, ${text("pm25")} ${tenth(node.shown)} µg/m³`;
    row.button.setAttribute("aria-label", `${node.label}${value}, ${notes.join(", ")}`);
  }

  updateSummary(nodes) {
    const found = overview(nodes, this.model.now(), this.model.staleAfter);
    const { measuring, distrusted, all, median } = found;
    setText(byId("median"), median === null ? "–" : tenth(median));
    setText(byId("median-of"), medianWords(found));
    const name = byId("median-band");
    name.hidden = median === null;
    if (median !== null) {
      name.dataset.band = bandOf(median).key;
      setText(name, text(bandOf(median).key));
    }
    const none = distrusted ? text("nothingTrusted", { n: distrusted, count: whole(distrusted) }) : text("nothingMeasures");
    const words = measuring ? text("nodesMeasure", { n: whole(measuring), all: whole(all) }) : none;
    setText(byId("summary"), nodes.length ? words : text("noNodes"));
  }

  focus(name) {
    this.rows.get(name)?.button.focus();
  }
}

export function paintLegend() {
  byId("scale").replaceChildren(
    ...BANDS.map((band) => el("span", { class: "swatch", "data-band": band.key }, el("span", {}, band.to === Infinity ? "" : whole(band.to)))),
  );
  byId("bands").replaceChildren(
    ...BANDS.map((band, index) =>
      el("li", {}, el("span", { class: "swatch", "data-band": band.key }), el("span", { class: "band-range" }, bandRange(index)), text(band.key)),
    ),
  );
  const shapes = [["stale", "12"], ["offline", "12"], ["novalue", "–"], ["never", "–"]];
  byId("shapes").replaceChildren(
    ...shapes.map(([state, sign]) =>
      el("li", {}, el("span", { class: "disc disc-small", "data-state": state, "data-band": sign === "–" ? "none" : "fair", "aria-hidden": "true" }, sign), text(`shape_${state}`)),
    ),
    ...["suspect", "bad"].map((trust) =>
      el("li", {}, el("span", { class: "disc disc-small", "data-state": "ok", "data-band": "fair", "data-trust": trust, "aria-hidden": "true" }, "12"), text(`shape_${trust}`)),
    ),
  );
}
