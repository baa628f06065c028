// The brain, drawn without a graphics card: triangles into a buffer of depths. It is a picture of
// a few hundred thousand pixels at most, which any processor draws in some milliseconds, looks the
// same in every browser, and prints.
class Mesh {
  static async of(data, box_mm) {
    const mesh = new Mesh();
    const counts = await unpack(data.vertices), corners = await unpack(data.faces);
    const n = data.count, m = corners.length / 3;
    mesh.points = new Float32Array(3 * n);
    for (let k = 0; k < 3; k++) {
      for (let i = 0; i < n; i++) mesh.points[3 * i + k] = (counts[k * n + i] / 65535) * box_mm[k];
    }
    mesh.faces = new Uint32Array(3 * m);
    for (let k = 0; k < 3; k++) for (let i = 0; i < m; i++) mesh.faces[3 * i + k] = corners[k * m + i];
    mesh.finish();
    return mesh;
  }

  // Normals of the vertices: sums over their triangles, which weighs these by area.
  finish() {
    const { points, faces } = this;
    const normals = (this.normals = new Float32Array(points.length));
    for (let f = 0; f < faces.length; f += 3) {
      const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
      const ux = points[b] - points[a], uy = points[b + 1] - points[a + 1], uz = points[b + 2] - points[a + 2];
      const vx = points[c] - points[a], vy = points[c + 1] - points[a + 1], vz = points[c + 2] - points[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      for (const v of [a, b, c]) {
        normals[v] += nx;
        normals[v + 1] += ny;
        normals[v + 2] += nz;
      }
    }
    for (let i = 0; i < normals.length; i += 3) {
      const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
      for (let k = 0; k < 3; k++) normals[i + k] /= length;
    }
    this.screen = new Float32Array(points.length); // column, row, nearness
    this.light = new Float32Array(points.length / 3);
  }

  // axes: rows are right, down and towards the eye, in the atlas frame.
  project(axes, middle, scale, width, height) {
    const { points, normals, screen, light } = this;
    for (let i = 0, j = 0; i < points.length; i += 3, j++) {
      const x = points[i] - middle[0], y = points[i + 1] - middle[1], z = points[i + 2] - middle[2];
      screen[i] = width / 2 + scale * (axes[0][0] * x + axes[0][1] * y + axes[0][2] * z);
      screen[i + 1] = height / 2 + scale * (axes[1][0] * x + axes[1][1] * y + axes[1][2] * z);
      screen[i + 2] = axes[2][0] * x + axes[2][1] * y + axes[2][2] * z;
      light[j] = axes[2][0] * normals[i] + axes[2][1] * normals[i + 1] + axes[2][2] * normals[i + 2];
    }
  }
}

// The surface that the image sees, as a mesh over the embedded pixels.
function surfaceMesh(pixels) {
  const step = Math.max(1, Math.ceil(Math.max(pixels.rows, pixels.columns) / 160));
  const rows = Math.floor((pixels.rows - 1) / step) + 1, columns = Math.floor((pixels.columns - 1) / step) + 1;
  const mesh = new Mesh(), places = [], points = [];
  const index = new Int32Array(rows * columns).fill(-1);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const point = pixels.point(r * step, c * step);
      if (!point) continue;
      index[r * columns + c] = points.length;
      points.push(point);
      places.push(r * step + 0.5, c * step + 0.5);
    }
  }
  const faces = [], far = 6 * step * pixels.step * Math.max(...pixels.view.pixel_size_mm);
  const apart = (a, b) => Math.hypot(...points[a].map((p, k) => p - points[b][k])) > far;
  const add = (a, b, c) => {
    if (a < 0 || b < 0 || c < 0 || apart(a, b) || apart(b, c) || apart(c, a)) return;
    faces.push(a, b, c);
  };
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const i = r * columns + c;
      add(index[i], index[i + 1], index[i + columns]);
      add(index[i + 1], index[i + columns + 1], index[i + columns]);
    }
  }
  mesh.points = Float32Array.from(points.flat());
  mesh.faces = Uint32Array.from(faces);
  mesh.places = Float32Array.from(places);
  mesh.finish();
  return mesh;
}

async function photoOf(pixels) {
  const picture = new Image();
  picture.src = byId("photo").getAttribute("href");
  await picture.decode();
  const canvas = node("canvas");
  [canvas.width, canvas.height] = [pixels.columns, pixels.rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, pixels.columns, pixels.rows);
  return context.getImageData(0, 0, pixels.columns, pixels.rows).data;
}

class Scene {
  constructor(canvas, pixels, photo, parts, shell) {
    Object.assign(this, { canvas, pixels, photo, parts, shell });
    this.surface = surfaceMesh(pixels);
    this.image = "surface";
    this.opacity = 0.35;
    this.chosen = 0;
    this.zoom = 1;
    this.box = report.scene.box_mm;
    this.middle = this.middleOf();
    this.look("start");
    // The corners of the image in its plane.
    const { center_mm, axes, pixel_size_mm } = pixels.view;
    const [rows, columns] = pixels.shape;
    this.plane = [[-1, -1], [-1, 1], [1, 1], [1, -1]].map(([down, along]) =>
      center_mm.map((m, k) =>
        m + (along * columns * pixel_size_mm[1] * axes[0][k] + down * rows * pixel_size_mm[0] * axes[1][k]) / 2));
  }

  middleOf() {
    const meshes = this.shell ? [this.shell] : this.parts.map((part) => part.mesh);
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (const { points } of meshes) {
      for (let i = 0; i < points.length; i++) {
        low[i % 3] = Math.min(low[i % 3], points[i]);
        high[i % 3] = Math.max(high[i % 3], points[i]);
      }
    }
    if (!meshes.length) return this.box.map((side) => side / 2);
    this.size = Math.hypot(...high.map((h, k) => h - low[k]));
    return high.map((h, k) => (h + low[k]) / 2);
  }

  // What lies to the right, down and towards the eye. Azimuth counts from behind the animal, to
  // its right; height from the horizon.
  look(from) {
    const { axes, center_mm } = this.pixels.view;
    const side = center_mm[0] - this.middle[0];
    const start = [Math.abs(side) < 0.5 ? -20 : Math.sign(side) * 35, 52];
    const views = { start, top: [0, 90], left: [-90, 0], right: [90, 0], front: [180, 0] };
    this.zoom = 1;
    if (from === "image") {
      this.axes = [axes[0], axes[1], axes[2].map((a) => -a)];
      return;
    }
    const [a, h] = views[from].map((degrees) => (degrees * Math.PI) / 180);
    const [sin, cos] = [Math.sin(h), Math.cos(h)];
    this.axes = [
      [Math.cos(a), Math.sin(a), 0],
      [Math.sin(a) * sin, -Math.cos(a) * sin, -cos],
      [Math.sin(a) * cos, -Math.cos(a) * cos, sin],
    ];
  }

  // Turns what is seen: by one angle about the upright of the screen, by another about its level.
  turn(along, down) {
    const [right, below, eye] = this.axes;
    const mix = (a, b, degrees) => {
      const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
      return [a.map((v, k) => cos * v + sin * b[k]), a.map((v, k) => cos * b[k] - sin * v)];
    };
    const [newRight, newEye] = mix(right, eye, along);
    const [newBelow, newerEye] = mix(below, newEye, down);
    this.axes = [newRight, newBelow, newerEye];
  }

  draw(quick) {
    const { canvas } = this;
    const box = canvas.getBoundingClientRect();
    if (!box.width) return;
    const ratio = Math.min(devicePixelRatio || 1, 2, 1300 / box.width) * (quick ? 0.5 : 1);
    const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const frame = { width, height, axes: this.axes };
    frame.scale = (this.zoom * 0.98 * Math.min(width * 0.8, height)) / (0.78 * this.size || 1);
    frame.depth = new Float32Array(width * height).fill(-Infinity);
    frame.color = new Float32Array(3 * width * height);
    for (const part of this.parts) this.drawPart(frame, part);
    if (this.image === "surface") this.drawSurface(frame);
    frame.plane = this.image === "plane" ? this.planeLayer(frame) : null;
    frame.shell = this.shell && this.opacity > 0 ? this.shellLayer(frame) : null;
    const context = canvas.getContext("2d");
    context.putImageData(this.blend(frame), 0, 0);
    this.drawCompass(context, frame, ratio);
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
  }

  project(mesh, { axes, scale, width, height }) {
    mesh.project(axes, this.middle, scale, width, height);
  }

  drawPart(frame, { mesh, rgb, label }) {
    const { depth, color } = frame;
    const faded = this.chosen && this.chosen !== label ? 0.45 : 1;
    const shade = rgb.map((c) => (faded < 1 ? 0.5 * c + 90 : c));
    this.project(mesh, frame);
    fillTriangles(mesh, frame, 0, (at, light, near) => {
      depth[at] = near;
      const bright = 0.42 + 0.58 * Math.abs(light);
      for (let k = 0; k < 3; k++) color[3 * at + k] = shade[k] * bright;
    });
  }

  drawSurface(frame) {
    const { depth, color } = frame, { photo, pixels, surface } = this;
    this.project(surface, frame);
    // Regions are smoothed, the surface is not: it is lifted so that it lies on them.
    fillTriangles(surface, frame, 0.12, (at, light, near, face, wa, wb, wc) => {
      depth[at] = near;
      const [a, b, c] = [surface.faces[face], surface.faces[face + 1], surface.faces[face + 2]];
      const row = Math.floor(wa * surface.places[2 * a] + wb * surface.places[2 * b] + wc * surface.places[2 * c]);
      const column = Math.floor(
        wa * surface.places[2 * a + 1] + wb * surface.places[2 * b + 1] + wc * surface.places[2 * c + 1]);
      const i = Math.min(pixels.rows - 1, row) * pixels.columns + Math.min(pixels.columns - 1, column);
      this.tint(color, at, i);
    });
  }

  // The image with a little of the region's colour.
  tint(color, at, i) {
    const label = this.pixels.labels[i], rgb = this.colorOf[label];
    const share = !rgb ? 0 : this.chosen === label ? 0.6 : 0.25;
    for (let k = 0; k < 3; k++) {
      color[3 * at + k] = (1 - share) * this.photo[4 * i + k] + (rgb ? share * rgb[k] : 0);
    }
  }

  planeLayer(frame) {
    const { axes, scale, width, height } = frame;
    const [origin, across, , below] = this.plane.map((point) =>
      axes.map((axis) => axis.reduce((sum, a, k) => sum + a * (point[k] - this.middle[k]), 0)));
    const u = across.map((value, k) => value - origin[k]), v = below.map((value, k) => value - origin[k]);
    const area = u[0] * v[1] - u[1] * v[0];
    const depth = new Float32Array(width * height).fill(-Infinity), color = new Float32Array(3 * width * height);
    if (Math.abs(area) < 1e-6) return { depth, color };
    const { rows, columns } = this.pixels;
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const px = (x + 0.5 - width / 2) / scale - origin[0], py = (y + 0.5 - height / 2) / scale - origin[1];
        const along = (px * v[1] - py * v[0]) / area, down = (u[0] * py - u[1] * px) / area;
        if (along < 0 || along >= 1 || down < 0 || down >= 1) continue;
        depth[at] = origin[2] + along * u[2] + down * v[2];
        this.tint(color, at, Math.floor(down * rows) * columns + Math.floor(along * columns));
      }
    }
    return { depth, color, alpha: 0.9 };
  }

  // Only how near and how steep the outside of the brain is: its rim is opaque, its middle is not.
  shellLayer(frame) {
    const { width, height } = frame;
    const depth = new Float32Array(width * height).fill(-Infinity), steep = new Float32Array(width * height);
    this.project(this.shell, frame);
    fillTriangles(this.shell, { ...frame, depth }, 0, (at, light, near) => {
      depth[at] = near;
      steep[at] = 1 - Math.abs(light);
    });
    return { depth, steep };
  }

  blend({ width, height, depth, color, plane, shell }) {
    const out = new ImageData(width, height), data = out.data;
    for (let at = 0; at < width * height; at++) {
      let red = 0, green = 0, blue = 0, alpha = 0;
      if (depth[at] > -Infinity) [red, green, blue, alpha] = [color[3 * at], color[3 * at + 1], color[3 * at + 2], 1];
      const over = (r, g, b, a) => {
        const total = a + alpha * (1 - a);
        if (!total) return;
        red = (r * a + red * alpha * (1 - a)) / total;
        green = (g * a + green * alpha * (1 - a)) / total;
        blue = (b * a + blue * alpha * (1 - a)) / total;
        alpha = total;
      };
      const putPlane = () => {
        if (plane && plane.depth[at] > depth[at]) over(plane.color[3 * at], plane.color[3 * at + 1], plane.color[3 * at + 2], plane.alpha);
      };
      const putShell = () => {
        if (!shell || !(shell.depth[at] > depth[at] - 0.05)) return;
        const s = shell.steep[at], a = Math.min(1, this.opacity * (0.25 + 1.5 * s * s));
        const grey = 205 - 95 * s;
        over(grey, grey, grey + 6, a);
      };
      if (plane && shell && plane.depth[at] > shell.depth[at]) { putShell(); putPlane(); }
      else { putPlane(); putShell(); }
      data[4 * at] = red;
      data[4 * at + 1] = green;
      data[4 * at + 2] = blue;
      data[4 * at + 3] = 255 * alpha;
    }
    return out;
  }

  drawCompass(context, { axes, width, height }, ratio) {
    const length = 26 * ratio, [x, y] = [46 * ratio, height - 46 * ratio];
    context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = context.strokeStyle = getComputedStyle(this.canvas).color;
    context.lineWidth = 1.5 * ratio;
    ["right", "anterior", "up"].forEach((name, k) => {
      const along = axes[0][k] * length, down = axes[1][k] * length;
      if (Math.hypot(along, down) < 0.25 * length) return;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + along, y + down);
      context.stroke();
      const far = 1 + (11 * ratio) / Math.hypot(along, down);
      context.fillText(name[0].toUpperCase(), x + along * far, y + down * far);
    });
  }
}

// Calls put(pixel, light, nearness, face, weights...) for pixels that are nearer than what is there.
function fillTriangles({ faces, screen, light }, { width, height, depth }, lift, put) {
  for (let f = 0; f < faces.length; f += 3) {
    const a = faces[f], b = faces[f + 1], c = faces[f + 2];
    const ax = screen[3 * a], ay = screen[3 * a + 1], bx = screen[3 * b], by = screen[3 * b + 1];
    const cx = screen[3 * c], cy = screen[3 * c + 1];
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (Math.abs(area) < 1e-9) continue;
    const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5)), right = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
    const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5)), bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
    const az = screen[3 * a + 2] + lift, bz = screen[3 * b + 2] + lift, cz = screen[3 * c + 2] + lift;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5, py = y + 0.5;
        const wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area;
        const wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area;
        const wc = 1 - wa - wb;
        if (wa < -1e-6 || wb < -1e-6 || wc < -1e-6) continue;
        const near = wa * az + wb * bz + wc * cz, at = y * width + x;
        if (near > depth[at]) put(at, wa * light[a] + wb * light[b] + wc * light[c], near, f, wa, wb, wc);
      }
    }
  }
}

function watchScene(scene) {
  const { canvas } = scene;
  let waiting = false, settled = 0;
  const draw = (quick) => {
    if (quick) {
      clearTimeout(settled);
      settled = setTimeout(() => draw(false), 160);
    }
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      scene.draw(quick);
    });
  };
  const turn = (along, down) => {
    scene.turn(along, down);
    draw(true);
  };
  const zoom = (factor) => {
    scene.zoom = Math.max(0.5, Math.min(8, scene.zoom * factor));
    draw(true);
  };
  const held = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const others = [...held.values()].filter((other) => other.pointerId !== event.pointerId);
    if (others.length) {
      const apart = (e) => Math.hypot(e.clientX - others[0].clientX, e.clientY - others[0].clientY);
      zoom(apart(event) / Math.max(1, apart(before)));
    } else turn(0.5 * (event.clientX - before.clientX), 0.5 * (event.clientY - before.clientY));
    held.set(event.pointerId, event);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => held.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-0.0015 * event.deltaY));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => turn(-10, 0), ArrowRight: () => turn(10, 0), ArrowUp: () => turn(0, -10), ArrowDown: () => turn(0, 10),
    "+": () => zoom(1.2), "-": () => zoom(1 / 1.2),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
  });
  byId("scene-image").addEventListener("change", (event) => {
    scene.image = event.target.value;
    draw(false);
  });
  byId("scene-shell").addEventListener("input", (event) => {
    scene.opacity = event.target.value / 100;
    draw(true);
  });
  for (const button of all("[data-turn]")) {
    button.addEventListener("click", () => {
      scene.look(button.dataset.turn);
      draw(false);
    });
  }
  chosen.listeners.push((label) => {
    scene.chosen = label;
    draw(false);
  });
  new ResizeObserver(() => draw(false)).observe(canvas);
  addEventListener("beforeprint", () => {
    byId("masks-box").open = true;
    scene.draw(false);
  });
  draw(false);
}

async function startScene(pixels) {
  const { box_mm, parts, shell } = report.scene;
  const rgbOf = (color) => [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
  const meshes = [];
  for (const part of parts) {
    meshes.push({ label: part.label, rgb: rgbOf(part.color), mesh: await Mesh.of(part, box_mm) });
  }
  const scene = new Scene(
    byId("scene"), pixels, await photoOf(pixels), meshes, shell ? await Mesh.of(shell, box_mm) : null);
  scene.colorOf = {};
  for (const mask of report.masks) scene.colorOf[mask.label] = rgbOf(mask.color);
  watchScene(scene);
}

start();
