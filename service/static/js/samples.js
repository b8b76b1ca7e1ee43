// Test pictures, one of each class, in the order of the classes.
import { get } from "./api.js";

const ONE_OF_EACH = {
  mnist: [3, 2, 1, 18, 4, 8, 11, 0, 61, 7],
  "fashion-mnist": [19, 2, 1, 13, 6, 8, 4, 9, 18, 0],
};
const cache = new Map();
// → [{ index, label, pixels: 784 numbers 0…255 }]
export function samples(dataset) {
  if (!cache.has(dataset))
    cache.set(
      dataset,
      get(`/datasets/${dataset}/test?index=${ONE_OF_EACH[dataset]}`).then((answer) =>
        answer.images.map((image) => ({ ...image, pixels: image.pixels.flat() })),
      ),
    );
  return cache.get(dataset);
}
