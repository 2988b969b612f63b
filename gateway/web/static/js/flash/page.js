// Flash a board and set it up over its USB cable, one step after the other.
import { byId, el, setText } from "../dom.js";
import { chooseLanguage, currentLanguage, has, setLanguage, text } from "../i18n.js";
import { choosePort, fits, install, Node } from "./cable.js";
import { enrolment, exchange } from "./enrol.js";
import { readKitCode } from "./kitcode.js";
import "./words.js";

const MANIFEST = "firmware/manifest.json";
// "52.2371, 20.9583", also with decimal commas.
const SPOT = /^(-?\d{1,2}(?:[.,]\d+)?)(?:\s*[,;]\s+|\s*;\s*|\s+|(?<=\.\d+),)(-?\d{1,3}(?:[.,]\d+)?)$/;
const STEPS = ["cable", "install", "code", "wifi", "done"];

let node = null; // the one that is set up
let manifest = null;
let joining = null; // what enrolment knows, null without it
let given = null; // what the exchange gave, and for which code: shown at the end, once
let portal = null; // of the code that was handed over, where it is known
let name = "";
let said = null; // the note that is shown: [kind, name of a text, its values]
let installing = null;
let networks = [];

function say(kind, key, values = {}) {
  said = key ? [kind, key, values] : null;
  paintNote();
}

function paintNote() {
  byId("note").hidden = !said;
  if (!said) return;
  byId("note").dataset.kind = said[0];
  setText(byId("note"), text(said[1], said[2]));
}

function show(step) {
  const first = STEPS.every((one) => byId(`step-${one}`).hidden);
  for (const one of STEPS) byId(`step-${one}`).hidden = one !== step;
  if (first) return;
  // Screen readers go on from the step's heading.
  const heading = byId(`step-${step}`).querySelector("h2");
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
}

function translate() {
  document.title = text("kitTitle");
  for (const element of document.querySelectorAll("[data-text]")) setText(element, text(element.dataset.text));
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === currentLanguage()));
  }
  if (!fits()) setText(byId("unfit"), text(window.isSecureContext ? "unfitBrowser" : "unfitInsecure"));
  paintNote();
  paintInstall();
  paintFound();
  paintNetworks();
  paintDone();
}

function paintInstall() {
  if (!installing) return;
  setText(byId("install-state"), text(`flash_${installing.state}`, { percent: installing.percent ?? 0 }));
  if (installing.percent === null) byId("progress").removeAttribute("value");
  else byId("progress").value = installing.percent;
}

function paintFound() {
  if (!node) return;
  const { name: called, version, chipFamily } = node.heard;
  setText(byId("found"), text("found", { name: called, version, chip: chipFamily }));
}

function paintNetworks() {
  const chosen = byId("networks").value;
  const bars = (rssi) => (rssi >= -55 ? "▂▄▆█" : rssi >= -67 ? "▂▄▆" : rssi >= -78 ? "▂▄" : "▂");
  byId("networks").replaceChildren(
    ...networks.map((one) =>
      el("option", { value: `n:${one.name}` }, `${one.name}  ${bars(one.rssi)} ${one.rssi} dBm${one.secured ? "" : `, ${text("open")}`}`),
    ),
    el("option", { value: "other" }, text("other")),
  );
  // The strongest stands first; what the user chose stays.
  const typed = chosen !== "other" || byId("ssid").value;
  if (typed && [...byId("networks").options].some((option) => option.value === chosen)) byId("networks").value = chosen;
  chooseNetwork();
}

function chooseNetwork() {
  byId("other-fields").hidden = byId("networks").value !== "other";
}

function paintDone() {
  setText(byId("done-text"), text("doneText", { name }));
  byId("label-note").hidden = !portal;
  byId("label-facts").replaceChildren(
    ...(portal
      ? [["labelName", portal.ssid], ["labelPassword", portal.password]].map(([key, value]) =>
          el("div", {}, el("dt", {}, text(key)), el("dd", {}, value)),
        )
      : []),
  );
  byId("to-node").hidden = !location.pathname.endsWith("/flash"); // a page of its own knows no map
  byId("to-node").setAttribute("href", `./#${encodeURIComponent(name)}`);
}

// Run one thing at a time; what it throws is said in the user's language.
async function doing(work) {
  const buttons = [...document.querySelectorAll("main button")].filter((button) => !button.disabled);
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    const known = has(error.message) ? error.message : "join_failed";
    say("wrong", known, { detail: error.detail || (known === error.message ? "" : error.message) });
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

async function begin(withInstall) {
  say();
  const port = await choosePort();
  if (withInstall) {
    show("install");
    installing = { state: "initializing", percent: null };
    paintInstall();
    try {
      await install(port, MANIFEST, manifest, (state, percent) => {
        installing = { state, percent };
        paintInstall();
      });
    } catch (error) {
      show("cable");
      throw error;
    } finally {
      installing = null;
    }
  }
  say("plain", "starting");
  try {
    node = await Node.meet(port);
  } catch (error) {
    show("cable");
    throw error;
  }
  node.lost = () => {
    node = null;
    show("cable");
    say("wrong", "lost");
  };
  say();
  paintFound();
  show("code");
}

const degrees = (written) => Number(written.replace(",", "."));

function placeOf() {
  const label = byId("label").value.trim();
  if (byId("precision").value === "district") {
    const district = byId("district").value;
    return label || district ? { label, district } : null;
  }
  const spot = byId("spot").value.trim();
  const found = spot.match(SPOT);
  if (spot && !found) throw new Error("spotWrong");
  if (!label && !found) return null;
  return found ? { label, lat: degrees(found[1]), lon: degrees(found[2]) } : { label };
}

async function handOver() {
  const pasted = byId("kit").value.trim();
  const once = byId("once").value.trim();
  if (!pasted && !once && !given) throw new Error("needCode");
  let code = pasted;
  if (!pasted) {
    // A code that was exchanged is used up: what it gave is handed over again when the first time failed.
    if (!given || (once && once !== given.once)) {
      say("plain", "exchanging");
      given = { ...(await exchange(once, byId("precision").value, placeOf())), once };
    }
    code = given.kit_code;
  }
  const raw = readKitCode(code);
  say("plain", "handingOver");
  name = await node.giveKit(raw);
  portal = pasted ? null : given.portal;
  byId("kit").value = byId("once").value = "";
  await toWifi();
}

async function toWifi() {
  show("wifi");
  await scan();
}

async function scan() {
  say("plain", "scanning");
  networks = await node.scan();
  paintNetworks();
  say();
}

async function join() {
  const chosen = byId("networks").value;
  const ssid = chosen === "other" ? byId("ssid").value : chosen.slice(2);
  if (!ssid) throw new Error("needNetwork");
  say("plain", "joining");
  await node.join(ssid, byId("password").value);
  byId("password").value = "";
  name ||= node.heard.name;
  say();
  await node.leave();
  node = null;
  paintDone();
  show("done");
}

function again() {
  given = portal = null;
  name = "";
  for (const id of ["once", "kit", "label", "spot", "ssid", "password"]) byId(id).value = "";
  say();
  show("cable");
}

async function start() {
  if (!fits()) {
    byId("unfit").hidden = false;
    return;
  }
  try {
    const answer = await fetch(MANIFEST);
    if (answer.ok) manifest = await answer.json();
  } catch {
    // No image: said below.
  }
  byId("install").hidden = byId("install-warning").hidden = !manifest;
  byId("no-image").hidden = Boolean(manifest);
  joining = await enrolment();
  byId("enrol-fields").hidden = !joining;
  byId("paste").open = !joining;
  byId("district").replaceChildren(...(joining?.districts ?? []).map((one) => el("option", { value: one }, one)));
  byId("precision").querySelector("[value=district]").hidden = !joining?.districts?.length;
  show("cable");
}

chooseLanguage();
translate();
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    setLanguage(button.dataset.language);
    translate();
  });
}
byId("install").addEventListener("click", () => doing(() => begin(true)));
byId("connect").addEventListener("click", () => doing(() => begin(false)));
byId("keep").addEventListener("click", () => doing(toWifi));
byId("rescan").addEventListener("click", () => doing(scan));
byId("again").addEventListener("click", again);
byId("other-code").addEventListener("click", () => {
  say();
  show("code");
});
byId("networks").addEventListener("change", chooseNetwork);
byId("reveal").addEventListener("change", () => {
  byId("password").type = byId("reveal").checked ? "text" : "password";
});
byId("precision").addEventListener("change", () => {
  byId("district-fields").hidden = byId("precision").value !== "district";
  byId("spot-fields").hidden = !byId("district-fields").hidden;
});
byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(handOver);
});
byId("wifi-form").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(join);
});
await start();
