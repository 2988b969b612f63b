// Roll-outs of firmware: which version, how far, how many nodes, and why one has stopped by itself.
import { byId, el } from "./dom.js";
import { clock, currentLanguage, day, text, whole } from "./i18n.js";

let shown = "";

// `found`: the gateway's answer, "failed" when it gave none, null before the first.
export function paintRollouts(found) {
  const now = JSON.stringify([currentLanguage(), found === "failed" ? found : found?.rollouts]);
  if (now === shown) return;
  shown = now;
  const failed = found === "failed";
  const rollouts = failed ? [] : (found?.rollouts ?? []);
  byId("rollouts").hidden = !failed && !rollouts.length;
  byId("rollouts").querySelector("div").replaceChildren(
    ...(failed ? [el("p", { class: "todo" }, text("rolloutsFailed"))] : rollouts.map(item)),
  );
}

function item(it) {
  const percent = whole(it.stages[it.stage - 1]);
  const stage = text("rolloutStage", { stage: it.stage, stages: it.stages.length, percent });
  const since = text("rolloutSince", { time: `${day(it.changed)}, ${clock(it.changed)}` });
  const state = it.by_itself ? "stopped_itself" : it.state;
  return el("article", { class: "rollout", "data-channel": it.channel, "data-state": state },
    el("h4", {}, text("rolloutTitle", { version: it.version, channel: it.channel })),
    el("p", {}, `${text(`rollout_${state}`)}, ${stage}, ${since}.`),
    it.cause ? el("p", { class: "warning" }, causeText(it.cause)) : null,
    el("p", {}, text("rolloutNodes", counts(it))),
    it.failed_nodes.length ? el("p", { class: "todo" }, ...failedNodes(it)) : null);
}

function counts(it) {
  return Object.fromEntries(["nodes", "good", "pending", "failed", "refused"].map((name) => [name, whole(it[name])]));
}

function causeText({ what, stage, count, of, allowed }) {
  return text(`cause_${what}`, { stage, count: whole(count), of: whole(of), allowed: whole(allowed) });
}

// "praga-1 (fell back), wola-2 (silent) and 3 more"
function failedNodes(it) {
  const named = it.failed_nodes.flatMap(({ node, state }, at) => [
    at ? ", " : "",
    el("a", { href: `./#${encodeURIComponent(node)}` }, node),
    ` (${text(`failed_${state}`)})`,
  ]);
  const more = it.failed - it.failed_nodes.length;
  return more > 0 ? [...named, ` ${text("andMore", { more: whole(more) })}`] : named;
}
