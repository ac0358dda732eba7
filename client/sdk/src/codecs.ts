// Which codecs we offer, and in which order. Untrimmed, an offer with many slots is hundreds of
// kilobytes long.

/** In the order of preference: VP8 is what every browser encodes cheaply. */
const VIDEO: readonly ((codec: RTCRtpCodec) => boolean)[] = [
  (codec) => is(codec, 'video/vp8'),
  (codec) => is(codec, 'video/vp9') && parameter(codec, 'profile-id', '0') === '0',
  // Constrained baseline, any level, in the one packetization mode that all implement.
  (codec) =>
    is(codec, 'video/h264') &&
    parameter(codec, 'packetization-mode', '0') === '1' &&
    parameter(codec, 'profile-level-id', '').toLowerCase().startsWith('42e0'),
  (codec) => is(codec, 'video/av1') && parameter(codec, 'profile', '0') === '0',
  (codec) => is(codec, 'video/rtx'),
];
const AUDIO: readonly ((codec: RTCRtpCodec) => boolean)[] = [
  (codec) => is(codec, 'audio/opus'),
  (codec) => is(codec, 'audio/red'),
];
/** RED sends each frame of sound twice (RFC 2198): as long as much gets lost. */
const REDUNDANT_AUDIO = [...AUDIO].reverse();

function is(codec: RTCRtpCodec, mimeType: string): boolean {
  return codec.mimeType.toLowerCase() === mimeType;
}

/** The value of one format parameter ("a=1;b=2"), or what its absence means. */
function parameter(codec: RTCRtpCodec, name: string, absent: string): string {
  for (const pair of (codec.sdpFmtpLine ?? '').split(';')) {
    const [key, value] = pair.split('=');
    if (key?.trim() === name) return value?.trim() ?? '';
  }
  return absent;
}

/**
 * Those of the browser's codecs that we offer, best first. Empty where it names none of them. `redundant`
 * sound is preferred where the browser can send it.
 */
export function preferredCodecs(
  kind: 'audio' | 'video',
  available: readonly RTCRtpCodec[],
  redundant = false,
): RTCRtpCodec[] {
  const audio = redundant ? REDUNDANT_AUDIO : AUDIO;
  const wanted = kind === 'audio' ? audio : VIDEO;
  const chosen = wanted.flatMap((matches) => available.filter(matches));
  // Retransmission alone is nothing to offer.
  return chosen.some((codec) => !is(codec, 'video/rtx')) ? chosen : [];
}
