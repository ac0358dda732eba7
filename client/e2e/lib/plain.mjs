// A page that is nobody's: of another origin than the server's, with nothing of ours in it. What it does with WHIP and
// WHEP is written here, with what a browser has and RFC 9725 says.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';

import { hub } from './network.mjs';

const text = `<!doctype html><meta charset="utf-8"><title>plain</title><video autoplay playsinline></video>`;

/** Serves the empty page, with the certificate of `server`; gives its address, and what closes it. */
export async function plainPage(server, port = 9180) {
  const file = (name) => readFileSync(path.join(server.data, name));
  const site = https.createServer({ cert: file('tls.crt'), key: file('tls.key') }, (_, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(text);
  });
  await new Promise((resolve) => site.listen(port, hub, resolve));
  return { url: `https://${hub}:${port}/`, close: () => (site.closeAllConnections(), site.close()) };
}

/** Runs in the page: gives it `plain`, a client of WHIP and WHEP. */
export function plainClient() {
  const post = async (connection, url, token) => {
    await connection.setLocalDescription(await connection.createOffer());
    const headers = { 'Content-Type': 'application/sdp' };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch(url, { method: 'POST', headers, body: connection.localDescription.sdp });
    const said = { status: response.status, body: await response.text() };
    if (response.status !== 201) return said;
    await connection.setRemoteDescription({ type: 'answer', sdp: said.body });
    return {
      ...said,
      location: new URL(response.headers.get('Location'), url).href,
      etag: response.headers.get('ETag'),
      link: response.headers.get('Link'),
    };
  };
  const line = (sdp, name) => sdp.match(new RegExp(`a=${name}:(.*)\r\n`))[1];
  window.plain = {
    async publish(url, token, picture) {
      const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      const context = window.__e2e.audioContext();
      const voice = new MediaStream([window.__e2e.microphone(picture)]);
      const volume = new GainNode(context);
      const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
      context.createMediaStreamSource(voice).connect(volume).connect(out);
      const stream = new MediaStream([out.stream.getAudioTracks()[0], window.__e2e.camera(picture)]);
      for (const track of stream.getTracks()) connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      const said = await post(connection, url, token);
      window.plain.publishing = { ...said, connection, volume };
      return said;
    },
    /** What sounds as loud all the time is taken for noise: to speak is to be louder than before. */
    speak: (loud) => (window.plain.publishing.volume.gain.value = loud ? 1 : 0.01),
    async play(url, token) {
      const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      for (const kind of ['audio', 'video']) connection.addTransceiver(kind, { direction: 'recvonly' });
      const video = document.querySelector('video');
      connection.ontrack = ({ streams }) => (video.srcObject = streams[0]);
      const said = await post(connection, url, token);
      window.plain.playing = { ...said, connection };
      return said;
    },
    async restart(session) {
      const { connection, location } = session;
      connection.restartIce();
      await connection.setLocalDescription(await connection.createOffer());
      const offer = connection.localDescription.sdp;
      const response = await fetch(location, {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
        body: `a=ice-ufrag:${line(offer, 'ice-ufrag')}\r\na=ice-pwd:${line(offer, 'ice-pwd')}\r\n`,
      });
      const body = await response.text();
      const said = { status: response.status, etag: response.headers.get('ETag'), body };
      if (response.status !== 200) return said;
      let answer = connection.remoteDescription.sdp;
      for (const name of ['ice-ufrag', 'ice-pwd']) {
        answer = answer.replaceAll(`a=${name}:${line(answer, name)}`, `a=${name}:${line(body, name)}`);
      }
      await connection.setRemoteDescription({ type: 'answer', sdp: answer });
      return said;
    },
    async end(session) {
      const { status } = await fetch(session.location, { method: 'DELETE' });
      session.connection.close();
      return status;
    },
    state: (session) => session?.connection.connectionState,
    /** The SSRCs that media comes under, by kind. */
    async sources(session) {
      const found = {};
      for (const entry of (await session.connection.getStats()).values()) {
        if (entry.type === 'inbound-rtp') found[entry.kind] = entry.ssrc;
      }
      return found;
    },
  };
}
