// The two pictures and what is drawn on them.
// in: a frame and its answer -> out: pixels on canvases.  Must not: change a frame.

const LANDMARK = "rgb(80 230 120)";
const MIDLINE = "rgb(255 200 60)";

function context(id) {
  return document.getElementById(id).getContext("2d");
}

export class View {
  constructor() {
    this.source = context("source");
    this.result = context("result");
    this.marks = { source: context("source-marks"), result: context("result-marks") };
  }

  /** Show a frame (ImageData), and the same with `patch` (RGBA) in the box that the answer names. */
  show(image, about, patch) {
    this.#fit(image.width, image.height);
    this.source.putImageData(image, 0, 0);
    this.result.putImageData(image, 0, 0);
    if (about.box) {
      const [x0, y0, x1, y1] = about.box;
      this.result.putImageData(new ImageData(patch, x1 - x0, y1 - y0), x0, y0);
    }
    for (const name of ["source", "result"]) this.#mark(this.marks[name], about.points, name);
  }

  #fit(width, height) {
    for (const { canvas } of [this.source, this.result, this.marks.source, this.marks.result]) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    }
  }

  #mark(marks, points, name) {
    marks.clearRect(0, 0, marks.canvas.width, marks.canvas.height);
    if (!points) return;
    marks.fillStyle = LANDMARK;
    for (let i = 0; i < points[name].length; i += 2) marks.fillRect(points[name][i] - 1, points[name][i + 1] - 1, 2, 2);
    marks.strokeStyle = MIDLINE;
    marks.lineWidth = 1.5;
    marks.beginPath();
    for (let i = 0; i < points.midline.length; i += 2) marks.lineTo(points.midline[i], points.midline[i + 1]);
    marks.stroke();
  }
}
