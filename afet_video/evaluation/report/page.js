"use strict";
// One film holds both videos, so they cannot run apart. Everything here moves its time, or shows it.
const data = JSON.parse(document.getElementById("data").textContent);
const film = document.getElementById("film");
const slider = document.getElementById("time");
const play = document.getElementById("play");
const clock = document.getElementById("clock");
const plot = document.getElementById("plot");
const head = document.getElementById("playhead");
const times = data.times;
const HALF = 1e-4;

function frameAt(seconds) {
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (times[middle] <= seconds + HALF) low = middle; else high = middle - 1;
  }
  return low;
}

function goTo(frame) {
  const index = Math.min(Math.max(frame, 0), times.length - 1);
  // a little into the frame: at its very start browsers may show the one before
  const next = index + 1 < times.length ? times[index + 1] : times[index] + 0.02;
  film.currentTime = times[index] + Math.min(0.25 * (next - times[index]), 0.005);
  show(index);
}

function show(index) {
  slider.value = index;
  clock.textContent = `frame ${index}, ${times[index].toFixed(3)} s`;
  slider.setAttribute("aria-valuetext", clock.textContent);
  const share = (times[index] - data.start) / (data.stop - data.start);
  head.style.left = `${100 * (data.left + share * (data.right - data.left))}%`;
}

function showNow() { show(frameAt(film.currentTime)); }

function tick() {
  showNow();
  if (!film.paused) requestAnimationFrame(tick);
}

slider.max = times.length - 1;
slider.addEventListener("input", () => { film.pause(); goTo(Number(slider.value)); });
play.addEventListener("click", () => { if (film.paused) film.play(); else film.pause(); });
film.addEventListener("play", () => { play.textContent = "Pause"; tick(); });
film.addEventListener("pause", () => { play.textContent = "Play"; });
film.addEventListener("seeked", showNow);
film.addEventListener("click", () => play.click());
document.getElementById("back").addEventListener("click", () => { film.pause(); goTo(frameAt(film.currentTime) - 1); });
document.getElementById("on").addEventListener("click", () => { film.pause(); goTo(frameAt(film.currentTime) + 1); });
document.getElementById("speed").addEventListener("change", (event) => { film.playbackRate = Number(event.target.value); });
plot.addEventListener("click", (event) => {
  const box = plot.getBoundingClientRect();
  const share = ((event.clientX - box.left) / box.width - data.left) / (data.right - data.left);
  film.pause();
  goTo(frameAt(data.start + Math.min(Math.max(share, 0), 1) * (data.stop - data.start)));
});
for (const button of document.querySelectorAll("button[data-frame]")) {
  button.addEventListener("click", () => { film.pause(); goTo(Number(button.dataset.frame)); film.scrollIntoView({block: "center"}); });
}
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, button")) return;
  const act = {" ": () => play.click(), ",": () => document.getElementById("back").click(), ".": () => document.getElementById("on").click()}[event.key];
  if (act) { event.preventDefault(); act(); }
});

// page.html#frame=44 opens at that frame
const asked = /^#frame=(\d+)$/.exec(location.hash);
if (asked) goTo(Number(asked[1])); else show(0);
