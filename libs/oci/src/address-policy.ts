import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** A connection was refused before a byte was sent, because the address is not one we may be sent to. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
  readonly code = 'FORBIDDEN_ADDRESS';
  constructor(
    readonly host: string,
    readonly address: string,
  ) {
    super(
      `${host === address ? host : `${host} (${address})`} is not a public address; ` +
        'only a registry that was made known may be at one of these (plinth registry add)',
    );
  }
}

/** What is not globally reachable: IANA's special-purpose registries (RFC 6890), multicast, and IPv4 inside IPv6. */
const NOT_PUBLIC = toBlockList([
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24',
  '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24',
  '224.0.0.0/4', '240.0.0.0/4',
  '::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16',
  '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8',
]); // prettier-ignore

/**
 * Which addresses others may send us to (token servers, storage, webhooks): public ones unless `publicToo` is false, and
 * those in the list of CIDRs.
 * @throws RangeError when a CIDR cannot be read
 */
export class AddressPolicy {
  private readonly allowed: BlockList;

  constructor(
    allow: readonly string[] = [],
    private readonly publicToo = true,
  ) {
    this.allowed = toBlockList(allow);
  }

  permits(address: string): boolean {
    const ip = unmapped(stripBrackets(address));
    const family = isIP(ip);
    if (family === 0) return false;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    return this.allowed.check(ip, type) || (this.publicToo && !NOT_PUBLIC.check(ip, type));
  }

  /** @throws ForbiddenAddressError when host is an IP address that is not permitted; names are judged by {@link lookup}. */
  checkLiteral(host: string): void {
    const ip = stripBrackets(host);
    if (isIP(ip) !== 0 && !this.permits(ip)) throw new ForbiddenAddressError(ip, ip);
  }

  /**
   * A `lookup` for net.connect that yields permitted addresses only. The check is made on the very addresses that are
   * connected to, so a name that resolves differently the second time gains nothing.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const permitted = addresses.filter(({ address }) => this.permits(address));
      const [first] = permitted;
      if (!first) return callback(new ForbiddenAddressError(hostname, addresses[0]?.address ?? 'no address'), '');
      if (options.all) return callback(null, permitted);
      return callback(null, first.address, first.family);
    });
  };
}

function toBlockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/');
    const family = isIP(network);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === 0 || bits < 0 || bits > (family === 4 ? 32 : 128)) {
      throw new RangeError(`${JSON.stringify(cidr)} is not a network; expected a CIDR such as 10.0.0.0/8 or fc00::/7`);
    }
    list.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** `::ffff:10.0.0.1` and `::ffff:a00:1` are the IPv4 address 10.0.0.1 and are judged as it. */
function unmapped(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const groups = new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(groups);
  if (!mapped?.[1] || !mapped[2]) return groups;
  const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
