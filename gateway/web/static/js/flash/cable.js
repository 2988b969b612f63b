// A board at the end of a USB cable: flashing by ESP Web Tools, set-up by the Improv SDK. Errors have the name of a
// text as their message, and what more there is to say in `detail`.
import { flash } from "../../vendor/esp-web-tools/flash.js";
import { ImprovSerial } from "../../vendor/improv-wifi-serial-sdk/serial.js";

const BAUD = 115200;
const KIT = 0xd1; // requests of Dustline's own, see docs/node/flash.md
const WHY = 0xd2;
const PIECE = 120;
const START_MS = 25000; // from a reset until the node answers
const JOIN_MS = 90000;

// What the SDK tells on its way has passwords in it: it goes nowhere.
const SILENT = { log() {}, error() {}, debug() {} };

export const fits = () => "serial" in navigator && window.isSecureContext;

export class CableError extends Error {
  constructor(name, detail = "") {
    super(name);
    this.detail = detail;
  }
}

// Let the user choose a port. Throws noPort when none was chosen.
export async function choosePort() {
  try {
    return await navigator.serial.requestPort();
  } catch (error) {
    throw new CableError(error.name === "NotFoundError" ? "noPort" : "portRefused", error.message);
  }
}

async function open(port) {
  try {
    await port.open({ baudRate: BAUD, bufferSize: 8192 });
  } catch (error) {
    throw new CableError("portBusy", error.message);
  }
}

// Write the image that the manifest has for this chip. `tell(state, percent)` hears how it goes.
export async function install(port, manifestUrl, manifest, tell) {
  let failure = null;
  await flash(
    (event) => {
      if (event.state === "error") failure = failureOf(event);
      else tell(event.state, event.details?.percentage ?? null, event.chipFamily);
    },
    port,
    manifestUrl,
    manifest,
    false,
  );
  if (failure) throw failure;
}

function failureOf(event) {
  const names = {
    failed_initialize: "flashNoAnswer",
    not_supported: "flashWrongChip",
    failed_firmware_download: "flashNoImage",
    write_failed: "flashBroke",
  };
  const why = event.details?.details;
  return new CableError(names[event.details?.error] ?? "flashBroke", String(why?.message ?? why ?? event.message));
}

// A node that listens. `heard` says what it is: {name, version, chipFamily}.
export class Node {
  static async meet(port) {
    await open(port);
    const client = new ImprovSerial(port, SILENT);
    try {
      const heard = await client.initialize(START_MS);
      return new Node(port, client, heard);
    } catch (error) {
      await port.close().catch(() => {});
      throw new CableError("noNode", error.message);
    }
  }

  constructor(port, client, heard) {
    this.port = port;
    this.client = client;
    this.heard = heard;
    client.addEventListener("disconnect", () => this.lost?.());
  }

  // Hand over a kit code's bytes. Returns the node's name.
  async giveKit(raw) {
    const count = Math.ceil(raw.length / PIECE);
    let said = [];
    for (let index = 0; index < count; index++) {
      const piece = raw.slice(index * PIECE, (index + 1) * PIECE);
      said = await this.ask(KIT, [index, count, ...piece], 10000, "kitRefused");
    }
    if (said[1] !== "ok") throw new CableError("kitRefused", said[1] ?? "");
    return said[2];
  }

  // [{name, rssi, secured}], the strongest first.
  async scan() {
    try {
      const found = await this.client.scan(20000);
      return found.sort((a, b) => b.rssi - a.rssi);
    } catch (error) {
      throw new CableError("noAnswer", String(error));
    }
  }

  // Throws join_WORD, where WORD is the node's own for what went wrong.
  async join(ssid, password) {
    try {
      await this.client.provision(ssid, password, JOIN_MS);
    } catch (error) {
      if (error === "TIMEOUT") throw new CableError("noAnswer");
      const [word, detail] = await this.ask(WHY, [], 10000, "noAnswer");
      throw new CableError(`join_${word ?? "failed"}`, detail ?? "");
    }
  }

  async ask(command, data, timeout, failure) {
    try {
      // The SDK's own requests go this way; for a vendor's it has no public one (2.8.1).
      return await this.client._sendRPCWithResponse(command, data, timeout);
    } catch (error) {
      throw new CableError(error === "TIMEOUT" ? "noAnswer" : failure, String(error));
    }
  }

  async leave() {
    this.lost = null;
    await this.client.close().catch(() => {});
    await this.port.close().catch(() => {});
  }
}
