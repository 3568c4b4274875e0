/**
 * Milliseconds of processor time that some work takes in this process. A busy machine hardly lengthens it, and a search that
 * grows without bound makes minutes of it: so it can tell one from the other, where a clock on the wall cannot.
 */
export async function processorTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
