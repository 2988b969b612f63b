// The map: a sign per node that has a place, over tiles if there are any and over a graticule if not.
import { describe, makeDisc, paintDisc } from "./disc.js";
import { byId, el, setText } from "./dom.js";
import { Graticule } from "./graticule.js";
import { text } from "./i18n.js";
import { placeLabels, spread } from "./layout.js";
import { stateOf } from "./model.js";

const SIZE = 42;

export class NodeMap {
  // `chosen(name)` is called when a node is clicked, or Enter or space pressed on it.
  constructor(config, model, chosen) {
    this.model = model;
    this.chosen = chosen;
    this.signs = new Map(); // name -> {marker, box, leader, disc, label}
    this.selected = null;
    this.fitted = false;
    this.touched = false;
    const tiles = config.tile_url !== "";
    this.map = L.map("map", {
      zoomControl: false,
      attributionControl: false,
      zoomSnap: tiles ? 1 : 0.25,
      minZoom: 2,
      maxZoom: 19,
    }).setView([config.lat, config.lon], config.zoom);
    this.zoomControl = L.control.zoom({ position: "topright" }).addTo(this.map);
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.map);
    if (tiles) this.addTiles(config);
    else this.graticule = new Graticule(this.map);
    this.map.on("zoomend moveend", () => this.arrange());
    const container = this.map.getContainer();
    // Until somebody moves the map, it shows all nodes, whichever way a phone is held.
    for (const kind of ["pointerdown", "wheel", "keydown"]) {
      container.addEventListener(kind, () => {
        this.touched = true;
      }, { capture: true, passive: true });
    }
    new ResizeObserver(() => {
      this.map.invalidateSize({ pan: false });
      if (this.fitted && !this.touched) this.fit();
    }).observe(container);
  }

  addTiles(config) {
    // Servers of tiles want to know the site that asks, which the page's own policy would hide.
    const layer = L.tileLayer(config.tile_url, { referrerPolicy: "strict-origin-when-cross-origin", maxZoom: 19 });
    let loaded = false;
    layer.on("tileload", () => {
      loaded = true;
    });
    layer.on("tileerror", () => {
      // One missing tile at the edge of the covered area is no news.
      if (loaded || this.graticule) return;
      this.graticule = new Graticule(this.map);
      const notice = byId("notice");
      setText(notice, text("noTiles"));
      notice.dataset.text = "noTiles";
      notice.hidden = false;
      setTimeout(() => {
        notice.hidden = true;
      }, 12000);
    });
    layer.addTo(this.map);
    const named = config.tile_attribution;
    const link = config.tile_attribution_url;
    byId("credits").append(link && named ? el("a", { href: link, rel: "noopener" }, named) : named);
  }

  update(names) {
    for (const name of names) {
      const node = this.model.nodes.get(name);
      if (node && node.lat !== null) this.updateSign(node);
    }
    for (const [name, sign] of this.signs) {
      if (!this.model.nodes.has(name)) {
        sign.marker.remove();
        this.signs.delete(name);
      }
    }
    if (!this.fitted && this.signs.size) this.fit();
    this.arrange();
  }

  updateSign(node) {
    const sign = this.signs.get(node.name) ?? this.addSign(node);
    const state = stateOf(node, this.model.now(), this.model.staleAfter);
    paintDisc(sign.disc, node.shown, state, node.trust);
    setText(sign.label, node.label);
    sign.marker.getElement().setAttribute("aria-label", `${node.label}: ${describe(node, state)}`);
  }

  addSign(node) {
    const disc = makeDisc();
    const label = el("span", { class: "sign-label", "aria-hidden": "true" });
    const box = el("div", { class: "sign" }, disc, label);
    const leader = el("span", { class: "leader", "aria-hidden": "true", hidden: true });
    const html = el("div", {}, leader, box);
    const icon = L.divIcon({ html, className: "sign-box", iconSize: [SIZE, SIZE] });
    const marker = L.marker([node.lat, node.lon], { icon, riseOnHover: true }).addTo(this.map);
    marker.on("click", () => this.chosen(node.name));
    const element = marker.getElement();
    element.dataset.node = node.name;
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.chosen(node.name);
    });
    const sign = { marker, box, leader, disc, label };
    this.signs.set(node.name, sign);
    return sign;
  }

  fit() {
    const places = [...this.signs.values()].map((sign) => sign.marker.getLatLng());
    // On a phone the sheet's round corners lie over the map's lower edge.
    const panel = byId("panel").getBoundingClientRect();
    const room = this.map.getContainer().getBoundingClientRect();
    const covered = panel.left < room.right && panel.top < room.bottom ? room.bottom - panel.top : 0;
    this.map.fitBounds(L.latLngBounds(places), {
      paddingTopLeft: [36, 36],
      paddingBottomRight: [36, 36 + covered],
      maxZoom: 14,
      animate: false,
    });
    this.fitted = true;
  }

  select(name) {
    this.selected = name;
    for (const [other, { marker }] of this.signs) {
      marker.getElement().classList.toggle("is-selected", other === name);
      marker.setZIndexOffset(other === name ? 1000 : 0);
    }
    const sign = this.signs.get(name);
    const room = this.map.getBounds().pad(-0.08);
    if (sign && !room.contains(sign.marker.getLatLng())) this.map.panTo(sign.marker.getLatLng());
    this.arrange();
  }

  focus(name) {
    this.signs.get(name)?.marker.getElement().focus();
  }

  translate() {
    setText(byId("notice"), byId("notice").dataset.text ? text(byId("notice").dataset.text) : "");
    this.update([...this.model.nodes.keys()]);
  }

  // Boxes of what lies over the map, from the map's corner.
  obstacles() {
    const room = this.map.getContainer().getBoundingClientRect();
    return [...document.querySelectorAll(".leaflet-control, .scale, .credits")].map((element) => {
      const box = element.getBoundingClientRect();
      const [x, y] = [box.left - room.left, box.top - room.top];
      return { left: x, right: x + box.width, top: y, bottom: y + box.height };
    });
  }

  // Signs that would cover each other stand a little aside, with a line to where they belong.
  arrange() {
    if (!this.signs.size) return;
    const signs = [...this.signs].map(([name, sign]) => {
      const { x, y } = this.map.latLngToContainerPoint(sign.marker.getLatLng());
      return { ...sign, x, y, first: name === this.selected };
    });
    const radius = signs[0].disc.offsetWidth / 2;
    spread(signs, radius);
    for (const { box, leader, dx, dy } of signs) {
      box.style.transform = `translate(${dx}px, ${dy}px)`;
      const length = Math.hypot(dx, dy);
      leader.hidden = length < 4;
      leader.style.width = `${length}px`;
      leader.style.transform = `rotate(${Math.atan2(dy, dx)}rad)`;
    }
    signs.sort((a, b) => Number(b.first) - Number(a.first));
    placeLabels(signs, this.map.getSize(), radius, this.obstacles());
  }
}
