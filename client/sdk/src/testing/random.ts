// A small seeded generator (mulberry32), so that a property that fails can be seen to fail again.

export class Random {
  constructor(private seed: number) {}

  /** 0 to below 1. */
  next(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** 0 to below n. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}
