// @ts-check
// Labels beside a chart: their positions and their length. Needs no browser.

/**
 * Push labels apart until neighbors have a distance of at least `gap`, moving them as little as
 * possible. Labels without a position are left out.
 *
 * Less `gap` for each label above it, the positions must not decrease. Where they would, labels
 * share the mean of their positions, as in isotonic regression.
 * @template {{ y: number }} Label
 * @param {Label[]} labels y in pixels
 * @param {number} gap pixels
 * @param {{ top?: number, bottom?: number }} [range] that contains all labels, if they fit
 * @returns {Label[]} sorted by y
 */
export function spreadLabels(labels, gap, { top = -Infinity, bottom = Infinity } = {}) {
  const sorted = labels.filter(({ y }) => Number.isFinite(y)).sort((a, b) => a.y - b.y);
  /** @type {{ total: number, count: number }[]} */
  const groups = [];
  sorted.forEach(({ y }, i) => {
    let group = { total: y - i * gap, count: 1 };
    for (let last = groups.at(-1); last; last = groups.at(-1)) {
      if (last.total / last.count <= group.total / group.count) break;
      group = { total: group.total + last.total, count: group.count + last.count };
      groups.pop();
    }
    groups.push(group);
  });
  const lowest = bottom - (sorted.length - 1) * gap;
  const positions = groups.flatMap(({ total, count }) => Array(count).fill(total / count));
  return sorted.map((label, i) => ({
    ...label,
    y: Math.max(top, Math.min(lowest, positions[i])) + i * gap,
  }));
}

/**
 * Shorten a label that is longer than a number of characters.
 * @param {string} text
 * @param {number} most
 */
export const shorten = (text, most) =>
  text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
