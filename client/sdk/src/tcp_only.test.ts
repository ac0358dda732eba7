import { expect, it, vi } from 'vitest';
import { tcpOnlyConnection, withoutUdp } from './tcp_only';

const tcp = 'a=candidate:2 1 tcp 1518083071 192.0.2.1 443 typ host tcptype passive\r\n';
const sdp = `a=mid:0\r\na=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host\r\n${tcp}a=end-of-candidates\r\n`;

it('leaves the TCP candidates, and all else', () => {
  expect(withoutUdp(sdp)).toBe(`a=mid:0\r\n${tcp}a=end-of-candidates\r\n`);
});

it('hides the UDP candidates of an answer from the browser', async () => {
  const taken: string[] = [];
  vi.stubGlobal(
    'RTCPeerConnection',
    class {
      setRemoteDescription({ sdp: answer }: { sdp: string }) {
        taken.push(answer);
        return Promise.resolve();
      }
    },
  );
  await tcpOnlyConnection().setRemoteDescription({ type: 'answer', sdp });
  expect(taken).toEqual([withoutUdp(sdp)]);
  vi.unstubAllGlobals();
});
