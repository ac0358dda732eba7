// Time as the SDK's moving parts see it, so that tests can turn it by hand.

export interface Clock {
  /** Wall-clock time, ms: unlike performance.now() it goes on while the computer sleeps. */
  now(): number;
  /** Calls back once, after `ms`. The result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
