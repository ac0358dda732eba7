// An RTCPeerConnection that records what is asked of it and connects when the test says so.

export interface FakeEncoding {
  rid?: string;
  active?: boolean;
  scalabilityMode?: string;
  scaleResolutionDownBy?: number;
}
interface FakeParameters {
  encodings: FakeEncoding[];
}

export interface FakeSender {
  track: MediaStreamTrack | null;
  encodings: FakeEncoding[];
  replaceTrack(track: MediaStreamTrack | null): Promise<void>;
  getParameters(): FakeParameters;
  setParameters(parameters: FakeParameters): Promise<void>;
}

export class FakePeerConnection {
  onconnectionstatechange: (() => void) | null = null;
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  readonly lines: string[] = [];
  readonly senders: FakeSender[] = [];
  readonly answers: string[] = [];
  /** By m-line, as preferred; empty where nothing is. */
  readonly codecs: (readonly { mimeType: string }[])[] = [];
  restarts = 0;
  offers = 0;
  closed = false;
  failOffers = false;
  /** As Chromium: takes and shows scalability modes, but for these. */
  layered = true;
  refusedModes: string[] = [];

  asPeerConnection(): RTCPeerConnection {
    return this as unknown as RTCPeerConnection;
  }
  addTransceiver(
    kind: string,
    { direction, sendEncodings = [{}] }: { direction: string; sendEncodings?: FakeEncoding[] },
  ) {
    const taken = (encodings: readonly FakeEncoding[]): FakeEncoding[] => {
      if (encodings.some((e) => this.refusedModes.includes(e.scalabilityMode ?? ''))) {
        throw new DOMException('', 'OperationError');
      }
      return encodings.map(({ scalabilityMode, ...rest }) => ({
        active: true,
        ...rest,
        ...(this.layered && scalabilityMode !== undefined && { scalabilityMode }),
      }));
    };
    const encodings = taken(sendEncodings);
    this.lines.push(`${kind} ${direction}`);
    this.codecs.push([]);
    const sender: FakeSender = {
      track: null,
      encodings,
      getParameters() {
        return { encodings: this.encodings.map((encoding) => ({ ...encoding })) };
      },
      async setParameters({ encodings }) {
        await Promise.resolve();
        this.encodings = taken(encodings);
      },
      async replaceTrack(track) {
        await Promise.resolve();
        this.track = track;
      },
    };
    if (direction === 'sendonly') this.senders.push(sender);
    const mid = this.lines.length - 1;
    return {
      sender,
      receiver: { mid, track: { kind }, getSynchronizationSources: () => [] },
      setCodecPreferences: (codecs: readonly { mimeType: string }[]) => {
        this.codecs[mid] = codecs;
      },
    };
  }
  restartIce() {
    this.restarts += 1;
  }
  createOffer() {
    if (this.failOffers) return Promise.reject(new Error('no offer today'));
    this.offers += 1;
    return Promise.resolve({ sdp: `offer ${this.offers}` });
  }
  setLocalDescription(description: { sdp: string }) {
    this.localDescription = description;
    return Promise.resolve();
  }
  setRemoteDescription({ sdp }: { sdp: string }) {
    this.answers.push(sdp);
    return sdp === 'nonsense' ? Promise.reject(new Error('bad SDP')) : Promise.resolve();
  }
  getStats() {
    return Promise.resolve(new Map());
  }
  close() {
    this.closed = true;
  }

  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  /** What is attached to the senders: nothing else can be sent. */
  get sent(): (MediaStreamTrack | null)[] {
    return this.senders.map(({ track, encodings }) =>
      encodings.some(({ active }) => active) ? track : null,
    );
  }
}
