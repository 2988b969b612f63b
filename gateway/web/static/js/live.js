// The event stream from the gateway, which comes back by itself, and word of when it is gone.

const SILENT_MS = 25000; // the gateway says something at least every 10 s
const AGAIN_MS = 2000;

export class Live {
  // `message(kind, data)`: kind is state (all nodes), nodes (those that changed) or tick.
  // `connected(since)`: null when connected, else since when not (ms).
  constructor(message, connected) {
    this.message = message;
    this.connected = connected;
    this.lostAt = null;
    this.open();
    setInterval(() => {
      if (this.source && Date.now() - this.heardAt > SILENT_MS) this.again();
    }, 5000);
    // A phone that was put away finds a dead connection: do not wait until that shows.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.source && Date.now() - this.heardAt > SILENT_MS / 2) this.again();
    });
  }

  open() {
    this.heardAt = Date.now();
    const source = new EventSource("api/events");
    this.source = source;
    for (const kind of ["state", "nodes", "tick"]) {
      source.addEventListener(kind, (event) => this.hear(kind, JSON.parse(event.data)));
    }
    source.addEventListener("error", () => {
      this.lose();
      // After an answer that is no stream the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) this.again();
    });
  }

  hear(kind, data) {
    this.heardAt = Date.now();
    this.lostAt = null;
    this.connected(null);
    this.message(kind, data);
  }

  lose() {
    this.lostAt ??= Date.now();
    this.connected(this.lostAt);
  }

  again() {
    this.lose();
    this.source.close();
    this.source = null;
    setTimeout(() => this.open(), AGAIN_MS);
  }
}
