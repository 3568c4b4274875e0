import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LOG_KEY, newFolder, ORIGIN } from '../../../test/journals.ts';
import { canonicalJson, utf8 } from '../../core/encoding/index.ts';
import { folderFiles } from './files.ts';
import { type DecisionAudit, DecisionAuditor, type DecisionLog, type DecisionLogOptions, openDecisionLog, parseDecisionLeaf } from './index.ts';

const open = (place: DecisionLogOptions['place'], more: Partial<DecisionLogOptions> = {}): Promise<DecisionLog> =>
  openDecisionLog({
    place,
    origin: ORIGIN,
    keys: [LOG_KEY],
    create: true,
    mode: 'strict',
    failed: (error) => assert.fail(error.message),
    ...more,
    pace: { gatherMs: 0, signAfterMs: undefined, ...more.pace },
  });

const body = (image: string): string => canonicalJson({ image, policies: ['sha256:aa'], trust: 7 });

async function audit(log: DecisionLog): Promise<DecisionAudit> {
  await log.journal.sign();
  const auditor = new DecisionAuditor();
  for (const [i, entry] of (await log.journal.entries(0n, log.journal.signed?.size ?? 0n)).entries()) auditor.add(entry, BigInt(i));
  return auditor.result();
}

async function kinds(log: DecisionLog): Promise<string[]> {
  await log.journal.sign();
  const out: string[] = [];
  for await (const { leaf } of log.read()) out.push(leaf.kind);
  return out;
}

describe('a decision log', () => {
  it('keeps each decision as a leaf, canonical, before the answer', async (t) => {
    const log = await open(newFolder(t));
    const first = await log.record({ outcome: 'deny', body: body('a') });
    assert.deepEqual(first, { counter: 1, index: 1n, shared: false });
    assert.equal(log.journal.size, 2n, 'on the disk');
    await log.journal.sign();
    const [, entry] = await log.journal.entries(0n, 2n);
    assert.ok(entry);
    const leaf = parseDecisionLeaf(entry);
    assert.ok(leaf.kind === 'decision');
    assert.equal(Buffer.from(entry).toString(), canonicalJson(JSON.parse(Buffer.from(entry).toString())));
    assert.deepEqual([leaf.counter, leaf.outcome, leaf.decision], [1, 'deny', { image: 'a', policies: ['sha256:aa'], trust: 7 }]);
    await log.close();
  });

  it('lets identical allowances share a leaf for a minute, and counts them; denials and overrides never', async (t) => {
    let now = 1_000_000;
    const log = await open(newFolder(t), { clock: () => now });
    const ask = (outcome: 'allow' | 'deny' | 'override', name = 'a') => log.record({ outcome, body: body(name), sameAs: name });
    const answers = [
      await ask('allow'),
      await ask('allow'),
      await ask('deny'),
      await ask('deny'),
      await ask('override'),
      await ask('override'),
      await ask('allow'),
    ];
    assert.deepEqual(
      answers.map(({ index, shared }) => [index, shared]),
      [
        [1n, false],
        [1n, true],
        [2n, false],
        [3n, false],
        [4n, false],
        [5n, false],
        [1n, true],
      ],
    );
    now += 60_000;
    assert.equal((await ask('allow')).shared, false, 'the minute is over');
    await ask('allow', 'b');
    assert.deepEqual(await kinds(log), ['start', ...Array<string>(5).fill('decision'), 'decision', 'repeats', 'decision']);
    await ask('allow', 'b');
    const { decisions, repeated, lost, contradictions } = await audit(log);
    assert.deepEqual([decisions, repeated, lost, contradictions], [{ allow: 3, deny: 2, override: 2 }, 2, 0, []]);
    await log.close();
  });

  it('counts a repeat without waiting only when its leaf is on the disk, and none that nobody could write down', async (t) => {
    const disk = folderFiles(newFolder(t));
    let write = (path: string): Promise<void> => disk.sync(path);
    const allowance = { outcome: 'allow', body: body('a'), sameAs: 'a' } as const;
    const log = await open({ ...disk, sync: (path) => write(path) }, { failed: () => undefined });
    const slow = Promise.withResolvers<void>();
    write = () => slow.promise;
    const first = log.record(allowance);
    assert.equal(log.repeat('a'), undefined);
    slow.resolve();
    assert.deepEqual(await first, { counter: 1, index: 1n, shared: false });
    assert.deepEqual(log.repeat('a'), { counter: 2, index: 1n, shared: true });
    assert.equal(log.repeat('b'), undefined);
    write = async () => {
      throw new Error('EIO');
    };
    await assert.rejects(log.record({ outcome: 'deny', body: body('a') }), { code: 'ERR_JOURNAL_FAILED' });
    assert.equal(log.repeat('a'), undefined);
    await assert.rejects(log.record(allowance), { code: 'ERR_JOURNAL_FAILED' });
    await log.close();
  });

  it('adds up over runs, also over one that was cut off', async (t) => {
    const [folder, cut] = [newFolder(t), newFolder(t)];
    const first = await open(folder);
    for (let i = 0; i < 600; i++) await first.record({ outcome: i % 3 === 0 ? 'deny' : 'allow', body: body(`${i % 9}`), sameAs: `${i % 9}` });
    cpSync(folder, cut, { recursive: true });
    await first.close();
    for (const [place, cutOff] of [
      [folder, 0],
      [cut, 1],
    ] as const) {
      const log = await open(place);
      await log.record({ outcome: 'allow', body: body('x'), sameAs: 'x' });
      const { runs, contradictions, ...rest } = await audit(log);
      assert.deepEqual([runs, contradictions, rest.cutOff], [2, [], cutOff]);
      if (!cutOff) assert.deepEqual([rest.decisions, rest.repeated], [{ deny: 200, allow: 7 }, 394]);
      await log.close();
    }
  });

  it('in async mode answers at once, and what the disk cannot follow is counted in the log itself', async (t) => {
    const log = await open(newFolder(t), { mode: 'async', pace: { outstanding: 3 } });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => log.record({ outcome: i % 2 ? 'deny' : 'allow', body: body(`${i}`) })));
    assert.deepEqual([answers.filter(({ index }) => index === undefined).length, log.lost], [7, 7]);
    await log.close();
  });

  it('in strict mode refuses what it cannot keep', async (t) => {
    const log = await open(newFolder(t), { pace: { outstanding: 1 } });
    const [kept, refused] = await Promise.allSettled([log.record({ outcome: 'deny', body: body('a') }), log.record({ outcome: 'deny', body: body('b') })]);
    assert.deepEqual([kept.status, refused.status], ['fulfilled', 'rejected']);
    assert.equal((refused as PromiseRejectedResult).reason.code, 'ERR_LOG_BUSY');
    assert.deepEqual((await audit(log)).contradictions, []);
    await log.close();
  });

  it('lets go of old leaves when told to, says so, and proves the rest', async (t) => {
    let now = 1000;
    const folder = newFolder(t);
    let log = await open(folder, { clock: () => now });
    await Promise.all(Array.from({ length: 1500 }, (_, i) => ((now = 1001 + i), log.record({ outcome: 'deny', body: body(`${i}`) }))));
    await log.journal.sign();
    assert.equal(await log.prune(1000), 0n);
    assert.equal(await log.prune(1000 + 800), 768n);
    await log.close();
    log = await open(folder);
    assert.equal(log.journal.kept, 768n);
    await log.journal.sign();
    await assert.rejects(log.journal.entries(767n, 768n), { code: 'ERR_NOT_FOUND' });
    assert.equal((await log.journal.entries(768n, 769n)).length, 1);
    assert.ok((await log.journal.prove(3n)).proof.length > 0);
    assert.ok((await log.read(768n).next()).value);
    await log.close();
  });

  it('has leaves that nothing else is taken for', () => {
    for (const text of ['', '[]', '{"kind":"decision"}', '{"boot":"a","kind":"stop","counter":1,"time":1,"mono":1}', '{"kind":"toString"}']) {
      assert.throws(() => parseDecisionLeaf(utf8(text)), { code: 'ERR_LOG_FORMAT' }, text);
    }
  });

  it('an auditor finds a leaf that was taken out, and one that was put in', async (t) => {
    const log = await open(newFolder(t));
    for (let i = 0; i < 5; i++) await log.record({ outcome: 'deny', body: body(`${i}`) });
    const entries: Uint8Array[] = [];
    const { journal } = log;
    await journal.sign();
    entries.push(...(await journal.entries(0n, 6n)));
    const stop = utf8(canonicalJson({ ...JSON.parse(Buffer.from(entries[1] as Uint8Array).toString()), kind: 'stop', counter: 5 }));
    const check = (leaves: readonly (Uint8Array | undefined)[]): number => {
      const auditor = new DecisionAuditor();
      for (const [i, leaf] of leaves.entries()) auditor.add(leaf as Uint8Array, BigInt(i));
      return auditor.result().contradictions.length;
    };
    assert.equal(check([...entries, stop]), 0);
    assert.equal(check([...entries.slice(0, 2), ...entries.slice(3), stop]), 1);
    assert.ok(check([...entries, entries[2], stop]) > 0);
    assert.ok(check([...entries, stop, entries[2]]) > 0);
    assert.equal(check(entries.slice(1)), 1);
    await log.close();
  });
});
