// Messages as a server would send them, for tests that care about one member of them.

import type { ConnectionReport, Joined, Person } from '../messages';

export function person(id: string, change: Partial<Person> = {}): Person {
  return {
    id,
    name: `Person ${id}`,
    microphone: true,
    camera: true,
    screen: false,
    screen_audio: false,
    connected: true,
    quality: 'good',
    ...change,
  };
}

export function joined(change: Partial<Joined> = {}): Joined {
  return {
    t: 'joined',
    you: 'me',
    room: 'tea',
    call: 'c1',
    resume: 'secret',
    resumed: false,
    media: 'new',
    person_slots: 48,
    simulcast: true,
    people: [],
    ...change,
  };
}

export function report(change: Partial<ConnectionReport> = {}): ConnectionReport {
  return {
    t: 'connection',
    rtt_ms: 20,
    loss_up: 0,
    loss_down: 0,
    bitrate_up: 1_000_000,
    bitrate_down: 1_000_000,
    over_tcp: false,
    ...change,
  };
}
