/**
 * Take a photo with the visitor's camera, in a dialog with the moving picture and a shutter. Phones
 * have a better camera app of their own, which a file input opens: see `isHandheld`.
 */

import { el, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";

/** Failures in words, by the name of the error. @type {Object<string, string>} */
const REASONS = {
  NotAllowedError: t("The browser did not let this page use the camera: allow it, and try again."),
  NotFoundError: t("There is no camera on this computer."),
  NotReadableError: t("The camera is used by another program: close that, and try again."),
};

/** Find out whether there is a camera that a page may ask for. @returns {Promise<boolean>} */
export async function hasCamera() {
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.some(({ kind }) => kind === "videoinput");
  } catch {
    return false; // an insecure page, or a frame without the permission
  }
}

/** Return whether the visitor points by finger: then `capture` opens the camera's own app. */
export const isHandheld = () => matchMedia("(pointer: coarse) and (hover: none)").matches;

/**
 * @param {(file: File) => void} take
 * @returns {{node: HTMLDialogElement, open(): Promise<void>}}
 */
export function createCamera(take) {
  const video = el("video", { playsinline: true, muted: true, autoplay: true });
  const status = el("p.quiet", { role: "status" });
  const shutter = el("button.main-button", { onclick: shoot }, t("take the photo"));
  const node = el(
    "dialog.camera",
    { "aria-label": t("Take a photo"), onclose: stop },
    video,
    status,
    el("div.row", {}, shutter, el("button.small", { onclick: cancel }, t("cancel"))),
  );
  /** @type {MediaStream|null} */
  let stream = null;
  /** Counts what was asked of the browser, whose answer may come when the visitor has asked anew. */
  let turn = 0;

  function cancel() {
    node.close();
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
  }

  async function open() {
    const mine = ++turn;
    shutter.disabled = true;
    setText(status, t("Waiting for the camera ..."));
    node.showModal();
    try {
      const found = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } },
      });
      if (!node.open || mine !== turn) {
        for (const track of found.getTracks()) track.stop();
        return;
      }
      stream = found;
      video.srcObject = stream;
      await video.play();
      shutter.disabled = false;
      setText(status, "");
      shutter.focus();
    } catch (error) {
      if (mine !== turn) return;
      setText(
        status,
        REASONS[error.name] ?? t("The camera did not start: {why}", { why: error.message }),
      );
    }
  }

  function shoot() {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    node.close();
    // PNG: JPEG would change the pixels before the network sees them.
    canvas.toBlob(
      (blob) => take(new File([blob], "photo.png", { type: "image/png" })),
      "image/png",
    );
  }

  return { node, open };
}
