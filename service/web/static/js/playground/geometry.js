// @ts-check
// Where the neurons and the large map are. Needs no browser.

/** @typedef {{ x: number, y: number }} Place of the top left corner, in units of the figure */
/**
 * @typedef {object} Geometry
 * @property {number} width
 * @property {number} height
 * @property {number} tile side of the map of a neuron
 * @property {Place[][]} neurons by column and row
 * @property {Place & { side: number }} map the large one
 */

const WIDE = { width: 808, map: 404, tile: 40, between: 28 };
const NARROW = { width: 343, map: 343, tile: 30, between: 16, network: 230 };
const GAP = 5; // at least, between two neurons of a column
const LOOSE = 12; // at most

/**
 * Place the neurons of a network in columns, with the large map beside or below them.
 * @param {number[]} sizes of the columns
 * @param {boolean} isNarrow
 * @returns {Geometry}
 */
export function placeNetwork(sizes, isNarrow) {
  const { width, map, tile: usual, between } = isNarrow ? NARROW : WIDE;
  const span = isNarrow ? width : width - map - between;
  const height = isNarrow ? NARROW.network : map;
  const tile = Math.min(usual, (height - GAP) / Math.max(...sizes) - GAP);
  const columnGap = (span - tile) / (sizes.length - 1);
  const neurons = sizes.map((size, column) => {
    const step = Math.min(tile + LOOSE, (height - tile) / Math.max(1, size - 1));
    const top = (height - (tile + step * (size - 1))) / 2;
    return Array.from({ length: size }, (_, row) => ({
      x: column * columnGap,
      y: top + row * step,
    }));
  });
  return {
    width,
    height: isNarrow ? height + between + map : height,
    tile,
    neurons,
    map: isNarrow ? { x: 0, y: height + between, side: map } : { x: width - map, y: 0, side: map },
  };
}

/**
 * @typedef {object} Edge a weight
 * @property {number} column of the neuron that it comes from
 * @property {number} from
 * @property {number} to
 * @property {number} weight
 */

const MOST_EDGES = 70;

/**
 * Choose the weights to draw: the largest, and all of the chosen neuron.
 * @param {import("./network.js").Layer[]} layers
 * @param {(edge: Edge) => boolean} isOfChosen
 */
export function edgesOf(layers, isOfChosen) {
  const all = layers.flatMap(({ inputs, weights }, column) =>
    Array.from(weights, (weight, k) => ({
      column,
      from: k % inputs,
      to: Math.floor(k / inputs),
      weight,
    })),
  );
  const size = (/** @type {Edge} */ { weight }) => Math.abs(weight);
  all.sort((a, b) => size(b) - size(a));
  const largest = all.length ? size(all[0]) || 1 : 1;
  return { edges: all.filter((edge, rank) => rank < MOST_EDGES || isOfChosen(edge)), largest };
}

/**
 * Draw an edge as a path.
 * @param {Geometry} geometry
 * @param {Edge} edge
 */
export function edgePath({ neurons, tile }, { column, from, to }) {
  const [a, b] = [neurons[column][from], neurons[column + 1][to]];
  const [x1, y1, x2, y2] = [a.x + tile, a.y + tile / 2, b.x, b.y + tile / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
