// @ts-check
// The loss of guessing: one rule for models and jobs that learned too little. Needs no browser.

/** The loss of equal probabilities for all classes, in nats. @param {number} classes */
export const guessingLoss = (classes) => Math.log(classes);

/**
 * Tell whether a loss is no lower than that of guessing.
 * @param {number | null | undefined} loss
 * @param {number} classes
 */
export const losesToGuessing = (loss, classes) => loss != null && loss >= guessingLoss(classes);
