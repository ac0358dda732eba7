// Carries TCP connections from a socket file to a port of this network namespace. Firefox is driven through
// a port on its own loopback address, which the driver in another namespace cannot reach.
//   node relay.mjs SOCKET PORT
import net from 'node:net';

const [socket, port] = process.argv.slice(2);

export function carry(server, connect) {
  server.on('connection', (near) => {
    const far = connect();
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  return server;
}

if (socket) {
  carry(net.createServer(), () => net.connect(Number(port), '127.0.0.1')).listen(socket, () => {
    process.stdout.write('ready\n');
  });
}
