// navigator.serial with one port, whose far end is the test: __cable(kind, data) carries bytes there and back.
(() => {
  const toText = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  class Port extends EventTarget {
    readable = null;
    writable = null;
    getInfo() {
      return { usbVendorId: 0x10c4, usbProductId: 0xea60 };
    }
    async open({ baudRate }) {
      if (this.readable) throw new DOMException("The port is already open.", "InvalidStateError");
      const refused = await window.__cable("open", String(baudRate));
      if (refused) throw new DOMException(refused, "NetworkError");
      this.busy = Promise.resolve();
      this.make();
      this.writable = new WritableStream({ write: (chunk) => this.exchange(toText(chunk)) });
      this.timer = setInterval(() => this.exchange(""), 20);
    }
    make() {
      this.readable = new ReadableStream({
        start: (controller) => (this.into = controller),
        cancel: () => {
          // As in the browser: once a reader has cancelled, the port has a new stream.
          if (this.timer) queueMicrotask(() => this.timer && this.make());
        },
      });
    }
    exchange(text) {
      this.busy = this.busy.then(async () => {
        const back = await window.__cable("data", text);
        try {
          if (back) this.into.enqueue(toBytes(back));
        } catch {
          // Nobody reads any more.
        }
      });
      return this.busy;
    }
    async setSignals(signals) {
      await window.__cable("signals", JSON.stringify(signals));
    }
    async getSignals() {
      return { clearToSend: false, dataCarrierDetect: false, dataSetReady: false, ringIndicator: false };
    }
    async close() {
      clearInterval(this.timer);
      this.timer = null;
      await this.busy;
      this.readable = this.writable = null;
      await window.__cable("close", "");
    }
    async forget() {}
    pull() {
      try {
        this.into.error(new DOMException("The device has been lost.", "NetworkError"));
      } catch {
        // Nobody reads.
      }
    }
  }
  const port = new Port();
  window.__port = port;
  const serial = new EventTarget();
  serial.requestPort = async () => {
    const refused = await window.__cable("choose", "");
    if (refused) throw new DOMException("No port selected by the user.", refused);
    return port;
  };
  serial.getPorts = async () => [port];
  Object.defineProperty(navigator, "serial", { value: serial, configurable: true });
})();
