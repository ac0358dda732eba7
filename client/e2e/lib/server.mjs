// The real server, as a process of its own.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { hub, hub6 } from './network.mjs';
import { until } from './wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const program = process.env.LIAISON ?? path.join(root, 'build/release/liaison');

let servers = 0;

/** GET, whatever the certificate says. */
export function get(url) {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https:') ? https : http;
    client
      .get(url, { rejectUnauthorized: false, timeout: 2000 }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (body += part));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      })
      .on('timeout', function () {
        this.destroy(new Error('no answer'));
      })
      .on('error', reject);
  });
}

export class Server {
  /** `settings`: names and values as in liaison.toml. Each server has ports and a data folder of its own. */
  constructor(settings = {}) {
    const k = servers++;
    this.data = mkdtempSync(path.join(os.tmpdir(), 'liaison-data-'));
    this.port = 8443 + k;
    this.mediaPort = 40000 + 100 * k;
    this.url = `https://${hub}:${this.port}`;
    this.settings = {
      listen: `[::]:${this.port}`,
      'public-url': this.url,
      'media-address': [hub, hub6],
      'media-port': this.mediaPort,
      'log-level': 'debug',
      ...settings,
    };
    this.log = path.join(this.data, 'server.log');
    this.liaison('init', '--self-signed', '--data', this.data);
  }

  liaison(...words) {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  get flags() {
    return Object.entries(this.settings).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => [`--${name}`, String(one)]),
    );
  }

  /** Starts it, and comes back when it serves. */
  async start() {
    const log = createWriteStream(this.log, { flags: 'a' });
    this.process = spawn(program, ['serve', '--data', this.data, ...this.flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout.pipe(log, { end: false });
    this.process.stderr.pipe(log, { end: false });
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(signal ?? code)));
    let ended;
    void this.exited.then((how) => (ended = how));
    await until('the server to serve', async () => {
      if (ended !== undefined) throw new Error(`it ended with ${ended}; see ${this.log}`);
      return (await get(`${this.url}/healthz`)).status === 200;
    }, { every: 10 });
    return this;
  }

  /** As if the power went: no goodbye. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** As an operator stops it; gives the exit status. */
  async stop() {
    this.process.kill('SIGTERM');
    return this.exited;
  }

  /** A link into `room`, as an operator makes it. */
  invite(room, ...words) {
    const said = this.liaison('invite', '--data', this.data, '--public-url', this.url, '--room', room, ...words);
    return said.match(/https:\S+/)[0];
  }

  /** Of /metrics: the sum of the samples whose name and labels contain all of `parts`. */
  async metric(...parts) {
    const { body } = await get(`${this.url}/metrics`);
    return body
      .split('\n')
      .filter((line) => !line.startsWith('#') && parts.every((part) => line.includes(part)))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** Resident memory in kB. */
  residentKilobytes() {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(this.process.pid)], { encoding: 'utf8' }));
  }
}
