/** What a kubelet says of a Pod whose containers run. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { listAt, textAt } from './members.ts';

const LISTS = [
  ['containers', 'containerStatuses'],
  ['initContainers', 'initContainerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const;

/** Undefined when nothing has changed since it was said last. */
export function runningStatus(pod: JsonObject, imageID: (image: string) => string | undefined): JsonObject | undefined {
  const startTime = textAt(pod, 'metadata', 'creationTimestamp');
  const said = LISTS.flatMap(([, statuses]) => listAt(pod, 'status', statuses).map((each) => textAt(each, 'image')));
  const images = LISTS.flatMap(([list]) => listAt(pod, 'spec', list).map((each) => textAt(each, 'image')));
  if (textAt(pod, 'status', 'phase') !== 'Pending' && said.join(' ') === images.join(' ')) return undefined;
  const statusOf = (list: string, container: JsonValue): JsonObject => {
    const [name, image] = [textAt(container, 'name'), textAt(container, 'image')];
    const ended = list === 'initContainers';
    const state: JsonObject = ended
      ? { terminated: { exitCode: 0, reason: 'Completed', startedAt: startTime, finishedAt: startTime } }
      : { running: { startedAt: startTime } };
    return {
      name,
      image,
      imageID: imageID(image) ?? ownDigest(image),
      containerID: `containerd://${name}`,
      ready: true,
      started: !ended,
      restartCount: 0,
      state,
    };
  };
  const statuses = LISTS.filter(([list]) => listAt(pod, 'spec', list).length > 0).map(([list, member]): [string, JsonValue] => [
    member,
    listAt(pod, 'spec', list).map((each) => statusOf(list, each)),
  ]);
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True', lastTransitionTime: startTime }));
  return { phase: 'Running', startTime, podIP: '10.0.0.1', hostIP: '10.0.0.254', conditions, ...Object.fromEntries(statuses) };
}

/** `a/app:1@sha256:...` is kept by nodes as `a/app@sha256:...`; what a tag stands for only the hook of a test knows. */
function ownDigest(image: string): string {
  const [name = '', digest] = image.split('@');
  return digest === undefined ? '' : `${name.replace(/:[^:/]*$/, '')}@${digest}`;
}
