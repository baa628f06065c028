"use strict";
// What the picture, the table, the masks and the scene share. No part of it fetches anything.
const report = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const SIDES = ["", "left", "right"];

// Differences of neighbours, all low bytes first, compressed by zlib; see _packing.py.
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = planes.length / packed.bytes;
  const Kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[packed.bytes];
  const out = new Kind(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    let step = 0;
    for (let k = packed.bytes - 1; k >= 0; k--) step = step * 256 + planes[k * count + i];
    out[i] = last + step; // wraps around as the type does
    last = out[i];
  }
  return out;
}

// Everything that is known of pixels: rows and columns count embedded pixels.
class Pixels {
  static async of(data) {
    const found = new Pixels();
    Object.assign(found, data);
    for (const name of ["labels", "sides"]) found[name] = await unpack(data[name]);
    found.counts = await unpack(data.distance);
    found.confidence = data.confidence ? await unpack(data.confidence) : null;
    return found;
  }

  // Where the full image has the middle of an embedded pixel.
  inImage(row, column) {
    const middle = Math.floor(this.step / 2);
    return [
      Math.min(row * this.step + middle, this.shape[0] - 1),
      Math.min(column * this.step + middle, this.shape[1] - 1),
    ];
  }

  // The point (x, y, z) in mm at which the ray of a pixel meets tissue, or null.
  point(row, column) {
    const { none, first_mm, quantum_mm } = report.pixels.distance;
    const count = this.counts[row * this.columns + column];
    if (count === none) return null;
    const { center_mm, axes, center_px, pixel_size_mm, camera_mm } = this.view;
    const [r, c] = this.inImage(row, column);
    const along = (c - center_px[1]) * pixel_size_mm[1];
    const down = (r - center_px[0]) * pixel_size_mm[0];
    const plane = center_mm.map((m, k) => m + along * axes[0][k] + down * axes[1][k]);
    const distance = first_mm + count * quantum_mm;
    if (!camera_mm) return plane.map((p, k) => p + distance * axes[2][k]);
    const ray = plane.map((p, k) => p - camera_mm[k]);
    const length = Math.hypot(...ray);
    return camera_mm.map((m, k) => m + (distance / length) * ray[k]);
  }

  // All there is to say of a pixel.
  at(row, column) {
    const index = row * this.columns + column;
    const [imageRow, imageColumn] = this.inImage(row, column);
    const said = { row: imageRow, column: imageColumn, label: this.labels[index], side: this.sides[index] };
    if (this.confidence) said.confidence = this.confidence[index] / 255;
    const point = this.point(row, column);
    if (!point) return said;
    const { box_mm, center_mm, axes } = this.view;
    said.ccf = [box_mm[1] - point[1], box_mm[2] - point[2], point[0]].map((mm) => 1000 * mm);
    said.depth = axes[2].reduce((sum, a, k) => sum + a * (point[k] - center_mm[k]), 0);
    if (this.bregma) {
      const off = point.map((p, k) => p - this.bregma.origin_mm[k]);
      said.stereotaxic = this.bregma.matrix.map((line) => line.reduce((sum, m, k) => sum + m * off[k], 0));
    }
    return said;
  }
}

const mm = (value) => (value < -0.0005 ? "−" : "") + Math.abs(value).toFixed(3);
const node = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const maskOf = (label, side) =>
  report.masks.findIndex((mask) => mask.label === label && mask.sides.includes(side)) + 1;

// What is said of a pixel, as lines: what it is, then numbers.
function describe(said, step) {
  const title = node("p", undefined, "what");
  if (said.label) {
    const [acronym, name] = report.regions[said.label - 1];
    const chip = node("i");
    const mask = maskOf(said.label, said.side);
    if (mask) chip.style.background = report.masks[mask - 1].color;
    title.append(chip, `${acronym} · ${name}${said.side ? `, ${SIDES[said.side]}` : ""}`);
  } else {
    title.append(said.side ? `No region asked for, ${SIDES[said.side]} side of the brain` : "Off the brain");
  }
  const about = step > 1 ? "≈ " : "";
  const lines = [`${about}row ${said.row}, column ${said.column}`];
  if (said.stereotaxic) {
    const [ml, ap, dv] = said.stereotaxic.map(mm);
    lines.push(`${about}ML ${ml}  AP ${ap}  DV ${dv} mm`);
  }
  if (said.ccf) {
    const [ap, dv, ml] = said.ccf.map((um) => um.toFixed(0));
    lines.push(`${about}${said.stereotaxic ? "CCF" : "Atlas"} ${ap}, ${dv}, ${ml} µm (AP, DV, ML)`);
    lines.push(`${about}${mm(said.depth)} mm below the image plane`);
  }
  if (said.confidence !== undefined) lines.push(`keeps its label in ${Math.round(100 * said.confidence)} % of poses`);
  return [title, ...lines.map((line) => node("p", line))];
}

// One region is chosen at a time, wherever it was chosen.
const chosen = {
  mask: 0,
  listeners: [],
  set(mask) {
    this.mask = mask === this.mask ? 0 : mask;
    const entry = report.masks[this.mask - 1];
    const uses = entry ? entry.sides.map((side) => `o${entry.label}-${side}`).filter(byId) : [];
    byId("chosen").replaceChildren(
      ...uses.map((id) => {
        const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
        use.setAttribute("href", `#${id}`);
        return use;
      }),
    );
    for (const marked of all("tr[data-mask], .tile")) {
      const is = Number(marked.dataset.mask) === this.mask;
      marked.classList.toggle("chosen", is);
      if (marked.matches(".tile")) marked.setAttribute("aria-pressed", is);
      else marked.querySelector("button").setAttribute("aria-pressed", is);
    }
    for (const listener of this.listeners) listener(entry ? entry.label : 0);
  },
};

function watchPicture(pixels) {
  const picture = byId("picture"), readout = byId("readout"), tooltip = byId("tooltip");
  const [rows, columns] = pixels.shape;
  const cursor = { row: Math.floor(pixels.rows / 2), column: Math.floor(pixels.columns / 2) };

  const inside = () => picture.querySelector("svg").getBoundingClientRect();
  const pixelAt = (event) => {
    const box = inside();
    const column = Math.floor((((event.clientX - box.left) / box.width) * columns) / pixels.step);
    const row = Math.floor((((event.clientY - box.top) / box.height) * rows) / pixels.step);
    return row < 0 || column < 0 || row >= pixels.rows || column >= pixels.columns ? null : { row, column };
  };
  const show = (place, event) => {
    Object.assign(cursor, place);
    const said = pixels.at(cursor.row, cursor.column);
    const step = pixels.step, lines = describe(said, step);
    readout.replaceChildren(lines[0], node("div", undefined, "values"));
    readout.lastChild.append(...lines.slice(1));
    byId("cursor").setAttribute("d", event && event.pointerType === "mouse" ? "" : mark(said, step));
    tooltip.hidden = !event || event.pointerType !== "mouse";
    if (tooltip.hidden) return said;
    tooltip.replaceChildren(...describe(said, step));
    const { offsetWidth: width, offsetHeight: height } = tooltip;
    const left = event.clientX + 16 + width > innerWidth - 4 ? event.clientX - 16 - width : event.clientX + 16;
    const top = event.clientY + 18 + height > innerHeight - 4 ? event.clientY - 14 - height : event.clientY + 18;
    tooltip.style.left = `${Math.max(4, left)}px`;
    tooltip.style.top = `${Math.max(4, top)}px`;
    return said;
  };
  // A cross around a pixel, as large on small images as on large ones.
  const mark = ({ row, column }, step) => {
    const near = step, far = Math.max(4 * step, Math.max(rows, columns) / 40);
    return `M${column} ${row - near}V${row - far}M${column} ${row + near}V${row + far}` +
      `M${column - near} ${row}H${column - far}M${column + near} ${row}H${column + far}`;
  };
  const select = (said) => chosen.set(said.label ? maskOf(said.label, said.side) : 0);

  picture.addEventListener("pointermove", (event) => {
    const place = pixelAt(event);
    if (place) show(place, event);
  });
  picture.addEventListener("pointerleave", () => (tooltip.hidden = true));
  // A click itself tells whole pixels of the page only.
  let pressed = null;
  picture.addEventListener("pointerdown", (event) => (pressed = event));
  picture.addEventListener("click", (event) => {
    const place = pixelAt(pressed || event);
    if (!place) return;
    const said = show(place, event);
    select(said);
  });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  picture.addEventListener("keydown", (event) => {
    if (event.key in moves) {
      const far = event.shiftKey ? 10 : 1, [down, along] = moves[event.key];
      const clamp = (value, end) => Math.max(0, Math.min(end - 1, value));
      show({
        row: clamp(cursor.row + far * down, pixels.rows),
        column: clamp(cursor.column + far * along, pixels.columns),
      });
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      select(show(cursor));
      event.preventDefault();
    } else if (event.key === "Escape") {
      byId("cursor").setAttribute("d", "");
      chosen.set(0);
    }
  });
  // Enlarged pixels are shown as they are; what is shrunk is smoothed.
  const fit = () =>
    picture.classList.toggle("sharp", (inside().width * devicePixelRatio) / pixels.columns > 1.5);
  new ResizeObserver(fit).observe(picture);
  picture.dataset.ready = "true";
}

function watchControls() {
  const picture = byId("picture"), opacity = byId("opacity");
  const fill = () => {
    picture.querySelector(".fills").style.opacity = opacity.value / 100;
    byId("opacity-value").textContent = `${opacity.value} %`;
  };
  opacity.addEventListener("input", fill);
  fill();
  for (const what of ["lines", "names"]) {
    const box = byId(`show-${what}`);
    const set = () => picture.classList.toggle(`without-${what}`, !box.checked);
    box.addEventListener("change", set);
    set();
  }
}

function watchTable() {
  const table = byId("regions"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const value = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  heads.forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () => {
      const isNumber = head.dataset.kind === "number";
      const before = head.getAttribute("aria-sort");
      const falling = before === "none" ? isNumber : before === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const order = (a, b) => (isNumber ? a - b : a.localeCompare(b, "en", { numeric: true }));
      const rows = [...body.rows].sort((a, b) => order(value(a, place), value(b, place)) * (falling ? -1 : 1));
      body.append(...rows);
    });
  });
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-mask]");
    if (row) chosen.set(Number(row.dataset.mask));
  });
  byId("find").addEventListener("input", (event) => {
    const words = event.target.value.trim().toLowerCase();
    for (const row of body.rows) {
      const text = `${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
      row.hidden = !text.includes(words);
    }
  });
  for (const tile of all(".tile")) tile.addEventListener("click", () => chosen.set(Number(tile.dataset.mask)));
}

function watchCopies() {
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = byId(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source); // then Ctrl-C does it
        button.textContent = "Selected";
      }
    });
  }
}

async function start() {
  watchControls();
  watchTable();
  watchCopies();
  if (typeof DecompressionStream === "undefined") {
    byId("readout").replaceChildren(node("p", "Pointing at pixels needs a browser of 2023 or later."));
    byId("space").hidden = true;
    return;
  }
  const pixels = await Pixels.of(report.pixels);
  watchPicture(pixels);
  await startScene(pixels);
}
