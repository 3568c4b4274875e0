import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost, isPublicAddress } from './address-rules.ts';
import { refuseForbidden, socketLookup } from './resolver.ts';

const FORBIDDEN = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.254',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b::8.8.8.8',
  '64:ff9b:1::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '100::1',
];
const PUBLIC = ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1', '169.253.0.1', '2606:4700::1', '2a00:1450:4001::200e'];

test('addresses that no server may send us to', () => {
  for (const address of FORBIDDEN) assert.equal(isPublicAddress(address), false, address);
  for (const address of PUBLIC) assert.equal(isPublicAddress(address), true, address);
  for (const junk of ['', 'localhost', '1.2.3', '1.2.3.4.5', '08.8.8.8', ':::']) assert.equal(isPublicAddress(junk), false, junk);
});

test('loopback hosts', () => {
  for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', '127.0.0.1', '127.9.9.9', '::1']) assert.equal(isLoopbackHost(host), true, host);
  for (const host of ['localhost.example', 'xlocalhost', '128.0.0.1', '127.0.0.1.example', '::2', '']) assert.equal(isLoopbackHost(host), false, host);
});

test('one forbidden address among public ones is enough to refuse a name', () => {
  refuseForbidden('cdn.example', [{ address: '8.8.8.8', family: 4 }]);
  assert.throws(
    () =>
      refuseForbidden('cdn.example', [
        { address: '8.8.8.8', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]),
    { code: 'ERR_CONTENT_REFUSED' },
  );
});

test('a socket gets exactly the addresses that were checked', async () => {
  let calls = 0;
  const rebinding = async () => [{ address: calls++ === 0 ? '8.8.8.8' : '127.0.0.1', family: 4 as const }];
  const ask = (publicOnly: boolean): Promise<unknown> =>
    new Promise((resolve, reject) => {
      socketLookup(rebinding, publicOnly)('cdn.example', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
    });
  assert.deepEqual(await ask(true), [{ address: '8.8.8.8', family: 4 }], 'the address that was checked is the one that is connected to');
  assert.equal(calls, 1, 'nobody looks the name up a second time');
  await assert.rejects(ask(true), { code: 'ERR_CONTENT_REFUSED' }, 'a later connection is checked anew');
  assert.deepEqual(await ask(false), [{ address: '127.0.0.1', family: 4 }]);
});
