// Of which values a number is that the page shows, in words.
import { tenth, text, whole } from "./i18n.js";

// "corrected (raw 20.0)", "raw"; "" without a value. `of`: "corrected", "raw" or null.
export function ofText(of, raw) {
  if (of === null) return "";
  return text(`of_${of}`, { raw: raw === null ? "–" : tenth(raw) });
}

// "PM10 14.2 µg/m³ corrected (raw 20.0)"; "" without a value.
export function pm10Text(node) {
  const made = node.corrected?.pm10 ?? null;
  const mean = made ?? node.pm10;
  if (mean === null) return "";
  const raw = node.pm10 === null ? "–" : tenth(node.pm10);
  return text(made === null ? "mean_raw" : "mean_corrected", { name: text("pm10"), mean: tenth(mean), raw });
}

// Of the median of `overview`: of how many nodes the corrected value is in it.
export function medianWords({ measuring, corrected, raw }) {
  if (!measuring) return "";
  if (corrected === 0 || corrected === measuring) return ofText(corrected ? "corrected" : "raw", raw);
  const counts = { corrected: whole(corrected), nodes: whole(measuring), others: whole(measuring - corrected) };
  return text("of_mixed", { ...counts, raw: tenth(raw) });
}
