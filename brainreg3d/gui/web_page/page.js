// Sends what mouse and keyboard do to brainreg3d; what they mean is decided there.
(() => {
  "use strict";

  const NOTCH = 120; // what browsers report for one notch of a wheel, or about that
  const LEAST_NOTCH = 40; // less in one event comes from a touchpad
  const BUTTONS = ["Left", "Middle", "Right"];
  const LATEST_COUNTS = ["move", "size", "opacity"];
  // Keys that the browser keeps unless a landmark is being picked.
  const ONLY_FOR_LANDMARKS = ["Tab", "Backspace"];

  const queue = [];
  let busy = false;
  let held = null; // the button that holds the image, and the pointer it belongs to
  let turned = 0; // of a touchpad, not yet a notch

  const view = () => document.getElementById("brainreg3d-view");
  const flags = () => window.trame?.state?.get("flags") ?? {};

  // trame's own page writes "Loading…" here whenever that comes; late, it would wipe out ours.
  const app = document.getElementById("app");
  app.replaceChildren();
  Object.defineProperty(app, "innerHTML", { set() {} });

  // One message is under way at a time. Meanwhile a new position replaces an old one, so that
  // the picture never trails behind the pointer, however slow the network.
  function send(message) {
    const last = queue[queue.length - 1];
    const replaces = last?.kind === message.kind && LATEST_COUNTS.includes(last.kind);
    if (replaces) queue[queue.length - 1] = message;
    else queue.push(message);
    pump();
  }

  async function pump() {
    if (busy) return;
    busy = true;
    try {
      while (queue.length) await window.trame.trigger("event", [queue.shift()]);
    } catch {
      queue.length = 0; // the connection is gone; the page says so
    } finally {
      busy = false;
    }
  }

  function at(event) {
    const box = view().getBoundingClientRect();
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
      shift: event.shiftKey,
      ctrl: event.ctrlKey || event.metaKey,
    };
  }

  function pointer(event) {
    if (event.type === "pointerdown") {
      if (held || event.button > 2) return;
      event.preventDefault();
      view().focus({ preventScroll: true });
      view().setPointerCapture(event.pointerId);
      held = { button: BUTTONS[event.button], id: event.pointerId };
      send({ kind: "press", button: held.button, ...at(event) });
    } else if (held && event.pointerId === held.id) {
      if (event.type === "pointermove") send({ kind: "move", ...at(event) });
      else {
        send({ kind: "release", button: held.button, ...at(event) });
        held = null;
      }
    }
  }

  function wheel(event) {
    const unit = event.deltaMode === 0 ? 1 : event.deltaMode === 1 ? NOTCH / 3 : NOTCH;
    const way = -event.deltaY * unit;
    let steps = 0;
    if (Math.abs(way) >= LEAST_NOTCH) {
      steps = Math.sign(way) * Math.max(1, Math.round(Math.abs(way) / NOTCH));
    } else {
      turned += way;
      steps = Math.trunc(turned / LEAST_NOTCH);
      turned -= steps * LEAST_NOTCH;
    }
    if (steps) send({ kind: "wheel", steps, ...at(event) });
  }

  function key(event) {
    if (!view() || event.altKey) return;
    let name = event.key;
    if (event.ctrlKey || event.metaKey) {
      // What every editor calls undo and redo; all else is the browser's.
      const wish = name.toLowerCase();
      if (wish === "z") name = event.shiftKey ? "y" : "z";
      else if (wish === "y") name = "y";
      else return;
      event.preventDefault();
      send({ kind: "key", key: name, shift: false });
      return;
    }
    const target = event.target;
    if (target.matches?.("input")) {
      if (name.startsWith("Arrow") || name === "Tab") return;
    } else if (target.matches?.("button:focus-visible") && ["Enter", " "].includes(name)) {
      return; // somebody walks through the buttons with Tab
    }
    const landmarks = flags().landmarks;
    if (ONLY_FOR_LANDMARKS.includes(name) && !landmarks) return;
    if (name.length > 1 && !taken.has(name)) return;
    event.preventDefault();
    if (event.repeat && (busy || queue.length)) return; // steps must not pile up
    send({ kind: "key", key: name, shift: event.shiftKey });
  }

  const taken = new Set([
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Enter", "Escape",
    ...ONLY_FOR_LANDMARKS,
  ]);

  function press(event, name) {
    if (event.detail > 0) event.currentTarget.blur(); // clicked: keys go to the image again
    if (name.startsWith("zoom")) {
      send({ kind: "wheel", steps: name === "zoom+" ? 1 : -1, x: 0.5, y: 0.5, ctrl: true });
    } else {
      send({ kind: "key", key: name, shift: event.shiftKey });
    }
  }

  function fade(event) {
    send({ kind: "opacity", value: Number(event.target.value) });
  }

  function shown() {
    window.trame.trigger("shown").catch(() => {});
  }

  function size() {
    const box = view().getBoundingClientRect();
    send({ kind: "size", width: box.width, height: box.height, ratio: window.devicePixelRatio });
  }

  let watched = null;
  const sizes = new ResizeObserver(() => watched && size());
  new MutationObserver(() => {
    if (view() === watched) return;
    sizes.disconnect();
    held = null;
    watched = view();
    if (watched) {
      sizes.observe(watched);
      watched.focus({ preventScroll: true });
    }
  }).observe(document.body, { childList: true, subtree: true });

  document.addEventListener("keydown", key);
  window.brainreg3d = { pointer, wheel, press, fade, shown };
})();
