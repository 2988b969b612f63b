// What the page knows: the nodes by name, the gateway's clock, and what a node's last reading is worth.

export const STATES = ["ok", "stale", "offline", "novalue", "never"];

export class Model {
  constructor() {
    this.nodes = new Map();
    this.staleAfter = 1800;
    this.ahead = 0; // s that the gateway's clock is ahead of this device's
  }

  // Take a message of the gateway: `{now, nodes}`. `whole`: nodes that are not in it are gone.
  // Returns the names that are new or changed.
  take(message, whole) {
    this.ahead = message.now - Date.now() / 1000;
    if (whole) this.nodes.clear();
    for (const node of message.nodes) this.nodes.set(node.name, node);
    return message.nodes.map((node) => node.name);
  }

  // Gateway's time, UTC s. A device whose clock is wrong still shows right ages.
  now() {
    return Date.now() / 1000 + this.ahead;
  }

  sorted(locale) {
    const collator = new Intl.Collator(locale, { numeric: true });
    return [...this.nodes.values()].sort((a, b) => collator.compare(a.label, b.label));
  }
}

// When the last reading was made; by its arrival when the node did not know the time. null: never.
export function measuredAt(node) {
  return node.t ?? node.received;
}

export function stateOf(node, now, staleAfter) {
  const at = measuredAt(node);
  if (at === null) return "never";
  if (node.online === false) return "offline";
  if (now - at > staleAfter) return "stale";
  return node.shown === null ? "novalue" : "ok";
}

// Median PM2.5 of the nodes that measure now: one node beside a chimney does not move it. It is of what each
// node shows, its corrected value where it has one; `raw` is that of the raw values of the same nodes.
export function overview(nodes, now, staleAfter) {
  const values = nodes.filter((node) => stateOf(node, now, staleAfter) === "ok");
  const measuring = values.filter((node) => node.trust !== "bad");
  return {
    measuring: measuring.length,
    distrusted: values.length - measuring.length,
    corrected: measuring.filter((node) => node.shown_of === "corrected").length,
    all: nodes.length,
    median: medianOf(measuring.map((node) => node.shown)),
    raw: medianOf(measuring.map((node) => node.pm25)),
  };
}

function medianOf(values) {
  if (!values.length) return null;
  values.sort((a, b) => a - b);
  const half = values.length >> 1;
  return values.length % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}
