/** Numbers for Prometheus. Every label has a value out of a list that is known at start: requests cannot make new ones. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface ServerMetrics {
  /** @param path the pattern of the route, or `none`. */
  request(path: string, method: string, status: number, seconds: number): void;
  outcome(service: string, outcome: string): void;
  /** Asked for when the numbers are read. */
  gauge(name: string, help: string, read: () => number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

const METHODS = ['GET', 'HEAD', 'POST'];

export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'sealward_http_requests_total',
    help: 'Requests by path, method and class of status',
    labelNames: ['path', 'method', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'sealward_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['path'],
    buckets: SECONDS,
    registers,
  });
  const outcomes = new Counter({ name: 'sealward_outcomes_total', help: 'What came of requests, by service', labelNames: ['service', 'outcome'], registers });
  return {
    request(path, method, status, seconds) {
      requests.inc({ path, method: METHODS.includes(method) ? method : 'other', status: `${Math.floor(status / 100)}xx` });
      duration.observe({ path }, seconds);
    },
    outcome: (service, outcome) => outcomes.inc({ service, outcome }),
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
