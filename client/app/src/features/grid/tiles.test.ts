import type { Person } from '@liaison/sdk';
import { describe, expect, it } from 'vitest';
import { chooseStage, orderPeople } from './tiles';

const person = (id: string, change: Partial<Person> = {}): Person => ({
  id,
  name: id,
  microphone: true,
  camera: true,
  screen: false,
  screen_audio: false,
  connected: true,
  quality: 'good',
  ...change,
});
const people = [person('a'), person('b'), person('c')];

describe('the stage', () => {
  it('is for a shared screen before anything else', () => {
    for (const layout of ['grid', 'speaker'] as const) {
      expect(chooseStage({ screen: 'b', people }, layout, 'a')).toEqual({
        tile: 'screen:b',
        kind: 'screen',
      });
    }
  });

  it('is for who speaks, in the layout of that name', () => {
    expect(chooseStage({ screen: null, people }, 'grid', 'b')).toBeNull();
    expect(chooseStage({ screen: null, people }, 'speaker', 'b')?.tile).toBe('b');
  });

  it('is for the first while nobody has spoken, or who spoke is gone', () => {
    expect(chooseStage({ screen: null, people }, 'speaker', null)?.tile).toBe('a');
    expect(chooseStage({ screen: null, people }, 'speaker', 'gone')?.tile).toBe('a');
  });

  it('is not needed for one other', () => {
    expect(chooseStage({ screen: null, people: [person('a')] }, 'speaker', 'a')).toBeNull();
  });
});

describe('the order', () => {
  it('is that of joining, as long as there is room', () => {
    expect(orderPeople(people, 3, 'c')).toEqual(['a', 'b', 'c']);
  });

  it('puts the speaker and pictures first where there is not', () => {
    const many = [person('a', { camera: false }), person('b'), person('c', { camera: false })];
    expect(orderPeople(many, 2, 'c')).toEqual(['c', 'b', 'a']);
  });

  it('puts whose picture does not come behind whose does', () => {
    expect(orderPeople(people, 2, null, new Set(['a']))).toEqual(['b', 'c', 'a']);
    expect(orderPeople(people, 2, 'a', new Set(['a']))).toEqual(['a', 'b', 'c']);
  });
});
