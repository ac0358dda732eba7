// How loud a local track is, and whether it gives anything at all.

/** A level of this or more is somebody or something (about -44 dB). */
export const AUDIBLE = 0.006;
/** Without anything audible for this long, a microphone is called silent, ms. */
export const SILENT_AFTER_MS = 5000;
/** Without as much as noise for this long, it is called dead, ms. */
export const DEAD_AFTER_MS = 15_000;

/** Loudest sample of the last moments of a track. Close it after use. */
export class LevelMeter {
  private readonly context = new AudioContext();
  private readonly analyser = this.context.createAnalyser();
  private readonly source: MediaStreamAudioSourceNode;
  private readonly samples: Float32Array<ArrayBuffer>;

  constructor(track: MediaStreamTrack) {
    this.analyser.fftSize = 1024;
    this.samples = new Float32Array(this.analyser.fftSize);
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
    this.resume();
  }

  /** To be called when the person touches the page: before that a browser may hold sound back. */
  resume(): void {
    if (this.context.state === 'suspended') this.context.resume().catch(() => undefined);
  }

  /** 0 to 1; null while the browser does not run the meter. */
  level(): number | null {
    if (this.context.state !== 'running') return null;
    this.analyser.getFloatTimeDomainData(this.samples);
    return this.samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
  }

  close(): void {
    this.source.disconnect();
    void this.context.close();
  }
}

/** A level as the share of a meter that should light: the ear is logarithmic. 0 to 1. */
export function meterShare(level: number): number {
  const decibels = 20 * Math.log10(Math.max(level, 1e-6));
  return Math.min(1, Math.max(0, (decibels + 54) / 48));
}

/** Watches a microphone that is on. */
export interface SilenceWatch {
  /** Since when nothing audible came, ms; null once something did. */
  readonly silentSince: number | null;
  /** Since when nothing at all came, not even noise, ms. */
  readonly deadSince: number;
}

export function watchSilence(now: number): SilenceWatch {
  return { silentSince: now, deadSince: now };
}

export function listen(watch: SilenceWatch, level: number, now: number): SilenceWatch {
  return {
    silentSince: level >= AUDIBLE ? null : watch.silentSince,
    deadSince: level > 0 ? now : watch.deadSince,
  };
}

/** Not heard yet, though there was time: worth a hint to somebody who is trying it out. */
export function isSilent({ silentSince, deadSince }: SilenceWatch, now: number): boolean {
  return now - (silentSince ?? deadSince) >= SILENT_AFTER_MS;
}

/** Gives nothing but zeros, as when it is switched off at the device. Who only listens is not dead. */
export function isDead({ deadSince }: SilenceWatch, now: number): boolean {
  return now - deadSince >= DEAD_AFTER_MS;
}

/** Whether a picture (RGBA bytes) is as good as black: a closed shutter, a covered lens. */
export function isBlack(pixels: Uint8ClampedArray): boolean {
  for (let i = 0; i + 2 < pixels.length; i += 4) {
    const brightest = Math.max(pixels[i] ?? 0, pixels[i + 1] ?? 0, pixels[i + 2] ?? 0);
    if (brightest > 24) return false;
  }
  return pixels.length > 0;
}
