// A network of our own (../run makes it): each site is a network namespace joined to ours by one cable. The server listens on
// `hub`, an address of ours that every site reaches by its default route.
import { execFileSync } from 'node:child_process';

export const hub = '10.77.0.1';
export const hub6 = 'fd77::1';

const sh = (command) => {
  const [program, ...rest] = command.trim().split(/\s+/);
  return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};

let sites = 0;

/** One place with a network connection of its own, where browsers run. */
export class Site {
  constructor(name = '') {
    const k = ++sites;
    this.name = `s${k}${name}`;
    this.cable = `hub${k}`;
    this.address = `10.77.${k}.2`;
    sh(`ip netns add ${this.name}`);
    sh(`ip link add ${this.cable} type veth peer name net0 netns ${this.name}`);
    // IPv6 needs link-local addresses at both ends. The kernel's own come later than the others, and a browser that is
    // there already would take that for another network.
    sh(`ip link set ${this.cable} addrgenmode none`);
    this.#in('ip link set net0 addrgenmode none');
    sh(`ip addr add 10.77.${k}.1/24 dev ${this.cable}`);
    this.#in('ip -6 addr add fe80::2/64 dev net0 nodad');
    this.addresses = [`fd77:${k}::1/64`, 'fe80::1/64'];
    this.plug();
    this.#in('ip link set lo up');
    this.#in(`ip addr add ${this.address}/24 dev net0`);
    this.#in(`ip -6 addr add fd77:${k}::2/64 dev net0 nodad`);
    this.#in('ip link set net0 up');
    this.gateways = [`ip route add default via 10.77.${k}.1`, `ip -6 route add default via fd77:${k}::1`];
    this.gateways.forEach((route) => this.#in(route));
    this.#in('nft add table inet site');
    for (const chain of ['input', 'output']) {
      this.#in(`nft add chain inet site ${chain} { type filter hook ${chain} priority 0 ; }`);
    }
    // What leaves as RTP for a server's media ports (first byte 128–191, RFC 7983; second not RTCP's 192–223, RFC 5761),
    // counted before anything drops it.
    this.#in('nft add counter inet site media');
    this.#in('nft add chain inet site count { type filter hook output priority -10 ; }');
    this.#in('nft add rule inet site count udp dport 40000-49999 @th,64,2 2 @th,72,8 != 192-223 counter name media');
  }

  #in(command) {
    return sh(`ip netns exec ${this.name} ${command}`);
  }

  /** The connection is gone: nothing comes or goes, and the interface has no carrier. */
  unplug() {
    sh(`ip link set ${this.cable} down`);
  }

  plug() {
    sh(`ip link set ${this.cable} up`);
    // Taking a link down takes the IPv6 addresses of our end with it.
    for (const address of this.addresses) sh(`ip -6 addr replace ${address} dev ${this.cable} nodad`);
  }

  /** Everything is lost on the way, while the interface looks well. */
  blackhole() {
    this.#in('nft add rule inet site output oifname net0 drop');
    this.#in('nft add rule inet site input iifname net0 drop');
  }

  /** No UDP, as behind a strict firewall. */
  dropUdp() {
    this.#in('nft add rule inet site output oifname net0 meta l4proto udp drop');
  }

  /** Of what comes (`input`) or leaves (`output`) by UDP so many percent get lost, each packet for itself. */
  lose(chain, percent) {
    this.#in(`nft add rule inet site ${chain} meta l4proto udp numgen random mod 100 < ${percent} drop`);
  }

  /** What comes has only so many kbit/s, with a queue of 200 ms. `widen` undoes it. */
  narrow(kbits) {
    sh(`tc qdisc replace dev ${this.cable} root tbf rate ${kbits}kbit burst 4000 latency 200ms`);
  }

  widen() {
    sh(`tc qdisc del dev ${this.cable} root`);
  }

  /** Connections to this TCP port are torn down and refused; everything else goes on. */
  refuseTcp(port) {
    this.#in(`nft add rule inet site output tcp dport ${port} reject with tcp reset`);
    this.#in(`nft add rule inet site input tcp sport ${port} reject with tcp reset`);
  }

  /** Undoes blackhole, dropUdp, lose and refuseTcp. */
  heal() {
    this.#in('nft flush chain inet site output');
    this.#in('nft flush chain inet site input');
  }

  /** Bytes of RTP that left this site so far, the dropped ones too. */
  mediaBytesSent() {
    const listed = JSON.parse(this.#in('nft -j list counter inet site media'));
    return listed.nftables.find((entry) => entry.counter).counter.bytes;
  }

  remove() {
    sh(`ip netns del ${this.name}`);
  }
}
