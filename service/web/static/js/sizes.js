// @ts-check
// The sizes of the built-in data sets. Other data sets say their own.
export const SIDE = 28; // pixels: width and height of the images that networks see
export const CLASSES = 10;
export const TRAINING_IMAGES = 60000;
