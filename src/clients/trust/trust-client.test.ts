import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createTestKey } from '../../testing/index.ts';
import { listedKey, TrustRepository } from '../../../test/trust-repository.ts';
import { DAY, NOW } from '../../../test/tuf-repository.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { targetName } from '../../core/trust/index.ts';
import { BACKGROUND_DISK, type BackgroundSteps } from '../files/index.ts';
import type { TrustSource } from './source.ts';
import { TrustClient, type TrustClientOptions } from './trust-client.ts';
import { folderMemory, type TrustMemory } from './trust-memory.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-trust-client-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = (): string => mkdtempSync(join(root, 'memory-'));

/** A repository in memory as a source that counts what it is asked for, and fails where it is told to. */
class Served implements TrustSource {
  readonly name = 'the test';
  readonly repository = new TrustRepository();
  asked: string[] = [];
  failing: (name: string) => boolean = () => false;
  swap = new Map<string, Uint8Array>();
  get root(): Uint8Array {
    return this.repository.metadata.get('1.root.json') as Uint8Array;
  }
  async read(name: string): Promise<Uint8Array | undefined> {
    this.asked.push(name);
    if (this.failing(name)) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the mirror is down');
    const { metadata, targets, delegated, files } = this.repository;
    if (this.swap.has(name)) return this.swap.get(name);
    if (metadata.has(name)) return metadata.get(name);
    const all = [...files, ...[...delegated.values()].flatMap((role) => role.files)];
    const found = all.find(({ path, bytes }) => targetName(path, { sha256: createHash('sha256').update(bytes).digest('hex') }) === name);
    return found && targets.get(found.path);
  }
}

function opened(source: Served, rest: Partial<TrustClientOptions> = {}): Promise<TrustClient> {
  return TrustClient.open({ source, root: source.root, now: () => NOW, ...rest });
}
const refuses = (by: Promise<unknown>, code: ErrorCode): Promise<void> => assert.rejects(by, { code });

describe('a client of a trust repository', () => {
  it('follows it, asks again for what is new only, and has the last good state at once when it begins again', async () => {
    const source = new Served();
    const memory = folderMemory(folder());
    const client = await opened(source, { memory });
    assert.equal(client.state, undefined);
    const state = await client.update();
    assert.deepEqual(state.versions, { root: 1, timestamp: 1, snapshot: 1, targets: 1, policy: 1, keys: 1, deny: 1, exceptions: 1 });
    source.asked = [];
    await client.update();
    assert.deepEqual(source.asked, ['2.root.json', 'timestamp.json']);
    source.repository.texts.set('policy/a.yaml', 'a: 1');
    source.repository.publishTrust();
    source.asked = [];
    assert.equal((await client.update()).policies.length, 1);
    // Every role was signed anew; of the files one is.
    assert.deepEqual(
      source.asked.filter((name) => name.startsWith('targets/')).map((name) => name.replace(/[0-9a-f]{64}/, '...')),
      ['targets/policy/....a.yaml'],
    );
    source.failing = () => true;
    const again = await TrustClient.open({ source, now: () => NOW, memory });
    assert.deepEqual(again.state, client.state);
    assert.deepEqual([again.status.acceptedAt, again.status.updatedAt, again.status.failure], [NOW, undefined, undefined]);
  });

  it('keeps its last good state when the next cannot be had or is refused, and says why and since when', async () => {
    const source = new Served();
    let now = NOW;
    const client = await opened(source, { now: () => now });
    const good = await client.update();
    now += 1000;
    source.failing = () => true;
    await refuses(client.update(), 'ERR_SERVICE_UNAVAILABLE');
    assert.deepEqual([client.state, client.status.updatedAt, client.status.failure?.code], [good, NOW, 'ERR_SERVICE_UNAVAILABLE']);
    source.failing = () => false;
    source.repository.keys = [];
    source.repository.publishTrust();
    await refuses(client.update(), 'ERR_TRUST_TRANSITION');
    assert.equal(client.state, good);
    source.repository.keys = [listedKey({ state: 'retired', retiredAt: NOW })];
    source.repository.publishTrust();
    assert.equal((await client.update()).keys[0]?.state, 'retired');
    assert.equal(client.status.failure, undefined);
    // Past the lease it is still the last good state, and the lease says that it is over.
    now = NOW + 2 * DAY;
    await refuses(client.update(), 'ERR_TRUST_EXPIRED');
    assert.equal(client.state.lease.endsAt, NOW + DAY);
  });

  it('never goes back, also in a new process: floors are remembered as soon as something verified (CVE-2022-29173, CVE-2025-2885)', async () => {
    const source = new Served();
    const path = folder();
    const memory = folderMemory(path);
    const old = new Map(source.repository.metadata);
    const client = await opened(source, { memory });
    await client.update();
    source.repository.publishTrust();
    // The newer timestamp and snapshot are shown, the rest is withheld.
    source.failing = (name) => /targets/.test(name);
    await refuses(client.update(), 'ERR_SERVICE_UNAVAILABLE');
    source.failing = () => false;
    for (const [name, bytes] of old) source.swap.set(name, bytes);
    await refuses(client.update(), 'ERR_TRUST_ROLLBACK');
    const again = await opened(source, { memory });
    assert.equal(again.state?.versions['timestamp'], 1);
    await refuses(again.update(), 'ERR_TRUST_ROLLBACK');
    source.swap.clear();
    assert.equal((await again.update()).versions['timestamp'], 2);
  });

  it('writes nothing to the disk that was refused', async () => {
    const source = new Served();
    const path = folder();
    const client = await opened(source, { memory: folderMemory(path) });
    await client.update();
    const written = (): string =>
      readdirSync(path)
        .sort()
        .map((name) => readFileSync(join(path, name), 'utf8'))
        .join('\n');
    const before = written();
    source.repository.roles.timestamp.keys = [createTestKey()];
    source.repository.publishTimestamp();
    await refuses(client.update(), 'ERR_TRUST_SIGNATURE');
    assert.equal(written(), before);
    const other = new Served();
    await refuses((await opened(other, { memory: folderMemory(folder()), root: source.root })).update(), 'ERR_TRUST_SIGNATURE');
    // Content that takes something back: its timestamp raises the floor, and its documents and files stay outside.
    const third = new Served();
    const place = folder();
    const last = await opened(third, { memory: folderMemory(place) });
    await last.update();
    const state = readFileSync(join(place, 'state.json'), 'utf8');
    third.repository.keys = [];
    const offer = third.repository.publishTrust();
    await refuses(last.update(), 'ERR_TRUST_TRANSITION');
    assert.equal(readFileSync(join(place, 'state.json'), 'utf8'), state);
    const keys = Buffer.from(offer.roles.get('keys') as Uint8Array).toString('base64');
    assert.equal(
      readdirSync(place).some((name) => readFileSync(join(place, name), 'utf8').includes(keys)),
      false,
    );
    assert.deepEqual(readdirSync(place).sort(), ['seen.json', 'state.json']);
  });

  it('takes a longer lease that was seen before it began again', async () => {
    const source = new Served();
    const memory = folderMemory(folder());
    await (await opened(source, { memory })).update();
    source.repository.expires.timestamp = NOW + 5 * DAY;
    source.repository.publishTimestamp();
    const writes: string[] = [];
    const counting: TrustMemory = {
      ...memory,
      async saveState(chain, at) {
        writes.push('state');
        await memory.saveState(chain, at);
      },
    };
    await (await opened(source, { memory: counting })).update();
    assert.deepEqual(writes, []);
    const again = await opened(source, { memory });
    assert.equal(again.state?.lease.endsAt, NOW + 5 * DAY);
  });

  it('holds a root that is given against the one that it remembers', async () => {
    const source = new Served();
    const memory = folderMemory(folder());
    await refuses(TrustClient.open({ source, now: () => NOW }), 'ERR_TRUST_ROOT');
    await (await opened(source, { memory })).update();
    await refuses(opened(source, { memory, root: new Served().root }), 'ERR_TRUST_ROOT');
    // Another serialisation of the same root is the same root.
    assert.ok(await opened(source, { memory, root: utf8(JSON.stringify(JSON.parse(Buffer.from(source.root).toString()))) }));
    const newer = source.repository.publishRoot();
    const given = await opened(source, { memory, root: newer });
    assert.equal((await given.update()).versions['root'], 2);
    assert.equal((await (await opened(source, { memory, root: source.root })).update()).versions['root'], 2);
  });

  it('treats what was tampered with on its disk as not there, says so, and recovers', async () => {
    const source = new Served();
    const path = folder();
    const memory = folderMemory(path);
    await (await opened(source, { memory })).update();
    for (const name of ['seen.json', 'state.json']) {
      const whole = readFileSync(join(path, name), 'utf8');
      for (const text of ['', '{', '{}', whole.slice(0, -20), '[]', whole.replace(/"timestamp":"[^"]*"/, '"timestamp":1')]) {
        writeFileSync(join(path, name), text);
        const client = await opened(source, { memory });
        assert.deepEqual(client.status.broken, [name]);
        assert.ok(await client.update());
      }
      writeFileSync(join(path, name), whole);
    }
    // A state that somebody signed otherwise is no state.
    const text = readFileSync(join(path, 'state.json'), 'utf8');
    const state = JSON.parse(text) as { files: Record<string, string> };
    state.files['deny/denials.json'] = Buffer.from('{"apiVersion":"sealward.dev/v1alpha1","kind":"DenialList","denials":[]}').toString('base64');
    writeFileSync(join(path, 'state.json'), JSON.stringify(state));
    assert.deepEqual((await opened(source, { memory })).status.broken, ['state.json']);
  });

  it('one update serves all who ask at once', async () => {
    const source = new Served();
    const client = await opened(source);
    const [a, b] = await Promise.all([client.update(), client.update()]);
    assert.equal(a, b);
    assert.equal(source.asked.filter((name) => name === 'timestamp.json').length, 1);
  });

  it('floors do not sink when another process has seen more', async () => {
    const source = new Served();
    const path = folder();
    const memory = folderMemory(path);
    const slow = await opened(source, { memory });
    source.repository.publishTimestamp();
    await (await opened(source, { memory })).update();
    source.swap.set('timestamp.json', firstTimestamp(source));
    await slow.update();
    source.swap.clear();
    assert.equal((await memory.load()).seen?.timestamp?.version, 2);
  });
});

/** The first timestamp of a repository, made again. */
function firstTimestamp({ repository }: Served): Uint8Array {
  const { timestamp } = repository.versions;
  const latest = repository.metadata.get('timestamp.json') as Uint8Array;
  repository.versions.timestamp = 0;
  const first = repository.publishTimestamp();
  repository.versions.timestamp = timestamp;
  repository.metadata.set('timestamp.json', latest);
  return first;
}

describe('what a client remembers', () => {
  /** Each step of each write, broken: before it happens, and after it happened. */
  const steps = ['makeFolder', 'create', 'rename', 'syncFolder'] as const;
  for (const step of steps) {
    for (const stored of [false, true]) {
      it(`survives a ${step} that ${stored ? 'happened and is reported lost' : 'is lost'}, at every point`, async () => {
        const source = new Served();
        for (let at = 1; at <= 4; at++) {
          const path = folder();
          let calls = 0;
          const real = BACKGROUND_DISK[step] as (...args: readonly unknown[]) => Promise<unknown>;
          const broken: BackgroundSteps = {
            ...BACKGROUND_DISK,
            async [step](...args: readonly unknown[]) {
              if (++calls !== at) return real(...args);
              if (stored) await real(...args);
              throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
            },
          };
          const client = await opened(source, { memory: folderMemory(path, broken) });
          try {
            await client.update();
            source.repository.publishTrust();
            await client.update();
          } catch (error) {
            assert.equal((error as SealwardError).code, 'ERR_FILE_UNREADABLE');
          }
          // Whatever is there is whole, and the next process goes on from it.
          const memory = folderMemory(path);
          assert.deepEqual((await memory.load()).broken, []);
          const next = await opened(source, { memory });
          assert.ok(await next.update());
          assert.deepEqual(
            readdirSync(path).filter((name) => name.endsWith('.tmp')),
            [],
          );
        }
      });
    }
  }
});
