// An RTCPeerConnection that records what is asked of it and connects when the test says so.

export interface FakeSender {
  track: MediaStreamTrack | null;
  active: boolean;
  replaceTrack(track: MediaStreamTrack | null): Promise<void>;
  getParameters(): { encodings: { active: boolean }[] };
  setParameters(parameters: { encodings: { active: boolean }[] }): Promise<void>;
}

export class FakePeerConnection {
  onconnectionstatechange: (() => void) | null = null;
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  readonly lines: string[] = [];
  readonly senders: FakeSender[] = [];
  readonly answers: string[] = [];
  restarts = 0;
  offers = 0;
  closed = false;
  failOffers = false;

  asPeerConnection(): RTCPeerConnection {
    return this as unknown as RTCPeerConnection;
  }
  addTransceiver(kind: string, { direction }: { direction: string }) {
    this.lines.push(`${kind} ${direction}`);
    const sender: FakeSender = {
      track: null,
      active: true,
      getParameters() {
        return { encodings: [{ active: this.active }] };
      },
      async setParameters({ encodings }) {
        await Promise.resolve();
        this.active = encodings[0]?.active ?? true;
      },
      async replaceTrack(track) {
        await Promise.resolve();
        this.track = track;
      },
    };
    if (direction === 'sendonly') this.senders.push(sender);
    const mid = this.lines.length - 1;
    return { sender, receiver: { mid, track: { kind }, getSynchronizationSources: () => [] } };
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
    return this.senders.map(({ track, active }) => (active ? track : null));
  }
}
