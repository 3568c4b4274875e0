/**
 * kill -9 of the real program at each request that it makes: held before it is carried out, or carried out and never
 * answered. What was there stays, what is visible is whole, and running the same again is all that is needed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parsePublicKeyPem } from '../../src/core/crypto/index.ts';
import { keyAnchor, NO_ANCHORS } from '../../src/core/trust/index.ts';
import { signImage, verifyImage } from '../../src/sdk/index.ts';
import { type Gate, MemoryRegistry } from '../../src/testing/index.ts';
import { anImage, pushImage, type PushedImage } from '../stories/registries.ts';
import { type KeyFiles, Workshop } from '../stories/workshop.ts';
import { freshSigner, withClient } from './visible.ts';
import { assertWhole } from './whole.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);

interface Command {
  readonly name: string;
  readonly referrersApi: boolean;
  readonly role: 'signature' | 'attestation';
  readonly args: (image: PushedImage, keys: KeyFiles, workshop: Workshop) => readonly string[];
  /** Every so manieth request is enough where there is little time. */
  readonly stride: number;
  /** In which repository what the command writes arrives. */
  readonly arrives?: string;
}

const PREDICATE = '{"approved":true}';

const COMMANDS: readonly Command[] = [
  { name: 'sign', referrersApi: true, role: 'signature', stride: 1, args: ({ tagged }, { key }) => ['sign', '--key', key, tagged] },
  {
    name: 'sign in both forms, on a registry without the referrers API',
    referrersApi: false,
    role: 'signature',
    stride: 3,
    args: ({ tagged }, { key }) => ['sign', '--key', key, '--signature-format', 'both', tagged],
  },
  {
    name: 'attest',
    referrersApi: false,
    role: 'attestation',
    stride: 3,
    args: ({ tagged }, { key }, workshop) => ['attest', '--key', key, '--type', 'custom', '--predicate', workshop.file('p.json', PREDICATE), tagged],
  },
  {
    name: 'copy',
    referrersApi: false,
    role: 'signature',
    stride: 7,
    args: ({ tagged }) => ['copy', tagged, `${tagged.replace(/:v1$/, '-copied')}:v1`],
    arrives: '-copied',
  },
];

/** At the n-th request that comes by, does something, and then lets that request get no further. */
function atRequest(n: number, act: () => Promise<unknown>): Gate {
  let seen = 0;
  return {
    reached: Promise.resolve(),
    open: () => undefined,
    async pass() {
      if (++seen !== n) return;
      await act();
      throw new Error('whoever asked is dead');
    },
  };
}

for (const command of COMMANDS) {
  test(`SIGKILL at each request of ${command.name}`, async (t) => {
    const registry = await MemoryRegistry.start({ referrersApi: command.referrersApi });
    const workshop = new Workshop();
    t.after(async () => {
      workshop.remove();
      await registry.close();
    });
    const keys = await workshop.keys();
    const copied = freshSigner();
    const trusted = command.arrives ? copied.publicKey() : parsePublicKeyPem(readFileSync(keys.pub, 'utf8'));
    const place = (image: PushedImage): PushedImage['reference'] => ({
      ...image.reference,
      repository: `${image.reference.repository}${command.arrives ?? ''}`,
    });
    const prepare = async (name: string): Promise<PushedImage> => {
      const image = await pushImage(registry.host, name);
      if (command.arrives) {
        await withClient((client) => signImage({ registry: client, reference: image.reference, signer: copied, format: 'both' }));
        await pushImage(registry.host, `${name}${command.arrives}`, anImage('something else'));
      }
      return image;
    };
    /** How many signatures count, and that there is nothing that does not. */
    const counting = (image: PushedImage): Promise<number> =>
      withClient(async (client) => {
        const { decision } = await verifyImage({
          registry: client,
          reference: place(image),
          anchors: { ...NO_ANCHORS, keys: [keyAnchor(trusted)] },
          requirement: { role: command.role, signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' },
          exhaustive: true,
        });
        assert.ok(decision.outcome === 'verified' || decision.code === 'NO_SIGNATURE', decision.code);
        assert.ok(decision.candidates.every(({ counts }) => counts));
        return decision.candidates.length;
      });
    const again = async (image: PushedImage, said: string): Promise<void> => {
      const { code, stderr } = await workshop.sealward(command.args(image, keys, workshop));
      assert.equal(code, 0, `${said}: ${stderr}`);
    };
    const clean = await prepare('clean');
    registry.forget();
    await again(clean, 'a clean run');
    const requests = registry.journal.length;
    const whole = await counting(clean);
    assert.ok(requests >= 6 && whole > 0, `${requests} requests, ${whole} signatures`);
    for (let n = 1; n <= requests; n += TORTURE ? 1 : command.stride) {
      for (const when of TORTURE ? (['before', 'after'] as const) : [n % 2 === 1 ? ('before' as const) : ('after' as const)]) {
        const said = `request ${n} of ${requests}, ${when} it was carried out`;
        const name = `app${n}${when}`;
        const image = await prepare(name);
        const { tags } = registry.repository(place(image).repository);
        const old = tags.get('v1');
        const { child, finished } = workshop.start(command.args(image, keys, workshop));
        registry.fault({
          path: `/${name}`,
          [when]: atRequest(n, () => {
            child.kill('SIGKILL');
            return finished;
          }),
        });
        const { signal, stdout } = await finished;
        assert.deepEqual([signal, stdout], ['SIGKILL', ''], said);
        registry.clearFaults();
        assertWhole(registry, place(image).repository);
        // Each signature is there or is not; what a copy's tag stands for has all of them.
        const seen = await counting(image);
        if (command.arrives) assert.equal(seen, tags.get('v1') === old ? 0 : whole, said);
        else assert.ok(seen <= whole, `${said}: ${seen} of ${whole}`);
        await again(image, said);
        const now = await counting(image);
        // Signing again adds to what an interrupted run has left; copying again adds nothing.
        assert.equal(now, command.arrives ? whole : seen + whole, said);
        assertWhole(registry, place(image).repository);
      }
    }
  });
}
