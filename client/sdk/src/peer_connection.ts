// The one RTCPeerConnection of a call. All m-lines are made here, once, in the order that
// docs/protocol.md names; afterwards tracks come and go by replaceTrack alone. It does what it is
// told and decides nothing: when to offer, restart or give up is room_state.ts's business.

import { preferredCodecs } from './codecs';
import { replaceTrack, setCodecPreferences } from './quirks';

/** What we send, in the order of the m-lines. */
export const SEND_KINDS = ['microphone', 'camera', 'screen', 'screen_audio'] as const;
export type SendKind = (typeof SEND_KINDS)[number];

/** bit/s. */
const MAX_BITRATE: Readonly<Record<SendKind, number>> = {
  microphone: 64_000,
  camera: 2_500_000,
  screen: 3_000_000,
  screen_audio: 128_000,
};

/** One place in which the server puts a person, or the shared screen. */
export interface SlotMedia {
  readonly audio: RTCRtpReceiver;
  readonly video: RTCRtpReceiver;
}

export interface PeerConnectionOptions {
  readonly create: () => RTCPeerConnection;
  readonly personSlots: number;
  readonly onConnection: (state: RTCPeerConnectionState) => void;
}

export class PeerConnection {
  readonly people: readonly SlotMedia[];
  readonly screen: SlotMedia;
  private readonly pc: RTCPeerConnection;
  private readonly senders: Readonly<Record<SendKind, Sender>>;
  private sending = false;
  private closed = false;
  /** Offers and answers, one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: PeerConnectionOptions) {
    this.pc = options.create();
    // m-lines 0 to 3.
    this.senders = {
      microphone: this.addSender('microphone', 'audio'),
      camera: this.addSender('camera', 'video'),
      screen: this.addSender('screen', 'video'),
      screen_audio: this.addSender('screen_audio', 'audio'),
    };
    // m-lines 4 + 2n and 5 + 2n.
    this.people = Array.from({ length: options.personSlots }, () => ({
      audio: this.addReceiver('audio'),
      video: this.addReceiver('video'),
    }));
    // The last two, the other way round.
    const video = this.addReceiver('video');
    this.screen = { audio: this.addReceiver('audio'), video };
    this.pc.onconnectionstatechange = () => options.onConnection(this.pc.connectionState);
  }

  /** What to send from now on; null for nothing. Takes effect while sending is on. */
  setTrack(kind: SendKind, track: MediaStreamTrack | null): void {
    this.senders[kind].set(track, this.sending);
  }

  /** Off: no track is attached to any sender, so that not a packet of media leaves. */
  setSending(sending: boolean): void {
    this.sending = sending;
    for (const kind of SEND_KINDS) this.senders[kind].setSending(sending);
  }

  /** The SDP to send. Rejects when the connection is closed or beyond repair. */
  offer(restart: boolean): Promise<string> {
    return this.inTurn(async () => {
      if (restart) this.pc.restartIce();
      await this.pc.setLocalDescription(await this.pc.createOffer());
      const sdp = this.pc.localDescription?.sdp;
      if (sdp === undefined) throw new Error('no local description');
      return sdp;
    });
  }

  /** Takes the server's answer to the latest offer. Rejects if it is of no use. */
  answer(sdp: string): Promise<void> {
    return this.inTurn(() => this.pc.setRemoteDescription({ type: 'answer', sdp }));
  }

  stats(): Promise<RTCStatsReport> {
    return this.pc.getStats();
  }

  /** The tracks handed in are left alone. */
  close(): void {
    this.closed = true;
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(() => {
      if (this.closed) throw new Error('the peer connection is closed');
      return work();
    });
    this.turn = result.catch(() => undefined);
    return result;
  }

  private addSender(kind: SendKind, media: 'audio' | 'video'): Sender {
    const transceiver = this.pc.addTransceiver(media, {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: MAX_BITRATE[kind] }],
    });
    setCodecPreferences(
      transceiver,
      preferredCodecs(media, RTCRtpSender.getCapabilities(media)?.codecs ?? []),
    );
    return new Sender(transceiver.sender, () => this.closed);
  }

  private addReceiver(media: 'audio' | 'video'): RTCRtpReceiver {
    const transceiver = this.pc.addTransceiver(media, { direction: 'recvonly' });
    setCodecPreferences(
      transceiver,
      preferredCodecs(media, RTCRtpReceiver.getCapabilities(media)?.codecs ?? []),
    );
    return transceiver.receiver;
  }
}

/**
 * Brings one RTCRtpSender to the wanted track. replaceTrack takes its time and the wish may change
 * meanwhile: it is called again until both agree.
 */
class Sender {
  private track: MediaStreamTrack | null = null;
  private sending = false;
  private attached: MediaStreamTrack | null = null;
  private busy = false;

  constructor(
    private readonly sender: RTCRtpSender,
    private readonly isClosed: () => boolean,
  ) {}

  set(track: MediaStreamTrack | null, sending: boolean): void {
    this.track = track;
    this.setSending(sending);
  }

  setSending(sending: boolean): void {
    this.sending = sending;
    if (!this.busy) void this.attach();
  }

  private get wanted(): MediaStreamTrack | null {
    return this.sending ? this.track : null;
  }

  private async attach(): Promise<void> {
    this.busy = true;
    while (!this.isClosed() && this.attached !== this.wanted) {
      const track = this.wanted;
      try {
        await replaceTrack(this.sender, track);
      } catch {
        // Closed meanwhile, or a track that has ended: its owner brings another one.
        if (track === null) break;
        this.track = this.track === track ? null : this.track;
        continue;
      }
      this.attached = track;
    }
    this.busy = false;
  }
}
