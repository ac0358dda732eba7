// How each source is encoded: pure. Before the answer nobody knows the codec, so that an offer begins
// with what all of them can do, and the plan is made again when the answer has named one.
//
// A camera is sent in three sizes, so that everybody gets the one that they have room for. With VP9
// and a browser that can (Chromium), they are spatial layers of one encoding (L3T3_KEY: a key frame is
// the only place where a layer leans on the one below, so that a lost packet of one spares the others);
// else they are encodings of their own (simulcast). A screen is sent once: readable or not at all.

import type { EncodingDemand } from './messages';

/** What we send, in the order of the m-lines. */
export const SEND_KINDS = ['microphone', 'camera', 'screen', 'screen_audio'] as const;
export type SendKind = (typeof SEND_KINDS)[number];

/** As in "video/VP9", in lower case and without "video/"; "" while unknown. */
export type CodecName = string;

/** What a shared screen mostly shows: pages and slides, or pictures that move. */
export type ScreenContent = 'text' | 'motion';

/** RTCRtpEncodingParameters, with what TypeScript's library does not know yet. */
export interface Encoding {
  readonly rid?: string;
  readonly active: boolean;
  readonly maxBitrate: number;
  readonly maxFramerate?: number;
  readonly scaleResolutionDownBy?: number;
  readonly scalabilityMode?: string;
}

export interface Plan {
  readonly encodings: readonly Encoding[];
  readonly degradationPreference?: RTCDegradationPreference;
}

export interface PlanRequest {
  readonly kind: SendKind;
  readonly codec: CodecName;
  readonly content: ScreenContent;
  /** The server takes several encodings of one source. */
  readonly simulcast: boolean;
  /** The browser takes scalability modes at all; Firefox has none. */
  readonly layered: boolean;
  /** Null: everything. */
  readonly demand: readonly EncodingDemand[] | null;
}

/** The least first, as the rids are told apart by their order where one codec has no rids. bit/s for VP8. */
const CAMERA = [
  { rid: 'q', scale: 4, bitrate: 150_000 },
  { rid: 'h', scale: 2, bitrate: 500_000 },
  { rid: 'f', scale: 1, bitrate: 1_700_000 },
] as const;
/** Of VP8's bits these codecs need this share for the same picture. */
const SAVING: Readonly<Record<string, number>> = { vp9: 0.7, av1: 0.7 };
const SCREEN_BITRATE = 3_000_000;
/** Text scrolls legibly with this many pictures a second, and each is the sharper for it. */
const TEXT_FRAMERATE = 15;
const MOTION_FRAMERATE = 30;
const AUDIO_BITRATE = { microphone: 64_000, screen_audio: 128_000 };

/** One layer in space and three in time: an SFU can then halve the frame rate, twice. */
export const TEMPORAL = ['L1T3', 'L1T2'] as const;

export function plan(request: PlanRequest): Plan {
  switch (request.kind) {
    case 'microphone':
    case 'screen_audio':
      return { encodings: [{ active: true, maxBitrate: AUDIO_BITRATE[request.kind] }] };
    case 'camera':
      if (isLayered(request)) return { encodings: layers(request) };
      return { encodings: request.simulcast ? simulcast(request) : single(request) };
    case 'screen':
      return screen(request);
  }
}

/** A server that knows nothing of several encodings would send all layers to everybody. */
function isLayered({ codec, layered, simulcast }: PlanRequest): boolean {
  return codec === 'vp9' && layered && simulcast;
}

function demandOf({ demand }: PlanRequest, rid: string): EncodingDemand | undefined {
  return demand?.find((wanted) => wanted.rid === rid);
}

/** What nobody spoke of is wanted. */
function wanted(request: PlanRequest, rid: string): boolean {
  return demandOf(request, rid)?.active ?? true;
}

function simulcast(request: PlanRequest): Encoding[] {
  const saving = SAVING[request.codec] ?? 1;
  return CAMERA.map(({ rid, scale, bitrate }) => ({
    rid,
    active: wanted(request, rid),
    maxBitrate: bitrate * saving,
    scaleResolutionDownBy: scale,
    ...(request.layered && { scalabilityMode: TEMPORAL[0] }),
  }));
}

/** One size for everybody: the whole. */
function single(request: PlanRequest): Encoding[] {
  const { rid, ...whole } = simulcast({ ...request, demand: null }).at(-1) as Encoding;
  return [{ ...whole, active: wanted(request, request.demand?.[0]?.rid ?? '') }];
}

/** All layers are in the first encoding; with fewer of them it is smaller, and its layers are the same as before. */
function layers(request: PlanRequest): Encoding[] {
  const saving = SAVING[request.codec] ?? 1;
  const [base] = CAMERA;
  const count = Math.min(demandOf(request, base.rid)?.spatial_layers ?? 3, CAMERA.length);
  const used = CAMERA.slice(0, count);
  const first: Encoding = {
    rid: base.rid,
    active: wanted(request, base.rid),
    maxBitrate: used.reduce((sum, { bitrate }) => sum + bitrate, 0) * saving,
    scaleResolutionDownBy: used.at(-1)?.scale ?? 1,
    scalabilityMode: count === 1 ? 'L1T3' : `L${count}T3_KEY`,
  };
  const others = CAMERA.slice(1).map(({ rid, scale, bitrate }) => ({
    rid,
    active: false,
    maxBitrate: bitrate * saving,
    scaleResolutionDownBy: scale,
    scalabilityMode: TEMPORAL[0],
  }));
  return [first, ...others];
}

function screen(request: PlanRequest): Plan {
  const { content, codec, layered } = request;
  const temporal = layered && (codec === 'vp9' || codec === 'av1');
  return {
    encodings: [
      {
        active: wanted(request, ''),
        maxBitrate: SCREEN_BITRATE,
        maxFramerate: content === 'text' ? TEXT_FRAMERATE : MOTION_FRAMERATE,
        ...(temporal && { scalabilityMode: TEMPORAL[0] }),
      },
    ],
    degradationPreference: content === 'text' ? 'maintain-resolution' : 'balanced',
  };
}

/** What an answer makes of what we send at one m-line. */
export interface Answered {
  /** The one that it wants first; "" if it says none. */
  readonly codec: CodecName;
  readonly simulcast: boolean;
}

export function answered(sdp: string, line: number): Answered {
  const media = sdp.split(/^m=/m)[line + 1] ?? '';
  const [payloadType] = media.split(/\r?\n/, 1)[0]?.split(' ').slice(3) ?? [];
  const name = new RegExp(`^a=rtpmap:${payloadType ?? 'none'} ([^/]+)`, 'm').exec(media)?.[1];
  return { codec: (name ?? '').toLowerCase(), simulcast: /^a=simulcast:/m.test(media) };
}
