import { describe, expect, it } from 'vitest';
import {
  connectionChanged,
  created,
  type MediaRepair,
  networkChanged,
  NO_MEDIA,
  type RepairAction,
  type RepairStep,
  signalingBack,
  tick,
} from './media_repair';

/** Runs the machine by its own deadlines and notes what it asks for, and when. */
class Timeline {
  repair: MediaRepair = NO_MEDIA;
  now = 0;
  signaling = true;
  readonly asked: [number, RepairAction][] = [];

  apply(step: RepairStep): void {
    this.repair = step.repair;
    if (step.action !== 'none') this.asked.push([this.now, step.action]);
    if (step.action === 'rebuild') this.apply(created(this.repair, this.now));
  }
  create(): void {
    this.apply(created(this.repair, this.now));
  }
  connection(state: RTCPeerConnectionState): void {
    this.apply(connectionChanged(this.repair, state, this.signaling, this.now));
  }
  network(): void {
    this.apply(networkChanged(this.repair, this.signaling, this.now));
  }
  back(): void {
    this.signaling = true;
    this.apply(signalingBack(this.repair, this.now));
  }
  until(time: number): void {
    while (this.repair.deadline <= time) {
      this.now = this.repair.deadline;
      this.apply(tick(this.repair, this.signaling, this.now));
    }
    this.now = time;
  }
}

function connected(): Timeline {
  const line = new Timeline();
  line.create();
  line.connection('connecting');
  line.connection('connected');
  line.until(10_000);
  expect(line.asked).toEqual([]);
  return line;
}

describe('a connection that was up', () => {
  it('may be disconnected for less than a second', () => {
    const line = connected();
    line.connection('disconnected');
    line.until(10_999);
    line.connection('connected');
    line.until(100_000);
    expect(line.asked).toEqual([]);
    expect(line.repair.phase).toBe('up');
  });

  it('is restarted after 1 s, again 4 s later, and made anew 8 s after the first', () => {
    const line = connected();
    line.connection('disconnected');
    line.until(30_000);
    expect(line.asked).toEqual([
      [11_000, 'restart'],
      [15_000, 'restart'],
      [19_000, 'rebuild'],
      [27_000, 'rebuild'],
    ]);
    expect(line.repair.phase).toBe('repairing');
  });

  it('is restarted at once when it failed', () => {
    const line = connected();
    line.connection('failed');
    expect(line.asked).toEqual([[10_000, 'restart']]);
  });

  it('is well again as soon as it is connected', () => {
    const line = connected();
    line.connection('failed');
    line.connection('connecting');
    line.until(12_000);
    line.connection('connected');
    line.until(100_000);
    expect(line.asked).toEqual([[10_000, 'restart']]);
    expect(line.repair).toMatchObject({ phase: 'up', restarts: 0 });
  });

  it('does not spin when restarts fail at once', () => {
    const line = connected();
    line.connection('failed');
    for (let i = 0; i < 100; ++i) {
      line.connection('failed');
      line.until(line.now + 100);
    }
    const times = line.asked.map(([time]) => time);
    for (const [i, time] of times.slice(1).entries()) {
      expect(time - (times[i] as number)).toBeGreaterThanOrEqual(1000);
    }
  });
});

describe('without signaling', () => {
  it('nothing is asked for, and all of it when it is back', () => {
    const line = connected();
    line.signaling = false;
    line.connection('disconnected');
    line.until(20_000);
    expect(line.asked).toEqual([]);
    expect(line.repair.phase).toBe('repairing');
    line.back();
    expect(line.asked).toEqual([[20_000, 'restart']]);
  });

  it('a connection that works is left alone', () => {
    const line = connected();
    line.signaling = false;
    line.back();
    expect(line.asked).toEqual([]);
  });

  it('a change of network is made up for', () => {
    const line = connected();
    line.signaling = false;
    line.network();
    line.until(12_000);
    line.back();
    expect(line.asked).toEqual([[12_000, 'restart']]);
    expect(line.repair.phase).toBe('up');
  });
});

describe('a change of network', () => {
  it('restarts without showing anything, once for a burst of events', () => {
    const line = connected();
    line.network();
    line.network();
    line.until(10_500);
    line.network();
    expect(line.asked).toEqual([[10_000, 'restart']]);
    expect(line.repair.phase).toBe('up');
    line.until(11_500);
    line.network();
    expect(line.asked).toHaveLength(2);
  });

  it('begins a repair from the beginning', () => {
    const line = connected();
    line.connection('failed');
    line.until(15_500);
    expect(line.asked).toHaveLength(2);
    line.network();
    line.until(19_400);
    expect(line.asked.slice(2)).toEqual([[15_500, 'restart']]);
  });
});

describe('a first connection', () => {
  it('is made anew every 8 s until it works', () => {
    const line = new Timeline();
    line.create();
    line.until(20_000);
    expect(line.asked).toEqual([
      [8000, 'rebuild'],
      [16_000, 'rebuild'],
    ]);
    expect(line.repair.phase).toBe('starting');
  });

  it('is made anew when signaling comes back, for its offer may be lost', () => {
    const line = new Timeline();
    line.create();
    line.signaling = false;
    line.until(9000);
    expect(line.asked).toEqual([]);
    line.back();
    expect(line.asked).toEqual([[9000, 'rebuild']]);
  });

  it('has no network to change', () => {
    const line = new Timeline();
    line.network();
    line.create();
    line.network();
    expect(line.asked).toEqual([]);
  });
});
