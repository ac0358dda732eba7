import { isRoomName } from '@liaison/sdk';

export function App() {
  return (
    <main data-testid="page">{isRoomName(location.pathname.slice(3)) ? 'Liaison' : null}</main>
  );
}
