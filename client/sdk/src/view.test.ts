import { describe, expect, it } from 'vitest';
import type { View } from './messages';
import { afresh, differs, NO_VIEW, show, tick, VIEW_SPACING_MS } from './view';

const one = (width: number, height = (width * 9) / 16): View => ({
  people: [{ person: 'bo', width, height }],
  screen: null,
});

describe('a view', () => {
  it('is said at once, in whole pixels, each person once and in its larger size', () => {
    const people = [
      { person: 'bo', width: 99.6, height: 0.2 },
      { person: 'cy', width: 640, height: 360 },
      { person: 'bo', width: 320, height: 180 },
    ];
    const { say } = show(NO_VIEW, { people, screen: { width: 99_999, height: 1 } }, 0);
    expect(say).toEqual({
      people: [
        { person: 'bo', width: 320, height: 180 },
        { person: 'cy', width: 640, height: 360 },
      ],
      screen: { width: 16_384, height: 1 },
    });
  });

  it('has at most 64 people', () => {
    const people = Array.from({ length: 80 }, (_, i) => ({ person: `p${i}`, width: 9, height: 9 }));
    expect(show(NO_VIEW, { people, screen: null }, 0).say?.people).toHaveLength(64);
  });

  it('is not said again for a tenth more or less', () => {
    const { report } = show(NO_VIEW, one(1000), 0);
    expect(show(report, one(1100), 9000).say).toBeNull();
    expect(show(report, one(901), 9000).say).toBeNull();
    expect(show(report, one(1101), 9000).say).not.toBeNull();
    // Many small steps are a large one.
    const step = show(report, one(1090), 9000).report;
    expect(show(step, one(1150), 9000).say).not.toBeNull();
  });

  it('is said again when somebody else is shown, or a screen', () => {
    const { report } = show(NO_VIEW, one(100), 0);
    const other = { people: [{ person: 'cy', width: 100, height: 56 }], screen: null };
    expect(show(report, other, 999).say).toEqual(other);
    const hidden = { people: [], screen: null };
    expect(show(report, hidden, 999).say).toEqual(hidden);
    expect(differs(one(100), { ...one(100), screen: { width: 9, height: 9 } })).toBe(true);
  });

  it('is said at most five times a second, and the last one is not lost', () => {
    let { report } = show(NO_VIEW, one(100), 0);
    let said = 0;
    for (let now = 1; now < 1000; ++now) {
      const step = now < 990 ? show(report, one(100 + 10 * now), now) : tick(report, now);
      report = step.report;
      if (step.say !== null) ++said;
    }
    expect(said).toBeLessThanOrEqual(5);
    const due = report.deadline;
    expect(due).toBeLessThan(1000 + VIEW_SPACING_MS + 1);
    const last = tick(report, due);
    expect(last.say?.people[0]?.width).toBe(100 + 9890);
    expect(last.report.deadline).toBe(Infinity);
  });

  it('is said anew to whoever has not heard it, but only if there is one', () => {
    expect(afresh(NO_VIEW, 5).say).toBeNull();
    const { report } = show(NO_VIEW, one(100), 0);
    expect(afresh(report, 1).say).toEqual({
      people: [{ person: 'bo', width: 100, height: 56 }],
      screen: null,
    });
  });
});
