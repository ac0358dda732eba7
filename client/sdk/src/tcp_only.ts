// A peer connection that knows of the server's TCP ports alone: to find out whether they would be
// reached where UDP is blocked.

/** An SDP without its UDP candidates (RFC 8839 section 5.1). */
export function withoutUdp(sdp: string): string {
  return sdp.replace(/^a=candidate:\S+ \d+ udp .*\r?\n/gim, '');
}

export function tcpOnlyConnection(configuration: RTCConfiguration = {}): RTCPeerConnection {
  const connection = new RTCPeerConnection(configuration);
  const set = connection.setRemoteDescription.bind(connection);
  connection.setRemoteDescription = ({ type, sdp }: RTCSessionDescriptionInit) =>
    set({ type, sdp: withoutUdp(sdp ?? '') });
  return connection;
}
