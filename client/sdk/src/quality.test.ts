import { describe, expect, it } from 'vitest';
import { assess, smooth } from './quality';
import { report } from './testing/messages';

describe('an assessment', () => {
  it('has nothing to say of a good connection', () => {
    expect(assess(report({ rtt_ms: null }))).toEqual({ level: 'good', reasons: [] });
  });

  it.each([
    [report({ loss_up: 0.019 }), 'good'],
    [report({ loss_up: 0.02 }), 'fair'],
    [report({ loss_down: 0.08 }), 'poor'],
    [report({ rtt_ms: 250 }), 'fair'],
    [report({ rtt_ms: 600 }), 'poor'],
    [report({ over_tcp: true }), 'fair'],
    [report({ bandwidth_limited: true, bandwidth_down: 100_000 }), 'fair'],
    [report({ bandwidth_limited: false, bandwidth_down: 100_000 }), 'good'],
  ])('of %o is %s', (connection, level) => {
    expect(assess(connection).level).toBe(level);
  });

  it('names the worst first', () => {
    const { level, reasons } = assess(report({ over_tcp: true, rtt_ms: 300, loss_up: 0.08 }));
    expect(level).toBe('poor');
    expect(reasons).toEqual([
      { code: 'loss_up', percent: 8 },
      { code: 'slow', ms: 300 },
      { code: 'over_tcp' },
    ]);
  });
});

describe('the running mean', () => {
  it('does not jump at one bad second, and forgets it', () => {
    let mean = smooth(null, report());
    mean = smooth(mean, report({ loss_up: 0.2 }));
    expect(mean.loss_up).toBeCloseTo(0.06);
    for (let i = 0; i < 10; ++i) mean = smooth(mean, report());
    expect(assess(mean).level).toBe('good');
  });

  it('takes rates and transport as they are, and a round trip when there is one', () => {
    const before = report({ rtt_ms: null, bitrate_up: 1 });
    const now = report({ rtt_ms: 80, bitrate_up: 9, over_tcp: true });
    expect(smooth(before, now)).toMatchObject({ rtt_ms: 80, bitrate_up: 9, over_tcp: true });
    expect(smooth(now, before).rtt_ms).toBeNull();
  });
});
