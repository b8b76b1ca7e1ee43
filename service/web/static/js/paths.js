// @ts-check
// Requests that more than one module sends.

export const MODELS_PATH = "/models?limit=1000"; // the first page of the list
