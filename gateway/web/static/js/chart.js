// The chart of a node's last 24 hours, with gaps where there is no value: PM2.5, raw and where there is one corrected,
// and PM10, by a single line, of its corrected values where there are any. What that line leaves out is read out.
import { BANDS } from "./bands.js";
import { el, setText } from "./dom.js";
import { clock, day, second, tenth, text, whole } from "./i18n.js";
import { ofText } from "./shown.js";

const HEIGHT = 220;
// A node that has just begun is shown from its first reading, not as a speck at the edge of an empty day.
const YOUNG_S = 6 * 3600;
const LEAST_SPAN_S = 60;
const LEAST_TOP = 20; // ug/m3: clean air does not fill the chart with noise

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A value between two gaps has no line; it gets a point.
function lonely(chart, series) {
  const values = chart.data[series];
  return values.flatMap((value, at) =>
    value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : [],
  );
}

export class Chart {
  constructor() {
    this.plotBox = el("div", { class: "plot", tabindex: "0", role: "img" });
    this.readout = el("p", { class: "readout", "aria-live": "polite" });
    this.key = el("p", { class: "chart-key" });
    this.box = el("div", { class: "chart" }, this.key, this.plotBox, this.readout);
    this.plot = null;
    this.data = null;
    this.plotBox.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.resize()).observe(this.plotBox);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  // `series` as /api/nodes/{node}/series gives it, [since, now] the time that is shown.
  show(series, since, now) {
    const first = series.t[0];
    this.young = now - first < YOUNG_S;
    this.range = [this.young ? Math.min(first, now - LEAST_SPAN_S) : since, now];
    const any = (column) => column.some((value) => value !== null);
    const before = this.corrected;
    this.corrected = any(series.pm25_cor);
    this.corrected10 = any(series.pm10_cor);
    this.pm10 = [series.pm10, series.pm10_cor];
    this.data = [series.t, this.corrected10 ? series.pm10_cor : series.pm10, series.pm25, series.pm25_cor];
    this.describe(series);
    if (this.plot && before === this.corrected) this.plot.setData(this.data);
    else this.rebuild();
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.data = null;
    this.readout.textContent = "";
  }

  rebuild() {
    if (!this.data) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data, this.plotBox);
    this.resize();
  }

  describe(series) {
    const raw = valuesText(series.pm25);
    const values = this.corrected && raw ? text("chartBoth", { corrected: valuesText(series.pm25_cor), raw }) : raw;
    this.plotBox.setAttribute("aria-label", values ? text("chart", { values }) : text("chartEmpty"));
    const named = (of, name = "pm25") => text(of, { name: text(name) });
    const parts = [
      el("span", { class: "key key-pm25" }, this.corrected ? named("keyCorrected") : text("pm25")),
      this.corrected ? el("span", { class: "key key-raw" }, named("keyRaw")) : "",
      el("span", { class: "key key-pm10" }, this.namedPm10()),
      el("span", { class: "unit" }, "µg/m³"),
    ];
    if (series.step) parts.push(el("span", { class: "unit" }, text("means", { minutes: whole(series.step / 60) })));
    if (this.young) parts.push(el("span", { class: "unit" }, text("since", { time: clock(series.t[0]) })));
    this.key.replaceChildren(...parts);
  }

  namedPm10() {
    if (!this.corrected && !this.corrected10) return text("pm10");
    return text(this.corrected10 ? "keyCorrected" : "keyRaw", { name: text("pm10") });
  }

  options() {
    const axis = {
      stroke: colour("--soft"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
    };
    const line = (name, width, dash) => ({
      stroke: colour(name),
      width,
      dash,
      points: { show: true, size: 4, fill: colour(name), filter: lonely },
    });
    return {
      width: 320,
      height: HEIGHT,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: {
        x: { range: () => this.range },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(LEAST_TOP, (high ?? 0) * 1.08)] },
      },
      axes: [
        { ...axis, space: 64, size: 26, values: (_, ticks) => ticks.map((t) => tickText(t, ticks[1] - ticks[0])) },
        { ...axis, size: 48, gap: 9, space: 36, values: (_, ticks) => ticks.map(whole) },
      ],
      // The line that counts is the strong one.
      series: [{}, line("--pm10", 1.25, [4, 3]), this.corrected ? line("--pm25-raw", 1.5, [2, 2]) : line("--pm25", 2), line("--pm25", 2)],
      hooks: { drawAxes: [drawBands], setCursor: [(plot) => this.readAt(plot.cursor.idx)] },
    };
  }

  readAt(at) {
    if (at === null || at === undefined || !this.data || this.data[0][at] === undefined) {
      setText(this.readout, "");
      return;
    }
    const [times, , raw, corrected] = this.data;
    const tell = this.corrected || this.corrected10;
    const pm25 = valueText(raw[at], corrected[at], tell);
    const pm10 = valueText(this.pm10[0][at], this.pm10[1][at], tell);
    setText(this.readout, `${clock(times[at])}  ${text("pm25")} ${pm25} · ${text("pm10")} ${pm10}`);
  }

  step(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!move || !this.plot) return;
    event.preventDefault();
    const last = this.data[0].length - 1;
    const from = this.plot.cursor.idx ?? (move < 0 ? last + 1 : -1);
    const at = Math.min(last, Math.max(0, from + move));
    this.plot.setCursor({ left: this.plot.valToPos(this.data[0][at], "x"), top: HEIGHT / 2 });
  }

  resize() {
    const width = this.plotBox.clientWidth;
    if (this.plot && width > 0) this.plot.setSize({ width, height: HEIGHT });
  }
}

// "9.6 corrected (raw 20.0)"; with `tell` it says of which values it is.
function valueText(raw, corrected, tell) {
  const value = corrected ?? raw;
  if (value === null) return text("gap");
  return tell ? `${tenth(value)} ${ofText(corrected === null ? "raw" : "corrected", raw)}` : tenth(value);
}

// "lowest 3.1, mean 8.0, highest 20.5 µg/m³"; null without a value.
function valuesText(column) {
  const values = column.filter((value) => value !== null);
  if (!values.length) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return text("chartValues", { min: tenth(Math.min(...values)), mean: tenth(mean), max: tenth(Math.max(...values)) });
}

function tickText(t, apart) {
  if (apart < 60) return second(t);
  return clock(t) === "00:00" ? day(t) : clock(t);
}

// A thin strip of the index's colours along the left edge, so that the line can be judged.
function drawBands(plot) {
  const { ctx, bbox } = plot;
  const width = 4 * devicePixelRatio;
  let from = 0;
  ctx.save();
  for (const band of BANDS) {
    const top = Math.max(bbox.top, plot.valToPos(Math.min(band.to + 0.5, plot.scales.y.max), "y", true));
    const bottom = Math.min(bbox.top + bbox.height, plot.valToPos(from, "y", true));
    if (bottom > top) {
      ctx.fillStyle = band.fill;
      ctx.fillRect(bbox.left - width, top, width, bottom - top);
    }
    from = band.to + 0.5;
    if (from >= plot.scales.y.max) break;
  }
  ctx.restore();
}
