// More than two.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Crowd } from '../lib/crowd.mjs';
import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const small = { width: 320, height: 180, fps: 10 };

describe('three people and a late one', () => {
  let server;
  const people = [];
  before(async () => {
    server = await new Server().start();
    for (const [number, kind] of ['chromium', 'firefox', 'chromium'].entries()) {
      people.push(await Person.arrive(number, kind, { picture: small }));
    }
  });
  after(async () => {
    for (const person of people) await person.away();
    await server?.stop();
  });

  it('three meet', async () => {
    for (const person of people) await person.enter(`${server.url}/r/table`);
    await allMeet(people);
  });

  it('who comes late sees and hears everybody at once, and they them', async (t) => {
    const late = await Person.arrive(3, 'chromium', { picture: small });
    people.push(late);
    await late.enter(`${server.url}/r/table`);
    await allMeet(people);
    t.diagnostic(`from click to first picture: ${Math.round(await late.firstPictureAfter())} ms`);
  });

  it('rooms do not mix', async () => {
    const elsewhere = people.pop();
    await elsewhere.leave();
    await elsewhere.enter(`${server.url}/r/elsewhere`);
    await elsewhere.$('[data-testid=alone]');
    await elsewhere.hears([]);
    for (const person of people) await until('the tile to go', async () => (await person.tileOf(elsewhere)) === null);
    await allMeet(people);
    await elsewhere.away();
  });
});

describe('seven people', () => {
  const crowd = new Crowd('seven');
  before(() => crowd.begin());
  after(() => crowd.end());

  it('everybody sees and hears all the others', async () => {
    while (crowd.people.length < 7) await crowd.arrive();
    await crowd.allMeet();
  });

  it('one who leaves is gone for all', async () => {
    const gone = crowd.people.pop();
    await gone.leave();
    for (const person of crowd.people) await until('the tile to go', async () => (await person.tileOf(gone)) === null);
    assert.equal(crowd.people.length, 6);
    await crowd.allMeet();
  });
});
