// The one RTCPeerConnection of a call. All m-lines are made here, once, in the order that
// docs/protocol.md names; afterwards tracks come and go by replaceTrack alone. It does what it is
// told and decides nothing: when to offer, restart or give up is room_state.ts's business.

import { preferredCodecs } from './codecs';
import type { AudioSource, EncodingDemand, VideoSource } from './messages';
import { answered, plan, SEND_KINDS, type SendKind } from './publishing';
import { addSendTransceiver, knowsLayers, offerExtensions, setCodecPreferences } from './quirks';
import { Sender } from './sender';

/** Says which frames need which, so that a server can leave some out without reading any. */
const DEPENDENCY_DESCRIPTOR =
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';
/** Says when a picture was taken, for lips that move with the voice. */
const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

/** One place in which the server puts a person, or the shared screen. */
export interface SlotMedia {
  readonly audio: RTCRtpReceiver;
  readonly video: RTCRtpReceiver;
}

export interface PeerConnectionOptions {
  readonly create: () => RTCPeerConnection;
  readonly personSlots: number;
  /**
   * The server takes several encodings of one source. Only then are they offered: after an answer that
   * does not take them Chromium goes on offering them, and refuses its own next offer for that
   * (its RID header extension was not taken either).
   */
  readonly simulcast: boolean;
  readonly onConnection: (state: RTCPeerConnectionState) => void;
}

export class PeerConnection {
  readonly people: SlotMedia[] = [];
  readonly screen: SlotMedia;
  private readonly pc: RTCPeerConnection;
  private readonly senders: Readonly<Record<SendKind, Sender>>;
  /** Whether the browser takes scalability modes; the camera's sender shows it. */
  private layered = false;
  private readonly simulcast: boolean;
  private closed = false;
  /** Offers and answers, one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: PeerConnectionOptions) {
    this.pc = options.create();
    this.simulcast = options.simulcast;
    // m-lines 0 to 3.
    this.senders = {
      microphone: this.addSender('microphone', 'audio'),
      camera: this.addSender('camera', 'video'),
      screen: this.addSender('screen', 'video'),
      screen_audio: this.addSender('screen_audio', 'audio'),
    };
    // m-lines 4 + 2n and 5 + 2n.
    this.addPeople(options.personSlots);
    // The other way round, which tells them from the person slots before and after them.
    const video = this.addReceiver('video');
    this.screen = { audio: this.addReceiver('audio'), video };
    this.pc.onconnectionstatechange = () => options.onConnection(this.pc.connectionState);
  }

  /** What to send from now on; null for nothing. Takes effect while sending is on. */
  setTrack(kind: SendKind, track: MediaStreamTrack | null): void {
    this.senders[kind].set(track);
  }

  /** Off: no track is attached to any sender, so that not a packet of media leaves. */
  setSending(sending: boolean): void {
    for (const kind of SEND_KINDS) this.senders[kind].setSending(sending);
  }

  /** Which encodings somebody wants. Takes effect at once. */
  setLayers(source: VideoSource, demand: readonly EncodingDemand[]): void {
    this.senders[source].setDemand(demand);
  }

  /** Whether each frame of this sound is to be sent twice, where the browser can. The next offer says so. */
  setRedundancy(source: AudioSource, redundant: boolean): void {
    // Not while an offer is being made: its answer is of the order that it began with.
    this.inTurn(async () =>
      preferCodecs(this.senders[source].transceiver, RTCRtpSender, 'audio', redundant),
    ).catch(() => undefined);
  }

  /** More person slots, `count` in all. The next offer has them. Rejects if the browser has no more. */
  addPersonSlots(count: number): Promise<void> {
    // Not while an offer is being made: it has the m-lines that it began with.
    return this.inTurn(async () => this.addPeople(count));
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
    return this.inTurn(async () => {
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
      SEND_KINDS.forEach((kind, line) => this.senders[kind].setAnswered(answered(sdp, line)));
    });
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
    // What it begins with is what every codec can do; Sender makes another plan when one is chosen.
    const first = plan({
      kind,
      codec: '',
      content: 'text',
      simulcast: this.simulcast,
      layered: true,
      demand: null,
    });
    const transceiver = addSendTransceiver(this.pc, media, first.encodings);
    if (kind === 'camera') this.layered = knowsLayers(transceiver.sender);
    preferCodecs(transceiver, RTCRtpSender, media);
    offerExtensions(
      transceiver,
      media === 'video' ? [CAPTURE_TIME, DEPENDENCY_DESCRIPTOR] : [CAPTURE_TIME],
    );
    return new Sender(kind, transceiver, this.layered, this.simulcast, () => this.closed);
  }

  private addPeople(count: number): void {
    while (this.people.length < count) {
      this.people.push({ audio: this.addReceiver('audio'), video: this.addReceiver('video') });
    }
  }

  // jitterBufferTarget stays the browser's own: it follows the jitter that there is. A longer one would
  // only delay, and a shorter one is where pictures come from that freeze; a shared screen, whose
  // pictures are few and each of which counts, gains nothing by either.
  private addReceiver(media: 'audio' | 'video'): RTCRtpReceiver {
    const transceiver = this.pc.addTransceiver(media, { direction: 'recvonly' });
    preferCodecs(transceiver, RTCRtpReceiver, media);
    return transceiver.receiver;
  }
}

function preferCodecs(
  transceiver: RTCRtpTransceiver,
  end: typeof RTCRtpSender | typeof RTCRtpReceiver,
  media: 'audio' | 'video',
  redundant = false,
): void {
  const available = end.getCapabilities(media)?.codecs ?? [];
  setCodecPreferences(transceiver, preferredCodecs(media, available, redundant));
}
