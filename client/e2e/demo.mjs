// Two made-up people in the room "demo", for somebody with one browser to meet: ./run demo
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Person } from './lib/person.mjs';
import { get } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const url = 'http://127.0.0.1:8000';
const room = `${url}/r/demo`;

const server = spawn(path.join(root, 'build/release/liaison'), ['serve', '--listen', '127.0.0.1:8000', '--log-level', 'warning'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  cwd: root,
  // Ctrl-C reaches us alone; the server is told when the people have gone.
  detached: true,
});
const ended = new Promise((resolve) => server.once('exit', resolve));
let running = true;
void ended.then((code) => {
  running = false;
  process.exitCode ??= code ?? 1;
});

const people = [];
let stopping;
function stop() {
  stopping ??= (async () => {
    process.stdout.write('\nStopping.\n');
    process.exitCode ??= 0;
    for (const person of people) await person.away().catch(() => undefined);
    if (running) server.kill('SIGTERM');
    await ended;
    process.exit();
  })();
  return stopping;
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

try {
  await until('the server to serve', async () => !running || (await get(`${url}/healthz`)).status === 200);
  if (!running) throw new Error('the server ended; what it said is above');
  for (const number of [0, 1]) {
    process.stdout.write(`Person ${number + 1} of 2 comes …\n`);
    const person = await Person.arrive(number, 'chromium', {
      site: null,
      args: ['--allow-loopback-in-peer-connection', ...(process.getuid() === 0 ? [] : ['--disable-setuid-sandbox'])],
    });
    people.push(person);
    await person.enter(room);
    await person.connected();
  }
  process.stdout.write(`\nAda and Ben are there. Meet them at\n\n  ${room}\n\nCtrl-C ends it.\n`);
  await ended;
} catch (error) {
  if (!stopping) process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
}
await stop();
