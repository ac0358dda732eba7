// What ./run gives: a server without settings, and browsers on the same machine, with no option that helps them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Site } from '../lib/network.mjs';
import { Person, allMeet } from '../lib/person.mjs';
import { program } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

describe('a server without settings, on the same machine', () => {
  let site, server, ada, ben;
  before(async () => {
    site = new Site();
    const data = mkdtempSync(path.join(os.tmpdir(), 'liaison-data-'));
    server = spawn('ip', ['netns', 'exec', site.name, program, 'serve', '--data', data], { stdio: 'ignore' });
    ada = await Person.arrive(0, 'chromium', { site });
    ben = await Person.arrive(1, 'firefox', { site });
    await until('the server to serve', () => ada.page.goto('http://127.0.0.1:8000/healthz').then((answer) => answer.ok()));
  });
  after(async () => {
    await ada?.away();
    await ben?.away();
    server?.kill();
    if (server && server.exitCode === null) await once(server, 'exit');
    site?.remove();
  });

  it('brings Chromium and Firefox together', async () => {
    await ada.enter('http://127.0.0.1:8000/r/here');
    await ben.enter('http://127.0.0.1:8000/r/here');
    await allMeet([ada, ben], { timeout: 30_000 });
  });
});
