// One item after the other, an answer each, a file in the end. Nothing leaves this computer.
"use strict";

const byId = (id) => document.getElementById(id);
const items = STUDY.items;
const memory = "afet-study-" + STUDY.study;
const WORDS = {real: "real", generated: "generated"};

const state = {rater: "", started: null, at: 0, answers: {}};
let shownAt = 0;

// Answers are kept in the browser, so that a closed window loses none; where that is forbidden, they live in the page.
function recall() {
  try {
    Object.assign(state, JSON.parse(localStorage.getItem(memory) || "{}"));
  } catch { /* no memory, or one that is not ours */ }
  state.at = Math.min(Math.max(Number(state.at) || 0, 0), items.length - 1);
}
function remember() {
  try { localStorage.setItem(memory, JSON.stringify(state)); } catch { /* see recall */ }
}

function show(id) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== id;
}

const answered = () => items.filter((one) => state.answers[one.item]).length;

function picture(one) {
  const made = document.createElement(one.kind === "clip" ? "video" : "img");
  if (one.kind === "clip") {
    Object.assign(made, {controls: true, loop: true, muted: true, autoplay: true, playsInline: true});
    made.setAttribute("aria-label", "Clip " + (state.at + 1));
  } else {
    made.alt = "Picture " + (state.at + 1);
  }
  made.addEventListener("error", () => {
    const words = document.createElement("p");
    words.textContent = "This item cannot be shown (" + one.file + " is missing or damaged). Please tell whoever gave you this page.";
    byId("stage").replaceChildren(words);
  });
  made.src = one.file;
  return made;
}

function showItem() {
  const one = items[state.at];
  byId("stage").replaceChildren(picture(one));
  const given = state.answers[one.item];
  for (const answer of Object.keys(WORDS)) {
    byId(answer).setAttribute("aria-pressed", String(given?.answer === answer));
  }
  const count = answered();
  byId("bar").setAttribute("aria-valuemax", items.length);
  byId("bar").setAttribute("aria-valuenow", count);
  byId("done").style.width = 100 * count / items.length + "%";
  byId("place").textContent = (state.at + 1) + " of " + items.length;
  byId("said").textContent = "Item " + (state.at + 1) + " of " + items.length + (given ? ", answered: " + given.answer : "");
  byId("back").disabled = state.at === 0;
  byId("next").disabled = !given;
  shownAt = performance.now();
  show("task");
}

function answer(word) {
  const one = items[state.at];
  const before = state.answers[one.item]?.ms || 0;
  state.answers[one.item] = {answer: word, ms: Math.round(before + performance.now() - shownAt)};
  remember();
  go(1);
}

function go(step) {
  if (step > 0 && !state.answers[items[state.at].item]) return;
  if (state.at + step >= items.length) return finish();
  state.at = Math.max(state.at + step, 0);
  remember();
  showItem();
}

function finish() {
  const missing = items.findIndex((one) => !state.answers[one.item]);
  if (missing >= 0) {
    state.at = missing;
    return showItem();
  }
  byId("stage").replaceChildren();
  byId("summary").textContent = "All " + items.length + " items are answered.";
  byId("saved").textContent = "";
  show("end");
  byId("save").focus();
}

function save() {
  const decisions = items.map((one) => ({item: one.item, ...state.answers[one.item]}));
  const whole = {
    schema_version: 1, study: STUDY.study, rater: state.rater,
    started: state.started, saved: new Date().toISOString(), decisions,
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 1) + "\n"], {type: "application/json"}));
  link.download = "decisions-" + state.rater.replace(/[^\p{L}\p{N}_-]+/gu, "_") + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  byId("saved").textContent = "Saved as " + link.download + ", where your browser keeps downloads.";
}

function begin(event) {
  event.preventDefault();
  const name = byId("rater").value.trim();
  if (!name) return;
  if (state.rater && state.rater !== name) Object.assign(state, {started: null, at: 0, answers: {}});
  state.rater = name;
  state.started ||= new Date().toISOString();
  remember();
  showItem();
  byId("stage").focus();  // not one of the answers: it must not look chosen
}

const KEYS = {
  "1": () => answer("real"), r: () => answer("real"),
  "2": () => answer("generated"), g: () => answer("generated"),
  arrowleft: () => go(-1), backspace: () => go(-1), arrowright: () => go(1),
};

function pressed(event) {
  if (byId("task").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target instanceof HTMLVideoElement && event.key.startsWith("Arrow")) return;  // the clip's own keys
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

recall();
byId("count").textContent = items.length + (items.length === 1 ? " item" : " items");
byId("rater").value = state.rater;
byId("resumed").hidden = answered() === 0;
byId("begin").addEventListener("submit", begin);
byId("real").addEventListener("click", () => answer("real"));
byId("generated").addEventListener("click", () => answer("generated"));
byId("back").addEventListener("click", () => go(-1));
byId("next").addEventListener("click", () => go(1));
byId("save").addEventListener("click", save);
byId("again").addEventListener("click", showItem);
document.addEventListener("keydown", pressed);
show("start");
