// Seeded sequences of keys.

/** Uniform in [0, 1), by mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Ranks from 0 to n − 1 with probabilities as 1 / (rank + 1)^s: rejection-inversion, Hörmann and Derflinger 1996. */
export function zipf(n, s, uniform) {
  const one = Math.abs(s - 1) < 1e-9;
  const integral = (x) => (one ? Math.log(x) : (x ** (1 - s) - 1) / (1 - s));
  const inverse = (u) => (one ? Math.exp(u) : Math.max(1e-300, 1 + u * (1 - s)) ** (1 / (1 - s)));
  const low = integral(1.5) - 1;
  const high = integral(n + 0.5);
  return () => {
    for (;;) {
      const u = low + uniform() * (high - low);
      const rank = Math.min(n, Math.max(1, Math.round(inverse(u))));
      if (u >= integral(rank + 0.5) - rank ** -s) return rank - 1;
    }
  };
}

/** The numbers from 0 to n − 1 in an order of no meaning. */
export function permutation(n, uniform) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
