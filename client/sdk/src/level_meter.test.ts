import { describe, expect, it } from 'vitest';
import { isBlack, isDead, isSilent, listen, meterShare, watchSilence } from './level_meter';

describe('a microphone', () => {
  it('is silent after 5 s without anything audible', () => {
    let watch = watchSilence(0);
    for (let now = 0; now < 5000; now += 100) watch = listen(watch, 0.001, now);
    expect(isSilent(watch, 4999)).toBe(false);
    expect(isSilent(watch, 5000)).toBe(true);
    expect(isSilent(listen(watch, 0.05, 5100), 5100)).toBe(false);
  });

  it('that was heard may be quiet, but not dead', () => {
    let watch = listen(watchSilence(0), 0.3, 100);
    for (let now = 200; now <= 9000; now += 100) watch = listen(watch, 0.0001, now);
    expect(isSilent(watch, 9000)).toBe(false);
    for (let now = 9100; now <= 14_000; now += 100) watch = listen(watch, 0, now);
    expect(isSilent(watch, 14_000)).toBe(true);
  });

  it('of somebody who only listens is not dead, but one without even noise is', () => {
    let watch = watchSilence(0);
    for (let now = 0; now <= 60_000; now += 100) watch = listen(watch, 0.0002, now);
    expect(isDead(watch, 60_000)).toBe(false);
    for (let now = 60_100; now <= 75_000; now += 100) watch = listen(watch, 0, now);
    expect(isDead(watch, 74_999)).toBe(false);
    expect(isDead(watch, 75_000)).toBe(true);
  });
});

it('the meter shows a whisper and does not overflow', () => {
  expect(meterShare(0)).toBe(0);
  expect(meterShare(0.01)).toBeGreaterThan(0.2);
  expect(meterShare(0.5)).toBeCloseTo(1);
  expect(meterShare(2)).toBe(1);
});

it('a picture is black when every pixel is nearly so', () => {
  const pixels = new Uint8ClampedArray(16 * 9 * 4).fill(12);
  expect(isBlack(pixels)).toBe(true);
  pixels[401] = 90;
  expect(isBlack(pixels)).toBe(false);
  expect(isBlack(new Uint8ClampedArray())).toBe(false);
});
