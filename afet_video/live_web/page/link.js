// The connection to afet-video: frames there, results and answers back.
// in: frames, control messages -> out: on.* callbacks.  Must not: draw.

const HEADER_BYTES = 16;
const RETRY_MS = [250, 500, 1000, 2000];
const PATIENT_TRIES = 3;
const CODES = {
  4001: "Another page shows the preview already. Close it, then load this page again.",
  1001: "afet-video was stopped. Start it again and open the address that it prints.",
  1008: "afet-video refused what this page sent. Load the page again.",
  1009: "afet-video refused a picture that is too large. Load the page again.",
  1011: "afet-video stopped with an error; see the window it was started in.",
};

/** A frame to send: its bytes begin with the header, its pixels stay readable as an image. */
export function packFrame(image, captureMs, number) {
  const bytes = new Uint8ClampedArray(HEADER_BYTES + image.data.length);
  const header = new DataView(bytes.buffer);
  header.setFloat64(0, performance.timeOrigin + captureMs, true);
  header.setUint32(8, number, true);
  header.setUint16(12, image.width, true);
  header.setUint16(14, image.height, true);
  bytes.set(image.data, HEADER_BYTES);
  return bytes;
}

export class Link {
  constructor(on) {
    this.on = on;
    this.page = `${Date.now()}-${Math.random()}`; // tells a lost connection from a new page
    this.socket = null;
    this.failures = 0;
    this.isOver = false;
    this.#open();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send(data) {
    if (this.isOpen) this.socket.send(data);
  }

  ask(type, value) {
    this.send(JSON.stringify({ type, value }));
  }

  #open() {
    const url = new URL("socket", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", page: this.page }));
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return; // an old connection that was thought to be lost
      if (typeof data === "string") this.#hear(JSON.parse(data));
      else this.#see(data);
    };
    socket.onclose = ({ code, wasClean }) => this.#lost(code, wasClean);
    this.socket = socket;
  }

  #hear(message) {
    if (message.type === "welcome") this.failures = 0;
    if (message.type === "end") {
      this.#end(CODES[1001]);
      return;
    }
    this.on[message.type]?.(message);
  }

  #see(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    this.on.result(about, new Uint8ClampedArray(buffer, 4 + length));
  }

  async #lost(code, wasClean) {
    if (this.isOver) return;
    if (wasClean && CODES[code]) {
      this.#end(CODES[code]);
      return;
    }
    this.on.retry(this.failures > PATIENT_TRIES);
    const answer = await fetch("./", { cache: "no-store" }).catch(() => null);
    if (answer?.status === 403) {
      this.#end("afet-video was started anew. Open the address that it prints now.");
      return;
    }
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    setTimeout(() => this.#open(), wait);
  }

  #end(text) {
    if (this.isOver) return;
    this.isOver = true;
    this.on.end(text);
  }
}
