// Figures of the peer connection for people who look closely: what is sent and received just now.

/** One video stream. */
export interface VideoFigures {
  /** m-line, as in the SDP. */
  readonly mid: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** As in "video/VP8"; "" while unknown. */
  readonly codec: string;
}

export interface Diagnostics {
  readonly sent: readonly VideoFigures[];
  readonly received: readonly VideoFigures[];
  /** "udp" or "tcp"; "" while unknown. */
  readonly protocol: string;
  /** Round trip of the selected candidate pair, ms; null while unknown. */
  readonly rttMs: number | null;
}

type Entry = Readonly<Record<string, unknown>>;

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Browsers differ in what they report; what is missing is 0 or "". */
export function diagnose(report: RTCStatsReport): Diagnostics {
  const all = new Map<string, Entry>();
  report.forEach((entry: Entry, id: string) => all.set(id, entry));
  const entries = [...all.values()];

  const video = (type: string): VideoFigures[] =>
    entries
      .filter((entry) => entry['type'] === type && entry['kind'] === 'video')
      .filter((entry) => numberOf(entry['framesPerSecond']) > 0)
      .map((entry) => ({
        mid: textOf(entry['mid']),
        width: numberOf(entry['frameWidth']),
        height: numberOf(entry['frameHeight']),
        framesPerSecond: numberOf(entry['framesPerSecond']),
        codec: textOf(all.get(textOf(entry['codecId']))?.['mimeType']),
      }));

  const pair = selectedPair(entries, all);
  const rtt = pair?.['currentRoundTripTime'];
  return {
    sent: video('outbound-rtp'),
    received: video('inbound-rtp'),
    protocol: textOf(all.get(textOf(pair?.['localCandidateId']))?.['protocol']),
    rttMs: typeof rtt === 'number' ? rtt * 1000 : null,
  };
}

/** Chromium names it in the transport; Firefox has no transport but marks the pair. */
function selectedPair(
  entries: readonly Entry[],
  all: ReadonlyMap<string, Entry>,
): Entry | undefined {
  const transport = entries.find((entry) => entry['type'] === 'transport');
  const named = all.get(textOf(transport?.['selectedCandidatePairId']));
  return named ?? entries.find((e) => e['type'] === 'candidate-pair' && e['selected'] === true);
}
