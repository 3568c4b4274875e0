import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { askAt, client, fails, loopbackForTests } from '../../../test/loopback.ts';
import { FixedClock, gate } from '../../testing/index.ts';
import { BREAKER } from './breaker.ts';
import { type HostLimit, HostLimits, type Visit } from './index.ts';

const HOST = 'registry.example:5000';
const broken = new SealwardError('ERR_REGISTRY_UNREACHABLE', 'it closed the connection');

interface Entry {
  readonly visit: Promise<Visit>;
  /** What became of it so far. */
  outcome: Visit | SealwardError | 'waits';
}

/** One host under limits, on a clock that the test moves. */
function host(limit: Partial<HostLimit> = {}, random = (): number => 0) {
  const clock = new FixedClock();
  const limits = new HostLimits({ clock, limit, random });
  const enter = async (withinMs = 60_000, signal?: AbortSignal): Promise<Entry> => {
    const visit = limits.enter(HOST, { deadline: clock.now() + withinMs, what: 'the thing', ...(signal ? { signal } : {}) });
    const entry: Entry = { visit, outcome: 'waits' };
    visit.then(
      (admitted) => (entry.outcome = admitted),
      (error: unknown) => (entry.outcome = error as SealwardError),
    );
    await settle();
    return entry;
  };
  const state = () => limits.states[0]?.breaker.state;
  /** One question after the other, each ending in the same way. */
  const fail = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) (await (await enter()).visit).leave(broken);
  };
  const advance = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds);
    await settle();
  };
  return { clock, limits, enter, state, fail, advance };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function refused(entry: Entry, code: string): SealwardError {
  assert.ok(entry.outcome instanceof SealwardError, 'it was not refused');
  assert.equal(entry.outcome.code, code, entry.outcome.message);
  assert.equal(entry.outcome.family, 'UnavailableError');
  return entry.outcome;
}

function admitted(entry: Entry | undefined): Visit {
  assert.ok(entry && entry.outcome !== 'waits' && !(entry.outcome instanceof SealwardError), 'it was not let in');
  return entry.outcome;
}

function well(visit: Visit): void {
  visit.answered(200, undefined);
  visit.leave();
}

describe('the rate of one host', () => {
  it('lets so many through together, then one after the other as time goes', async () => {
    const { enter, advance } = host({ perSecond: 10, burst: 3, atOnce: 100 });
    const entries: Entry[] = [];
    for (let i = 0; i < 5; i++) entries.push(await enter());
    assert.deepEqual(
      entries.map(({ outcome }) => outcome === 'waits'),
      [false, false, false, true, true],
    );
    await advance(99);
    assert.equal(entries[3]?.outcome, 'waits');
    await advance(1);
    admitted(entries[3]);
    assert.equal(entries[4]?.outcome, 'waits');
    await advance(100);
    admitted(entries[4]);
  });

  it('tells at once who will not get through before the deadline, and when to come back', async () => {
    const { enter } = host({ perSecond: 2, burst: 1, atOnce: 100 });
    admitted(await enter());
    assert.equal((await enter(501)).outcome, 'waits');
    const error = refused(await enter(1000), 'ERR_REGISTRY_BUSY');
    assert.equal(error.retryAfterMs, 1000);
    assert.match(error.message, /the thing/);
    assert.equal((await enter(1001)).outcome, 'waits');
  });

  it('lets only so many be under way, and whoever waits in vain is told when the deadline is there', async () => {
    const { enter, advance, limits } = host({ atOnce: 2 });
    const first = admitted(await enter());
    admitted(await enter());
    const third = await enter();
    const fourth = await enter(5000);
    assert.deepEqual([third.outcome, fourth.outcome], ['waits', 'waits']);
    assert.deepEqual(limits.states, [{ host: HOST, breaker: { state: 'closed' }, underWay: 2, waiting: 2 }]);
    well(first);
    await settle();
    admitted(third);
    await advance(5000);
    refused(fourth, 'ERR_REGISTRY_BUSY');
    assert.equal(limits.states[0]?.waiting, 0);
  });

  it('forgets whoever has gone', async () => {
    const { enter, limits } = host({ atOnce: 1 });
    const first = admitted(await enter());
    const stop = new AbortController();
    const second = await enter(60_000, stop.signal);
    stop.abort();
    await settle();
    refused(second, 'ERR_INTERRUPTED');
    refused(await enter(60_000, stop.signal), 'ERR_INTERRUPTED');
    well(first);
    assert.deepEqual(limits.states, [{ host: HOST, breaker: { state: 'closed' }, underWay: 0, waiting: 0 }]);
  });

  it('keeps no more waiting than 4,096', async () => {
    const { enter } = host({ atOnce: 1, perSecond: 1e6, burst: 1e6 });
    await enter();
    for (let i = 0; i < 4096; i++) void enter();
    refused(await enter(), 'ERR_REGISTRY_BUSY');
  });

  it('has limits of its own for a host that is named', async () => {
    const clock = new FixedClock();
    const limits = new HostLimits({ clock, limit: { burst: 1 }, hosts: { [HOST]: { burst: 2 } } });
    const ask = (name: string) => limits.enter(name, { deadline: clock.now() + 1, what: 'the thing' });
    for (const [name, burst] of [
      [HOST, 2],
      ['other.example', 1],
    ] as const) {
      for (let i = 0; i < burst; i++) await ask(name);
      await assert.rejects(ask(name), fails('ERR_REGISTRY_BUSY'));
    }
  });
});

describe('the breaker of one host', () => {
  it(`opens after ${BREAKER.failures} failures in a row, and a good answer in between starts the count anew`, async () => {
    const { enter, fail, state } = host();
    await fail(BREAKER.failures - 1);
    well(admitted(await enter()));
    await fail(BREAKER.failures - 1);
    assert.equal(state(), 'closed');
    await fail(1);
    assert.equal(state(), 'open');
    const error = refused(await enter(), 'ERR_REGISTRY_PAUSED');
    assert.equal(error.retryAfterMs, BREAKER.firstMs / 2);
    assert.match(error.message, /failed 5 times in a row.*it closed the connection/);
  });

  it('takes for a failure what says that the host is ill, and nothing else', async () => {
    const ways: readonly [how: (visit: Visit, clock: FixedClock) => void, isFailure: boolean][] = [
      [(visit) => (visit.answered(500, undefined), visit.leave()), true],
      [(visit) => (visit.answered(503, undefined), visit.leave()), true],
      [(visit) => (visit.answered(200, undefined), visit.leave(broken)), true],
      [(visit, clock) => (clock.advance(2000), visit.leave(new SealwardError('ERR_DEADLINE', 'late'))), true],
      [(visit) => visit.leave(new SealwardError('ERR_DEADLINE', 'late')), false],
      [(visit) => visit.leave(new SealwardError('ERR_INTERRUPTED', 'gone')), false],
      [(visit) => (visit.answered(200, undefined), visit.leave(new SealwardError('ERR_TOO_LARGE', 'too large'))), false],
      [(visit) => (visit.answered(401, undefined), visit.leave()), false],
      [(visit) => (visit.answered(404, undefined), visit.leave()), false],
    ];
    for (const [at, [end, isFailure]] of ways.entries()) {
      const { clock, enter, state } = host();
      for (let i = 0; i < BREAKER.failures; i++) end(admitted(await enter()), clock);
      assert.equal(state(), isFailure ? 'open' : 'closed', `way ${at}`);
    }
  });

  it('takes what was never asked for no good answer', async () => {
    const { enter, fail, advance, state } = host();
    const forbidden = new SealwardError('ERR_CONTENT_REFUSED', 'its address is a private one');
    await fail(BREAKER.failures - 1);
    admitted(await enter()).leave(forbidden);
    await fail(1);
    assert.equal(state(), 'open');
    await advance(BREAKER.firstMs);
    admitted(await enter()).leave(forbidden);
    assert.equal(state(), 'half-open');
    well(admitted(await enter()));
    assert.equal(state(), 'closed');
  });

  it('lets one question find out, and nobody else before it is answered', async () => {
    const { enter, fail, advance, state, limits } = host();
    await fail(BREAKER.failures);
    await advance(BREAKER.firstMs / 2 - 1);
    refused(await enter(), 'ERR_REGISTRY_PAUSED');
    await advance(1);
    assert.equal(state(), 'half-open');
    const probe = admitted(await enter());
    const others = [await enter(), await enter(), await enter()];
    assert.deepEqual(
      others.map(({ outcome }) => outcome),
      ['waits', 'waits', 'waits'],
    );
    assert.equal(limits.states[0]?.underWay, 1);
    well(probe);
    await settle();
    assert.equal(state(), 'closed');
    for (const other of others) well(admitted(other));
  });

  it('opens again, for twice as long, when that one fails too; the others are told at once', async () => {
    const { enter, fail, advance, state } = host();
    await fail(BREAKER.failures);
    for (let n = 0; n < 8; n++) {
      const closed = Math.min(BREAKER.firstMs * 2 ** n, BREAKER.longestMs) / 2;
      await advance(closed - 1);
      assert.equal(state(), 'open');
      await advance(1);
      const probe = admitted(await enter());
      const other = await enter();
      probe.leave(broken);
      await settle();
      refused(other, 'ERR_REGISTRY_PAUSED');
    }
  });

  it('lets the next one find out when the first has gone without an answer', async () => {
    const { enter, fail, advance, limits } = host();
    await fail(BREAKER.failures);
    await advance(BREAKER.firstMs);
    const probe = admitted(await enter());
    const [second, third] = [await enter(), await enter()];
    probe.leave(new SealwardError('ERR_INTERRUPTED', 'gone'));
    await settle();
    admitted(second);
    assert.equal(third.outcome, 'waits');
    assert.equal(limits.states[0]?.underWay, 1);
  });

  it('makes nobody wait longer than a second for the one that finds out', async () => {
    const { enter, fail, advance } = host();
    await fail(BREAKER.failures);
    await advance(BREAKER.firstMs);
    const probe = admitted(await enter());
    const [patient, hurried] = [await enter(), await enter(400)];
    await advance(400);
    refused(hurried, 'ERR_REGISTRY_PAUSED');
    assert.equal(patient.outcome, 'waits');
    await advance(600);
    assert.match(refused(patient, 'ERR_REGISTRY_PAUSED').message, /has no answer yet/);
    refused(await enter(), 'ERR_REGISTRY_PAUSED');
    well(probe);
    admitted(await enter());
  });

  it('does as the host asks: nothing before the time that it named, then one', async () => {
    const { enter, advance, limits } = host();
    const visit = admitted(await enter());
    visit.answered(429, 30_000);
    const error = refused(await enter(30_000), 'ERR_REGISTRY_THROTTLED');
    assert.equal(error.retryAfterMs, 30_000);
    assert.match(error.message, /another 30 seconds/);
    visit.leave();
    const [first, second] = [await enter(31_000), await enter(31_000)];
    await advance(29_999);
    assert.deepEqual([first.outcome, second.outcome], ['waits', 'waits']);
    await advance(1);
    const probe = admitted(first);
    assert.equal(second.outcome, 'waits');
    assert.equal(limits.states[0]?.underWay, 1);
    well(probe);
    await settle();
    admitted(second);
  });

  it('makes nobody wait longer for the next one that finds out, when the body of the one before ends late', async () => {
    const { enter, fail, advance } = host();
    await fail(BREAKER.failures);
    await advance(BREAKER.firstMs);
    const first = admitted(await enter());
    first.answered(429, 1000);
    await advance(1000);
    admitted(await enter());
    const other = await enter();
    first.leave();
    await settle();
    assert.equal(other.outcome, 'waits');
    await advance(1000);
    refused(other, 'ERR_REGISTRY_PAUSED');
  });

  it('tells those who wait already, when the host asks for longer than they have', async () => {
    const { enter } = host({ atOnce: 1 });
    const visit = admitted(await enter());
    const [short, long] = [await enter(5000), await enter(50_000)];
    visit.answered(503, 10_000);
    await settle();
    refused(short, 'ERR_REGISTRY_THROTTLED');
    assert.equal(long.outcome, 'waits');
  });

  it('closes for no answer to what was asked before it opened', async () => {
    const { enter, state } = host();
    const [first, second, third] = [admitted(await enter()), admitted(await enter()), admitted(await enter())];
    first.answered(429, 10_000);
    first.leave();
    well(second);
    assert.equal(state(), 'open');
    third.answered(429, 1000);
    third.leave();
    assert.equal(refused(await enter(1), 'ERR_REGISTRY_THROTTLED').retryAfterMs, 10_000, 'the longer time counts');
  });

  it('waits a little, and longer each time, for a host that does not say how long', async () => {
    const { enter, advance } = host();
    for (const ceiling of [1, 2, 4].map((times) => times * BREAKER.firstMs)) {
      const visit = admitted(await enter());
      visit.answered(429, undefined);
      visit.leave();
      assert.equal(refused(await enter(1), 'ERR_REGISTRY_THROTTLED').retryAfterMs, ceiling / 2);
      await advance(ceiling / 2);
    }
  });

  it('asks again within minutes, whatever a host says', async () => {
    const { enter } = host();
    const visit = admitted(await enter());
    visit.answered(429, 999_999_999_000);
    visit.leave();
    assert.equal(refused(await enter(), 'ERR_REGISTRY_THROTTLED').retryAfterMs, BREAKER.longestAskedMs);
  });
});

describe('the limits of many hosts', () => {
  it(`remember ${LIMITS.hostsLimited}: those that fail longest, and none that is being asked is forgotten`, async () => {
    const clock = new FixedClock();
    const limits = new HostLimits({ clock, random: () => 0 });
    const enter = (name: string): Promise<Visit> => limits.enter(name, { deadline: clock.now() + 10_000, what: 'the thing' });
    const visit = await enter('throttled.example');
    visit.answered(429, 60_000);
    visit.leave();
    for (let i = 0; i < 3 * LIMITS.hostsLimited; i++) {
      well(await enter(`${i}.example`));
      clock.advance(10);
    }
    assert.equal(limits.states.length, LIMITS.hostsLimited);
    await assert.rejects(enter('throttled.example'), fails('ERR_REGISTRY_THROTTLED'));
    for (let i = 0; i < LIMITS.hostsLimited; i++) await enter(`busy-${i}.example`);
    assert.equal(limits.states.length, LIMITS.hostsLimited);
    await assert.rejects(enter('one-more.example'), fails('ERR_REGISTRY_BUSY'));
  });
});

describe('a client behind limits', () => {
  const loopback = loopbackForTests();
  const ask = askAt(loopback);
  const limited = (limit: Partial<HostLimit> = {}) => {
    const clock = new FixedClock({ skipSleep: true });
    const limits = new HostLimits({ clock, limit, random: () => 0 });
    return { clock, limits, http: client({ clock, gate: limits }) };
  };

  it('sends nothing while the host wants to be left alone: seconds, or a date', async (t) => {
    for (const form of ['seconds', 'date'] as const) {
      const { http, clock } = limited();
      t.after(() => http.close());
      const header = form === 'seconds' ? '120' : new Date(clock.now() + 120_000).toUTCString();
      loopback.seen = [];
      loopback.listener = (_, response) => void response.writeHead(429, { 'retry-after': header }).end();
      assert.equal((await http.send(ask(http, '/'))).status, 429);
      for (let i = 0; i < 10; i++) await assert.rejects(http.send(ask(http, '/')), fails('ERR_REGISTRY_THROTTLED'));
      assert.equal(loopback.seen.length, 1);
      clock.advance(120_000);
      loopback.listener = (_, response) => response.end('x');
      assert.equal((await http.send(ask(http, '/'))).status, 200);
    }
  });

  it('stops asking a host that fails, in the head or in the body', async (t) => {
    for (const fault of ['500', 'reset in the body', 'no connection'] as const) {
      const { http } = limited();
      t.after(() => http.close());
      loopback.seen = [];
      loopback.listener = (_, response) => {
        if (fault === '500') response.writeHead(500).end();
        else if (fault === 'no connection') response.destroy();
        else {
          response.writeHead(200, { 'content-length': '10' }).write('x');
          setImmediate(() => response.destroy());
        }
      };
      const codes: unknown[] = [];
      for (let i = 0; i < 20; i++)
        codes.push(
          await http.send(ask(http, '/', { idempotent: false })).then(
            ({ status }) => status,
            (error: unknown) => (error as SealwardError).code,
          ),
        );
      const expected = fault === '500' ? 500 : 'ERR_REGISTRY_UNREACHABLE';
      assert.deepEqual(codes, [...Array(BREAKER.failures).fill(expected), ...Array(20 - BREAKER.failures).fill('ERR_REGISTRY_PAUSED')], fault);
      assert.equal(loopback.seen.length, BREAKER.failures, fault);
    }
  });

  it('takes a kept connection that was closed meanwhile for no failure of the host', async (t) => {
    const { http, clock, limits } = limited();
    t.after(() => http.close());
    loopback.listener = (_, response) => void response.writeHead(500).end();
    for (let i = 0; i < BREAKER.failures; i++) await http.send(ask(http, '/'));
    assert.equal(limits.states[0]?.breaker.state, 'open');
    const state = (): string | undefined => limits.states[0]?.breaker.state;
    clock.advance(BREAKER.longestMs);
    const seen = new Set<unknown>();
    loopback.listener = ({ socket }, response) => {
      // The connection of before is no good any more; a new one is.
      if (seen.size === 0) socket.destroy();
      else response.end('x');
      seen.add(socket);
    };
    assert.equal((await http.send(ask(http, '/'))).status, 200);
    assert.deepEqual([seen.size, state()], [2, 'closed']);
    // On a new connection the same is a failure.
    loopback.listener = ({ socket }) => void socket.destroy();
    http.close();
    for (let i = 0; i < BREAKER.failures; i++) await http.send(ask(http, '/', { idempotent: false })).catch(() => {});
    assert.equal(state(), 'open');
  });

  it('gives its place back however a request ends', async (t) => {
    const { http, limits } = limited({ atOnce: 1 });
    t.after(() => http.close());
    const ends: readonly [string, () => Promise<unknown>][] = [
      ['read', () => http.send(ask(http, '/'))],
      ['HEAD', () => http.send(ask(http, '/', { method: 'HEAD' }))],
      ['too large', () => http.send(ask(http, '/', { maxBytes: 1 }))],
      ['redirected', () => http.send(ask(http, '/redirect'))],
      ['refused before it is sent', () => http.send(ask(http, '/', { url: new URL('http://127.0.0.1:1/') }))],
      ['an error', () => http.send(ask(http, '/missing'))],
      [
        'streamed',
        async () => {
          for await (const _ of (await http.open(ask(http, '/'))).body) break;
        },
      ],
    ];
    loopback.listener = ({ url }, response) => {
      if (url === '/redirect') response.writeHead(302, { location: '/' }).end();
      else if (url === '/missing') response.writeHead(404).end('{}');
      else response.end('body');
    };
    for (const [how, run] of ends) {
      await run().catch(() => {});
      for (const { host: name, underWay, waiting } of limits.states) assert.deepEqual([underWay, waiting], [0, 0], `${how}: ${name}`);
    }
  });

  it('has no more requests under way than it may', async (t) => {
    const { http, limits } = limited({ atOnce: 3 });
    t.after(() => http.close());
    const full = gate();
    let [underWay, most] = [0, 0];
    loopback.listener = (_, response) => {
      most = Math.max(most, ++underWay);
      if (underWay === 3) full.open();
      void full.pass().then(() =>
        setImmediate(() => {
          underWay--;
          response.end('x');
        }),
      );
    };
    await Promise.all(Array.from({ length: 12 }, () => http.send(ask(http, '/'))));
    assert.deepEqual([most, limits.states[0]?.underWay], [3, 0]);
  });
});
