// Of many measurements, one to go by.

/** The middle one; undefined of none. */
export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
