// Steps of the European Air Quality Index for hourly PM2.5, in ug/m3, with the index's own colours.
// Source: European Environment Agency, European Air Quality Index (airindex.eea.europa.eu), bands of 2024 as
// derived in ETC HE Report 2024/17: 0-5, 6-15, 16-50, 51-90, 91-140, above 140. The table is in whole numbers,
// so a value is rounded first: the number that is shown and its colour always agree.

export const BANDS = [
  { key: "good", to: 5, fill: "#50f0e6", ink: "#10222e" },
  { key: "fair", to: 15, fill: "#50ccaa", ink: "#10222e" },
  { key: "moderate", to: 50, fill: "#f0e641", ink: "#10222e" },
  { key: "poor", to: 90, fill: "#ff5050", ink: "#10222e" },
  { key: "veryPoor", to: 140, fill: "#960032", ink: "#ffffff" },
  { key: "extremelyPoor", to: Infinity, fill: "#7d2181", ink: "#ffffff" },
];

export function bandOf(pm25) {
  const shown = Math.round(pm25);
  return BANDS.find((band) => shown <= band.to);
}

// "0-5", "6-15", ..., "> 140"
export function bandRange(index) {
  const band = BANDS[index];
  const from = index === 0 ? 0 : BANDS[index - 1].to + 1;
  return band.to === Infinity ? `> ${from - 1}` : `${from}–${band.to}`;
}
