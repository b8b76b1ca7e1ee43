// @ts-check
// The sizes that both data sets share.
export const SIDE = 28; // pixels: width and height of the images that networks see
export const PIXELS = SIDE ** 2;
export const GUESSING_LOSS = Math.LN10; // nats, of equal probabilities for all 10 classes
export const CLASSES = 10;
export const TRAINING_IMAGES = 60000;
