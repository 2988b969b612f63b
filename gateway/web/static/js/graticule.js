// Lines of latitude and longitude with their degrees at the edges: the background when there are no tiles.
import { el } from "./dom.js";
import { degrees } from "./i18n.js";

const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const APART_PX = 120;
const MOST_LINES = 40;
// Where labels of longitude would meet those of latitude, and the buttons.
const LATITUDES_PX = 24;
const LONGITUDES_PX = 20;
const CONTROLS_PX = 100;

export class Graticule {
  constructor(map) {
    this.map = map;
    this.pane = map.createPane("graticule");
    this.pane.style.zIndex = 150;
    this.lines = L.layerGroup().addTo(map);
    this.labels = el("div", { class: "graticule-labels", "aria-hidden": "true" });
    map.getContainer().append(this.labels);
    this.draw = this.draw.bind(this);
    this.label = this.label.bind(this);
    map.on("moveend zoomend resize", this.draw);
    map.on("move", this.label);
    this.draw();
  }

  step() {
    const { map } = this;
    const middle = map.getSize().y / 2;
    const left = map.containerPointToLatLng([0, middle]).lng;
    const degrees = map.containerPointToLatLng([APART_PX, middle]).lng - left;
    return STEPS.findLast((step) => step >= degrees) ?? STEPS[0];
  }

  // [degrees, ...] of the lines within [low, high]
  static lines(low, high, step) {
    const found = [];
    for (let at = Math.ceil(low / step); at * step <= high && found.length < MOST_LINES; at += 1) {
      found.push(at * step);
    }
    return found;
  }

  draw() {
    const bounds = this.map.getBounds().pad(0.5);
    const step = this.step();
    const [south, north] = [Math.max(-85, bounds.getSouth()), Math.min(85, bounds.getNorth())];
    const style = { pane: "graticule", interactive: false, className: "graticule-line", weight: 1 };
    this.lines.clearLayers();
    for (const lng of Graticule.lines(bounds.getWest(), bounds.getEast(), step)) {
      this.lines.addLayer(L.polyline([[south, lng], [north, lng]], style));
    }
    for (const lat of Graticule.lines(south, north, step)) {
      this.lines.addLayer(L.polyline([[lat, bounds.getWest()], [lat, bounds.getEast()]], style));
    }
    this.label();
  }

  label() {
    const { map } = this;
    const bounds = map.getBounds();
    const step = this.step();
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    const written = (value, ends) => `${degrees(Math.abs(value), digits)}° ${ends[value < 0 ? 1 : 0]}`;
    const labels = [];
    for (const lng of Graticule.lines(bounds.getWest(), bounds.getEast(), step)) {
      const { x } = map.latLngToContainerPoint([bounds.getCenter().lat, lng]);
      if (x < LATITUDES_PX || x > map.getSize().x - CONTROLS_PX) continue;
      const label = el("span", { class: "graticule-lng" }, written(lng, "EW"));
      label.style.left = `${x}px`;
      labels.push(label);
    }
    for (const lat of Graticule.lines(bounds.getSouth(), bounds.getNorth(), step)) {
      const { y } = map.latLngToContainerPoint([lat, bounds.getCenter().lng]);
      if (y < LONGITUDES_PX) continue;
      const label = el("span", { class: "graticule-lat" }, written(lat, "NS"));
      label.style.top = `${y}px`;
      labels.push(label);
    }
    this.labels.replaceChildren(...labels);
  }

  remove() {
    this.map.off("moveend zoomend resize", this.draw);
    this.map.off("move", this.label);
    this.lines.remove();
    this.labels.remove();
  }
}
