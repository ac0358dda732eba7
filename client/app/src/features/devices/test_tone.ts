// Two soft notes, played through the speaker that the person chose.

import { setSpeaker } from '@liaison/sdk';

const NOTES_HZ = [523.25, 659.25];
const NOTE_S = 0.45;

/** Resolves when the tone is over. */
export async function playTestTone(speakerId: string): Promise<void> {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const start = context.currentTime + 0.1;
  NOTES_HZ.forEach((frequency, i) => {
    const at = start + i * NOTE_S * 0.8;
    const note = context.createOscillator();
    const volume = context.createGain();
    note.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.25, at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S);
    note.connect(volume).connect(out);
    note.start(at);
    note.stop(at + NOTE_S);
  });
  const element = new Audio();
  element.srcObject = out.stream;
  await setSpeaker(element, speakerId);
  try {
    await element.play();
    await new Promise((resolve) => setTimeout(resolve, 1300));
  } finally {
    element.srcObject = null;
    await context.close();
  }
}
