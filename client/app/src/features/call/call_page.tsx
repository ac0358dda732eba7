import { useEffect, useState } from 'react';
import { useText } from '../../i18n';
import { Banner } from '../connection/banner';
import { DevicesDialog } from '../devices/devices_dialog';
import { CallProblems } from '../devices/call_problems';
import { RemoteSound } from '../grid/remote_sound';
import { Stage } from '../grid/stage';
import { PeoplePanel } from '../roster/people_panel';
import type { Visit } from '../room/visit';
import { useAnnouncements } from './announcements';
import { CallProvider } from './call_context';
import { ControlBar } from './control_bar';
import { HelpDialog } from './help_dialog';
import { LeaveDialog } from './leave_dialog';
import { MoreDialog } from './more_dialog';
import { Sharing } from './sharing';
import { useShortcuts } from './shortcuts';
import { TopBar } from './top_bar';
import { useWakeLock } from './wake_lock';
import { type Actions, useActions } from './actions';
import './call.css';

export function CallPage({ visit }: { visit: Visit }) {
  return (
    <CallProvider visit={visit}>
      <InCall />
    </CallProvider>
  );
}

/** What lies over the call, or beside it: one thing at a time. */
export type Open = 'none' | 'people' | 'devices' | 'more' | 'help' | 'leave';

function InCall() {
  const { t } = useText();
  const [open, setOpen] = useState<Open>('none');
  const actions = useActions(setOpen);
  useShortcuts(actions, open !== 'none' && open !== 'people');
  useAnnouncements();
  useWakeLock();
  useEffect(() => {
    document.body.dataset['page'] = 'call';
    return () => {
      delete document.body.dataset['page'];
    };
  }, []);
  return (
    <div className="call" data-testid="call-page">
      <TopBar actions={actions} />
      <Banner />
      <CallProblems />
      <div className="call-middle">
        <main className="call-main" aria-label={t('call.stage')}>
          <Stage />
          <Sharing />
          <RemoteSound />
        </main>
        {open === 'people' && <PeoplePanel onClose={() => setOpen('none')} />}
      </div>
      <ControlBar actions={actions} open={open} />
      <Dialogs open={open} actions={actions} />
    </div>
  );
}

function Dialogs({ open, actions }: { open: Open; actions: Actions }) {
  const close = () => actions.open('none');
  switch (open) {
    case 'devices':
      return <DevicesDialog onClose={close} />;
    case 'more':
      return <MoreDialog actions={actions} onClose={close} />;
    case 'help':
      return <HelpDialog onClose={close} />;
    case 'leave':
      return <LeaveDialog actions={actions} onClose={close} />;
    case 'none':
    case 'people':
      return null;
  }
}
