// @ts-check
// Positions of labels beside a chart. Needs no browser.

/**
 * Push labels apart until neighbors have a distance of about `gap` or more. Labels without a
 * position are left out.
 * @template {{ y: number }} Label
 * @param {Label[]} labels y in pixels
 * @param {number} gap pixels
 * @returns {Label[]} sorted by y
 */
export function spreadLabels(labels, gap) {
  const spread = labels
    .filter((label) => Number.isFinite(label.y))
    .map((label) => ({ ...label }))
    .sort((a, b) => a.y - b.y);
  for (let round = 0; round < 20; round++) {
    for (let i = 1; i < spread.length; i++) {
      const overlap = gap - (spread[i].y - spread[i - 1].y);
      if (overlap <= 0) continue;
      spread[i].y += overlap / 2;
      spread[i - 1].y -= overlap / 2;
    }
  }
  return spread;
}
