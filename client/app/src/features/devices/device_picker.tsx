import { canChooseSpeaker, type Device, type InputKind, type LocalMedia } from '@liaison/sdk';
import { useState } from 'react';
import { type Translate, useText } from '../../i18n';
import { setPreference } from '../../preferences';
import { Button } from '../../primitives/button';
import { type Choice, Select } from '../../primitives/field';
import { useStore } from '../../store';
import { Meter } from './meter';
import type { MicrophoneMonitor } from './microphone_monitor';
import { playTestTone } from './test_tone';

/** Devices by name, or by number as long as the browser keeps the names to itself. */
function choicesOf(
  devices: readonly Device[],
  kind: 'microphone' | 'camera' | 'speaker',
  t: Translate,
): Choice[] {
  return devices.map(({ id, label }, i) => ({
    value: id,
    label: label || t(`device.${kind}_n`, { number: i + 1 }),
  }));
}

function InputSelect({ media, kind }: { media: LocalMedia; kind: InputKind }) {
  const { t } = useText();
  const { devices, [kind]: source } = useStore(media);
  const list = kind === 'microphone' ? devices.microphones : devices.cameras;
  const choices = choicesOf(list, kind, t);
  const inUse = source.track?.getSettings().deviceId ?? source.deviceId ?? '';
  if (!choices.some(({ value }) => value === inUse)) {
    const label = list.length > 0 ? t('device.default') : t(`device.none_${kind}`);
    choices.unshift({ value: inUse, label });
  }
  return (
    <Select
      label={t(`device.${kind}`)}
      icon={kind}
      value={inUse}
      choices={choices}
      disabled={list.length === 0}
      testId={`${kind}-select`}
      onChange={(id) => {
        setPreference(`${kind}Id`, id || null);
        void media.choose(kind, id || null);
      }}
    />
  );
}

function SpeakerSelect({ media }: { media: LocalMedia }) {
  const { t } = useText();
  const { devices, speakerId } = useStore(media);
  if (!canChooseSpeaker() || devices.speakers.length === 0) {
    return <p className="field-hint">{t('device.speaker_by_system')}</p>;
  }
  const choices = choicesOf(devices.speakers, 'speaker', t);
  if (!choices.some(({ value }) => value === speakerId)) {
    choices.unshift({ value: speakerId, label: t('device.default') });
  }
  return (
    <Select
      label={t('device.speaker')}
      icon="speaker"
      value={speakerId}
      choices={choices}
      testId="speaker-select"
      onChange={(id) => {
        setPreference('speakerId', id);
        media.chooseSpeaker(id);
      }}
    />
  );
}

function TestTone({ media }: { media: LocalMedia }) {
  const { t } = useText();
  const [playing, setPlaying] = useState(false);
  const play = async () => {
    setPlaying(true);
    await playTestTone(media.state.speakerId).catch(() => undefined);
    setPlaying(false);
  };
  return (
    <Button icon="speaker" disabled={playing} data-testid="test-tone" onClick={() => void play()}>
      {t(playing ? 'device.testing_speaker' : 'device.test_speaker')}
    </Button>
  );
}

interface DevicePickerProps {
  media: LocalMedia;
  monitor: MicrophoneMonitor;
}

export function DevicePicker({ media, monitor }: DevicePickerProps) {
  return (
    <div className="device-picker">
      <InputSelect media={media} kind="camera" />
      <div>
        <InputSelect media={media} kind="microphone" />
        <Meter monitor={monitor} />
      </div>
      <SpeakerSelect media={media} />
      <TestTone media={media} />
    </div>
  );
}
