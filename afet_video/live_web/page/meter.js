// What the last two seconds measured.
// in: one entry a frame -> out: the figures below the pictures.  Must not: smooth what it shows in any other way.

import { byId } from "./controls.js";

const WINDOW_MS = 2000;

export class Meter {
  constructor() {
    this.shown = []; // of frames on the screen: when, ms since capture, ms of processing
    this.dropped = 0;
    setInterval(() => this.#write(), 500);
  }

  clear() {
    this.shown = [];
    this.dropped = 0;
  }

  /** Note a frame that was just drawn: it is on the screen at the next refresh. */
  drawn(captureMs, processingMs) {
    requestAnimationFrame(() => {
      const now = performance.now();
      this.shown.push({ at: now, delay: now - captureMs, processing: processingMs });
    });
  }

  figures() {
    const now = performance.now();
    this.shown = this.shown.filter(({ at }) => now - at < WINDOW_MS);
    const middle = (key) => this.shown.map((entry) => entry[key]).sort((a, b) => a - b)[this.shown.length >> 1];
    return {
      fps: this.shown.length / (WINDOW_MS / 1000),
      processing: middle("processing"),
      delay: middle("delay"),
      dropped: this.dropped,
    };
  }

  #write() {
    const { fps, processing, delay, dropped } = this.figures();
    const ms = (value) => (value === undefined ? "–" : `${Math.round(value)} ms`);
    byId("figure-fps").textContent = fps ? fps.toFixed(1) : "–";
    byId("figure-processing").textContent = ms(processing);
    byId("figure-delay").textContent = ms(delay);
    byId("figure-dropped").textContent = String(dropped);
  }
}
