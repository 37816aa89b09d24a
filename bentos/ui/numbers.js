// Numbers for people, and what a number of right answers says.

export const count = (n) => n.toLocaleString("en");
export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 2 : 1)}\u00a0%`;
export const milliseconds = (ms) => (ms < 10 ? `${ms.toFixed(1)}\u00a0ms` : ms < 1000 ? `${Math.round(ms)}\u00a0ms` : seconds(ms));
const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)}\u00a0s`;

/** `5 min`, `3 h`, `2 days`. */
export function span(ms) {
  const minutes = ms / 60000;
  if (minutes < 1) return "less than a minute";
  if (minutes < 90) return `${Math.round(minutes)} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** `11-21 09:00`, in UTC as everywhere in the monitor. */
export const moment = (iso) => new Date(iso).toISOString().slice(5, 16).replace("T", " ");

/** Exact 95 % limits (Clopper-Pearson) of a share of which `right` of `n` were seen. */
export function limits(right, n, coverage = 0.95) {
  const tail = (1 - coverage) / 2;
  const low = right === 0 ? 0 : solve((p) => 1 - atMost(right - 1, n, p) - tail);
  const high = right === n ? 1 : solve((p) => tail - atMost(right, n, p));
  return [low, high];
}

/** The p in [0, 1] at which a rising function passes zero. */
function solve(rising) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(at most `k` of `n`) where each happens with probability `p`. */
function atMost(k, n, p) {
  if (p <= 0) return 1;
  if (p >= 1) return k >= n ? 1 : 0;
  let log = n * Math.log1p(-p);
  let sum = Math.exp(log);
  for (let i = 1; i <= k; i += 1) {
    log += Math.log((n - i + 1) / i) + Math.log(p / (1 - p));
    sum += Math.exp(log);
  }
  return sum;
}
