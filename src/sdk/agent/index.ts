export { Agent, type AgentOptions, type AgentStatus, type Ask } from './agent.ts';
export type { InForce, Moved, NamespacedPolicy, RefusedPolicy, TrustHealth } from './in-force.ts';
export { type AnsweredFrom, type JudgedName } from './judged-name.ts';
export { openAgent, type OpenAgentOptions, type OpenedAgent } from './open-agent.ts';
export { type AgentSettings, type ClusterName, readAgentSettings, readClusterName } from './settings.ts';
export { unasked, weaknessesOf, weaknessesOfWebhook } from './webhook-strength.ts';
export { configMapMembers, lookAround, type Surroundings } from './look-around.ts';
