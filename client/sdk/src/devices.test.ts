import { describe, expect, it } from 'vitest';
import { constraintsOf, deviceError, listDevices, permission } from './devices';
import type { Permission } from './devices';

const error = (name: string, message = '') => new DOMException(message, name);

describe('why a device cannot be had', () => {
  it.each<[string, string, Permission, string]>([
    ['NotAllowedError', 'Permission denied', 'denied', 'denied'],
    ['NotAllowedError', 'Permission denied', 'unknown', 'denied'],
    ['NotAllowedError', 'Permission denied by system', 'granted', 'system'],
    ['NotAllowedError', 'Permission dismissed', 'prompt', 'dismissed'],
    ['NotAllowedError', 'The request is not allowed', 'prompt', 'dismissed'],
    ['SecurityError', '', 'denied', 'denied'],
    ['NotFoundError', 'Requested device not found', 'granted', 'missing'],
    ['OverconstrainedError', '', 'granted', 'overconstrained'],
    ['NotReadableError', 'Could not start video source', 'granted', 'busy'],
    ['AbortError', 'Starting videoinput failed', 'granted', 'busy'],
  ])('%s "%s" with permission %s is %s', (name, message, state, code) => {
    expect(deviceError(error(name, message), state).code).toBe(code);
  });

  it('is insecure where there is no such API, and busy whatever else is thrown', () => {
    expect(deviceError(new TypeError('undefined'), 'unknown').code).toBe('insecure');
    expect(deviceError('a string', 'unknown').code).toBe('busy');
  });
});

it('asks for a device by its id, and for a face where there is none', () => {
  expect(constraintsOf('camera', 'cam-1')).toMatchObject({ deviceId: { exact: 'cam-1' } });
  expect(constraintsOf('camera', 'cam-1')).not.toHaveProperty('facingMode');
  expect(constraintsOf('camera', null)).toMatchObject({ facingMode: { ideal: 'user' } });
  expect(constraintsOf('microphone', null)).toMatchObject({ echoCancellation: true });
});

it('lists nothing where nothing can be listed', async () => {
  const broken = { enumerateDevices: () => Promise.reject(new Error('no')) };
  const nothing = { microphones: [], cameras: [], speakers: [] };
  expect(await listDevices(undefined)).toEqual(nothing);
  expect(await listDevices(broken as unknown as MediaDevices)).toEqual(nothing);
});

it('does not know the permission where the browser does not tell', async () => {
  const refusing = { query: () => Promise.reject(new TypeError('no such name')) };
  expect(await permission('camera', refusing as unknown as Permissions)).toBe('unknown');
  expect(await permission('camera', undefined)).toBe('unknown');
});
