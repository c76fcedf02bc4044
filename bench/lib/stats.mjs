// Medians and spreads: on a shared machine a mean is worth little.

/** The value below which `share` of the values lie, linearly interpolated. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * share;
  const low = Math.floor(position);
  const high = Math.ceil(position);
  return sorted[low] + (sorted[high] - sorted[low]) * (position - low);
}

/** Median and quartiles of the values, and how many there are. */
export function summary(values) {
  const finite = values.filter(Number.isFinite);
  return { median: quantile(finite, 0.5), q1: quantile(finite, 0.25), q3: quantile(finite, 0.75), n: finite.length };
}

/** A shuffled copy, by Fisher and Yates. */
export function shuffled(values) {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

export const sum = (values) => values.reduce((total, value) => total + value, 0);
