// Waiting for conditions, never for time to pass.

export const now = () => performance.now();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks `probe` again and again until it answers something true, and gives that back. After `timeout` ms
 * it throws, naming `what` and the last thing that `probe` answered or threw.
 */
export async function until(what, probe, { timeout = 20_000, every = 50 } = {}) {
  const end = now() + timeout;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (now() > end) {
      const shown = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`not within ${timeout} ms: ${what} (last: ${shown})`);
    }
    await pause(every);
  }
}

/** Sees `probe` answer something true the whole time, for `duration` ms: for what must not happen. */
export async function throughout(what, probe, duration, { every = 100 } = {}) {
  const end = now() + duration;
  while (now() < end) {
    const answer = await probe();
    if (!answer) throw new Error(`did not hold: ${what} (${JSON.stringify(answer)})`);
    await pause(every);
  }
}
