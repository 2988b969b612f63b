// /join: a one-time code becomes a kit code, which is on this page only and is gone with it.
import { byId, el, setText } from "./dom.js";
import { chooseLanguage, currentLanguage, setLanguage, text } from "./i18n.js";
import "./join_words.js";

let wrong = null; // [key, values] of the message that is shown
let copied = null; // key
let unsaved = false;

function translate() {
  document.title = text("joinTitle");
  for (const element of document.querySelectorAll("[data-text]")) setText(element, text(element.dataset.text));
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === currentLanguage()));
  }
  setText(byId("wrong"), wrong ? text(...wrong) : "");
  setText(byId("copied"), copied ? text(copied) : "");
}

function say(key, values = {}) {
  wrong = key && [key, values];
  translate();
}

const precision = () => document.querySelector("[name=precision]:checked").value;

function showFields() {
  byId("district-field").hidden = precision() !== "district";
  byId("spot-fields").hidden = precision() === "district" || precision() === "none";
}

// undefined when what was typed is no place.
function place() {
  const label = byId("label").value.trim();
  if (precision() === "none") return null;
  if (precision() === "district") return { label, district: byId("district").value };
  const [lat, lon] = ["lat", "lon"].map((id) => byId(id).value.trim().replace(",", "."));
  if (!lat || !lon || !Number.isFinite(Number(lat)) || !Number.isFinite(Number(lon))) return undefined;
  return { label, lat: Number(lat), lon: Number(lon) };
}

async function send() {
  const where = place();
  if (where === undefined) {
    say("wrong_spot");
    return;
  }
  say(null);
  let answer;
  let found = {};
  try {
    answer = await fetch("api/enrol", {
      method: "POST",
      headers: { "content-type": "application/json", "x-dustline": "enrol" },
      body: JSON.stringify({
        code: byId("code").value,
        precision: precision() === "none" ? "district" : precision(),
        place: where,
      }),
    });
    found = await answer.json();
  } catch {
    say("wrong_away");
    return;
  }
  if (answer.ok) show(found);
  else say(`wrong_${found.reason ?? "request"}`, { detail: found.error ?? answer.status });
}

function show(found) {
  byId("ask").remove();
  byId("kit-code").value = found.kit_code;
  setText(byId("kit-node"), found.node);
  setText(byId("kit-ssid"), found.portal.ssid);
  setText(byId("kit-password"), found.portal.password);
  byId("kit").hidden = false;
  byId("kit-title").focus();
  unsaved = true;
}

async function copy() {
  byId("kit-code").select();
  try {
    await navigator.clipboard.writeText(byId("kit-code").value);
    copied = "joinCopied";
    unsaved = false;
  } catch {
    copied = "joinMark";
  }
  translate();
}

function here() {
  const failed = () => say("wrong_here");
  if (!navigator.geolocation) {
    failed();
    return;
  }
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    byId("lat").value = coords.latitude.toFixed(6);
    byId("lon").value = coords.longitude.toFixed(6);
    say(null);
  }, failed, { enableHighAccuracy: true, timeout: 20000 });
}

chooseLanguage();
translate();
showFields();
for (const radio of document.querySelectorAll("[name=precision]")) radio.addEventListener("change", showFields);
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    setLanguage(button.dataset.language);
    translate();
  });
}
byId("here").addEventListener("click", here);
byId("copy").addEventListener("click", copy);
byId("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("send").disabled = true;
  await send();
  if (byId("send")) byId("send").disabled = false;
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
try {
  const { districts } = await (await fetch("api/enrol")).json();
  byId("district").append(...districts.map((name) => el("option", { value: name }, name)));
} catch {
  say("wrong_away");
}
