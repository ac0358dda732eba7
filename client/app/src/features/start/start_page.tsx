import { type FormEvent, useState } from 'react';
import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { TextField } from '../../primitives/field';
import { Page } from '../../primitives/page';
import { navigate } from '../../router';
import { makeRoomName, readRoom, suggestRoomName } from './room_name';
import './start.css';

export function StartPage() {
  const { t } = useText();
  return (
    <Page testId="start-page">
      <section className="start">
        <div className="start-words">
          <svg className="start-mark" viewBox="0 0 48 32" aria-hidden="true">
            <circle cx="17" cy="16" r="14" />
            <circle cx="31" cy="16" r="14" />
          </svg>
          <h1>{t('start.title')}</h1>
          <p className="lead">{t('start.lead')}</p>
        </div>
        <div className="card start-card">
          <Button
            kind="primary"
            icon="camera"
            className="wide tall"
            data-testid="start-call"
            onClick={() => navigate(`/r/${makeRoomName()}`)}
          >
            {t('start.new')}
          </Button>
          <p className="divider">
            <span>{t('start.or')}</span>
          </p>
          <JoinForm />
        </div>
      </section>
    </Page>
  );
}

function JoinForm() {
  const { t } = useText();
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = readRoom(typed);
    if (wanted !== null) navigate(`/r/${wanted.room}${wanted.fragment}`);
    else if (typed.trim() === '') setError(t('start.room_empty'));
    else setError(t('start.room_bad', { suggestion: suggestRoomName(typed) }));
  };
  return (
    <form onSubmit={submit} noValidate>
      <TextField
        label={t('start.room')}
        hint={t('start.room_hint')}
        error={error}
        value={typed}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        data-testid="room-name"
        onChange={(event) => {
          setTyped(event.target.value);
          setError(null);
        }}
      />
      <Button type="submit" className="wide" data-testid="join-room">
        {t('start.join')}
      </Button>
    </form>
  );
}
