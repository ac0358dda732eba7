// Every work-around for one browser's ways, each with its reason. Nothing here asks which browser
// this is if it can ask what the browser can do.

import { type Encoding, type Plan, type ScreenContent, TEMPORAL } from './publishing';

/**
 * Firefox before 128 has no such method, and browsers differ in what they refuse. Without it the
 * offer is only longer, so a refusal is no error.
 * https://developer.mozilla.org/docs/Web/API/RTCRtpTransceiver/setCodecPreferences
 */
export function setCodecPreferences(
  transceiver: RTCRtpTransceiver,
  codecs: readonly RTCRtpCodec[],
): void {
  if (codecs.length === 0 || typeof transceiver.setCodecPreferences !== 'function') return;
  try {
    transceiver.setCodecPreferences([...codecs]);
  } catch {
    // The browser's own list stands.
  }
}

/** RTCRtpEncodingParameters with `scalabilityMode`, which TypeScript's library does not know. */
type EncodingParameters = RTCRtpEncodingParameters & { scalabilityMode?: string };

/**
 * Browsers refuse a scalability mode that they do not know by throwing, and Firefox ignores all of them.
 * https://www.w3.org/TR/webrtc-svc/#rtcrtptransceiver
 */
export function addSendTransceiver(
  pc: RTCPeerConnection,
  media: 'audio' | 'video',
  encodings: readonly Encoding[],
): RTCRtpTransceiver {
  const without = encodings.map(({ scalabilityMode, ...rest }) => rest);
  const others = TEMPORAL.slice(1).map((mode) =>
    without.map((encoding) => ({ ...encoding, scalabilityMode: mode })),
  );
  const tries = encodings.some((e) => e.scalabilityMode !== undefined)
    ? [encodings, ...others]
    : [];
  for (const sendEncodings of tries) {
    try {
      return pc.addTransceiver(media, { direction: 'sendonly', sendEncodings: [...sendEncodings] });
    } catch {
      // The next one asks for less.
    }
  }
  return pc.addTransceiver(media, { direction: 'sendonly', sendEncodings: without });
}

/**
 * Whether the browser knows scalability modes: it then repeats the one that it was given.
 * https://bugzilla.mozilla.org/show_bug.cgi?id=1571470
 */
export function knowsLayers(sender: RTCRtpSender): boolean {
  const encodings = sender.getParameters().encodings as readonly EncodingParameters[];
  return encodings[0]?.scalabilityMode !== undefined;
}

/**
 * Without a track Firefox goes on sending the last picture once a second (its VideoFrameConverter
 * repeats what it has), so that a plan without a track has no active encoding. Firefox ignores
 * degradationPreference and scalabilityMode. Chromium keeps the encodings that an answer did not take, all of
 * them inactive, where the standard has them gone: what the plan does not name stays inactive.
 * https://developer.mozilla.org/docs/Web/API/RTCRtpSender/setParameters
 */
export async function setEncodings(sender: RTCRtpSender, plan: Plan): Promise<void> {
  const parameters: RTCRtpSendParameters & {
    degradationPreference?: RTCDegradationPreference;
  } = sender.getParameters();
  const encodings: EncodingParameters[] = parameters.encodings ?? [];
  encodings.forEach((encoding, i) => {
    const { rid, ...wanted }: Partial<Encoding> = plan.encodings.find(
      ({ rid }) => rid !== undefined && rid === encoding.rid,
    ) ??
      plan.encodings[i] ?? { active: false };
    if (!('scalabilityMode' in wanted)) delete encoding.scalabilityMode;
    Object.assign(encoding, wanted);
  });
  if (plan.degradationPreference) parameters.degradationPreference = plan.degradationPreference;
  await sender.setParameters(parameters);
}

/** What TypeScript's library does not know yet. */
interface ExtensibleTransceiver extends RTCRtpTransceiver {
  getHeaderExtensionsToNegotiate?(): { uri: string; direction: string }[];
  setHeaderExtensionsToNegotiate?(extensions: { uri: string; direction: string }[]): void;
}

/**
 * Header extensions that Chromium has but does not offer by itself. Nobody else has a say in them.
 * https://www.w3.org/TR/webrtc-extensions/#rtp-header-extension-control
 */
export function offerExtensions(transceiver: RTCRtpTransceiver, uris: readonly string[]): void {
  const extensible: ExtensibleTransceiver = transceiver;
  if (!extensible.getHeaderExtensionsToNegotiate || !extensible.setHeaderExtensionsToNegotiate)
    return;
  const extensions = extensible.getHeaderExtensionsToNegotiate();
  for (const one of extensions) if (uris.includes(one.uri)) one.direction = 'sendrecv';
  try {
    extensible.setHeaderExtensionsToNegotiate(extensions);
  } catch {
    // Media goes without them too.
  }
}

/**
 * Chromium's inbound-rtp audioLevel stays 0 while the element that plays the track is muted, so
 * levels come from the receiver. Its sources stay listed for 10 s after the last packet.
 * https://www.w3.org/TR/webrtc/#dom-rtcrtpreceiver-getsynchronizationsources
 */
export function receivedLevel(receiver: RTCRtpReceiver, now: number): number {
  const source = receiver.getSynchronizationSources()[0];
  if (source?.audioLevel === undefined) return 0;
  return now - source.timestamp < 500 ? source.audioLevel : 0;
}

/**
 * Chromium tells a closed question from a refusal, and the operating system's refusal from the
 * person's, only by the words of the error.
 * https://source.chromium.org/chromium/chromium/src/+/main:third_party/blink/renderer/modules/mediastream/user_media_request.cc
 */
export function deniedBySystem(message: string): boolean {
  return /system/i.test(message);
}
export function dismissed(message: string): boolean {
  return /dismiss/i.test(message);
}

/**
 * Only Chromium and Firefox let a page choose where sound comes out; Safari follows the system.
 * https://developer.mozilla.org/docs/Web/API/HTMLMediaElement/setSinkId
 */
export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
}

/** Routes an element's sound to a speaker; "" is the system's choice. False if that failed. */
export async function setSpeaker(element: HTMLMediaElement, speakerId: string): Promise<boolean> {
  if (typeof element.setSinkId !== 'function') return false;
  try {
    if (element.sinkId !== speakerId) await element.setSinkId(speakerId);
    return true;
  } catch {
    return false; // Gone, or not allowed: the sound stays where it is.
  }
}

/**
 * Phones have no screens to share; the method is missing there.
 * https://developer.mozilla.org/docs/Web/API/MediaDevices/getDisplayMedia
 */
export function canShareScreen(): boolean {
  return typeof navigator !== 'undefined' && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
}

/** Options of getDisplayMedia that TypeScript's library does not know yet. */
interface DisplayMediaOptions extends DisplayMediaStreamOptions {
  video: MediaTrackConstraints;
  systemAudio?: 'include' | 'exclude';
  surfaceSwitching?: 'include' | 'exclude';
  selfBrowserSurface?: 'include' | 'exclude';
}

/** https://developer.mozilla.org/docs/Web/API/MediaDevices/getDisplayMedia#options */
export const displayMedia = (content: ScreenContent): DisplayMediaOptions => ({
  video: {
    frameRate: { ideal: content === 'text' ? 15 : 30, max: 30 },
    width: { max: 1920 },
    height: { max: 1200 },
  },
  // What is played must not be cleaned as if it were a voice.
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  systemAudio: 'include',
  surfaceSwitching: 'include',
  // Sharing the call into itself gives an endless corridor.
  selfBrowserSurface: 'exclude',
});

/** navigator.connection, where there is one. `type` is missing on desktops. */
interface Connection extends EventTarget {
  readonly type?: string;
}

/**
 * Tells of another network: everybody by "online", phones with Chromium also by navigator.connection.
 * That one changes as well whenever the browser thinks anew about speed, which is no reason to act.
 * https://developer.mozilla.org/docs/Web/API/NetworkInformation/change_event
 */
export function watchNetwork(onChange: () => void): () => void {
  const { connection } = navigator as Navigator & { connection?: Connection };
  let type = connection?.type;
  const changed = () => {
    if (connection?.type === type) return;
    type = connection?.type;
    onChange();
  };
  window.addEventListener('online', onChange);
  connection?.addEventListener?.('change', changed);
  return () => {
    window.removeEventListener('online', onChange);
    connection?.removeEventListener?.('change', changed);
  };
}
