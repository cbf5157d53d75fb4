// The controls of the palsy, and the keys.
// in: what the server says of the palsy -> out: ask(type, value).  Must not: know a camera.

const ZONE_WORDS = {
  brow: "Brow",
  eye: "Eye",
  cheek: "Cheek",
  commissure: "Corner of mouth",
  lower_lip: "Lower lip",
};
const OWN = ""; // the preset's value when the sliders are nobody's but the user's

export const byId = (id) => document.getElementById(id);

export class Controls {
  constructor(ask) {
    this.ask = ask;
    this.sliders = {};
    this.presets = {};
    for (const radio of document.getElementsByName("side")) {
      radio.addEventListener("change", () => ask("side", radio.value));
    }
    byId("preset").addEventListener("change", ({ target }) => target.value !== OWN && ask("preset", target.value));
  }

  get side() {
    return document.querySelector("input[name=side]:checked")?.value;
  }

  /** Build what depends on the server: presets and zones. */
  welcome({ presets, zones, profile }) {
    this.presets = presets;
    const own = new Option("own values", OWN);
    own.disabled = true;
    byId("preset").replaceChildren(...Object.keys(presets).map((name) => new Option(name, name)), own);
    byId("zones").replaceChildren(...zones.map((zone) => this.#slider(zone)));
    this.show(profile);
  }

  show({ side, preset, kept }) {
    for (const radio of document.getElementsByName("side")) radio.checked = radio.value === side;
    byId("preset").value = preset ?? OWN;
    byId("preset-shows").textContent = this.presets[preset] ?? "your own values of movement kept";
    for (const [zone, share] of Object.entries(kept)) {
      const { input, output } = this.sliders[zone];
      // Not under the user's finger: an answer is older than the hand.
      if (document.activeElement !== input) input.value = Math.round(share * 100);
      output.textContent = `${Math.round(share * 100)} %`;
    }
  }

  switchSide() {
    this.ask("side", this.side === "left" ? "right" : "left");
  }

  stepPreset(step) {
    const names = Object.keys(this.presets);
    const at = names.indexOf(byId("preset").value);
    this.ask("preset", names[at < 0 ? 0 : (at + step + names.length) % names.length]);
  }

  /** Go to a slider, 1 for the topmost; arrow keys then move it. */
  focusZone(place) {
    Object.values(this.sliders)[place - 1]?.input.focus();
  }

  #slider(zone) {
    const row = document.createElement("div");
    row.className = "zone";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const output = document.createElement("output");
    Object.assign(input, { type: "range", min: 0, max: 100, step: 5, id: `kept-${zone}` });
    label.htmlFor = output.htmlFor = input.id;
    label.textContent = ZONE_WORDS[zone] ?? zone;
    input.addEventListener("input", () => {
      input.setAttribute("aria-valuetext", `${input.value} percent`);
      this.ask("kept", { [zone]: input.valueAsNumber / 100 });
    });
    this.sliders[zone] = { input, output };
    row.append(label, input, output);
    return row;
  }
}

/** Let single keys act: not while a list is open to typing, not with Ctrl and the like, not if switched off. */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches?.("select, dialog *");
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping || !byId("keys").checked) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
