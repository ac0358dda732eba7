// Real Chromium and Firefox in a site of our own network.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import puppeteer from 'puppeteer-core';

import { carry } from './relay.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

const chromiumArguments = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--use-fake-device-for-media-stream=fps=30',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--ignore-certificate-errors',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--disable-domain-reliability',
  '--no-pings',
  '--no-first-run',
  '--no-default-browser-check',
  '--metrics-recording-only',
  '--disable-client-side-phishing-detection',
  '--disable-breakpad',
  '--disable-crash-reporter',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--password-store=basic',
  '--use-mock-keychain',
];

const firefoxPreferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.autoplay.block-webaudio': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'services.settings.server': 'data:,',
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.unified': false,
  'extensions.getAddons.cache.enabled': false,
  // A page that is not the one in front keeps its timers.
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
};

const viewport = { width: 1024, height: 640 };

const inSite = (site, program) => ({
  executablePath: site ? path.join(here, 'in_site.sh') : program,
  env: { ...process.env, SITE: site?.name, PROGRAM: program, MOZ_CRASHREPORTER_DISABLE: '1' },
});

/** Without a site it runs where we are. */
export function chromium(site, { args = [] } = {}) {
  return puppeteer.launch({
    ...inSite(site, '/usr/bin/chromium'),
    headless: true,
    // Over descriptors, not over a port: those cross the namespaces.
    pipe: true,
    args: [...chromiumArguments, ...args],
    defaultViewport: viewport,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
}

let nextPort = 9300;

/** `display`: an X display to show itself on, where the screen is to be shared. */
export async function firefox(site, { display, preferences = {} } = {}) {
  const port = nextPort++;
  const socket = path.join(os.homedir(), `firefox-${port}.sock`);
  const far = spawn('ip', ['netns', 'exec', site.name, process.execPath, path.join(here, 'relay.mjs'), socket, port], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(far.stdout, 'data');
  const near = carry(net.createServer(), () => net.connect(socket)).listen(port, '127.0.0.1');
  await once(near, 'listening');
  const options = inSite(site, '/usr/bin/firefox-esr');
  if (display) options.env.DISPLAY = display;
  const browser = await puppeteer.launch({
    ...options,
    browser: 'firefox',
    headless: !display,
    debuggingPort: port,
    acceptInsecureCerts: true,
    extraPrefsFirefox: { ...firefoxPreferences, ...preferences },
    defaultViewport: viewport,
  });
  browser.once('disconnected', () => {
    near.close();
    far.kill();
  });
  return browser;
}

export const launch = { chromium, firefox };
