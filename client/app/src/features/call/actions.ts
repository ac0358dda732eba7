// Everything that a person can do in a call, whether by button, key or menu.

import { canShareScreen, isLive } from '@liaison/sdk';
import { type Dispatch, type SetStateAction, useMemo } from 'react';
import { useText } from '../../i18n';
import { preferences, setPreference } from '../../preferences';
import { toasts } from '../../primitives/toasts';
import { roomLink } from '../../router';
import type { Open } from './call_page';
import { useCall } from './call_context';

export interface Actions {
  toggleMicrophone(): void;
  /** Push to talk: on while held. */
  holdMicrophone(held: boolean): void;
  toggleCamera(): void;
  toggleScreen(): void;
  toggleLayout(): void;
  toggleFullscreen(): void;
  copyLink(): void;
  leave(): void;
  /** Opens something, or closes it if it is open. */
  open(what: Open): void;
}

export function useActions(setOpen: Dispatch<SetStateAction<Open>>): Actions {
  const { t } = useText();
  const { media, room, visit } = useCall();
  return useMemo(
    () => ({
      toggleMicrophone() {
        void media.toggle('microphone');
        const on = isLive(media.state.microphone);
        toasts.show(t(on ? 'call.unmuted_now' : 'call.muted_now'), { topic: 'microphone' });
      },
      holdMicrophone(held) {
        void media.setMicrophone(held);
        if (held) toasts.show(t('call.talk_held'), { topic: 'microphone' });
      },
      toggleCamera() {
        void media.toggle('camera');
        const on = isLive(media.state.camera);
        toasts.show(t(on ? 'call.camera_on_now' : 'call.camera_off_now'), { topic: 'camera' });
      },
      toggleScreen() {
        if (media.state.screen.status === 'live') media.stopScreen();
        else if (canShareScreen()) void media.shareScreen();
      },
      toggleLayout() {
        setPreference('layout', preferences().layout === 'grid' ? 'speaker' : 'grid');
      },
      toggleFullscreen() {
        const done = document.fullscreenElement
          ? document.exitFullscreen()
          : document.documentElement.requestFullscreen();
        done.catch(() => undefined); // Not allowed: the page stays as it is.
      },
      copyLink() {
        const link = roomLink(room.name);
        navigator.clipboard.writeText(link).then(
          () => toasts.show(t('call.copied')),
          () => toasts.show(t('call.copy_failed', { link }), { tone: 'warning' }),
        );
      },
      leave: () => visit.leave(),
      open: (what) => setOpen((before) => (before === what ? 'none' : what)),
    }),
    [media, room, visit, t, setOpen],
  );
}
