// Brings one RTCRtpSender to what is wanted of it: which track, in which encodings. Both take their
// time and the wish may change meanwhile, so that it is looked at again until both agree.

import type { EncodingDemand } from './messages';
import {
  type Answered,
  type CodecName,
  plan,
  type Plan,
  type ScreenContent,
  type SendKind,
} from './publishing';
import { setEncodings } from './quirks';

export class Sender {
  private track: MediaStreamTrack | null = null;
  private sending = false;
  private codec: CodecName = '';
  private demand: readonly EncodingDemand[] | null = null;
  private simulcast: boolean;
  private attached: MediaStreamTrack | null = null;
  /** The plan that the sender has; null before the first. */
  private applied: string | null = null;
  private busy = false;

  constructor(
    private readonly kind: SendKind,
    readonly transceiver: RTCRtpTransceiver,
    /** Whether the browser takes scalability modes. */
    private layered: boolean,
    simulcast: boolean,
    private readonly isClosed: () => boolean,
  ) {
    this.simulcast = simulcast;
  }

  set(track: MediaStreamTrack | null): void {
    this.track = track;
    this.start();
  }

  setSending(sending: boolean): void {
    this.sending = sending;
    this.start();
  }

  setDemand(demand: readonly EncodingDemand[]): void {
    this.demand = demand;
    this.start();
  }

  /** What the answer has chosen. The browser may have changed the encodings by it. */
  setAnswered({ codec, simulcast }: Answered): void {
    this.codec = codec;
    this.simulcast = simulcast;
    this.applied = null;
    this.start();
  }

  private start(): void {
    if (!this.busy) void this.reconcile();
  }

  private get wanted(): MediaStreamTrack | null {
    return this.sending ? this.track : null;
  }

  private plan(): Plan {
    const { kind, codec, simulcast, layered, demand } = this;
    const content = contentOf(this.track);
    const wanted = plan({ kind, codec, simulcast, layered, demand, content });
    if (this.wanted !== null) return wanted;
    return { ...wanted, encodings: wanted.encodings.map((one) => ({ ...one, active: false })) };
  }

  private async reconcile(): Promise<void> {
    this.busy = true;
    while (!this.isClosed()) {
      const track = this.wanted;
      const planned = this.plan();
      const key = JSON.stringify(planned);
      if (this.attached === track && this.applied === key) break;
      try {
        // The encodings start before the first picture, and stop after the last one.
        if (track === null) await this.attach(null);
        if (this.applied !== key && !(await this.apply(planned, key))) continue;
        await this.attach(track);
      } catch {
        // Closed meanwhile, or a track that has ended: its owner brings another one.
        if (track === null) break;
        this.track = this.track === track ? null : this.track;
      }
    }
    this.busy = false;
  }

  private async attach(track: MediaStreamTrack | null): Promise<void> {
    if (this.attached === track) return;
    await this.transceiver.sender.replaceTrack(track);
    this.attached = track;
  }

  /** False if another plan must be made: the browser does not take the layers of this one. */
  private async apply(planned: Plan, key: string): Promise<boolean> {
    try {
      await setEncodings(this.transceiver.sender, planned);
    } catch {
      if (this.layered) {
        this.layered = false;
        return false;
      }
      // The browser's own settings stand. Whether anything is sent is up to the track.
    }
    this.applied = key;
    return true;
  }
}

/** The track itself says what it shows; whoever shares it may change that at any time. */
function contentOf(track: MediaStreamTrack | null): ScreenContent {
  return track?.contentHint === 'motion' ? 'motion' : 'text';
}
