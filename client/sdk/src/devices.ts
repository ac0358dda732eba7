// Cameras, microphones and speakers: which there are, how to open one, and why that failed.

import { DeviceError } from './errors';
import { deniedBySystem, dismissed } from './quirks';

export type InputKind = 'microphone' | 'camera';
export type Permission = 'granted' | 'denied' | 'prompt' | 'unknown';

export interface Device {
  readonly id: string;
  /** "" until the browser has permission to tell. */
  readonly label: string;
}

export interface DeviceList {
  readonly microphones: readonly Device[];
  readonly cameras: readonly Device[];
  readonly speakers: readonly Device[];
}

export const NO_DEVICES: DeviceList = { microphones: [], cameras: [], speakers: [] };

function ofKind(all: readonly MediaDeviceInfo[], kind: MediaDeviceKind): Device[] {
  return all
    .filter((info) => info.kind === kind && info.deviceId !== '')
    .map((info) => ({ id: info.deviceId, label: info.label }));
}

/** What is plugged in, as far as the browser tells. Never rejects. */
export async function listDevices(media: MediaDevices | undefined): Promise<DeviceList> {
  try {
    const all = (await media?.enumerateDevices()) ?? [];
    return {
      microphones: ofKind(all, 'audioinput'),
      cameras: ofKind(all, 'videoinput'),
      speakers: ofKind(all, 'audiooutput'),
    };
  } catch {
    return NO_DEVICES;
  }
}

/** Whether the browser would let us. "unknown" where it does not tell. */
export async function permission(
  kind: InputKind,
  permissions: Permissions | undefined = globalThis.navigator?.permissions,
): Promise<Permission> {
  try {
    const status = await permissions?.query({ name: kind as PermissionName });
    return status?.state ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** What to ask of a camera or a microphone; without an id the browser chooses. */
export function constraintsOf(kind: InputKind, deviceId: string | null): MediaTrackConstraints {
  const device = deviceId === null ? {} : { deviceId: { exact: deviceId } };
  if (kind === 'microphone') {
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  }
  return {
    ...device,
    ...(deviceId === null ? { facingMode: { ideal: 'user' } } : {}),
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
  };
}

/** Why getUserMedia failed, as a stable code. `state` is the permission asked for afterwards. */
export function deviceError(error: unknown, state: Permission): DeviceError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (deniedBySystem(message)) return new DeviceError('system', message);
      if (dismissed(message) || state === 'prompt') return new DeviceError('dismissed', message);
      return new DeviceError('denied', message);
    case 'NotFoundError':
      return new DeviceError('missing', message);
    case 'OverconstrainedError':
      return new DeviceError('overconstrained', message);
    case 'TypeError': // No navigator.mediaDevices, or nothing asked for.
      return new DeviceError('insecure', message);
    default: // NotReadableError, AbortError, and whatever a driver comes up with.
      return new DeviceError('busy', message);
  }
}

/**
 * Opens one device. A device that is no longer there is replaced by the browser's choice.
 * Rejects with a DeviceError.
 */
export async function openDevice(
  media: MediaDevices | undefined,
  kind: InputKind,
  deviceId: string | null,
): Promise<MediaStreamTrack> {
  try {
    if (media === undefined) throw new TypeError('no media devices on a page without TLS');
    const constraints = constraintsOf(kind, deviceId);
    const stream = await media.getUserMedia(
      kind === 'microphone' ? { audio: constraints } : { video: constraints },
    );
    const track = stream.getTracks()[0];
    if (track === undefined) throw new DOMException('no track', 'NotFoundError');
    return track;
  } catch (error) {
    const failed = deviceError(error, await permission(kind));
    const gone = failed.code === 'overconstrained' || failed.code === 'missing';
    if (gone && deviceId !== null) return openDevice(media, kind, null);
    throw failed;
  }
}

/**
 * Opens microphone and camera with one question to the person. Rejects with a DeviceError if either
 * cannot be had; opening them one by one then tells which.
 */
export async function openBoth(
  media: MediaDevices | undefined,
  microphoneId: string | null,
  cameraId: string | null,
): Promise<Readonly<Record<InputKind, MediaStreamTrack>>> {
  try {
    if (media === undefined) throw new TypeError('no media devices on a page without TLS');
    const stream = await media.getUserMedia({
      audio: constraintsOf('microphone', microphoneId),
      video: constraintsOf('camera', cameraId),
    });
    const [microphone] = stream.getAudioTracks();
    const [camera] = stream.getVideoTracks();
    if (!microphone || !camera) throw new DOMException('no track', 'NotFoundError');
    return { microphone, camera };
  } catch (error) {
    throw deviceError(error, await permission('camera'));
  }
}
