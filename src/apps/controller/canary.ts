/**
 * Proof that enforcement works: asks the real API server, in dry-run and again and again, for images that must be refused.
 * What is let in is an alarm; what could not be asked is one as well, only another.
 */
import { type KubernetesClient, RESOURCES } from '../../clients/kubernetes/index.ts';
import { type JsonObject, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { weaknessesOf } from '../../sdk/agent/index.ts';

export interface CanaryImage {
  /** For people and metrics: `unsigned`, `wrong-key`, `revoked`, `moved-tag`, `expired`. */
  readonly name: string;
  readonly image: string;
}

export interface CanaryOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly images: readonly CanaryImage[];
  /** Name of the ValidatingWebhookConfiguration that must stand. */
  readonly configuration: string;
  readonly exempt: ReadonlySet<string>;
  readonly everyMs: number;
  readonly told: (round: CanaryRound) => void;
}

/** `refused` is what must be, and by our webhook. `admitted`: enforcement does not work. `unknown`: it could not be asked, or somebody else refused. */
export type CanaryResult = 'refused' | 'admitted' | 'unknown';

export interface CanaryRound {
  readonly at: number;
  readonly images: readonly { readonly name: string; readonly image: string; readonly result: CanaryResult; readonly message: string }[];
  /** What is weak in the configuration; undefined when it could not be read. */
  readonly weaknesses: readonly string[] | undefined;
}

const ASK_MS = 30_000;

export class Canary {
  readonly #options: CanaryOptions;
  #cancel: (() => void) | undefined;
  #round: Promise<void> = Promise.resolve();
  #closed = false;
  /** Names of the webhooks in the configuration, as it was read last. */
  #names: readonly string[] = [];
  last: CanaryRound | undefined;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  start(): void {
    void this.round().then(() => this.#schedule());
  }

  #schedule(): void {
    if (this.#closed) return;
    const { client, everyMs } = this.#options;
    this.#cancel = client.clock.after(everyMs * (0.9 + 0.2 * client.random()), () => this.start());
  }

  /** One round now. Never throws. */
  round(): Promise<void> {
    this.#round = this.#round.then(async () => {
      const { client, images } = this.#options;
      const weaknesses = await this.#weaknesses();
      const asked: CanaryRound['images'][number][] = [];
      for (const { name, image } of images) if (!this.#closed) asked.push({ name, image, ...(await this.#ask(name, image)) });
      if (this.#closed) return;
      this.last = { at: client.clock.now(), images: asked, weaknesses };
      this.#options.told(this.last);
    });
    return this.#round;
  }

  async #ask(name: string, image: string): Promise<{ readonly result: CanaryResult; readonly message: string }> {
    const { client, namespace } = this.#options;
    try {
      await client.create(RESOURCES.pods, namespace, canaryPod(name, image), { dryRun: true, deadline: client.clock.now() + ASK_MS });
      return { result: 'admitted', message: `${image} would have been let in: nobody was asked, or the policies that hold in ${namespace} only warn of it` };
    } catch (error) {
      const problem = error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', String(error), { cause: error });
      // As the API server words the refusal of a webhook; that of a quota, a standard for Pods or its own authorization sounds
      // otherwise, and so does a webhook that did not answer. Another one may refuse as well, and then nobody knows about ours.
      const [, by = ''] = /admission webhook \\?"([^"\\]+)\\?" denied the request/.exec(problem.message) ?? [];
      if (this.#names.includes(by)) return { result: 'refused', message: problem.message };
      return { result: 'unknown', message: by === '' ? problem.message : `${by} is none of our webhooks, and refused first: ${problem.message}` };
    }
  }

  async #weaknesses(): Promise<readonly string[] | undefined> {
    const { client, configuration, exempt } = this.#options;
    try {
      const found = await client.get(RESOURCES.validatingWebhooks, { name: configuration }, { deadline: client.clock.now() + ASK_MS });
      const webhooks = found?.json['webhooks'];
      if (Array.isArray(webhooks)) this.#names = webhooks.flatMap((webhook) => stringOf(memberOf(webhook, 'name')) ?? []);
      return weaknessesOf(found?.json, { exempt });
    } catch (error) {
      if (error instanceof SealwardError) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#round;
  }
}

/** Within the strictest of the Pod Security Standards, so that nobody refuses it for another reason. */
function canaryPod(name: string, image: string): JsonObject {
  return {
    metadata: { generateName: `sealward-canary-${name}-`, labels: { 'app.kubernetes.io/part-of': 'sealward', 'sealward.dev/canary': name } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'canary',
          image,
          resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}
