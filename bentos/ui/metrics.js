// The service's /metrics: how fast it answers at present, stage by stage.

/** Prometheus's text form as [{name, labels, value}]. */
export function parse(text) {
  return text
    .split("\n")
    .map((line) => line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/))
    .filter(Boolean)
    .map(([, name, labels = "", value]) => ({ name, labels: parseLabels(labels), value: Number(value) }));
}

function parseLabels(text) {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value]));
}

export function sum(samples, name, labels = {}) {
  const fits = (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value);
  return samples.filter(fits).reduce((total, { value }) => total + value, 0);
}

/** The quantile of what a histogram counted between two scrapes, in seconds; null where it counted nothing. */
export function quantile(before, after, name, q) {
  const bounds = [...new Set(after.filter((one) => one.name === `${name}_bucket`).map(({ labels }) => labels.le))];
  const grown = bounds
    .map((le) => [Number(le.replace("+Inf", "Infinity")), sum(after, `${name}_bucket`, { le }) - sum(before, `${name}_bucket`, { le })])
    .sort(([one], [other]) => one - other);
  const total = grown.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let [lower, below] = [0, 0];
  for (const [upper, n] of grown) {
    if (n >= q * total) return upper === Infinity ? lower : lower + ((upper - lower) * (q * total - below)) / (n - below);
    [lower, below] = [upper, n];
  }
  return lower;
}
