import { type FormEvent, useState } from 'react';
import { cleanName } from '@liaison/sdk';
import { useText } from '../../i18n';
import { preferences } from '../../preferences';
import { Button } from '../../primitives/button';
import { TextField } from '../../primitives/field';
import { Page } from '../../primitives/page';
import { useStore } from '../../store';
import { CheckDialog } from '../check/check_dialog';
import { DevicePicker } from '../devices/device_picker';
import type { Visit } from '../room/visit';
import { Preview } from './preview';
import './prejoin.css';

export function PrejoinPage({ visit }: { visit: Visit }) {
  const { t } = useText();
  return (
    <Page testId="prejoin-page">
      <section className="prejoin">
        <Preview visit={visit} />
        <div className="card prejoin-card">
          <p className="eyebrow">{t('prejoin.room', { room: visit.room.name })}</p>
          <h1>{t('prejoin.title')}</h1>
          <JoinForm visit={visit} />
          <details className="prejoin-devices" open={matchMedia('(min-width: 901px)').matches}>
            <summary>{t('device.title')}</summary>
            <DevicePicker media={visit.media} monitor={visit.monitor} />
          </details>
          <Check visit={visit} />
        </div>
      </section>
    </Page>
  );
}

function Check({ visit: { media, monitor } }: { visit: Visit }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  return (
    <div className="prejoin-check">
      <Button aria-haspopup="dialog" data-testid="check-open" onClick={() => setOpen(true)}>
        {t('check.open')}
      </Button>
      {open && <CheckDialog media={media} monitor={monitor} onClose={() => setOpen(false)} />}
    </div>
  );
}

function JoinForm({ visit }: { visit: Visit }) {
  const { t } = useText();
  const [name, setName] = useState(preferences().name);
  const [missing, setMissing] = useState(false);
  const { microphone, camera } = useStore(visit.media);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (cleanName(name) === '') setMissing(true);
    else visit.join(name);
  };
  const without = (source: typeof camera) => source.status === 'failed';
  const label = without(camera)
    ? without(microphone)
      ? t('prejoin.join_without_both')
      : t('prejoin.join_without_camera')
    : without(microphone)
      ? t('prejoin.join_without_microphone')
      : t('prejoin.join');
  return (
    <form onSubmit={submit} noValidate>
      <TextField
        label={t('prejoin.name')}
        hint={t('prejoin.name_hint')}
        error={missing ? t('prejoin.name_empty') : null}
        value={name}
        maxLength={64}
        autoComplete="name"
        autoFocus={name === '' && matchMedia('(pointer: fine)').matches}
        data-testid="name"
        onChange={(event) => {
          setName(event.target.value);
          setMissing(false);
        }}
      />
      <Button type="submit" kind="primary" className="wide tall" data-testid="join">
        {label}
      </Button>
      <p className="field-hint">{t('prejoin.nothing_sent')}</p>
    </form>
  );
}
