// Devices that are not there: a drawn picture that moves, and a low tone. What is tested is the way to
// the server, and nobody's face or voice is needed for that.

import { LocalMedia } from '@liaison/sdk';

const SIZE = { width: 640, height: 360 };
const FRAMERATE = 15;

export interface Synthetic {
  readonly media: LocalMedia;
  close(): void;
}

export function synthetic(): Synthetic {
  const canvas = Object.assign(document.createElement('canvas'), SIZE);
  const context = canvas.getContext('2d');
  // Noise: a picture that is easy to compress would need no bandwidth.
  const draw = () => {
    if (context === null) return;
    for (let i = 0; i < 60; ++i) {
      context.fillStyle = `hsl(${Math.random() * 360} 60% 50%)`;
      context.fillRect(Math.random() * SIZE.width, Math.random() * SIZE.height, 80, 45);
    }
  };
  const timer = setInterval(draw, 1000 / FRAMERATE);
  draw();
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const out = audio.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  const devices = {
    getUserMedia: () =>
      Promise.resolve(
        new MediaStream([
          ...canvas.captureStream(FRAMERATE).getVideoTracks(),
          ...out.stream.getAudioTracks(),
        ]),
      ),
    enumerateDevices: () => Promise.resolve([]),
  };
  const media = new LocalMedia({ mediaDevices: devices as unknown as MediaDevices });
  return {
    media,
    close() {
      clearInterval(timer);
      media.close();
      void audio.close();
    },
  };
}
