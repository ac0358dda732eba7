import { expect, it } from 'vitest';
import { preferredCodecs } from './codecs';

const codec = (mimeType: string, sdpFmtpLine?: string): RTCRtpCodec => ({
  mimeType,
  clockRate: mimeType.startsWith('video') ? 90000 : 48000,
  ...(sdpFmtpLine === undefined ? {} : { sdpFmtpLine }),
});
const names = (codecs: RTCRtpCodec[]) => codecs.map((c) => c.mimeType + (c.sdpFmtpLine ?? ''));

it('offers VP8 first, one profile of each codec, and retransmission', () => {
  const available = [
    codec('video/AV1', 'level-idx=5;profile=1;tier=0'),
    codec('video/AV1', 'level-idx=5;profile=0;tier=0'),
    codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f'),
    codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
    codec('video/H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F'),
    codec('video/VP9', 'profile-id=2'),
    codec('video/VP9', 'profile-id=0'),
    codec('video/rtx'),
    codec('video/red'),
    codec('video/ulpfec'),
    codec('video/flexfec-03', 'repair-window=10000000'),
    codec('video/VP8'),
  ];
  expect(names(preferredCodecs('video', available))).toEqual([
    'video/VP8',
    'video/VP9profile-id=0',
    'video/H264level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F',
    'video/AV1level-idx=5;profile=0;tier=0',
    'video/rtx',
  ]);
});

it('takes a codec without parameters for its default profile', () => {
  const available = [codec('video/VP9'), codec('video/AV1'), codec('video/H264')];
  expect(names(preferredCodecs('video', available))).toEqual(['video/VP9', 'video/AV1']);
});

it('offers Opus before RED, and nothing else of audio', () => {
  const available = ['audio/red', 'audio/PCMU', 'audio/opus', 'audio/CN'].map((n) => codec(n));
  expect(names(preferredCodecs('audio', available))).toEqual(['audio/opus', 'audio/red']);
  expect(names(preferredCodecs('audio', available, true))).toEqual(['audio/red', 'audio/opus']);
});

it('has no preference where the browser names nothing that we know', () => {
  expect(preferredCodecs('video', [codec('video/rtx'), codec('video/H265')])).toEqual([]);
  expect(preferredCodecs('audio', [])).toEqual([]);
});
