// Runs inside a page, before its own scripts: gives it a camera and a microphone of our making, and reads
// on the far side what came of them. The picture is a grid of 16 x 9 blocks: row 0 alternates black and white;
// rows 1 to 4 carry 64 bits, most significant first: person (6), frame counter (20), sender's clock in ms (24),
// check (14); rows 5 to 8 are the person's colour with a white block that wanders. The sound is one tone per person.
(options) => {
  const columns = 16;
  const rows = 9;
  const clock = () => Date.now() & 0xffffff;
  const colours = [[200, 40, 40], [40, 160, 40], [50, 70, 210], [170, 150, 30], [150, 50, 170], [40, 160, 170], [120, 120, 120]];
  const colourOf = (person) => colours[person % colours.length];
  const toneOf = (person) => 400 + 130 * person;
  const check = (person, counter, time) => {
    let hash = 0x1505;
    for (const value of [person, counter & 0x3ff, counter >> 10, time & 0xfff, time >> 12]) {
      hash = (Math.imul(hash, 33) ^ value) & 0x3fffff;
    }
    return (hash ^ (hash >> 8)) & 0x3fff;
  };
  const fields = [['person', 6], ['counter', 20], ['time', 24], ['check', 14]];

  // What an encoder finds hard, drawn once, and shown from another place in each frame.
  let grain;
  function drawNoise(context, width, height) {
    if (!grain) {
      grain = document.createElement('canvas');
      grain.width = 2 * width;
      grain.height = height;
      const pixels = new ImageData(grain.width, grain.height);
      const values = new Uint32Array(pixels.data.buffer);
      let state = 1;
      for (let i = 0; i < values.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        values[i] = state | 0xff000000;
      }
      grain.getContext('2d').putImageData(pixels, 0, 0);
    }
    const top = (7 * height) / rows;
    context.drawImage(grain, Math.random() * width, 0, width, height - top, 0, top, width, height - top);
  }

  function draw(context, width, height, person, counter, noise) {
    const cell = { width: width / columns, height: height / rows };
    const block = (column, row, colour) => {
      context.fillStyle = colour;
      context.fillRect(column * cell.width, row * cell.height, cell.width + 1, cell.height + 1);
    };
    const time = clock();
    const values = { person, counter: counter & 0xfffff, time, check: check(person, counter & 0xfffff, time) };
    const bits = fields.flatMap(([name, size]) =>
      Array.from({ length: size }, (_, bit) => (values[name] >> (size - 1 - bit)) & 1),
    );
    context.fillStyle = `rgb(${colourOf(person).join(' ')})`;
    context.fillRect(0, 0, width, height);
    for (let column = 0; column < columns; column++) block(column, 0, column % 2 ? '#fff' : '#000');
    bits.forEach((bit, index) => block(index % columns, 1 + Math.floor(index / columns), bit ? '#fff' : '#000'));
    block(Math.floor(counter / 4) % columns, 5, '#fff');
    if (noise) drawNoise(context, width, height);
  }

  // What picture a video element shows now; null where it is none of ours.
  const scratch = document.createElement('canvas');
  scratch.width = columns * 8;
  scratch.height = rows * 8;
  const scratchContext = scratch.getContext('2d', { willReadFrequently: true });
  function readPicture(video) {
    if (!video || !video.videoWidth) return null;
    scratchContext.drawImage(video, 0, 0, scratch.width, scratch.height);
    const { data } = scratchContext.getImageData(0, 0, scratch.width, scratch.height);
    const mean = (column, row) => {
      const sum = [0, 0, 0];
      for (let y = 3; y < 5; y++) {
        for (let x = 3; x < 5; x++) {
          const at = ((row * 8 + y) * scratch.width + column * 8 + x) * 4;
          for (let c = 0; c < 3; c++) sum[c] += data[at + c] / 4;
        }
      }
      return sum;
    };
    const white = (column, row) => mean(column, row).reduce((a, b) => a + b) > 3 * 128;
    for (let column = 0; column < columns; column++) if (white(column, 0) !== (column % 2 === 1)) return null;
    const seen = {};
    let index = 0;
    for (const [name, size] of fields) {
      seen[name] = 0;
      for (let bit = 0; bit < size; bit++, index++) {
        seen[name] = seen[name] * 2 + Number(white(index % columns, 1 + Math.floor(index / columns)));
      }
    }
    if (seen.check !== check(seen.person, seen.counter, seen.time)) return null;
    const colour = mean(8, 7);
    const wanted = colourOf(seen.person);
    const off = Math.max(...colour.map((value, c) => Math.abs(value - wanted[c])));
    return {
      person: seen.person,
      counter: seen.counter,
      delay: (clock() - seen.time) & 0xffffff,
      colourOff: Math.round(off),
      width: video.videoWidth,
      height: video.videoHeight,
    };
  }

  // Notes every frame that a video element shows from now on, until the element is dropped.
  const watched = new WeakMap();
  function watch(video) {
    if (watched.has(video)) return watched.get(video);
    const log = [];
    watched.set(video, log);
    const next = () => {
      const seen = readPicture(video);
      log.push({ at: performance.now(), ...(seen ?? { person: null }) });
      if (log.length > 5000) log.shift();
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
    return log;
  }

  let audio;
  const audioContext = () => {
    audio ??= new AudioContext({ sampleRate: 48000 });
    if (audio.state !== 'running') void audio.resume();
    return audio;
  };

  // Which tones of the first `persons` a stream carries now, as levels in dB over what lies between them.
  const analysers = new Map();
  function tones(stream, persons = colours.length) {
    const track = stream.getAudioTracks()[0];
    if (!track) return [];
    let entry = analysers.get(track.id);
    if (!entry) {
      const context = audioContext();
      const source = context.createMediaStreamSource(new MediaStream([track]));
      const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
      source.connect(analyser);
      entry = { analyser, source, bins: new Float32Array(analyser.frequencyBinCount) };
      analysers.set(track.id, entry);
    }
    entry.analyser.getFloatFrequencyData(entry.bins);
    const at = (frequency) => {
      const bin = Math.round((frequency * entry.analyser.fftSize) / entry.analyser.context.sampleRate);
      return Math.max(...entry.bins.subarray(bin - 2, bin + 3));
    };
    return Array.from({ length: persons }, (_, person) => {
      return { level: at(toneOf(person)), beside: at(toneOf(person) + 65) };
    });
  }
  const heardIn = (stream, persons) =>
    tones(stream, persons).flatMap(({ level, beside }, person) => (level > -60 && level > beside + 15 ? [person] : []));

  // The loudest of all frequencies of a stream, in dB.
  const loudness = (stream) => {
    tones(stream);
    return Math.max(...analysers.get(stream.getAudioTracks()[0].id).bins);
  };

  // Everything this page plays aloud.
  const played = () =>
    [...document.querySelectorAll('audio, video')].filter(
      (element) =>
        element.srcObject?.getAudioTracks().length && !element.paused && !element.muted && element.volume > 0,
    );

  function camera({ person, width, height, fps, noise }) {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { alpha: false });
    let counter = 0;
    draw(context, width, height, person, counter, noise);
    const stream = canvas.captureStream(fps);
    const timer = setInterval(() => draw(context, width, height, person, ++counter, noise), 1000 / fps);
    const [track] = stream.getVideoTracks();
    const stop = track.stop.bind(track);
    track.stop = () => {
      clearInterval(timer);
      stop();
    };
    return track;
  }

  function microphone({ person }) {
    const context = audioContext();
    const tone = new OscillatorNode(context, { frequency: toneOf(person) });
    // Louder and softer four times a second, as speech is.
    const swell = new OscillatorNode(context, { frequency: 4 });
    const depth = new GainNode(context, { gain: 0.1 });
    const gain = new GainNode(context, { gain: 0.25 });
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    swell.connect(depth).connect(gain.gain);
    tone.connect(gain).connect(out);
    tone.start();
    swell.start();
    const [track] = out.stream.getAudioTracks();
    const stop = track.stop.bind(track);
    track.stop = () => {
      tone.stop();
      swell.stop();
      stop();
    };
    return track;
  }

  const connections = [];
  const sockets = [];
  const NativeConnection = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends NativeConnection {
    constructor(...rest) {
      super(...rest);
      connections.push(this);
    }
  };
  const NativeSocket = window.WebSocket;
  window.WebSocket = class WebSocket extends NativeSocket {
    constructor(...rest) {
      super(...rest);
      sockets.push(this);
    }
    send(data) {
      const { t, sdp } = JSON.parse(data);
      if (t === 'offer') window.__e2e.offers.push(sdp.match(/^m=/gm).length);
      super.send(data);
    }
  };

  if (options && navigator.mediaDevices) {
    navigator.mediaDevices.getUserMedia = async ({ audio: sound, video } = {}) => {
      const tracks = [];
      if (sound) tracks.push(microphone(options));
      if (video) tracks.push(camera(options));
      return new MediaStream(tracks);
    };
  }

  // Where one codec is asked for, the page offers no other.
  if (options?.codec) {
    const preferred = RTCRtpTransceiver.prototype.setCodecPreferences;
    RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
      const wanted = [`video/${options.codec}`, 'video/rtx'];
      const video = codecs.some(({ mimeType }) => mimeType.startsWith('video/'));
      return preferred.call(this, video ? codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase())) : codecs);
    };
  }

  // The statistics of the connections that are open, as plain objects.
  async function stats(type) {
    const found = [];
    for (const connection of connections) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) if (!type || entry.type === type) found.push({ ...entry });
    }
    return found;
  }

  // When the first picture of somebody else was shown, looked for at every repaint after the button was pressed.
  function lookForFirstPicture() {
    if (window.__e2e.firstPicture) return;
    for (const video of document.querySelectorAll('[data-testid=tile-video]')) {
      if (window.__e2e.pressedAt && readPicture(video)) window.__e2e.firstPicture = performance.now();
    }
    requestAnimationFrame(lookForFirstPicture);
  }
  requestAnimationFrame(lookForFirstPicture);

  window.__e2e = { offers: [], readPicture, watch, heardIn, tones, loudness, played, stats, connections, sockets, camera, microphone, audioContext };
}
