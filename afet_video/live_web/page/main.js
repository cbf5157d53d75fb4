// Joins camera, connection, controls and view.
// in: what the user does -> out: a live preview.  Must not: know how frames are packed or drawn.

import { Camera, CameraError } from "./camera.js";
import { byId, Controls, listenToKeys } from "./controls.js";
import { Link, packFrame } from "./link.js";
import { Meter } from "./meter.js";
import { View } from "./view.js";

const MOST_UNANSWERED = 4; // one is seen, one is shown, one waits, one is on its way to take its place

const STATE_TEXT = {
  waiting: () => "No face in sight: sit before the camera.",
  calibrating: () => "Calibration: look straight into the camera and relax your face.",
  live: () => `Live: palsy on the person’s own ${controls.side} side.`,
  no_face: () => "The face is lost for a moment.",
};

const pictures = byId("pictures");
const scratch = new OffscreenCanvas(640, 480).getContext("2d", { willReadFrequently: true });
const view = new View();
const meter = new Meter();
const unanswered = new Map(); // number -> { image, captureMs }
let maxSize = [1280, 720];
let number = 0;
let state = "off";
let message = ""; // of the session, about its state

const controls = new Controls((type, value) => link.ask(type, value));
const camera = new Camera(byId("video"), { onFrame: sendFrame, onLost: cameraLost, onStall: cameraStalls });
const link = new Link({
  welcome(message) {
    maxSize = message.max_size;
    unanswered.clear();
    controls.welcome(message);
    link.ask("points", byId("points").checked);
    enable();
    setState(camera.isOn ? "starting" : "off", camera.isOn ? "Connected." : "Ready: start the camera.");
  },
  profile({ profile }) {
    controls.show(profile);
    if (state === "live" && !message) say(STATE_TEXT.live());
  },
  refused({ text, profile }) {
    controls.show(profile);
    say(text, true);
  },
  dropped({ number }) {
    unanswered.delete(number);
    meter.dropped += 1;
  },
  result: showResult,
  retry(isLong) {
    unanswered.clear();
    enable();
    const advice = isLong ? "If it was stopped, start it again and open the address that it prints. " : "";
    setState("offline", `The connection to afet-video is lost. ${advice}Trying again…`, true);
  },
  end(text) {
    camera.stop();
    enable();
    setState("ended", text, true);
  },
});

function say(text, isAlarm = false) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("alarm", isAlarm);
}

function setState(next, text, isAlarm = false) {
  state = next;
  byId("figure-state").textContent = next.replace("_", " ");
  if (!["calibrating", "waiting"].includes(next)) byId("countdown").hidden = true;
  say(text, isAlarm);
}

/** Switch on what can be used now. */
function enable() {
  byId("start").disabled = link.isOver;
  byId("stop").disabled = !camera.isOn;
  byId("palsy").disabled = !link.isOpen;
  for (const id of ["recalibrate", "record", "snapshot"]) byId(id).disabled = !(camera.isOn && link.isOpen);
}

function grab() {
  const { videoWidth, videoHeight } = camera.video;
  const scale = Math.min(1, Math.max(...maxSize) / Math.max(videoWidth, videoHeight), Math.min(...maxSize) / Math.min(videoWidth, videoHeight));
  const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
  const { canvas } = scratch;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  scratch.drawImage(camera.video, 0, 0, width, height);
  return scratch.getImageData(0, 0, width, height);
}

function sendFrame(captureMs) {
  if (!link.isOpen) return;
  if (unanswered.size >= MOST_UNANSWERED) {
    meter.dropped += 1;
    return;
  }
  const image = grab();
  number += 1;
  unanswered.set(number, { image, captureMs });
  link.send(packFrame(image, captureMs, number));
}

function showResult(about, patch) {
  const frame = unanswered.get(about.number);
  unanswered.delete(about.number);
  if (!frame || !camera.isOn) return;
  view.show(frame.image, about, patch);
  meter.drawn(frame.captureMs, about.processing_ms);
  showRecording(about.recording);
  if (about.state !== state || about.message !== message) {
    message = about.message;
    setState(about.state, message || STATE_TEXT[about.state]());
  }
  byId("countdown").hidden = about.countdown_s === null;
  byId("countdown-text").textContent = about.message;
  byId("countdown-seconds").textContent = about.countdown_s > 0 ? Math.ceil(about.countdown_s) : "";
}

function showRecording({ is_on, text }) {
  const button = byId("record");
  if (button.getAttribute("aria-pressed") !== String(is_on)) {
    button.setAttribute("aria-pressed", is_on);
    button.firstChild.data = is_on ? "End recording " : "Record ";
  }
  if (byId("record-note").textContent !== text) byId("record-note").textContent = text;
}

async function start() {
  setState("starting", "Waiting for the camera…");
  meter.clear();
  try {
    await camera.start(byId("camera").value);
    say("The camera is on.");
  } catch (error) {
    if (!(error instanceof CameraError)) throw error;
    setState("off", error.message, true);
  }
  await listCameras();
  enable();
}

function stop() {
  camera.stop();
  enable();
  setState("off", "The camera is off.");
}

function cameraLost(text) {
  enable();
  setState("off", text, true);
  listCameras();
}

function cameraStalls() {
  setState("stalled", "The camera sends no pictures. If this lasts, stop and start it again.", true);
}

async function listCameras() {
  const cameras = await camera.list();
  const chosen = byId("camera").value;
  const options = cameras.map(({ label, deviceId }, index) => new Option(label || `Camera ${index + 1}`, deviceId));
  byId("camera").replaceChildren(new Option("The browser’s choice", ""), ...options);
  if (cameras.some(({ deviceId }) => deviceId === chosen)) byId("camera").value = chosen;
}

function snapshot() {
  const anchor = document.createElement("a");
  Object.assign(anchor, { href: "snapshot.png", download: "" });
  anchor.click();
  say("A snapshot is saved where the browser keeps downloads.");
}

function press(id) {
  byId(id).click();
}

byId("start").addEventListener("click", start);
byId("stop").addEventListener("click", stop);
byId("camera").addEventListener("change", () => camera.isOn && start());
byId("recalibrate").addEventListener("click", () => link.ask("recalibrate"));
byId("record").addEventListener("click", () => link.ask("record"));
byId("snapshot").addEventListener("click", snapshot);
byId("both").addEventListener("change", ({ target }) => pictures.classList.toggle("both", target.checked));
byId("mirror").addEventListener("change", ({ target }) => pictures.classList.toggle("mirrored", target.checked));
byId("points").addEventListener("change", ({ target }) => link.ask("points", target.checked));
byId("open-help").addEventListener("click", () => byId("help").showModal());
navigator.mediaDevices?.addEventListener("devicechange", listCameras);

listenToKeys({
  s: () => controls.switchSide(),
  p: () => controls.stepPreset(1),
  P: () => controls.stepPreset(-1),
  ...Object.fromEntries([1, 2, 3, 4, 5].map((place) => [place, () => controls.focusZone(place)])),
  c: () => press("recalibrate"),
  v: () => press("both"),
  m: () => press("mirror"),
  l: () => press("points"),
  r: () => press("record"),
  n: () => press("snapshot"),
  q: () => press("stop"),
  "?": () => press("open-help"),
});
listCameras();
