// Rooms by invitation.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Person, allMeet } from '../lib/person.mjs';
import { Server } from '../lib/server.mjs';

describe('a room by invitation', () => {
  let server, ada, ben, chloe;
  before(async () => {
    server = await new Server({ rooms: 'invite' }).start();
    ada = await Person.arrive(0, 'chromium');
    ben = await Person.arrive(1, 'firefox');
    chloe = await Person.arrive(2, 'chromium');
  });
  after(async () => {
    for (const person of [ada, ben, chloe]) await person?.away();
    await server?.stop();
  });
  const refused = async (person, url) => {
    await person.page.goto('about:blank');
    await person.page.goto(url);
    await person.$('[data-testid=prejoin-page]');
    const field = await person.$('[data-testid=name]');
    if (!(await field.evaluate((element) => element.value))) await field.type(person.name);
    await person.press('join');
    return (await person.$('[data-testid=failure]')).evaluate((element) => element.dataset.code);
  };
  let link;

  it('lets in who has a link', async () => {
    link = server.invite('board');
    await ada.enter(link);
    await ben.enter(server.invite('board', '--valid', '2h'));
    await allMeet([ada, ben]);
  });

  it('does not need the link again after a reload, and shows it nowhere', async () => {
    await ada.page.reload();
    await ada.$('[data-testid=call-page]');
    await allMeet([ada, ben]);
    assert.ok(!(await ada.page.evaluate(() => location.href)).includes('v4.public'));
  });

  it('refuses who has none', async () => {
    assert.equal(await refused(chloe, `${server.url}/r/board`), 'token_required');
  });

  it('refuses a link that was used', async () => {
    assert.equal(await refused(chloe, link), 'token_used');
  });

  it('refuses a link for another room', async () => {
    const other = server.invite('lobby');
    assert.equal(await refused(chloe, other.replace('/r/lobby', '/r/board')), 'token_wrong_room');
  });

  it('refuses a link that somebody else made', async () => {
    const stranger = new Server({ rooms: 'invite' });
    const forged = stranger.invite('board').replace(stranger.url, server.url);
    assert.equal(await refused(chloe, forged), 'token_invalid');
  });

  it('remembers a used link when it is killed', async () => {
    await server.kill();
    await server.start();
    assert.equal(await refused(chloe, link), 'token_used');
    await allMeet([ada, ben], { timeout: 30_000 });
  });
});
