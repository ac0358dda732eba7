import { isRoomName } from '@liaison/sdk';
import { CrashGuard } from './features/over/crash';
import { BadRoomPage } from './features/over/bad_room_page';
import { UnsupportedPage } from './features/over/unsupported_page';
import { RoomPage } from './features/room/room_page';
import { StartPage } from './features/start/start_page';
import { I18n } from './i18n';
import { ToastRegion } from './primitives/toasts';
import { useRoute } from './router';
import { useTheme } from './theme/theme';

export function App() {
  useTheme();
  return (
    <I18n>
      <CrashGuard>
        <Routed />
      </CrashGuard>
      <ToastRegion />
    </I18n>
  );
}

function Routed() {
  const route = useRoute();
  if (typeof RTCPeerConnection === 'undefined') return <UnsupportedPage />;
  if (route.page === 'start') return <StartPage />;
  if (route.page === 'unknown' || !isRoomName(route.room)) return <BadRoomPage />;
  return <RoomPage key={route.room} name={route.room} />;
}
