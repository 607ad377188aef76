"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const part = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const floats = (text) => new Float32Array(bytes(text).buffer);

const points = floats(data.points); // (n, 2)
const codes = floats(data.codes); // (n, n_codes)
const nRows = points.length / 2;
const nCodes = codes.length / nRows;
const { picture, columns, sliders, colours } = data;
const isLive = Boolean(data.layers);
const slots = sliders ? ["x", "G(E(x))", "G(z)"] : ["x"];
let row = 0; // shown
let z = sliders ? [...sliders.start] : []; // of the sliders

// The generator

const LAYERS = {
  linear({ weight, bias }) {
    const w = floats(weight);
    const b = floats(bias);
    return (x) =>
      Float64Array.from(b, (sum, i) => {
        for (let j = 0, at = i * x.length; j < x.length; j++) sum += w[at + j] * x[j];
        return sum;
      });
  },
  scale({ factor, shift }) {
    const f = floats(factor);
    const s = floats(shift);
    return (x) => x.map((value, i) => value * f[i] + s[i]);
  },
  leaky_relu: ({ slope }) => (x) => x.map((value) => (value > 0 ? value : slope * value)),
  tanh: () => (x) => x.map(Math.tanh),
  sigmoid: () => (x) => x.map((value) => 1 / (1 + Math.exp(-value))),
};
const layers = (data.layers || []).map((layer) => LAYERS[layer.kind](layer));
const generate = (code) => layers.reduce((x, layer) => layer(x), Float64Array.from(code));

// Items: a row of X as the bytes of a picture, or as texts by columns

const rounded = (value) => String(Number(value.toPrecision(5)));

function item(values) {
  if (!picture) return [...values].map((value) => rounded(value));
  const range = picture.high - picture.low || 1;
  const share = (place) => (values[place] - picture.low) / range;
  return Uint8ClampedArray.from(picture.places, (place) => Math.round(255 * share(place)));
}

function packed(items) {
  if (!items || !picture) return (i) => items[i];
  const all = bytes(items);
  const size = picture.places.length;
  return (i) => all.subarray(i * size, (i + 1) * size);
}

const codeOf = (i) => codes.subarray(i * nCodes, (i + 1) * nCodes);
const original = packed(data.rows);
const reconstruction = isLive ? (i) => item(generate(codeOf(i))) : packed(data.reconstructions);
const drawing = packed(data.drawings);

function drawPicture(canvas, pixels) {
  const { height, width, channels } = picture;
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const colour = pixels.subarray(i * channels, (i + 1) * channels);
    const [red, green = red, blue = red, alpha = 255] = colour;
    image.data.set([red, green, blue, alpha], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function makeSlots() {
  if (picture) {
    return slots.map((name) => {
      const figure = part("pictures").appendChild(document.createElement("figure"));
      const canvas = figure.appendChild(document.createElement("canvas"));
      [canvas.width, canvas.height] = [picture.width, picture.height];
      figure.appendChild(document.createElement("figcaption")).textContent = name;
      return (pixels) => drawPicture(canvas, pixels);
    });
  }
  const table = part("cells");
  const line = (texts) => {
    const cells = texts.map((text, i) => {
      const cell = document.createElement(i && texts !== header ? "td" : "th");
      cell.textContent = text;
      return cell;
    });
    table.insertRow().append(...cells);
    return cells;
  };
  const header = ["", ...slots];
  line(header);
  const lines = columns.map((name) => line([name, ...slots.map(() => "")]));
  return slots.map((_, i) => (texts) => texts.forEach((t, j) => (lines[j][i + 1].textContent = t)));
}

const show = makeSlots();

function showRow(i) {
  row = Math.min(Math.max(i, 0), nRows - 1);
  part("row").value = row;
  part("label").textContent = colours ? labelOf(row) : "";
  show[0](original(row));
  if (sliders) show[1](reconstruction(row));
  drawMarks();
}

// Sliders

const controls = [];

function showCode(code) {
  z = [...code];
  controls.forEach(({ input, output }, i) => {
    input.value = isLive ? z[i] : sliders.steps[i].indexOf(z[i]);
    output.value = z[i].toFixed(2);
  });
  if (isLive) show[2](item(generate(z)));
  drawMarks();
}

function moveSlider(i, value) {
  if (isLive) return showCode(z.with(i, value));
  const code = sliders.start.with(i, sliders.steps[i][value]);
  showCode(code);
  show[2](drawing(i * sliders.steps[i].length + value));
}

function makeSlider(i) {
  const label = part("sliders").appendChild(document.createElement("label"));
  label.append(`z${i}`);
  const input = label.appendChild(document.createElement("input"));
  const output = label.appendChild(document.createElement("output"));
  const [low, high] = [sliders.low[i], sliders.high[i]];
  const steps = isLive ? [low, high, (high - low) / 200 || 1] : [0, sliders.steps[i].length - 1, 1];
  Object.assign(input, { type: "range", min: steps[0], max: steps[1], step: steps[2] });
  input.disabled = low === high;
  input.addEventListener("input", () => moveSlider(i, input.valueAsNumber));
  controls.push({ input, output });
}

function toMean() {
  if (isLive) showCode(sliders.start);
  else moveSlider(0, (sliders.steps[0].length - 1) / 2);
}

// The map

const TEN = "1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 7f7f7f bcbd22 17becf";
const PALE = "aec7e8 ffbb78 98df8a ff9896 c5b0d5 c49c94 f7b6d2 c7c7c7 dbdb8d 9edae5";
const PALETTE = `${TEN} ${PALE}`.split(" ").map((code) => `#${code}`);
const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const colourValues = colours ? floats(colours.values) : null;

function onScale(share) {
  const at = Math.min(share * (SCALE.length - 1), SCALE.length - 1.001);
  const [low, high] = [SCALE[Math.floor(at)], SCALE[Math.floor(at) + 1]];
  return `rgb(${low.map((value, i) => value + (high[i] - value) * (at % 1)).join(" ")})`;
}

function colourOf(i) {
  if (!colours) return PALETTE[0];
  return colours.classes ? PALETTE[colourValues[i]] : onScale(colourValues[i]);
}

function labelOf(i) {
  const { classes, low, high } = colours;
  return classes ? classes[colourValues[i]] : rounded(low + colourValues[i] * (high - low));
}

const MARGIN = 12; // pixels around the points

/** Return the pixel of a point; those beyond the limits lie on the edge. */
function place(point) {
  const { clientWidth, clientHeight } = part("plane");
  const share = (axis) => {
    const [low, high] = data.limits[axis];
    return Math.min(Math.max((point[axis] - low) / (high - low || 1), 0), 1);
  };
  return [
    MARGIN + share(0) * (clientWidth - 2 * MARGIN),
    MARGIN + (1 - share(1)) * (clientHeight - 2 * MARGIN),
  ];
}

let places = []; // of all points, in pixels

const pointOf = (i) => points.subarray(2 * i, 2 * i + 2);

function pen(canvas) {
  const { clientWidth, clientHeight } = part("plane");
  const sharpness = window.devicePixelRatio;
  [canvas.width, canvas.height] = [clientWidth * sharpness, clientHeight * sharpness];
  const context = canvas.getContext("2d");
  context.scale(sharpness, sharpness);
  return context;
}

function dot(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function drawPoints() {
  const context = pen(part("points"));
  const radius = nRows > 3000 ? 1.5 : 3;
  places = Array.from({ length: nRows }, (_, i) => place(pointOf(i)));
  context.globalAlpha = 0.75;
  for (let i = 0; i < nRows; i++) {
    context.fillStyle = colourOf(i);
    dot(context, places[i], radius);
    context.fill();
  }
}

function drawMarks() {
  const context = pen(part("marks"));
  const styles = getComputedStyle(document.body);
  context.lineWidth = 2;
  context.strokeStyle = styles.color;
  dot(context, places[row], 7);
  context.stroke();
  if (!sliders || !data.to_plane) return;
  const { origin, directions } = data.to_plane;
  const along = (direction) => direction.reduce((sum, d, i) => sum + d * (z[i] - origin[i]), 0);
  const [x, y] = place(directions.map(along));
  const cross = new Path2D(`M${x - 8} ${y - 8}l16 16m0 -16l-16 16`);
  const halo = [6, styles.backgroundColor];
  for (const [width, colour] of [halo, [2.5, styles.getPropertyValue("--accent")]]) {
    [context.lineWidth, context.strokeStyle] = [width, colour];
    context.stroke(cross);
  }
}

/** Return the row that is drawn next to the pointer. */
function nearest(event) {
  const { left, top } = part("marks").getBoundingClientRect();
  const [x, y] = [event.clientX - left, event.clientY - top];
  let [best, least] = [row, Infinity];
  for (let i = 0; i < nRows; i++) {
    const [px, py] = places[i];
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

function makeLegend() {
  const entry = (text, background, kind) => {
    const span = part("legend").appendChild(document.createElement("span"));
    const sign = span.appendChild(document.createElement("i"));
    sign.style.background = background;
    sign.className = kind;
    span.append(text);
  };
  if (!colours) return;
  if (colours.classes) colours.classes.forEach((name, i) => entry(name, PALETTE[i], ""));
  else {
    const stops = SCALE.map((_, i) => onScale(i / (SCALE.length - 1)));
    entry(`${rounded(colours.low)} to ${rounded(colours.high)}`, `linear-gradient(to right, ${stops.join()})`, "scale");
  }
}

// Begin

const hints = ["Point at a row to see it."];
if (isLive) hints.push("Click to move the sliders to its code.");
if (sliders && !isLive) hints.push("Sliders move one at a time, from the mean code.");
if (sliders && data.to_plane) hints.push("The cross is the code of the sliders.");
part("hint").textContent = `${nRows} rows, codes of ${nCodes}. ${hints.join(" ")}`;
part("axes").textContent = `Across: ${data.axes[0]}. Up: ${data.axes[1]}.`;
part("codes").hidden = !sliders;
part("row").max = nRows - 1;
makeLegend();
drawPoints();
showRow(0);
if (sliders) {
  for (let i = 0; i < nCodes; i++) makeSlider(i);
  toMean();
}
part("marks").addEventListener("pointermove", (event) => showRow(nearest(event)));
part("marks").addEventListener("click", (event) => {
  showRow(nearest(event));
  if (isLive) showCode(codeOf(row));
});
part("row").addEventListener("input", () => showRow(Math.round(part("row").valueAsNumber) || 0));
part("reset").addEventListener("click", toMean);
window.addEventListener("resize", () => {
  drawPoints();
  drawMarks();
});
