// @ts-check
// The neurons or feature maps of a layer in rows. Needs no browser.

/** @typedef {import("./shapes.js").MapShape} MapShape */
/** @typedef {{ size: [width: number, height: number], gap: number }} Sides of a tile in pixels */

// Sides of neurons, for a mouse and for a finger, with the gap. The largest layers would be too
// long in tiles of a finger's size.
const NEURONS = [
  { most: 64, side: 22, finger: 32 },
  { most: 512, side: 14, finger: 32 },
  { most: Infinity, side: 10, finger: 14 },
];
// Sides of feature maps: large enough to see a shape, small enough to see all maps. Some stand in
// each row, however narrow it is.
const MAPS = [
  { most: 16, side: 84 },
  { most: 64, side: 60 },
  { most: Infinity, side: 40 },
];
const LEAST_COLUMNS = 4;
const MOST_ZOOM = 12; // pixels for each cell of a feature map
const GAP = 1; // cells between enlarged maps that stand side by side
const NEURON_GAP = 1;
const MAP_GAP = 5;

/** @template {{ most: number }} T @param {T[]} choices @param {number} count */
const choose = (choices, count) =>
  /** @type {T} */ (choices.find(({ most }) => count <= most) ?? choices.at(-1));

/** @param {number} count @param {"side" | "finger"} kind @returns {Sides} */
function neuronSides(count, kind) {
  const side = choose(NEURONS, count)[kind] - NEURON_GAP;
  return { size: [side, side], gap: NEURON_GAP };
}

/**
 * Give each cell of a map a whole number of pixels, if there is room.
 * @param {MapShape} shape
 * @param {number} room pixels
 * @returns {Sides}
 */
function mapSides({ height, width, channels }, room) {
  const most = Math.max(1, (room + MAP_GAP) / LEAST_COLUMNS - MAP_GAP);
  const side = Math.min(choose(MAPS, channels).side, most);
  const fitting = Math.min(MOST_ZOOM, side / Math.max(height, width));
  const zoom = fitting >= 1 ? Math.floor(fitting) : fitting;
  return { size: [Math.round(zoom * width), Math.round(zoom * height)], gap: MAP_GAP };
}

/**
 * Arrange the tiles of a layer in rows.
 * @param {MapShape} shape
 * @param {number} room pixels
 * @param {"side" | "finger"} kind which side neurons have
 */
export function arrange(shape, room, kind = "side") {
  const { height, width, channels } = shape;
  const sides = height * width === 1 ? neuronSides(channels, kind) : mapSides(shape, room);
  const step = sides.size.map((side) => side + sides.gap);
  const columns = Math.max(1, Math.min(channels, Math.floor((room + sides.gap) / step[0])));
  return { ...sides, step, columns, rows: Math.ceil(channels / columns) };
}

/**
 * Move to the next tile; stay at the edges.
 * @param {number} at
 * @param {[right: number, down: number]} step
 * @param {{ count: number, columns: number }} grid
 */
export function nextTile(at, [right, down], { count, columns }) {
  const next = at + right + columns * down;
  return next >= 0 && next < count ? next : at;
}

/**
 * Place maps of one size in rows that fill about a square.
 * @param {number} count
 * @param {number} width of a map
 * @param {number} height
 */
export function placeMaps(count, width, height) {
  const columns = Math.min(count, Math.ceil(Math.sqrt((count * height) / width)));
  const rows = Math.ceil(count / columns);
  return {
    width: columns * (width + GAP) - GAP,
    height: rows * (height + GAP) - GAP,
    places: Array.from({ length: count }, (_, i) => ({
      x: (width + GAP) * (i % columns),
      y: (height + GAP) * Math.floor(i / columns),
    })),
  };
}
