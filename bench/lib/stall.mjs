// The longest time between two turns of the event loop, less what they should be apart.

/** Watches from now on. Answers a function that tells the longest stall, in ms, since it was last called. */
export function watchStalls() {
  let [last, stallMs] = [performance.now(), 0];
  setInterval(() => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last - 1);
    last = now;
  }, 1);
  return () => {
    const taken = stallMs;
    [last, stallMs] = [performance.now(), 0];
    return taken;
  };
}
