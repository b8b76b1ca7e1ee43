// The drawing board: mouse, finger, pen or keyboard. Strokes are in units of a pixel of the network, so undo and dark mode are easy.
import { $, h, s, pixels } from "../common.js";

const SIDE = 280,
  FIELD = 28; // pixels of a side of what is sent, and of what the networks see
const START = [14.5, 6.5],
  SEVEN = [
    [8.2, 7.6],
    [10, 7.1],
    [13, 6.9],
    [16.5, 6.8],
    [19.4, 6.9],
    [19.6, 7.6],
    [18.6, 10],
    [17.2, 13],
    [15.6, 16.6],
    [14.4, 20],
    [13.9, 22.4],
  ]; // a 7 to begin with, a little off

// changed(now): told after each change; now is true where no more will follow at once
export function createBoard(changed) {
  const board = $("#board"),
    ink = $("#ink"),
    context = ink.getContext("2d");
  let strokes = [Object.assign([...SEVEN], { pen: 2.25 })],
    shown = null,
    cursor = null,
    penDown = false,
    marks = [];

  function draw(target, scale, color) {
    target.lineCap = target.lineJoin = "round";
    target.strokeStyle = color;
    for (const stroke of strokes) {
      const at = (i) => [stroke[i][0] * scale, stroke[i][1] * scale],
        middle = (i) => at(i).map((v, k) => (v + at(i + 1)[k]) / 2),
        last = stroke.length - 1;
      target.lineWidth = stroke.pen * scale;
      target.beginPath();
      target.moveTo(...at(0));
      for (let i = 1; i < last; i++) target.quadraticCurveTo(...at(i), ...middle(i));
      target.lineTo(at(last)[0] + 0.1, at(last)[1]);
      target.stroke();
    }
  }
  function render() {
    context.clearRect(0, 0, ink.width, ink.height);
    if (!shown) draw(context, ink.width / FIELD, getComputedStyle(document.body).color);
    else if (shown.pixels) {
      context.imageSmoothingEnabled = false;
      context.drawImage(
        pixels(h("canvas"), shown.pixels, FIELD, { ink: true, scale: 255 }),
        0,
        0,
        ink.width,
        ink.height,
      );
    } else if (shown.bitmap) {
      const { width, height } = shown.bitmap,
        k = ink.width / Math.max(width, height);
      context.imageSmoothingEnabled = true;
      context.drawImage(
        shown.bitmap,
        (ink.width - width * k) / 2,
        (ink.height - height * k) / 2,
        width * k,
        height * k,
      );
    }
    overlay();
  }
  const overlay = () =>
    $("#over").replaceChildren(
      ...marks,
      ...(cursor
        ? [
            s("rect", {
              x: cursor[0] - 0.5,
              y: cursor[1] - 0.5,
              width: 1,
              height: 1,
              class: penDown ? "cursor down" : "cursor",
            }),
          ]
        : []),
    );
  const tell = (now) => {
    marks = [];
    render();
    changed(now);
  };

  const place = (event) => {
    const r = ink.getBoundingClientRect();
    return [
      (FIELD * (event.clientX - r.left)) / r.width,
      (FIELD * (event.clientY - r.top)) / r.height,
    ];
  };
  const begin = (point) => {
    if (shown) {
      shown = null;
      strokes = [];
    }
    strokes.push(Object.assign([point], { pen: Number($("#pen").value) }));
  };
  board.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    board.setPointerCapture(event.pointerId);
    cursor = null;
    begin(place(event));
    tell(false);
  });
  board.addEventListener("pointermove", (event) => {
    if (!board.hasPointerCapture(event.pointerId)) return;
    for (const e of event.getCoalescedEvents?.() ?? [event]) strokes.at(-1).push(place(e));
    tell(false);
  });
  board.addEventListener("focus", () => {
    if (board.matches(":focus-visible")) {
      cursor ??= START;
      overlay();
    }
  });
  board.addEventListener("blur", () => {
    cursor = null;
    penDown = false;
    overlay();
  });
  board.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
        event.key
      ],
      key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) {
      cursor = (cursor ?? START).map((v, i) => Math.max(0.5, Math.min(27.5, v + step[i])));
      if (penDown) strokes.at(-1).push(cursor);
    } else if (key === " ") {
      penDown = !penDown;
      cursor ??= START;
      if (penDown) begin(cursor);
    } else if (key === "z") undo();
    else if (key === "c") clear();
    else return;
    event.preventDefault();
    if (penDown) tell(false);
    else overlay();
  });
  const undo = () => {
    penDown = false;
    if (shown) shown = null;
    else strokes.pop();
    tell(true);
  };
  const clear = () => {
    strokes = [];
    shown = null;
    penDown = false;
    tell(true);
  };
  $("#undo").addEventListener("click", undo);
  $("#clear").addEventListener("click", clear);

  return {
    render,
    empty: () => !shown && !strokes.length,
    show(picture) {
      shown = picture;
      tell(true);
    }, // { pixels } of a test picture, or { bitmap } of a file
    picture: () => shown,
    // The bytes of a PNG, light ink on dark ground, as the data sets are. Written at once: `toBlob` waits for an idle moment, seconds where the machine is busy.
    drawing() {
      const canvas = h("canvas", { width: SIDE, height: SIDE }),
        target = canvas.getContext("2d");
      target.fillRect(0, 0, SIDE, SIDE);
      draw(target, SIDE / FIELD, "#fff");
      return Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (c) =>
        c.charCodeAt(0),
      );
    },
    // What the API did to a picture of this size: its box dashed, its centre of mass a cross, in pixels of the network
    mark({ box, zoom, offset }, width = SIDE, height = SIDE, centred = true) {
      const k = FIELD / Math.max(width, height),
        x = (v) => (FIELD - width * k) / 2 + v * k,
        y = (v) => (FIELD - height * k) / 2 + v * k,
        [left, top, right, bottom] = box;
      const centre = [x(left + (14.5 - offset[0]) / zoom), y(top + (14.5 - offset[1]) / zoom)];
      marks = [
        s("rect", {
          x: x(left),
          y: y(top),
          width: (right - left) * k,
          height: (bottom - top) * k,
          class: "box",
        }),
        ...(centred
          ? [s("path", { d: `M${centre[0] - 0.8} ${centre[1]}h1.6m-.8-.8v1.6`, class: "cross" })]
          : []),
      ];
      overlay();
      return { centre, zoom: zoom / k };
    },
  };
}
