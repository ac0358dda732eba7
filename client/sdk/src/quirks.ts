// Every work-around for one browser's ways, each with its reason. Nothing here asks which browser
// this is if it can ask what the browser can do.

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

/**
 * Gives a sender another track, or none. Without a track Firefox goes on sending the last picture once a second
 * (its VideoFrameConverter repeats what it has), so there its encodings rest as well.
 */
export async function replaceTrack(
  sender: RTCRtpSender,
  track: MediaStreamTrack | null,
): Promise<void> {
  if (track !== null) await setActive(sender, true);
  await sender.replaceTrack(track);
  if (track === null) await setActive(sender, false);
}

async function setActive(sender: RTCRtpSender, active: boolean): Promise<void> {
  const parameters = sender.getParameters();
  const changed = parameters.encodings.filter((encoding) => encoding.active !== active);
  if (changed.length === 0) return;
  for (const encoding of changed) encoding.active = active;
  await sender.setParameters(parameters);
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
  systemAudio?: 'include' | 'exclude';
  surfaceSwitching?: 'include' | 'exclude';
  selfBrowserSurface?: 'include' | 'exclude';
}

/** https://developer.mozilla.org/docs/Web/API/MediaDevices/getDisplayMedia#options */
export const DISPLAY_MEDIA: DisplayMediaOptions = {
  video: { frameRate: { ideal: 15, max: 30 }, width: { max: 1920 }, height: { max: 1200 } },
  // What is played must not be cleaned as if it were a voice.
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  systemAudio: 'include',
  surfaceSwitching: 'include',
  // Sharing the call into itself gives an endless corridor.
  selfBrowserSurface: 'exclude',
};

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
