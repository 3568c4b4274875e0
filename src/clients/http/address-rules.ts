/**
 * Which addresses a server may send us to. What the user configured may be anywhere; what a server names (redirect,
 * realm, Link, Location) is attacker-controlled and must be on the public Internet, or else it could reach the
 * metadata service of the cloud, the loopback or the inside of a network (CVE-2020-15157 and its many kin).
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Not globally reachable by the IANA special-purpose registries (RFC 6890), and what clouds answer on beside them. */
const FORBIDDEN_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this host
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT, RFC 6598
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's platform address
  ['169.254.0.0', 16], // link-local and 169.254.169.254, the metadata service
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, deprecated
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved and broadcast
];

/** Of IPv6 only 2000::/3 is global unicast; inside it these are not, or wrap an IPv4 address that nobody checked. */
const FORBIDDEN_IPV6: readonly (readonly [string, number])[] = [
  ['2001::', 23], // IETF assignments, Teredo among them
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
];

/** Made at first use: most calls never ask, and a list of Node's cannot be part of a start-up snapshot. */
function blockList(family: 'ipv4' | 'ipv6', ranges: readonly (readonly [string, number])[]): (address: string) => boolean {
  let list: BlockList | undefined;
  return (address) => {
    if (!list) {
      list = new BlockList();
      for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
    }
    return list.check(address, family);
  };
}

const isForbidden4 = blockList('ipv4', FORBIDDEN_IPV4);
const isForbidden6 = blockList('ipv6', FORBIDDEN_IPV6);
const isGlobal6 = blockList('ipv6', [['2000::', 3]]);

/** Whether an address literal is one that a server may name. IPv4-mapped IPv6 (::ffff:0:0/96) is outside 2000::/3. */
export function isPublicAddress(address: string): boolean {
  const bare = address.split('%', 1)[0] ?? '';
  if (isIP(bare) === 0) return false;
  if (isIPv4(bare)) return !isForbidden4(bare);
  return isGlobal6(bare) && !isForbidden6(bare);
}

/** The host of a URL without the brackets of an IPv6 literal. */
export function bareHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** 127.0.0.0/8, ::1, localhost and names under it (RFC 6761 section 6.3). Takes a host without port and brackets. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (isIPv4(name)) return name.startsWith('127.');
  return name === '::1' || name === '0:0:0:0:0:0:0:1' || name === 'localhost' || name.endsWith('.localhost');
}
