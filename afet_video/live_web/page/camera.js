// The browser's camera: its pictures, each with the time at which it was taken.
// in: a <video> -> out: onFrame(captureMs), onLost(text).  Must not: know the server.

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const STALL_MS = 2500;

const REASONS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar or the browser’s settings, then start again.",
  SecurityError: "The browser was not allowed to use the camera. Allow it in the browser’s settings, then start again.",
  NotFoundError: "No camera was found. Plug one in, then start again.",
  OverconstrainedError: "That camera is not there any more. Choose another one, then start again.",
  NotReadableError: "The camera cannot be opened. Close other programs that use it, then start again.",
  AbortError: "The camera cannot be opened. Plug it in anew, then start again.",
};

export class CameraError extends Error {}

export class Camera {
  constructor(video, { onFrame, onLost, onStall }) {
    this.video = video;
    this.onFrame = onFrame;
    this.onLost = onLost;
    this.onStall = onStall;
    this.stream = null;
    this.lastFrameMs = 0;
    setInterval(() => this.#watch(), 500);
  }

  get isOn() {
    return this.stream !== null;
  }

  /** Open a camera ("" = the browser's choice); CameraError says in one line why not. */
  async start(deviceId) {
    this.stop();
    if (!navigator.mediaDevices) {
      throw new CameraError("This browser opens a camera only for pages of its own computer (127.0.0.1) or over https.");
    }
    const video = deviceId ? { ...WANTED, deviceId: { exact: deviceId } } : WANTED;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch (error) {
      this.stop();
      throw new CameraError(REASONS[error.name] ?? `The camera cannot be opened (${error.name}: ${error.message}).`);
    }
    const stream = this.stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.stream === stream) {
        this.stop();
        this.onLost("The camera is gone. Plug it in, then start again.");
      }
    });
    this.lastFrameMs = performance.now();
    this.#next(stream);
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Cameras by id; they have names only once the user has allowed one. */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  }

  #next(stream) {
    const taken = (now, metadata) => {
      if (this.stream !== stream) return;
      this.#next(stream);
      this.lastFrameMs = performance.now();
      // A browser that does not know when the camera took a frame knows when it got it.
      this.onFrame(metadata?.captureTime ?? now);
    };
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback(taken);
      return;
    }
    const before = this.video.currentTime;
    const look = (now) => {
      if (this.stream !== stream) return;
      if (this.video.currentTime === before) requestAnimationFrame(look);
      else taken(now);
    };
    requestAnimationFrame(look);
  }

  #watch() {
    const isHidden = document.visibilityState === "hidden"; // browsers then give no frames
    if (isHidden) this.lastFrameMs = performance.now();
    else if (this.isOn && performance.now() - this.lastFrameMs > STALL_MS) this.onStall();
  }
}
